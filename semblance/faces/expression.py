"""What a face does, in numbers that two people share: landmarks -> openings, widths, gaze and turn.

Read in the upright, aligned face, so that place, size and roll matter little. What differs between two people at rest
(eye size, brow height, mouth width) is taken out by each person's own median; an open mouth is an open mouth on anyone.
"""

from __future__ import annotations

import numpy as np

from .align import move, umeyama
from .landmarks import LOWER_LID, LOWER_LIP, UPPER_LID, UPPER_LIP
from .mean_face import ALIGN_POINTS, unit_points
from .openings import LID_SHARE

# Distances between mesh points in face units; the weight makes a visible change about 1.
_DISTANCES = (
    (UPPER_LIP, LOWER_LIP, 8.0),
    (61, 291, 5.0),  # mouth's width
    (0, 17, 5.0),  # lips' height
    (UPPER_LID, LOWER_LID, 19.0),  # lids, the person's right and left
    (386, 374, 19.0),
    (105, 159, 6.5),  # brow over eye, right and left
    (334, 386, 6.5),
    (1, 152, 5.0),  # nose to chin: the jaw
)
_EYES = ((468, 33, 133), (473, 362, 263))  # iris, outer and inner corner, left to right in the picture
_GAZE = 5.0
_CORNERS = (61, 291)
_SMILE = 8.0  # corners over the lips' middle
_TURN = 1 / 12  # a turn of twelve degrees counts like a mouth wide open

_LIDS, _BROWS = slice(3, 5), slice(5, 7)  # rows of _DISTANCES

SIZE = len(_DISTANCES) + 2 * len(_EYES) + len(_CORNERS) + 2
_SHARED = (0, SIZE - 2, SIZE - 1)  # mouth's opening, yaw and pitch mean the same on anyone


def expressions(landmarks: np.ndarray, yaw: np.ndarray, pitch: np.ndarray) -> np.ndarray:
    """landmarks (N, 478, 2 or 3) in square pixels, yaw and pitch (N,) degrees -> (N, SIZE) float32, about -3..3."""
    return np.stack([_expression(points, *turn) for points, *turn in zip(landmarks, yaw, pitch)]).astype(np.float32)


def at_rest(found: np.ndarray) -> np.ndarray:
    """expressions (N, SIZE) of one person -> (SIZE,): what is theirs and not the moment's, to be taken off."""
    rest = np.median(found, axis=0)
    rest[list(_SHARED)] = 0
    return rest


def lid_gaps(found: np.ndarray) -> np.ndarray:
    """expressions (..., SIZE) -> (..., 2) how far the person's right and left eye stand open, in face units."""
    return found[..., _LIDS] / _DISTANCES[_LIDS.start][2]


def with_lids_shut(found: np.ndarray, closing: np.ndarray) -> np.ndarray:
    """expressions (B, SIZE) of the same faces with both eyes shut by a share (B, 2) 0..1 of their opening; an upper lid
    that comes down goes away from the brow."""
    changed = found.copy()
    changed[:, _LIDS] *= 1 - closing
    changed[:, _BROWS] += _DISTANCES[_BROWS.start][2] * LID_SHARE * closing * lid_gaps(found)
    return changed


def _expression(landmarks: np.ndarray, yaw: float, pitch: float) -> list[float]:
    points = np.asarray(landmarks[:, :2], np.float64)
    points = move(points, umeyama(points[ALIGN_POINTS], unit_points(ALIGN_POINTS)))
    found = [weight * float(np.linalg.norm(points[a] - points[b])) for a, b, weight in _DISTANCES]
    for iris, one, other in _EYES:
        across = points[other] - points[one]
        away = points[iris] - (points[one] + points[other]) / 2
        length = float(across @ across) or 1.0
        found += [
            _GAZE * float(away @ across) / length,
            _GAZE * float(across[0] * away[1] - across[1] * away[0]) / length,
        ]
    middle = (points[UPPER_LIP, 1] + points[LOWER_LIP, 1]) / 2
    found += [_SMILE * float(points[corner, 1] - middle) for corner in _CORNERS]
    return [*found, _TURN * float(yaw), _TURN * float(pitch)]
