"""A soft face in, one with steeper edges out."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np

Kind = Literal["gaussian", "box", "unsharp"]

_THRESHOLD = 3 / 255  # of white: under it a difference is grain, above twice of it an edge


def sharpen(pixels: np.ndarray, amount: float, kind: Kind = "gaussian", radius: float = 1.0) -> np.ndarray:
    """pixels (H, W, 3) float32 0..1 plus `amount` times what a blur takes away; clipped to 0..1.

    gaussian: a blur of deviation `radius` pixels; box: the mean of a square as wide as the Gaussian (its deviation is
    radius, too, rounded to whole pixels); unsharp: gaussian, but what differs by no more than grain stays as it is.
    Give it the face on the coarser of the two grids, crop or frame: finer detail than that is not there to be raised.
    """
    if kind == "box":
        side = 2 * max(1, round((12 * radius**2 + 1) ** 0.5 / 2 - 0.5)) + 1  # a box of n pixels deviates by (n^2-1)/12
        blurred = cv2.blur(pixels, (side, side), borderType=cv2.BORDER_REPLICATE)
    else:
        blurred = cv2.GaussianBlur(pixels, (0, 0), radius, borderType=cv2.BORDER_REPLICATE)
    if kind != "unsharp":
        return np.clip(cv2.addWeighted(pixels, 1 + amount, blurred, -amount, 0), 0, 1)
    taken = pixels - blurred
    plain = np.clip(np.abs(taken).max(-1, keepdims=True) / _THRESHOLD - 1, 0, 1)
    return np.clip(pixels + np.float32(amount) * plain * taken, 0, 1)
