"""A frame without its new face, between two that have theirs -> that face, moved there along with the plate.

What lies between is told by optical flow of the plate itself (DIS: Kroeger, Timofte, Dai, Van Gool, Fast Optical Flow
using Dense Inverse Search, 2016): where the neighbours' plates, moved, give this plate again, their finished faces may
be moved likewise. Where they do not (a hand came before the face, a cut, a blink too fast), nothing is laid.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..types import Patch

_ROOM = 0.25  # of the patch, on every side: how far a face may have moved
_FLOW_SIDE = 192  # px: longer side of what flow is found on; a face moves as a whole, finer motion is below a pixel
# levels of 255 that the moved plate may differ by: up to the first it is right, from the second on it is not
_GOOD, _BAD = 6.0, 18.0
_ENOUGH = 0.8  # of the face must be told rightly, or nothing is laid


@dataclass(frozen=True, slots=True, eq=False)
class Beside:
    """A neighbour: its plate (H, W, 3) uint8, what was laid there, and how much of each pixel is new (h, w) 0..1."""

    plate: np.ndarray
    patch: Patch
    mask: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Bridged:
    """patch for the frame between, mask (h, w) float32 0..1: how much of it is new; sure: share of it that is told
    rightly."""

    patch: Patch
    mask: np.ndarray
    sure: float


def bridge(plate: np.ndarray, before: Beside, after: Beside, share: float) -> Bridged | None:
    """plate (H, W, 3) uint8 RGB of a frame between; share: how far it is from `before` (0) to `after` (1). None where
    the neighbours' plates do not tell what this one shows."""
    x0, y0, x1, y1 = _around((before.patch, after.patch), plate.shape[:2])
    now = plate[y0:y1, x0:x1]
    total = np.zeros(now.shape, np.float32)
    alpha, spared, weights, best = (np.zeros(now.shape[:2], np.float32) for _ in range(4))
    face = 0.0
    for side, weight in ((before, 1 - share), (after, share)):
        old, new, mask, without_mark = _laid(side, (x0, y0, x1, y1))
        face += weight * float(mask.sum())
        to_old = _flow(now, old)
        old, new, mask, without_mark = (cv2.remap(each, *to_old, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
                                        for each in (old, new, mask, without_mark))  # fmt: skip
        light = _light(now - old, mask)
        trust = weight * _trust(now, old + light)
        # where the neighbour's mask is soft, `new` holds its plate already: this frame's own is put in its place
        total += trust[..., None] * (new + mask[..., None] * light + (1 - mask[..., None]) * (now - old))
        alpha += trust * mask
        spared += weight * without_mark
        weights += trust
        best = np.maximum(best, trust / max(weight, 1e-6))
    told = np.clip(2 * best, 0, 1) * (alpha > 0)
    alpha = told * alpha / np.maximum(weights, 1e-6)
    sure = float(alpha.sum() / max(face, 1e-6))
    if sure < _ENOUGH:
        return None
    made = told[..., None] * total / np.maximum(weights, 1e-6)[..., None] + (1 - told[..., None]) * now
    made = np.where(alpha[..., None] > 0, np.rint(np.clip(made, 0, 255)), now).astype(np.uint8)
    return Bridged(Patch(x0, y0, made, spared), alpha, min(sure, 1.0))


def _around(patches: tuple[Patch, Patch], frame: tuple[int, int]) -> tuple[int, int, int, int]:
    """x0, y0, x1, y1 of a part of the frame that holds both patches, with room."""
    boxes = np.array([[p.x, p.y, p.x + p.pixels.shape[1], p.y + p.pixels.shape[0]] for p in patches])
    low, high = boxes[:, :2].min(0), boxes[:, 2:].max(0)
    room = np.ceil(_ROOM * (high - low))
    low, high = np.maximum(low - room, 0).astype(int), np.minimum(high + room, frame[::-1]).astype(int)
    return low[0], low[1], high[0], high[1]


def _laid(side: Beside, box: tuple[int, int, int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The part `box` of a neighbour: plate and result (h, w, 3) float32, mask and what is spared (h, w)."""
    x0, y0, x1, y1 = box
    old = side.plate[y0:y1, x0:x1].astype(np.float32)
    new, mask, spared = old.copy(), *(np.zeros(old.shape[:2], np.float32) for _ in range(2))
    h, w = side.mask.shape
    px, py = side.patch.x - x0, side.patch.y - y0
    top, left, bottom, right = max(py, 0), max(px, 0), min(py + h, len(old)), min(px + w, old.shape[1])
    inner = slice(top - py, bottom - py), slice(left - px, right - px)
    new[top:bottom, left:right] = side.patch.pixels[inner]
    mask[top:bottom, left:right] = side.mask[inner]
    if side.patch.spared is not None:
        spared[top:bottom, left:right] = side.patch.spared[inner]
    return old, new, mask, spared


def _flow(now: np.ndarray, old: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each pixel of `now` (h, w, 3) uint8 lies in `old` (h, w, 3) float32: maps x and y (h, w) for remap."""
    h, w = now.shape[:2]
    scale = min(1.0, _FLOW_SIDE / max(h, w))
    size = max(round(w * scale), 16), max(round(h * scale), 16)
    small = [cv2.resize(cv2.cvtColor(each.astype(np.uint8), cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA)
             for each in (now, old)]  # fmt: skip
    found = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(*small, None)
    found = cv2.resize(found, (w, h), interpolation=cv2.INTER_LINEAR) * np.float32([w / size[0], h / size[1]])
    y, x = np.mgrid[:h, :w].astype(np.float32)
    return x + found[..., 0], y + found[..., 1]


def _light(change: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """What of a change (h, w, 3) is light: a plane for each channel, fitted where the face is. Anything that has a form
    of its own is not light but something else."""
    h, w = mask.shape
    y, x = np.mgrid[:h, :w].astype(np.float32)
    plane = np.stack([np.ones_like(x), x / w - 0.5, y / h - 0.5], -1)
    weighted = plane * mask[..., None]
    square = np.einsum("hwi,hwj->ij", weighted, plane) + 1e-3 * np.eye(3, dtype=np.float32)
    return plane @ np.linalg.solve(square, np.einsum("hwi,hwc->ic", weighted, change))


def _trust(now: np.ndarray, moved: np.ndarray) -> np.ndarray:
    """(h, w) 0..1: how surely the moved plate is what the frame shows."""
    off = np.abs(now - moved).mean(2)
    off = cv2.GaussianBlur(off, (0, 0), 2.0)
    return np.clip((_BAD - off) / (_BAD - _GOOD), 0, 1)
