"""What the tests of measures do to a face, with a known answer: blur, tint, flicker, a second brow."""

from __future__ import annotations

import cv2
import numpy as np

from semblance.faces.mean_face import mean_face
from semblance.measures.edges import brow_lines
from semblance.measures.regions import LEFT_BROW, RIGHT_BROW, Regions, regions


def inside(pixels: np.ndarray, changed: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """pixels, but `changed` under the mask (H, W) bool; uint8."""
    whole = np.where(mask[..., None], np.asarray(changed, np.float32), pixels.astype(np.float32))
    return np.clip(np.rint(whole), 0, 255).astype(np.uint8)


def hull_of(points: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """(H, W) bool: the hull of a face's landmarks in its whole frame."""
    around, mask = regions(points, shape), np.zeros(shape, bool)
    around.cut(mask)[:] = around.hull
    return mask


def blurred(pixels: np.ndarray, deviation: float) -> np.ndarray:
    return cv2.GaussianBlur(pixels, (0, 0), deviation)


def tinted(pixels: np.ndarray, by: float) -> np.ndarray:
    """a of CIELAB moved, float32 0..255."""
    values = cv2.cvtColor(pixels.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    return 255 * cv2.cvtColor(values + np.float32([0, by, 0]), cv2.COLOR_Lab2RGB)


def second_brows(pixels: np.ndarray, points: np.ndarray, width: float, share: float = 0.06) -> np.ndarray:
    """The brows once more, `share` of the width higher, at 60 %."""
    up = -share * width * brow_lines(points)[1][0]
    moved = cv2.warpAffine(pixels, np.float64([[1, 0, up[0]], [0, 1, up[1]]]), pixels.shape[1::-1])
    band = np.zeros(pixels.shape[:2], np.uint8)
    for brow in (RIGHT_BROW, LEFT_BROW):
        line = np.rint(points[list(brow), :2] + up).astype(np.int32)
        cv2.polylines(band, [line], False, 1, round(0.09 * width))
    mixed = 0.4 * pixels.astype(np.float32) + 0.6 * moved
    return inside(pixels, np.minimum(mixed, pixels), band.astype(bool))


def drawn_face(side: int = 320, grain: float = 6.0) -> tuple[np.ndarray, np.ndarray]:
    """A flat, grainy face with brows, on a grey ground: (S, S, 3) uint8 and its landmarks (478, 3) px."""
    points = mean_face() * side / 2.2 + [side / 2, side / 2, 0]
    pixels = np.full((side, side, 3), (120, 125, 130), np.float32)
    pixels = inside(pixels, np.full_like(pixels, (190, 150, 130)), hull_of(points, (side, side))).astype(np.float32)
    width = regions(points, (side, side)).width
    for brow in (RIGHT_BROW, LEFT_BROW):
        line = np.rint(16 * (points[list(brow), :2] + [0, 0.02 * width])).astype(np.int32)
        cv2.polylines(pixels, [line], False, (70, 50, 40), round(0.04 * width), cv2.LINE_AA, 4)
    pixels += grain * np.random.default_rng(5).standard_normal((side, side, 1)).astype(np.float32)
    return np.clip(pixels, 0, 255).astype(np.uint8), points.astype(np.float32)


def around_of(points: np.ndarray, pixels: np.ndarray) -> Regions:
    return regions(points, pixels.shape[:2])
