"""A square of a frame that holds one face -> its 478 mesh points in frame pixels.

mediapipe 0.10.21's face mesh with iris refinement ("Attention Mesh", Grishchenko et al. 2020) behind the small
protocol LandmarkFinder, so that a newer finder can take its place. The square is cut upright and at one size, so the
time does not depend on the frame, and a small, rolled or upside-down face is found like any other once it is tracked.
"""

from __future__ import annotations

import os
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from ..types import LANDMARKS

UPPER_LID, LOWER_LID = 159, 145  # of the person's right eye
UPPER_LIP, LOWER_LIP = 13, 14  # inner edges, at the middle
_CUT = 256  # side in pixels at which the finder sees the square; the mesh itself works at 192


@dataclass(frozen=True, slots=True)
class Mesh:
    """landmarks (478, 3) frame pixels."""

    landmarks: np.ndarray


class LandmarkFinder(Protocol):
    """Whatever finds the mesh of the one face in a square of a frame."""

    def find(
        self, pixels: np.ndarray, centre: tuple[float, float], side: float, roll: float = 0.0, aspect: float = 1.0
    ) -> Mesh | None:
        """pixels (H, W, 3) uint8 RGB; centre, side in frame pixels; roll in degrees clockwise; None: no face."""
        ...


class MeshFinder:
    """Owns mediapipe's graph, some threads and 20 MB, until it is closed; not for use by two threads at once.

    Knows nothing of earlier frames.
    """

    def __init__(self, confidence: float = 0.5) -> None:
        with quiet():
            from mediapipe.python.solutions.face_mesh import FaceMesh

            self._mesh = FaceMesh(
                static_image_mode=True, max_num_faces=1, refine_landmarks=True, min_detection_confidence=confidence
            )
            self._met = False
            self._mesh.process(np.zeros((_CUT, _CUT, 3), np.uint8))  # the graph starts, and logs, at its first picture

    def find(
        self, pixels: np.ndarray, centre: tuple[float, float], side: float, roll: float = 0.0, aspect: float = 1.0
    ) -> Mesh | None:
        matrix = square_matrix(centre, side, roll, aspect)
        cut = cv2.warpAffine(pixels, matrix, (_CUT, _CUT), flags=cv2.INTER_LINEAR)
        with nullcontext() if self._met else quiet():  # the first face makes the graph log once more
            answer = self._mesh.process(cut).multi_face_landmarks
        if not answer:
            return None
        self._met = True
        points = np.array([(p.x, p.y, p.z) for p in answer[0].landmark], np.float64) * _CUT
        assert points.shape == (LANDMARKS, 3)
        back = cv2.invertAffineTransform(matrix)
        found = np.empty((LANDMARKS, 3), np.float32)
        found[:, :2] = (points[:, :2] - 0.5) @ back[:, :2].T + back[:, 2]  # mediapipe counts from the pixel's corner
        found[:, 2] = points[:, 2] * side / _CUT / aspect**0.5
        return Mesh(found)

    def close(self) -> None:
        """Give back the graph's threads and memory; mediapipe keeps both when the object is merely dropped."""
        if self._mesh is not None:
            self._mesh.close()
            self._mesh = None


def square_matrix(centre: tuple[float, float], side: float, roll: float, aspect: float) -> np.ndarray:
    """(2, 3) frame pixels -> the upright square of _CUT pixels around `centre`."""
    angle = np.deg2rad(-roll)
    scale = _CUT / side
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ np.diag([aspect, 1.0])
    return np.hstack([turn, ((_CUT - 1) / 2 - turn @ np.asarray(centre, np.float64))[:, None]])


class quiet:
    """mediapipe's C++ logs its start-up straight to file descriptor 2; send that nowhere."""

    def __enter__(self) -> None:
        self._saved = None
        if os.environ.get("SEMBLANCE_SHOW_NATIVE_LOG"):
            return
        self._saved = os.dup(2)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        os.close(nowhere)

    def __exit__(self, *_) -> None:
        if self._saved is not None:
            os.dup2(self._saved, 2)
            os.close(self._saved)
