"""How much landmarks tremble: the acceleration of aligned points."""

from __future__ import annotations

import numpy as np


def landmark_jitter(points: np.ndarray) -> np.ndarray:
    """aligned points (N, P, 2) -> (N,): rms over points and axes of x[t+1] - 2 x[t] + x[t-1], NaN at both ends.

    In the points' own unit, per axis. Independent noise of deviation s reads sqrt(6) s; constant speed reads 0.
    """
    points = np.asarray(points, np.float64)
    result = np.full(len(points), np.nan)
    if len(points) > 2:
        acceleration = points[2:] - 2 * points[1:-1] + points[:-2]
        result[1:-1] = np.sqrt((acceleration**2).mean((1, 2)))
    return result
