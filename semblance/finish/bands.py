"""Multi-band blending (Burt and Adelson, A Multiresolution Spline with Application to Image Mosaics, 1983).

Plate and face are split into bands of detail (Laplacian pyramids), and each band changes over as gently as it is
coarse: skin tones flow into each other over a wide edge, pores over a narrow one. The paper's edges reach as far out
as in. Here nothing outside the mask may change, so the mask of a coarser band is drawn in by one of its cells.
"""

from __future__ import annotations

import cv2
import numpy as np

_ROOM = 8.0  # cells from the mask's edge to its middle in the coarsest band, whose edge takes up to two and a half
_CELL = np.ones((3, 3), np.uint8)
_HARDLY = np.float32(1e-3)  # of a full mask
_TAIL = 0.5  # of a full mask: under it all bands fade out together, as a coarse band would end in a step of an eighth


def band_blend(plate: np.ndarray, face: np.ndarray, mask: np.ndarray, levels: float | None = None) -> np.ndarray:
    """plate and face (h, w, 3) uint8 or uint16, mask (h, w) float32 0..1 -> the same; mask 0 is exactly the plate.

    levels: how many bands there are below the finest, by default as many as the mask has room for. A part of one counts
    in part, so that a face that comes nearer does not jump when it has room for one more.
    """
    if levels is None:
        levels = room(mask)
    # pyramids are linear, and so is blending: one pyramid of the difference does for those of both pictures
    change = _laid(cv2.subtract(face, plate, dtype=cv2.CV_32F), mask, mask, levels)
    change *= np.minimum(mask * np.float32(1 / _TAIL), 1)[..., None]
    return cv2.add(plate, change, dtype=cv2.CV_8U if plate.dtype == np.uint8 else cv2.CV_16U)


def room(mask: np.ndarray) -> float:
    """How many coarser bands the mask has room for."""
    radius = float(mask.sum() / np.pi) ** 0.5
    return max(0.0, np.log2(max(radius, 1.0) / _ROOM))


def _laid(difference: np.ndarray, mask: np.ndarray, inset: np.ndarray, levels: float) -> np.ndarray:
    """The difference (h, w, 3) of face and plate, as much of it as the bands' masks let through; inset (h, w): the mask
    of this band."""
    plain = difference * inset[..., None]
    if levels <= 0:
        return plain
    size = (mask.shape[1], mask.shape[0])
    coarse_mask = cv2.pyrDown(mask)
    # means over what lies within the mask: a wall beside the face, in either picture, would shine into it
    coarse = cv2.pyrDown(difference * mask[..., None]) / np.maximum(coarse_mask, _HARDLY)[..., None]
    deeper = _laid(coarse, coarse_mask, cv2.erode(coarse_mask, _CELL), levels - 1)
    banded = plain + cv2.pyrUp(deeper, dstsize=size) - cv2.pyrUp(coarse, dstsize=size) * inset[..., None]
    return banded if levels >= 1 else cv2.addWeighted(banded, levels, plain, 1 - levels, 0)
