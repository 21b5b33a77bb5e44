"""A face from near, for sheets and strips."""

from __future__ import annotations

import numpy as np


def close_up(pixels: np.ndarray, box: tuple[float, float, float, float], room: float) -> np.ndarray:
    """pixels (H, W, 3), box (x0, y0, x1, y1) of a face in them -> the square around it, `room` times as large, cut at
    the frame's edge; at least a pixel."""
    x0, y0, x1, y1 = box
    half, x, y = room * max(x1 - x0, y1 - y0) / 2, (x0 + x1) / 2, (y0 + y1) / 2
    left, right = (int(np.clip(x + side * half, 0, pixels.shape[1] - 1)) for side in (-1, 1))
    top, bottom = (int(np.clip(y + side * half, 0, pixels.shape[0] - 1)) for side in (-1, 1))
    return pixels[top : bottom + 1, left : right + 1]
