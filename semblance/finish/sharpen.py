"""Unsharp mask: a soft face in, one with steeper edges out."""

from __future__ import annotations

import cv2
import numpy as np


def sharpen(pixels: np.ndarray, amount: float) -> np.ndarray:
    """pixels (H, W, 3) float32 0..1 plus `amount` times what a Gaussian of one pixel takes away; clipped to 0..1.

    Give it the face on the coarser of the two grids, crop or frame: finer detail than that is not there to be raised.
    """
    blurred = cv2.GaussianBlur(pixels, (0, 0), 1.0, borderType=cv2.BORDER_REPLICATE)
    return np.clip(cv2.addWeighted(pixels, 1 + amount, blurred, -amount, 0), 0, 1)
