"""A face as soft as its plate: out of focus, or filmed through haze or a worse lens."""

from __future__ import annotations

import cv2
import numpy as np

from .grain import diagonals

_SIGMAS = (0.0, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0)  # pixels: blurs that are tried, each about twice the last one's area
_SCALE = 0.7  # pixels: what a blur of this deviation takes away is the detail that is compared
_FEWEST = 256  # pixels


def softness(face: np.ndarray, plate: np.ndarray, where: np.ndarray) -> float:
    """face and plate (h, w, 3) float32 0..1, where (h, w) bool they are compared -> deviation in pixels, 0 to 4, of the
    Gaussian that leaves the face as much fine detail as the plate has, its grain apart; 0: the face is no sharper."""
    if where.sum() < _FEWEST:
        return 0.0
    face, plate = (cv2.cvtColor(each, cv2.COLOR_RGB2GRAY) for each in (face, plate))
    wanted = detail_of(plate, where)
    last = None
    for sigma in _SIGMAS:
        left = detail_of(cv2.GaussianBlur(face, (0, 0), sigma) if sigma else face, where)
        if left <= wanted:
            if last is None:
                return 0.0
            # detail falls about as a power of the blur: between the two, by logarithms
            share = np.log(last[1] / wanted) / np.log(last[1] / max(left, 1e-12))
            return float(last[0] + np.clip(share, 0, 1) * (sigma - last[0]))
        last = sigma, left
    return _SIGMAS[-1]


def detail_of(luma: np.ndarray, where: np.ndarray) -> float:
    """(h, w) float32 -> variance of its fine detail, without that of its grain."""
    fine = luma - cv2.GaussianBlur(luma, (0, 0), _SCALE)
    return max(float(fine[where].var()) - _kept_of_grain() * diagonals(luma[..., None], where)[0, 0], 1e-12)


def _kept_of_grain() -> float:
    """Share of white grain's variance that is fine detail."""
    point = np.zeros((17, 17))
    point[8, 8] = 1
    return float(((point - cv2.GaussianBlur(point, (0, 0), _SCALE)) ** 2).sum())


def softened(face: np.ndarray, sigma: float) -> np.ndarray:
    """face (h, w, 3) blurred by a Gaussian of so many pixels."""
    return cv2.GaussianBlur(face, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE) if sigma > 0.15 else face
