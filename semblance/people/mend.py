"""What a measured face needs before it can be drawn as a surface: points that swapped places, lips and lids that do not
quite meet, nostrils that no camera saw into. Faces are (468, 3), centimetres, axes as in body.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..faces.face_triangles import POINTS, face_triangles
from ..faces.mean_face import mean_face
from .control import LIPS_LOWER, LIPS_UPPER, eyeballs, unrolled
from .skin import CREASES, LOWER_LIDS, UPPER_LIDS
from .twins import mirror_twins, mirrored

_TRUST = 0.03  # of a point of a turned triangle, against 1 for its neighbours' shape
_LID = 1.66  # cm from an eyeball's centre to the edge of a lid
_NOSTRILS = (((239, 459), (0.4, -0.15)), ((79, 309, 238, 458, 241, 461), (0.16, -0.05)))  # up, back


def untangler(mean: np.ndarray) -> Callable[..., np.ndarray]:
    """Measured points at the face's edge and around its folds may have swapped places, and triangles lie turned over.

    Returns a map of faces (..., 468, 3), or of movements (shape=False), that leaves all points where they are but those
    of turned triangles, which take the place that their neighbours give them, in the shape of the mean face (Laplacian
    editing, Sorkine et al. 2004).
    """
    triangles = face_triangles()
    corners = unrolled(mean)[triangles]
    turned = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]) > 0  # v runs down
    loose = np.unique(triangles[turned])
    loose = np.union1d(loose, mirror_twins()[loose])
    template = mean_face()[:POINTS] * [1, -1, -1]
    away, there = template - template.mean(0), mean - mean.mean(0)
    template = away * ((away * there).sum(0) / (away**2).sum(0))
    laplacian = np.zeros((POINTS, POINTS))
    for k in range(3):
        laplacian[triangles[:, k], triangles[:, (k + 1) % 3]] = -1
        laplacian[triangles[:, (k + 1) % 3], triangles[:, k]] = -1
    laplacian[np.diag_indices(POINTS)] = -laplacian.sum(1)
    laplacian /= laplacian.diagonal()[:, None]
    weight = np.full(POINTS, 1e4)
    weight[loose] = _TRUST
    system = np.linalg.inv(laplacian.T @ laplacian + np.diag(weight))
    wanted = laplacian.T @ laplacian @ template

    def calm(points: np.ndarray, shape: bool = True) -> np.ndarray:
        result = system @ (points * weight[:, None] + (wanted if shape else 0))
        return np.where(np.isin(np.arange(POINTS), loose)[:, None], result, points)

    return calm


def symmetric_pairs(moved: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Expressions (E, 468, 3), each averaged with the mirror image of its counterpart on the other side."""
    swap = {"_L": "_R", "_R": "_L", "Left": "Right", "Right": "Left"}
    result = moved.copy()
    for k, name in enumerate(names):
        end = next((end for end in swap if name.endswith(end)), None)
        other = name[: -len(end)] + swap[end] if end else name
        if other in names:
            result[k] = (moved[k] + mirrored(moved[names.index(other)])) / 2
    return result


def close_lips(mean: np.ndarray) -> np.ndarray:
    """The mean with its lips' inner edges brought together: measured heads lie a hair open there, which would show."""
    mean = mean.copy()
    upper, lower = list(LIPS_UPPER), list(LIPS_LOWER)
    seam = 0.2 * mean[upper] + 0.8 * mean[lower]  # closed lips meet low, where the lower one rests
    overlap = np.array([0, 0.012, 0])
    mean[upper], mean[lower] = seam - overlap, seam + overlap
    return mean


def even_lids(mean: np.ndarray) -> np.ndarray:
    """The mean with each lid's edge on a smooth curve (fourth degree along its nine points), off the eyeball."""
    mean = mean.copy()
    step = np.linspace(-1, 1, 9)
    powers = step[:, None] ** np.arange(5)
    weight = np.array([30.0, *[1.0] * 7, 30.0])[:, None]  # the corners stay
    balls = eyeballs(mean)
    for chains in (UPPER_LIDS, LOWER_LIDS):
        for chain, ball in zip(chains, balls, strict=True):
            points = mean[list(chain)]
            curve = powers @ np.linalg.lstsq(powers * weight, points * weight, rcond=None)[0]
            away = curve - ball
            length = np.linalg.norm(away, axis=1, keepdims=True)
            mean[list(chain[1:-1])] = (ball + away * np.maximum(1, _LID / length))[1:-1]
    return mean


def open_nostrils(mean: np.ndarray) -> np.ndarray:
    """The mean with a dent for each nostril: a camera before the face never saw into them."""
    mean = mean.copy()
    for points, (rise, back) in _NOSTRILS:
        mean[list(points)] += [0, rise, back]
    return mean


def steady(identity: np.ndarray) -> np.ndarray:
    """Axes (K, 468, 3) under which closed lips stay closed and a blink closes the eyes of others, too."""
    identity = identity.copy()
    upper, lower = list(LIPS_UPPER), list(LIPS_LOWER)
    identity[:, upper] = identity[:, lower] = (identity[:, upper] + identity[:, lower]) / 2
    for top, low in zip(UPPER_LIDS, LOWER_LIDS, strict=True):
        top, low = list(top[1:-1]), list(low[1:-1])
        middle, half = (identity[:, top] + identity[:, low]) / 2, (identity[:, top] - identity[:, low]) / 2
        identity[:, top], identity[:, low] = middle + 0.4 * half, middle - 0.4 * half
    return identity


def open_to_closed(mean: np.ndarray, expression: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Expressions (E, 468, 3) whose full blink brings the upper lid down onto the lower, a hair beyond."""
    expression = expression.copy()
    for side, end in enumerate(("_R", "_L")):
        if f"eyeBlink{end}" in names:
            blink = expression[names.index(f"eyeBlink{end}")]
            top, low, crease = list(UPPER_LIDS[side]), list(LOWER_LIDS[side]), list(CREASES[side])
            goal = mean[low] + blink[low] + [0, -0.1, 0.1]
            blink[top[1:-1]] = (goal - mean[top])[1:-1]
            blink[crease] += 0.25 * (blink[top] - blink[crease])  # the lid's skin is drawn out evenly
    return expression
