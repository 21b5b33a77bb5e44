"""How far one head's turn lies from another's."""

from __future__ import annotations

import numpy as np


def pose_error(result: np.ndarray, plate: np.ndarray) -> np.ndarray:
    """poses (N, 3) yaw, pitch, roll in degrees -> (N,) degrees: the mean over the axes of the absolute difference.

    Differences are taken the short way round. NaN where either pose is.
    """
    gap = np.asarray(result, np.float64) - np.asarray(plate, np.float64)
    return np.abs((gap + 180) % 360 - 180).mean(-1)
