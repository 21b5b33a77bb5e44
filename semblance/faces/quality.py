"""An aligned crop and its landmarks -> figures that say whether a face is worth learning from."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

_SIDE = 128  # all figures are taken at this size, so that they compare between facesets
# skin that is free on an unobstructed face: cheeks, nose, chin, between and above the brows
_SKIN = np.array(
    [50, 280, 205, 425, 36, 266, 101, 330, 118, 347, 187, 411, 192, 416, 214, 434, 199, 200, 175, 152, 4, 5, 195, 197,
     6, 168, 9, 151, 108, 337, 69, 299, 104, 333, 135, 364, 207, 427, 117, 346, 123, 352, 147, 376, 213, 433]
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Quality:
    """sharpness : sd of the Laplacian of luma (0..255) inside the face at 128 px; soft below 4, crisp above 10
    exposure  : mean luma of the skin, 0..1
    contrast  : sd of luma inside the face, 0..1
    tint      : mean of the skin's a, b in CIELAB (two numbers); skin in neutral light is near (12, 15)
    occluded  : share of skin points whose colour is far from the face's own, 0..1
    """

    sharpness: float
    exposure: float
    contrast: float
    tint: tuple[float, float]
    occluded: float


def measure_quality(crop: np.ndarray, points: np.ndarray) -> Quality:
    """crop (S, S, 3) uint8 RGB; points (478, 2) in crop pixels."""
    scale = _SIDE / crop.shape[0]
    small = cv2.resize(crop, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    points = (points[:, :2] + 0.5) * scale - 0.5
    hull = np.zeros((_SIDE, _SIDE), np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(points.astype(np.int32)), 1)
    inside = cv2.erode(hull, np.ones((7, 7), np.uint8)).astype(bool)
    if not inside.any():
        inside = np.ones_like(inside)
    luma = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    laplacian = cv2.Laplacian(luma, cv2.CV_32F)
    lab = cv2.cvtColor(cv2.GaussianBlur(small, (0, 0), 1.5).astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    at = np.clip(np.round(points[_SKIN]).astype(int), 0, _SIDE - 1)
    skin = lab[at[:, 1], at[:, 0]]
    middle = np.median(skin, 0)
    # lightness varies with the shading of a face three times as much as its colour does
    far = np.linalg.norm((skin - middle) * [0.4, 1.0, 1.0], axis=1) > 14
    return Quality(
        sharpness=float(laplacian[inside].std()),
        exposure=float(middle[0] / 100),
        contrast=float(luma[inside].std() / 255),
        tint=(float(middle[1]), float(middle[2])),
        occluded=float(far.mean()),
    )
