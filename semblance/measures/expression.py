"""Does the mouth open and do the eyes close as they did: openings and point offsets, compared over time.

What differs between two people at rest (eye size, brow height, width of the mouth) is no error of expression, so each
clip's own median, or mean, is taken out first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..faces.align import move, umeyama
from ..faces.mean_face import mean_face, unit_points
from ..faces.openings import face_height, gaps
from .regions import BROWS, EYES, JAW, MOUTH

STILL = 0.004  # spread in face heights under which an opening moves no more than the landmarks' own noise (measured)
EXPRESSIVE = np.array([*BROWS, *EYES, *MOUTH, *JAW])
# eye corners and nose; the usual alignment also leans on brows and mouth corners, whose motion is asked for here
_RIGID = np.array([33, 133, 263, 362, 168, 6, 197, 195, 5, 4, 1, 2, 98, 327, 64, 294, 129, 358])


def openings(points: np.ndarray) -> tuple[float, float]:
    """points (478, 2 or 3), square pixels -> opening of the mouth, mean opening of the eyes, in face heights."""
    mouth, right, left = map(float, gaps(points))
    return mouth, (right + left) / 2


def aligned(points: np.ndarray) -> np.ndarray:
    """points (478, 2 or 3), square pixels -> (E, 2): the expressive ones, the head's place, size and roll taken out.

    In face heights (of the mean face), as fitted by least squares to points that expressions hardly move.
    """
    matrix = umeyama(points[_RIGID, :2], unit_points(_RIGID))
    return move(points[EXPRESSIVE, :2].astype(np.float64), matrix) / face_height(mean_face())


def offsets(points: np.ndarray) -> np.ndarray:
    """aligned points (N, E, 2) -> how far each is from its own median over the clip; NaN frames stay NaN."""
    if np.isnan(points).all():
        return points
    return points - np.nanmedian(points, 0)


def offset_error(result: np.ndarray, plate: np.ndarray) -> np.ndarray:
    """aligned points (N, E, 2) of both -> (N,): mean distance between their offsets, in face heights."""
    return np.linalg.norm(offsets(result) - offsets(plate), axis=-1).mean(-1)


@dataclass(frozen=True, slots=True, eq=False)
class Following:
    """How one signal follows another over a clip.

    correlation -1..1, NaN where the plate does not move; error (N,): absolute deviation about each one's mean;
    spread: the plate's standard deviation; moves: whether that is more than noise.
    """

    correlation: float
    error: np.ndarray
    spread: float
    moves: bool


def follow(result: np.ndarray, plate: np.ndarray, still: float = STILL) -> Following:
    """Two signals (N,) or (N, K) of one unit, NaN where a frame is missing -> Following; K channels are pooled."""
    result, plate = (np.asarray(signal, np.float64).reshape(len(signal), -1) for signal in (result, plate))
    seen = ~(np.isnan(result) | np.isnan(plate)).any(1)
    error = np.full(len(result), np.nan)
    if not seen.any():
        return Following(float("nan"), error, float("nan"), False)
    own, wanted = result[seen] - result[seen].mean(0), plate[seen] - plate[seen].mean(0)
    error[seen] = np.abs(own - wanted).mean(1)
    spread = float(np.sqrt((wanted**2).mean()))
    power = np.sqrt((own**2).sum() * (wanted**2).sum())
    correlation = float((own * wanted).sum() / power) if spread >= still and power > 0 else float("nan")
    return Following(correlation, error, spread, spread >= still)
