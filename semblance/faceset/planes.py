"""Landmarks -> planes beside each crop, uint8 (N, S, S), as model files ask for them by name (PLANES).

"mask": the face. "features": eyes and inner mouth, widened and blurred as in DeepFaceLab (2023 code, commit 46fc2397,
LandmarksProcessor). "eyes": see eyes_plane.py. DeepFaceLab's 68 points have no forehead, so it lifts the brows; here
the mesh reaches up to the hair line by itself.
"""

from __future__ import annotations

import cv2
import numpy as np

from ..errors import FacesetError
from ..faces.align import cut_from, move
from ..faces.mask import hull_mask
from ..faces.mesh_space import HOLES
from .eyes_plane import eyes_plane
from .store import Faceset, crop_points

FEATURES = tuple((*upper, *lower) for upper, lower in HOLES.values())
"""Mesh points around each: the inner edge of the lips, the lids."""


def make_planes(
    faceset: Faceset, side: int, names: tuple[str, ...], coverage: str | None = None
) -> dict[str, np.ndarray]:
    """The named planes of a faceset's kept crops, in their order, at `side` pixels: {name: (N, side, side) uint8}.

    coverage: a part of what is stored, as load_crops takes it. Raises FacesetError for a name that nobody can draw.
    """
    if unknown := set(names) - DRAWERS.keys():
        raise FacesetError(f"There is no plane '{unknown.pop()}'; a model may ask for {', '.join(DRAWERS)}.")
    stored, size = faceset.options["coverage"], int(faceset.options["size"])
    matrix, whole = cut_from(stored, size, coverage or stored)
    rows = faceset.kept
    planes = {name: np.empty((len(rows), side, side), np.uint8) for name in names}
    for number, (_, row) in enumerate(rows.iterrows() if names else ()):
        points = (move(crop_points(row), matrix) + 0.5) * (side / whole) - 0.5
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


DRAWERS = {"mask": face_plane, "features": features_plane, "eyes": eyes_plane}
