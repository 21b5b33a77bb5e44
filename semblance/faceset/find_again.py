"""68 points of another tool and the picture they lie in -> our 478, found by our own finder where those points are."""

from __future__ import annotations

import cv2
import numpy as np

from ..faces.align import move, umeyama
from ..faces.landmarks import LandmarkFinder
from ..faces.mean_face import mean_face
from ..faces.pose import euler
from .landmarks68 import MESH_OF_68, face_unit, points_68

_ROOM = 1.9  # side of the square in face sizes, as faces/track.py looks
_FURTHEST = 0.15  # of a face unit: mean distance between the mesh and the 68 points; two tools differ by 0.03


def find_again(finder: LandmarkFinder, pixels: np.ndarray, points: np.ndarray) -> np.ndarray | None:
    """pixels (H, W, 3) uint8, points (68, 2) in them -> (478, 3); None where no face like that is seen.

    The second look is from where the first one found the face, as a tracker would look.
    """
    inner = MESH_OF_68[17:]  # an open mouth moves the jaw
    rough = umeyama(mean_face()[inner, :2], points[17:])
    place = move(mean_face()[:, :2], rough)
    roll = float(np.degrees(np.arctan2(rough[1, 0], rough[0, 0])))
    found, margin = None, _margin(place)
    wide = cv2.copyMakeBorder(pixels, *[margin] * 4, cv2.BORDER_REPLICATE)  # the square reaches beyond a tight crop
    for _ in range(2):
        centre = place.mean(0) + margin
        mesh = finder.find(wide, (float(centre[0]), float(centre[1])), float(np.ptp(place, 0).max()) * _ROOM, roll)
        if mesh is None:
            return None
        found = mesh.landmarks - np.float32([margin, margin, 0])
        place, roll = found[:, :2], euler(found)[2]
    apart = np.linalg.norm(points_68(found)[17:] - points[17:], axis=1).mean()
    return found if apart < _FURTHEST * face_unit(points) else None


def _margin(place: np.ndarray) -> int:
    return int(np.ptp(place, 0).max() * (_ROOM - 1))
