"""The form of a person's face, apart from pose and moment: landmarks of many faces -> one, and the way to another's.

Each face's points are laid on the mean face by the similarity in space that fits best (Umeyama 1991), then the median
is taken over all. What opens and shuts (lips, lids) is left to the plate when one form is exchanged for another; but
shut lips stay shut: on full lips the mesh leaves a gap that on thin ones would be an open mouth.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from .face_triangles import POINTS
from .mean_face import ALIGN_POINTS, mean_face
from .mesh_space import HOLES, LIPS, OVAL
from .openings import opening_change

_SHUT = 10  # percentile of the lips' gap that counts as shut: who speaks for some seconds shuts them that often
_FADE = 0.22  # face units inwards of the oval over which a change of form fades in


def own_shape(landmarks: np.ndarray) -> np.ndarray:
    """landmarks (N, 478, 3) in square pixels -> (468, 3) float32 in face units, axes as the mean face's."""
    laid = np.array([_laid(points[:POINTS]) for points in landmarks.astype(np.float64)])
    shape = np.median(laid, axis=0)
    # lips as they are when shut: the mouth's middle stays, the gap is the smallest that is usual
    upper, lower = (list(line) for line in LIPS)
    middle = (shape[upper, 1] + shape[lower, 1]) / 2
    shut = np.percentile(laid[:, lower, 1] - laid[:, upper, 1], _SHUT, axis=0)
    shape[upper, 1], shape[lower, 1] = middle - shut / 2, middle + shut / 2
    return shape.astype(np.float32)


def reshaped(
    points: np.ndarray, source: np.ndarray, target: np.ndarray, strength: float, openings: np.ndarray | None = None
) -> np.ndarray:
    """Points of a target's face with the source's form: points (VERTICES, 3) px, both shapes (468, 3); returns a copy.

    strength 0: as it was; 1: all of the source's form in the middle of the face. Nothing changes at the outline.
    openings (3,): by how many face heights mouth and eyes open further (faces/openings.py).
    """
    change = (strength * _fading())[:, None] * _without_openings(source - target)
    if openings is not None:
        change += opening_change(points, openings)
    face = points[:POINTS].astype(np.float64)
    matrix = _to_picture() @ (face - face.mean(0))
    moved = points.copy()
    moved[:POINTS] = face + change @ matrix
    return moved


@lru_cache(maxsize=1)
def _to_picture() -> np.ndarray:
    """(3, 468): times centred points (468, 3) gives the linear map that takes the mean face there by least squares."""
    return np.linalg.pinv(mean_face()[:POINTS] - mean_face()[:POINTS].mean(0))


@lru_cache(maxsize=1)
def _fading() -> np.ndarray:
    """(468,) 0 on the oval, 1 from _FADE inwards."""
    face = mean_face()[:POINTS]
    away = np.linalg.norm(face[:, None] - face[None, list(OVAL)], axis=2).min(1)
    share = np.clip(away / _FADE, 0, 1)
    return share * share * (3 - 2 * share)


def _laid(points: np.ndarray) -> np.ndarray:
    """points (468, 3) px -> face units, through the similarity that fits the points that hardly move."""
    model = mean_face()[ALIGN_POINTS]
    goal, own = model - model.mean(0), points[ALIGN_POINTS] - points[ALIGN_POINTS].mean(0)
    u, d, vh = np.linalg.svd(goal.T @ own)
    sign = np.array([1, 1, np.sign(np.linalg.det(u @ vh))])
    scale = (d * sign).sum() / (own**2).sum()
    return scale * (points - points[ALIGN_POINTS].mean(0)) @ (u * sign @ vh).T + model.mean(0)


def _without_openings(change: np.ndarray) -> np.ndarray:
    """A change of form (468, 3) that moves both lids of an eye alike, so that it opens as far as before. Lips, whose
    form is that of shut ones, may come nearer to each other but not farther apart."""
    change = change.copy()
    for name, (upper, lower) in HOLES.items():
        upper, lower = list(upper), list(lower)
        both = (change[upper] + change[lower]) / 2
        apart = np.minimum(change[lower, 1] - change[upper, 1], 0) if name == "mouth" else np.zeros(len(upper))
        change[upper], change[lower] = both, both
        change[upper, 1] -= apart / 2
        change[lower, 1] += apart / 2
    return change
