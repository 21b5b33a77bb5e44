"""Many textures of one person -> the usual one, as sharp as they are.

Landmarks are unsure by a texel or two, so a plain mean of textures is blurred: brows lose their hairs, moles fade. Each
texture is therefore moved onto the plain mean first, by optical flow (Kroeger et al. 2016, as OpenCV has it) that is
smoothed until it can bend skin but not redraw it.
"""

from __future__ import annotations

import cv2
import numpy as np

_FLATTEN = 0.02  # weight of a texel that hardly any face shows: it takes after its mirror image then
_LEVEL = 12.0  # texels of 256: light and shade wider than this count for nothing
_CONTRAST, _NOISE = 40.0, 6.0  # what is seen of the rest, in levels of 255, and what is only noise
_SMOOTH, _FARTHEST = 6.0, 5.0  # texels of 256


def plain_mean(total: np.ndarray, weight: np.ndarray, faces: int) -> np.ndarray:
    """Sums of textures (S, S, 3) and of how well they were seen (S, S) -> mean texture (S, S, 3) uint8; a side that no
    face turned to the camera takes after the other (mesh space is its own mirror image)."""
    share = np.clip(weight / (faces * _FLATTEN), 0, 1)[..., None]
    own = total / np.maximum(weight, 1e-3)[..., None]
    both = (total + total[:, ::-1]) / np.maximum(weight + weight[:, ::-1], 1e-3)[..., None]
    return np.clip(np.rint(share * own + (1 - share) * both), 0, 255).astype(np.uint8)


def sharp_mean(mean: np.ndarray, textures: list[np.ndarray], seen: list[np.ndarray]) -> np.ndarray:
    """mean: the plain one of all (S, S, 3) uint8; textures: some of them, alike; seen: (S, S) float32 0..1 of each.

    Returns (S, S, 3) uint8. What hardly any of these shows stays as in `mean`.
    """
    flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    flow.setFinestScale(1)  # twice a texel: smoothed anyway
    wanted = _relief(mean)
    total, weight = np.zeros(mean.shape, np.float32), np.zeros(mean.shape[:2], np.float32)
    for texture, visible in zip(textures, seen, strict=True):
        way = _smoothed(flow.calc(wanted, _relief(texture), None), visible)
        total += _moved(texture, way) * visible[..., None]
        weight += visible
    share = np.clip(weight / (max(len(textures), 1) * _FLATTEN), 0, 1)[..., None]
    aligned = total / np.maximum(weight, 1e-3)[..., None]
    return np.clip(np.rint(share * aligned + (1 - share) * mean), 0, 255).astype(np.uint8)


def _relief(texture: np.ndarray) -> np.ndarray:
    """What flow goes by: (S, S, 3) uint8 -> (S, S) uint8, brows, lids, lips and pores in one contrast, no light."""
    grey = cv2.cvtColor(texture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    wide = _LEVEL * len(texture) / 256
    grey -= cv2.GaussianBlur(grey, (0, 0), wide)
    contrast = np.sqrt(cv2.GaussianBlur(grey * grey, (0, 0), wide)) + _NOISE
    return np.clip(128 + _CONTRAST * grey / contrast, 0, 255).astype(np.uint8)


def _smoothed(way: np.ndarray, visible: np.ndarray) -> np.ndarray:
    """Flow (S, S, 2), spread from where the face is seen (S, S), and bounded."""
    unit = len(way) / 256
    weight = cv2.GaussianBlur(visible, (0, 0), _SMOOTH * unit)[..., None] + 1e-3
    spread = cv2.GaussianBlur(way * visible[..., None], (0, 0), _SMOOTH * unit) / weight
    return np.clip(spread, -_FARTHEST * unit, _FARTHEST * unit)


def _moved(texture: np.ndarray, way: np.ndarray) -> np.ndarray:
    side = np.arange(len(texture), dtype=np.float32)
    across, down = side[None] + way[..., 0], side[:, None] + way[..., 1]
    return cv2.remap(texture, across, down, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
