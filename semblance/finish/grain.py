"""Grain: how much of it a picture has, and a face given as much as its plate.

Grain is what the diagonal differences of neighbouring pixels hold: light and wrinkles hardly reach them, and their
median ignores what does (Donoho and Johnstone, Ideal spatial adaptation by wavelet shrinkage, 1994). They are read at
two sizes, single pixels and fours, since encoders and enlargement leave grain of blots, not of pixels; for light and
for two differences of colour apart. What the plate has more than the face is laid over the face, fine and coarse grain
mixed so that both sizes come out as in the plate.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

_TO_SIGMA = 1 / 0.6745  # of the median of |x|, for a normal x
_BLOT = 1.0  # pixels: deviation of the blots of coarse grain
_FEWEST = 64  # differences of a size; fewer tell nothing
# light (an encoder's luma noise is the same in red, green and blue) and two colours at right angles to it: columns of a
# matrix that RGB is multiplied by, and that its transpose takes back
_CHANNELS = (np.array([[1, 1, 1], [1, -1, 0], [1, 1, -2]]) / np.sqrt([[3], [2], [6]])).T.astype(np.float32)


def grain_of(picture: np.ndarray, where: np.ndarray) -> np.ndarray:
    """picture (h, w, 3) float32 RGB 0..1, where (h, w) bool -> (2, 3): variance of the diagonal differences of pixels
    and of means of four, of light and two colours; zeros where too little is asked about."""
    return diagonals(picture @ _CHANNELS, where)


def diagonals(channels: np.ndarray, where: np.ndarray) -> np.ndarray:
    """The same of channels (h, w, c) as they are: (2, c)."""
    inside = where.astype(np.float32)
    found = np.zeros((2, channels.shape[2]))
    for size in range(2):
        diagonal, all_in = _fours(channels, (1, -1, -1, 1)) / 2, _fours(inside, (1, 1, 1, 1)) > 3.99
        if all_in.sum() >= _FEWEST:
            found[size] = (_TO_SIGMA * np.median(np.abs(diagonal[all_in]), axis=0)) ** 2
        channels, inside = (_fours(each, (1, 1, 1, 1)) / 4 for each in (channels, inside))
    return found


def with_grain(
    face: np.ndarray, plate: np.ndarray, where: np.ndarray, strength: float, chance: np.random.Generator
) -> np.ndarray:
    """face and plate (h, w, 3) float32 0..1 and where (h, w) bool they are compared -> the face with `strength` (0..1)
    of the grain that the plate has and it has not."""
    lacks = np.maximum(grain_of(plate, where) - grain_of(face, where), 0)
    fine, coarse = np.sqrt(_mixture(lacks)) * strength
    if not (fine.any() or coarse.any()):
        return face
    added = np.zeros(face.shape, np.float32)
    if fine.any():
        added += chance.standard_normal(face.shape, np.float32) * fine.astype(np.float32)
    if coarse.any():
        blots = cv2.GaussianBlur(chance.standard_normal(face.shape, np.float32), (0, 0), _BLOT)
        added += blots * (coarse / _spread_of_blots()).astype(np.float32)
    return np.clip(face + added @ _CHANNELS.T, 0, 1)


def _mixture(lacks: np.ndarray) -> np.ndarray:
    """Variances (2, 3) that are lacking at both sizes -> of fine and of coarse grain (2, 3), which bring them."""
    answers = _answers()
    found = np.linalg.solve(answers, lacks)
    # grain finer than pixels, or blots larger than ours: the one kind that there is brings what it can of both
    alone = [(answers[:, kind] @ lacks) / (answers[:, kind] @ answers[:, kind]) for kind in range(2)]
    found[0] = np.where(found[1] < 0, alone[0], found[0])
    found[1] = np.where(found[0] < 0, alone[1], found[1])
    return np.maximum(found, 0)


@cache
def _answers() -> np.ndarray:
    """(2, 2): variance that the differences of pixels (first row) and of fours show of fine and of coarse grain of
    variance one."""
    small, large = np.array([[1, -1], [-1, 1]]) / 2, np.kron([[1, -1], [-1, 1]], np.ones((2, 2))) / 8
    blot = _blot()
    return np.array(
        [[(cv2.filter2D(blot, -1, kernel, borderType=cv2.BORDER_CONSTANT) ** 2).sum() / (blot**2).sum() if coarse
          else (kernel**2).sum() for coarse in (False, True)] for kernel in (small, large)]
    )  # fmt: skip


@cache
def _spread_of_blots() -> float:
    """Deviation that blurring leaves of noise of deviation one."""
    return float(np.sqrt((_blot() ** 2).sum()))


def _blot() -> np.ndarray:
    point = np.zeros((33, 33))
    point[16, 16] = 1
    return cv2.GaussianBlur(point, (0, 0), _BLOT)


def _fours(values: np.ndarray, signs: tuple[int, int, int, int]) -> np.ndarray:
    """(h, w[, c]) -> (h // 2, w // 2[, c]): each four of neighbours, summed with these signs."""
    height, width = (side // 2 * 2 for side in values.shape[:2])
    corners = [values[y:height:2, x:width:2] for y in (0, 1) for x in (0, 1)]
    return sum(sign * corner for sign, corner in zip(signs, corners, strict=True))
