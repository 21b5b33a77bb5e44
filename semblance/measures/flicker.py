"""Restlessness that is not motion: second differences in time, of a stabilised face and of its brightness.

A picture that alternates by +-A from frame to frame reads A; motion at constant speed, and slow change, read 0. Blur
lowers flicker, so it is always read beside sharpness.
"""

from __future__ import annotations

import numpy as np


def restlessness(before: np.ndarray, now: np.ndarray, after: np.ndarray, mask: np.ndarray) -> float:
    """Three stabilised pictures (h, w) luma 0..255 in a row -> mean |after - 2 now + before| / 4 under the mask.

    In grey levels; NaN under an empty mask.
    """
    if not mask.any():
        return float("nan")
    return float(np.abs(after[mask] - 2 * now[mask] + before[mask]).mean() / 4)


def alternation(series: np.ndarray) -> np.ndarray:
    """series (N, ...) in time -> |second difference| / 4, NaN at both ends and beside missing frames."""
    series = np.asarray(series, np.float64)
    result = np.full(series.shape, np.nan)
    if len(series) > 2:
        result[1:-1] = np.abs(series[2:] - 2 * series[1:-1] + series[:-2]) / 4
    return result
