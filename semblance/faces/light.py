"""The light on a face, told from two textures in mesh space: a smooth gain that takes one's shading to the other's.

The gain's logarithm is a polynomial of the place (constant, slopes and bends per colour channel: what diffuse light
from anywhere can do to a round thing, Ramamoorthi and Hanrahan 2001), fitted so that brows, beards and lips, which differ
between two people, lose their weight (iterated reweighted least squares with Cauchy's weights).
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from .wrap import texels

_GRID = 32  # light is smooth: fitted on this side
_DARKEST = 8.0  # of 255, added to both, so that black says little
_ROUNDS = 6
_SPREAD = 0.12  # of the logarithm: differences beyond this count as another skin, not another light
_LIMIT = np.log(3.0)


def light_gain(own: np.ndarray, wanted: np.ndarray, weight: np.ndarray, size: int) -> np.ndarray:
    """Textures (S, S, 3) 0..255 and weight (S, S) 0..1 (what is well seen of both) -> gain (size, size, 3) float32."""
    side = (_GRID, _GRID)
    one, other, trust = (
        cv2.resize(np.asarray(each, np.float32), side, interpolation=cv2.INTER_AREA) for each in (own, wanted, weight)
    )
    ratio = np.log((other + _DARKEST) / (one + _DARKEST)).reshape(-1, 3).astype(np.float64)
    terms = _terms(_GRID)
    trust = (trust * texels(_GRID).inside).reshape(-1).astype(np.float64)
    if trust.sum() < 8:
        return np.ones((size, size, 3), np.float32)
    weights = trust
    for _ in range(_ROUNDS):
        weighted = terms * weights[:, None]
        found = np.linalg.solve(weighted.T @ terms + 1e-3 * np.eye(terms.shape[1]), weighted.T @ ratio)
        off = np.abs(ratio - terms @ found).max(1)
        weights = trust / (1 + (off / _SPREAD) ** 2)
    fitted = np.clip(_terms(size) @ found, -_LIMIT, _LIMIT)
    return np.exp(fitted).reshape(size, size, 3).astype(np.float32)


@lru_cache(maxsize=8)
def _terms(size: int) -> np.ndarray:
    """(size * size, 10): all products of x and y up to the third degree, x and y -1..1."""
    axis = (np.arange(size) + 0.5) / size * 2 - 1
    x, y = (grid.ravel() for grid in np.meshgrid(axis, axis))
    return np.stack([x**i * y**j for i in range(4) for j in range(4 - i)], axis=1)
