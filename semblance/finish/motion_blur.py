"""A face that moved while the shutter was open."""

from __future__ import annotations

import cv2
import numpy as np

_SHORTEST = 0.5  # pixels: a shorter way is not seen
_LONGEST = 63  # pixels


def streaked(face: np.ndarray, way: tuple[float, float]) -> np.ndarray:
    """face (h, w, 3) blurred along the way (x, y), in pixels, that it went while the shutter was open."""
    length = float(np.hypot(*way))
    if length < _SHORTEST:
        return face
    return cv2.filter2D(face, -1, streak(way), borderType=cv2.BORDER_REPLICATE)


def streak(way: tuple[float, float]) -> np.ndarray:
    """The kernel of a way (x, y): an even line through the middle, as long as the way, that sums to one."""
    x, y = np.array(way, float) * min(1.0, _LONGEST / max(float(np.hypot(*way)), 1e-9))
    half = int(np.ceil(max(abs(x), abs(y)) / 2)) + 1
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float64)
    count = 8 * (int(np.ceil(np.hypot(x, y))) + 1)  # points along it, each shared out among the four pixels around it
    along = (np.arange(count) + 0.5) / count - 0.5
    across, down = half + along * x, half + along * y
    left, top = np.floor(across).astype(int), np.floor(down).astype(int)
    right, under = across - left, down - top
    for step_x, step_y in ((0, 0), (0, 1), (1, 0), (1, 1)):
        share = (right if step_x else 1 - right) * (under if step_y else 1 - under)
        np.add.at(kernel, (top + step_y, left + step_x), share)
    return (kernel / kernel.sum()).astype(np.float32)
