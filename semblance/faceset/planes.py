"""Landmarks -> planes beside each crop, uint8 (N, S, S): which pixels are face ("mask"), eyes and mouth ("features").

Sizes and order of the features' dilation and blur are DeepFaceLab's (2023 code, commit 46fc2397, LandmarksProcessor);
its 68 points have no forehead and lift the brows instead, here the mesh reaches up to the hair line by itself.
"""

from __future__ import annotations

import cv2
import numpy as np

from ..errors import FacesetError
from ..faces.mask import hull_mask
from .store import Faceset, crop_points

# Loops of mesh points, published by mediapipe: lids of the person's right and left eye, inner edge of the lips.
RIGHT_EYE = (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7)
LEFT_EYE = (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249)
INNER_LIPS = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95)
FEATURES = (RIGHT_EYE, LEFT_EYE, INNER_LIPS)


def make_planes(faceset: Faceset, side: int, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """The named planes of a faceset's kept crops, in their order, at `side` pixels: {name: (N, side, side) uint8}.

    Raises FacesetError for a name that nobody knows to make.
    """
    if unknown := set(names) - DRAWERS.keys():
        raise FacesetError(f"There is no plane '{unknown.pop()}'; a model may ask for {', '.join(DRAWERS)}.")
    scale = side / int(faceset.options["size"])
    rows = faceset.kept
    planes = {name: np.empty((len(rows), side, side), np.uint8) for name in names}
    for number, (_, row) in enumerate(rows.iterrows()):
        points = (crop_points(row) + 0.5) * scale - 0.5
        for name, plane in planes.items():
            plane[number] = DRAWERS[name](points, side)
    return planes


def face_plane(points: np.ndarray, side: int) -> np.ndarray:
    """Mesh points (478, 2) in pixels -> the face's hull, (side, side) uint8."""
    return np.rint(255 * hull_mask(points, (side, side))).astype(np.uint8)


def features_plane(points: np.ndarray, side: int) -> np.ndarray:
    """Mesh points (478, 2) in pixels -> eyes and inner mouth, widened, softened, within the face, brightest at 255."""
    drawn = np.zeros((side, side), np.uint8)
    for loop in FEATURES:
        hull = cv2.convexHull(np.rint(points[list(loop)]).astype(np.int32))
        cv2.fillConvexPoly(drawn, hull, 255)
    reach, blur = max(1, side // 32), max(1, side // 16) | 1
    drawn = cv2.dilate(drawn, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    drawn = cv2.GaussianBlur(drawn, (blur, blur), 0)
    drawn[face_plane(points, side) == 0] = 0
    return np.rint(drawn * (255 / max(int(drawn.max()), 1))).astype(np.uint8)


DRAWERS = {"mask": face_plane, "features": features_plane}
