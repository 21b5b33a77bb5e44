"""Landmarks -> yaw, pitch, roll in degrees, by PnP of the mean face.

The camera is taken to be far away: its focal length is several frame sizes, so that the same head gives the same
angles wherever in the frame it is, and a crop the same as the whole frame.
"""

from __future__ import annotations

import cv2
import numpy as np

from .align import umeyama
from .mean_face import ALIGN_POINTS, mean_face

_FACE_UNITS_AWAY = 12.0  # distance of the assumed camera; at 12 cm a unit: 1.4 m
# the jaw's hinge side and the chin's middle widen the base on which the angles stand
_POINTS = np.concatenate([ALIGN_POINTS, [10, 151, 9, 8, 234, 454, 132, 361, 127, 356]])


def euler(landmarks: np.ndarray, aspect: float = 1.0) -> tuple[float, float, float]:
    """landmarks (478, 3) frame pixels -> (yaw, pitch, roll) in degrees.

    yaw > 0: the face turns to the picture's right; pitch > 0: it looks up; roll > 0: it leans clockwise.
    """
    model = mean_face()[_POINTS]
    points = landmarks[_POINTS, :2].astype(np.float64) * [aspect, 1.0]
    rough = umeyama(model[:, :2], points)
    unit = np.sqrt(abs(np.linalg.det(rough[:, :2])))  # pixels per face unit, seen from the front
    centre = rough @ [0.0, 0.0, 1.0]
    turn = np.array([0.0, 0.0, np.arctan2(rough[1, 0], rough[0, 0])])
    shift = np.array([0.0, 0.0, _FACE_UNITS_AWAY])
    focal = _FACE_UNITS_AWAY * max(unit, 1e-3)
    # a turned head looks smaller and its middle lies elsewhere: look at the head's origin, from the assumed distance
    for _ in range(3):
        camera = np.array([[focal, 0, centre[0]], [0, focal, centre[1]], [0, 0, 1]])
        _, turn, shift = cv2.solvePnP(model, points, camera, None, turn, shift, True, cv2.SOLVEPNP_ITERATIVE)
        centre = centre + focal * shift[:2].ravel() / float(shift[2])
        shift = np.array([0.0, 0.0, float(shift[2])])
        focal *= _FACE_UNITS_AWAY / max(shift[2], 1e-3)
    return angles(cv2.Rodrigues(turn)[0])


def angles(rotation: np.ndarray) -> tuple[float, float, float]:
    """A rotation (3, 3) of the mean face (x right, y down, z away) -> (yaw, pitch, roll) in degrees.

    Order: first yaw about y, then pitch about x, then roll about z.
    """
    ahead = rotation @ [0.0, 0.0, -1.0]  # where the nose points
    yaw = np.degrees(np.arctan2(ahead[0], -ahead[2]))
    pitch = np.degrees(np.arcsin(np.clip(-ahead[1], -1, 1)))
    level = rotation_of(yaw, pitch, 0.0)
    side = level.T @ rotation
    roll = np.degrees(np.arctan2(side[1, 0], side[0, 0]))
    return float(yaw), float(pitch), float(roll)


def rotation_of(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """The rotation (3, 3) of angles in degrees: roll about the face's own line of sight, then pitch, then yaw."""
    y, p, r = np.radians([-yaw, -pitch, roll])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return about_y @ about_x @ about_z
