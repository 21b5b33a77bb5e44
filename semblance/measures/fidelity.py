"""A picture against the true one, under a mask: PSNR, SSIM, MS-SSIM.

SSIM: Wang and others 2004, gaussian window of 11 pixels and deviation 1.5. MS-SSIM: Wang and others 2003, five scales;
on a face too small for five, fewer with their weights brought to a sum of one.
"""

from __future__ import annotations

import cv2
import numpy as np

PSNR_CAP = 99.0  # dB given for equal pictures, whose PSNR has no end
_WINDOW, _DEVIATION = 11, 1.5
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def psnr(one: np.ndarray, other: np.ndarray, mask: np.ndarray) -> float:
    """pictures (H, W, ...) 0..255 of one type, mask (H, W) bool -> dB, at most PSNR_CAP; NaN under an empty mask."""
    if not mask.any():
        return float("nan")
    one, other = np.ascontiguousarray(one), np.ascontiguousarray(other)
    total = cv2.norm(one, other, cv2.NORM_L2SQR, np.ascontiguousarray(mask, np.uint8))
    error = total / (np.count_nonzero(mask) * (one.size // mask.size))
    return PSNR_CAP if error == 0 else float(min(10 * np.log10(255**2 / error), PSNR_CAP))


def ssim(one: np.ndarray, other: np.ndarray, mask: np.ndarray) -> float:
    """luma (h, w) 0..255 and a mask (h, w) bool -> mean SSIM under it, -1..1; NaN under an empty mask."""
    if not mask.any():
        return float("nan")
    light, shape = _terms(one, other)
    return float((light * shape)[mask].mean())


def ms_ssim(one: np.ndarray, other: np.ndarray, mask: np.ndarray) -> float:
    """As ssim, over scales 1, 1/2 ... 1/16; structure at each of them, light at the coarsest."""
    if not mask.any():
        return float("nan")
    one, other, soft = (np.asarray(array, np.float32) for array in (one, other, mask))
    structures, value = [], 1.0
    for scale in range(len(_WEIGHTS)):
        light, shape = _terms(one, other)
        structures.append(max(float(shape[soft > 0.5].mean()), 0.0))
        value = max(float((light * shape)[soft > 0.5].mean()), 0.0)
        one, other, soft = _halved(one), _halved(other), _halved(soft)
        if scale == len(_WEIGHTS) - 1 or min(one.shape) < _WINDOW or not (soft > 0.5).any():
            break
    weights = np.array(_WEIGHTS[: len(structures)])
    return float(np.prod(np.array([*structures[:-1], value]) ** (weights / weights.sum())))


def _terms(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """SSIM's maps of light and of contrast with structure, float64."""
    one, other = np.asarray(one, np.float64), np.asarray(other, np.float64)
    mean, wanted = _blurred(one), _blurred(other)
    spread, wide = _blurred(one * one) - mean**2, _blurred(other * other) - wanted**2
    shared = _blurred(one * other) - mean * wanted
    light = (2 * mean * wanted + _C1) / (mean**2 + wanted**2 + _C1)
    return light, (2 * shared + _C2) / (spread + wide + _C2)


def _blurred(picture: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(picture, (_WINDOW, _WINDOW), _DEVIATION)


def _halved(picture: np.ndarray) -> np.ndarray:
    """Means of 2 x 2 pixels; an odd last row or column is left out."""
    height, width = (side // 2 * 2 for side in picture.shape)
    if not height or not width:
        return picture[:0, :0]
    return cv2.resize(picture[:height, :width], (width // 2, height // 2), interpolation=cv2.INTER_AREA)
