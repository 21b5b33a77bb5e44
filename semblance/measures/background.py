"""Is the rest of the picture as it was."""

from __future__ import annotations

import numpy as np

from .fidelity import psnr
from .regions import Regions


def background(result: np.ndarray, plate: np.ndarray, around: Regions) -> float:
    """frames (H, W, 3) uint8 -> PSNR in dB of all that lies further from the face than a swap may reach.

    NaN where the face fills the frame.
    """
    return psnr(result, plate, around.outside(plate.shape[:2]))
