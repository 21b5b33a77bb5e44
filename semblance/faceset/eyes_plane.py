"""Landmarks of a crop -> where its eyes are, softly: the mask by which faceswap-GAN weighs the eyes.

points (478, 2) in crop pixels, side of the crop -> (side, side) uint8, 255 within the eyes. The hulls of both eyes,
widened and blurred as in the 2018 notebook, which drew them on crops of 256 pixels.
"""

from __future__ import annotations

import cv2
import numpy as np

# The mesh's points on the six places of each eye that 68-point landmarks name (36 to 41, 42 to 47): outer corner,
# two on the upper lid, inner corner, two on the lower lid - of the person's right eye, then of the left.
EYES = ((33, 160, 158, 133, 153, 144), (362, 385, 387, 263, 373, 380))
WIDEN, BLUR = 13 / 256, 7 / 256  # sides of the dilating square and of the Gaussian window, as shares of the crop


def eyes_plane(points: np.ndarray, side: int) -> np.ndarray:
    """(side, side) uint8; empty where both eyes lie outside the crop."""
    plane = np.zeros((side, side), np.uint8)
    for eye in EYES:
        hull = cv2.convexHull(np.asarray(points, np.float32)[list(eye), :2])
        cv2.fillConvexPoly(plane, np.round(hull * 16).astype(np.int32), 255, cv2.LINE_AA, 4)
    plane = cv2.dilate(plane, np.ones((_odd(WIDEN * side),) * 2, np.uint8))
    return cv2.GaussianBlur(plane, (_odd(BLUR * side),) * 2, 0)


def _odd(length: float) -> int:
    """The nearest odd number, at least 1: only odd windows have a middle."""
    return 2 * max(round((length - 1) / 2), 0) + 1
