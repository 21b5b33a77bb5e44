"""A drawn face pulled onto the plate's, so that mouth, jaw and eyes lie where the plate's do: a crop in, a crop out.

A model that draws crops may close a mouth that is open, or draw a broader jaw. Its own landmarks tell, and a membrane
hung up on what each of them is off by (membrane.py) tells it for the pixels between; noise of single points is evened
out, and beyond the face the outermost go on. Made known by the faces of Rogue One (Industrial Light & Magic, 2016).
"""

from __future__ import annotations

import cv2
import numpy as np

from .membrane import membrane
from .place import face_size

_GRID = 32  # cells along the crop: lips and lids are two or three apart
_POINTS = 468  # the mesh without irises: a look is an expression, not a place
_HOLD = np.float32(1.0)  # of each landmark, against each of a cell's neighbours: evens out over about one cell
_LIMIT = 0.12  # of the face's size: no landmark is pulled further; one that is so far off was not found well


def warped(
    crop: np.ndarray, mask: np.ndarray | None, own: np.ndarray, wanted: np.ndarray, strength: float
) -> tuple[np.ndarray, np.ndarray | None]:
    """crop (S, S, 3) float32 with its mask (S, S) or None, both pulled by `strength` (0..1) of the way from its own
    landmarks (478, 2 or more) to the wanted ones, in crop pixels."""
    back = _way_back(own[:_POINTS, :2], wanted[:_POINTS, :2], crop.shape[0], strength)
    side = np.arange(crop.shape[0], dtype=np.float32)
    x, y = back[..., 0] + side, back[..., 1] + side[:, None]
    crop = cv2.remap(crop, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    if mask is not None:
        mask = cv2.remap(mask, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return crop, mask


def _way_back(own: np.ndarray, wanted: np.ndarray, side: int, strength: float) -> np.ndarray:
    """(side, side, 2): from each pixel of the warped crop to where it comes from, x and y in pixels."""
    off = own - wanted
    length = np.linalg.norm(off, axis=1, keepdims=True)
    limit = _LIMIT * face_size(wanted)
    off = strength * off * np.minimum(1, limit / np.maximum(length, 1e-6))
    # seen from where the landmarks will be
    cell = np.floor((own - off + 0.5) * (_GRID / side)).astype(int)
    inside = ((cell >= 0) & (cell < _GRID)).all(1)
    at = tuple(cell[inside].T[::-1])
    total = np.zeros((_GRID, _GRID, 2), np.float32)
    count = np.zeros((_GRID, _GRID), np.float32)
    np.add.at(total, at, off[inside])
    np.add.at(count, at, 1)
    field = membrane(total / np.maximum(count, 1)[..., None], _HOLD * count)
    return cv2.resize(field, (side, side), interpolation=cv2.INTER_CUBIC)
