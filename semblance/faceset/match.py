"""Which faces of two people make the same expression: for each face of one set its nearest of the other.

Expression is read from the mesh in the crop's own pixels, so pose and distance matter little: lips and lids opened,
mouth widened, brows raised, gaze, and the head's turn. What differs between two people at rest (eye size, brow height,
mouth width) is taken out by each person's own median; an open mouth is an open mouth on anyone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..faces.landmarks import LOWER_LID, LOWER_LIP, UPPER_LID, UPPER_LIP
from .store import crop_points

NEAREST = 3  # of whom one is drawn for each training pair

# Pairs of mesh points whose distance, in shares of the face, says something; the weight makes a visible change about 1.
_ABSOLUTE = [((UPPER_LIP, LOWER_LIP), 12.0)]  # an open mouth is open on anyone
_OWN = [
    ((61, 291), 8.0),  # mouth's width
    ((0, 17), 8.0),  # lips' height
    ((UPPER_LID, LOWER_LID), 30.0),  # lids, the person's right and left
    ((386, 374), 30.0),
    ((105, 159), 10.0),  # brow over eye, right and left
    ((334, 386), 10.0),
    ((468, 33), 15.0),  # iris from the eye's outer corner: gaze
]
_TURN = 1 / 12  # a turn of twelve degrees counts like a mouth wide open


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """For each source face its nearest target faces (N, K), for each target face its nearest source faces (M, K)."""

    targets: np.ndarray
    sources: np.ndarray


def match_expressions(source: pd.DataFrame, target: pd.DataFrame) -> Matches:
    """Rows of two facesets' tables -> Matches by row number, nearest first."""
    one, other = _expressions(source), _expressions(target)
    # squared distances by the binomial formula: thousands of faces a side would not fit as differences
    gaps = (one**2).sum(1)[:, None] + (other**2).sum(1)[None] - 2 * one @ other.T
    return Matches(
        np.argsort(gaps, axis=1, kind="stable")[:, :NEAREST], np.argsort(gaps.T, axis=1, kind="stable")[:, :NEAREST]
    )


def _expressions(table: pd.DataFrame) -> np.ndarray:
    """(N, features) float64."""
    points = np.stack([crop_points(row) for _, row in table.iterrows()])  # (N, 478, 2) crop pixels
    scale = np.abs(np.linalg.det(np.stack(table["matrix"].to_list()).reshape(-1, 2, 3)[:, :, :2])) ** 0.5
    unit = np.median(scale * table["size"].to_numpy())  # the face's size in crop pixels

    def apart(pair: tuple[int, int]) -> np.ndarray:
        return np.linalg.norm(points[:, pair[0]] - points[:, pair[1]], axis=1) / unit

    columns = [weight * apart(pair) for pair, weight in _ABSOLUTE]
    columns += [weight * (apart(pair) - np.median(apart(pair))) for pair, weight in _OWN]
    columns += [_TURN * table[name].to_numpy() for name in ("yaw", "pitch")]
    return np.stack(columns, axis=1)
