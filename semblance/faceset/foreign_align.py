"""How DeepFaceLab and faceswap cut a face: 68 points -> the matrix of their crop.

Both lay dlib's mean face over the points (Umeyama) and cut a larger square around the unit square they find. As in
their code, a crop of S pixels spans 0..S in the numbers that cv2.warpAffine takes for pixel centres.

DeepFaceLab: facelib/LandmarksProcessor.py (2021). The square is centred on the unit square;
`whole_face` stands 7 % higher.
faceswap: lib/align/{aligned_face,pose,constants}.py (2.x). Centring "head" moves the square to the middle of the skull,
which a head of 26 points gives by PnP; "legacy" (before version 2) does not.
"""

from __future__ import annotations

import cv2
import numpy as np

from ..faces.align import umeyama
from .landmarks68 import MEAN_51, MIRROR_OF_68

# padding of the unit square on each side, times sqrt 2; and how far the centre moves up
DFL_FACES = {
    "half_face": (0.0, 0.0),
    "midfull_face": (0.0675, 0.0),
    "full_face": (0.2109375, 0.0),
    "whole_face": (0.40, 0.07),
}
_DFL_POINTS = np.array([*range(17, 49), 54])  # brows, nose, eyes, mouth corners
_FACESWAP_PADDING = {"legacy": 0.375, "head": 0.625}  # share of the crop's side outside the unit square
_FACESWAP_MEAN = MEAN_51 + np.array([0.009873, 0.0])  # the nose's line moved to 0.5

# The 26 points of the anthropometric head (University of Coimbra, glAnthropometric3DModel.cpp; about centimetres, y up,
# z to the camera): those of the picture's left half by their number among the 68, the others mirror them
_HEAD_LEFT = {
    6: (4.056931, -11.432347, 1.636229), 7: (1.833492, -12.542305, 4.061275), 8: (0.0, -12.901019, 4.070434),
    17: (6.825897, 1.275284, 4.402142), 21: (1.330353, 1.636816, 6.903745), 31: (1.930245, -5.060977, 5.914376),
    32: (0.746313, -5.136947, 6.263227), 33: (0.0, -5.485328, 6.76343), 36: (5.311432, 0.0, 3.987654),
    39: (1.78993, -0.091703, 4.413414), 48: (2.774015, -7.566103, 5.048531), 50: (0.509714, -7.056507, 6.566167),
    51: (0.0, -7.131772, 6.704956), 57: (0.0, -8.601736, 6.097667), 58: (0.589441, -8.443925, 6.109526),
}  # fmt: skip
_HEAD = dict(sorted(({int(MIRROR_OF_68[n]): (-x, y, z) for n, (x, y, z) in _HEAD_LEFT.items()} | _HEAD_LEFT).items()))
_SKULL = np.array([[0.0, 0.0, -2.3]])  # its middle
_CAMERA = np.array([[4.0, 0.0, 0.5], [0.0, 4.0, 0.5], [0.0, 0.0, 1.0]])  # of the unit square


def dfl_matrix(points: np.ndarray, size: int, face_type: str) -> np.ndarray:
    """points (68, 2) pixels -> (2, 3) pixels -> DeepFaceLab's crop of `size` pixels; face_type: a key of DFL_FACES."""
    padding, up = DFL_FACES[face_type]
    side = 1 + 2 * np.sqrt(2) * padding
    return _square(
        umeyama(points[_DFL_POINTS], MEAN_51[_DFL_POINTS - 17]), np.array([0.5, 0.5 - up]), size, size / side
    )


def faceswap_matrix(points: np.ndarray, size: int, centring: str = "head") -> np.ndarray:
    """points (68, 2) pixels -> (2, 3) pixels -> faceswap's crop of `size` pixels."""
    unit = umeyama(points[17:], _FACESWAP_MEAN)
    centre = np.array([0.5, 0.5])
    if centring == "head":
        seen = (points @ unit[:, :2].T + unit[:, 2])[list(_HEAD)]
        _, turn, shift = cv2.solvePnP(np.array(list(_HEAD.values())), seen, _CAMERA, None, flags=cv2.SOLVEPNP_ITERATIVE)
        centre = cv2.projectPoints(_SKULL, turn, shift, _CAMERA, None)[0].ravel()
    inner = size - 2 * round(size * _FACESWAP_PADDING[centring] / 2)
    return _square(unit, centre, size, inner)


def _square(unit: np.ndarray, centre: np.ndarray, size: int, scale: float) -> np.ndarray:
    """unit: (2, 3) pixels -> unit square; the crop around `centre` of it, with `scale` pixels for its side."""
    return scale * unit + [[0, 0, size / 2 - scale * centre[0]], [0, 0, size / 2 - scale * centre[1]]]
