"""Sharpness inside the face against the ring around it.

A swap that is softer than its surroundings is what the eye, and detectors (Li and Lyu 2018, FWA), notice first. Skin
and hair differ by nature, so the plate's own ratio is the yardstick.
"""

from __future__ import annotations

import cv2
import numpy as np

_FEWEST = 64  # pixels under which a variance says nothing
_FLAT = 1e-3  # variance of an area without any texture


def texture(luma: np.ndarray, mask: np.ndarray) -> float:
    """Variance of the 3 x 3 Laplacian of luma (h, w) float32 0..255 under the mask; NaN under a mask too small."""
    if mask.sum() < _FEWEST:
        return float("nan")
    return float(cv2.Laplacian(luma, cv2.CV_32F)[mask].var())


def sharpness_ratio(luma: np.ndarray, face: np.ndarray, ring: np.ndarray) -> float:
    """Texture of the face over texture of the ring; NaN where the ring is flat."""
    around = texture(luma, ring)
    return texture(luma, face) / around if around > _FLAT else float("nan")


def relative_sharpness(result: np.ndarray, plate: np.ndarray, face: np.ndarray, ring: np.ndarray) -> float:
    """The result's sharpness ratio over the plate's own: 1 = as sharp as it was, under 0.5 = plainly soft."""
    own = sharpness_ratio(plate, face, ring)
    return sharpness_ratio(result, face, ring) / own if own > 0 else float("nan")
