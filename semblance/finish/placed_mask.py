"""A mask that lies over a frame on a grid of its own."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class PlacedMask:
    """Where a face shows its own skin: mask (S, S) float32 0..1, 0 where something stands before it; matrix (2, 3)
    frame pixels -> mask pixels."""

    mask: np.ndarray
    matrix: np.ndarray

    def on(self, to_grid: np.ndarray, side: int) -> np.ndarray:
        """The mask on another grid (side, side), to which `to_grid` (2, 3) leads from the frame."""
        whole = np.vstack([self.matrix, [0, 0, 1]]) @ np.linalg.inv(np.vstack([to_grid, [0, 0, 1]]))
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return cv2.warpAffine(self.mask, whole[:2], (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE)
