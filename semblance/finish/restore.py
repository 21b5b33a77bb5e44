"""A drawn face that is too coarse or too soft for its plate -> the same face finer, with as much new detail as wanted.

The detail itself is the work of a net (models/restore_srgan.py), which create/restorer.py runs on whole batches.
"""

from __future__ import annotations

import cv2
import numpy as np


def restored(crop: np.ndarray, detail: np.ndarray, strength: float) -> np.ndarray:
    """crop (S, S, 3) float32 0..1, detail (k S, k S, 3) float32: what is missing of the crop enlarged k times.

    strength 0..1: how much of it is added. At 0 the crop itself comes back, on its own grid; else (k S, k S, 3).
    """
    if not strength:
        return crop
    fine = cv2.resize(crop, detail.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    return np.clip(cv2.scaleAdd(detail, strength, fine), 0, 1)
