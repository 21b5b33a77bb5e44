"""The 478 points of the mesh -> the 68 points that dlib, FAN, DeepFaceLab and faceswap speak.

The order of the 68 is iBUG's (Sagonas et al. 2013, 300 Faces in the Wild), as a viewer sees the picture: jaw 0-16 from
left to right over the chin, brows 17-21 and 22-26, nose ridge 27-30 and base 31-35, eyes 36-41 and 42-47, outer lips
48-59 and inner lips 60-67, eyes and lips clockwise from their left corner. Each stands for one mesh point: the one in
the same part of the face that lies nearest to dlib's mean face, when the mean of our mesh is laid over it (mean
distance 0.02 of the unit square; the jaw, which dlib's mean face lacks, by its height between eyes and chin).
"""

from __future__ import annotations

import numpy as np

from ..faces.align import umeyama
from ..faces.mean_face import mean_face

MESH_OF_68 = np.array(
    [
        *(127, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 356),  # jaw
        *(70, 63, 105, 66, 55, 285, 296, 334, 293, 300),  # brows
        *(168, 197, 5, 1, 98, 97, 2, 326, 327),  # nose
        *(33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380),  # eyes
        *(61, 40, 37, 0, 267, 270, 291, 321, 314, 17, 84, 91),  # outer lips
        *(78, 82, 13, 312, 308, 317, 14, 87),  # inner lips
    ]
)

# dlib's mean face (dlib/image_transforms/interpolation.h, get_face_chip_details), points 17..67 in the unit square that
# all these tools align to; points of the picture's left half, then what mirrors them
_MIDDLE = 0.490127  # x of the nose's line
_MEAN_LEFT = {
    17: (0.000213256, 0.106454), 18: (0.0752622, 0.038915), 19: (0.18113, 0.0187482), 20: (0.29077, 0.0344891),
    21: (0.393397, 0.0773906), 27: (0.490127, 0.203352), 28: (0.490127, 0.307009), 29: (0.490127, 0.409805),
    30: (0.490127, 0.515625), 31: (0.36688, 0.587326), 32: (0.426036, 0.609345), 33: (0.490127, 0.628106),
    36: (0.121737, 0.216423), 37: (0.187122, 0.178758), 38: (0.265825, 0.179852), 39: (0.334606, 0.231733),
    40: (0.260918, 0.245099), 41: (0.182743, 0.244077), 48: (0.254149, 0.780233), 49: (0.340985, 0.745405),
    50: (0.428858, 0.727388), 51: (0.490127, 0.742578), 57: (0.490127, 0.909281), 58: (0.423532, 0.902192),
    59: (0.338094, 0.864805), 60: (0.290379, 0.784792), 61: (0.428096, 0.778746), 62: (0.490127, 0.785343),
    66: (0.490127, 0.831803), 67: (0.42689, 0.824182),
}  # fmt: skip
MIRROR_OF_68 = np.array(
    [
        *range(16, -1, -1),
        *range(26, 16, -1),
        *(27, 28, 29, 30, 35, 34, 33, 32, 31),
        *(45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40),
        *(54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55),
        *(64, 63, 62, 61, 60, 67, 66, 65),
    ]
)


def _mean_51() -> np.ndarray:
    points = dict(_MEAN_LEFT)
    for number, (x, y) in _MEAN_LEFT.items():
        points.setdefault(int(MIRROR_OF_68[number]), (2 * _MIDDLE - x, y))
    return np.array([points[number] for number in range(17, 68)])


MEAN_51 = _mean_51()


def face_unit(points: np.ndarray) -> float:
    """Pixels of one face unit (see faces/mean_face.py) in a face of these 68 points (68, 2)."""
    fit = umeyama(mean_face()[MESH_OF_68[17:], :2], points[17:])  # without the jaw, which an open mouth moves
    return float(np.sqrt(abs(np.linalg.det(fit[:, :2]))))


def points_68(landmarks: np.ndarray) -> np.ndarray:
    """landmarks (478, 2 or 3) -> (68, 2), in the same pixels."""
    return np.asarray(landmarks, np.float64)[MESH_OF_68, :2]
