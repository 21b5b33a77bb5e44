"""How far the new face reaches: a shape on the crop's grid in, a soft mask on the same grid out.

All lengths are pixels of that grid. The steps run in this order: the shape, its sides (pad_sides), its edge
(erode_edge), the crop's own border (clip_to_crop), softness (feather_edge). Each takes and returns (m, m) float32 0..1.
"""

from __future__ import annotations

import cv2
import numpy as np

from ..faces.mask import hull_mask
from ..faces.mesh_space import HOLES, OUTER_LIPS
from ..measures.regions import LEFT_BROW, RIGHT_BROW
from .place import face_size

# a Gaussian has no end: beyond two standard deviations (2.28 % of a straight edge) the feather is cut to exactly 0 or 1
_TAIL = 0.0228
_DEVIATIONS = 4.0  # from one end of the feather to the other
_FOREHEAD, _CHIN = 10, 152
_WIDER, _HIGHER, _LOWER = 1.5, 1.8, 1.3  # a head against its face's mesh: hair and ears, crown, neck
_FEATURES = (
    *((*upper, *lower) for upper, lower in HOLES.values()),
    (*OUTER_LIPS[0], *OUTER_LIPS[1]),
    (*RIGHT_BROW, 46, 53, 52, 65, 55),
    (*LEFT_BROW, 276, 283, 282, 295, 285),
    (98, 97, 2, 326, 327, 294, 4, 64),  # the tip of the nose and its nostrils
)
_AROUND_FEATURES = 0.02  # of the face's size
_CORNER = 0.2  # radius of the crop's corners, part of its side: in a cheek a square corner is seen, a round one is not


def head_points(points: np.ndarray) -> np.ndarray:
    """Landmarks (478, 2 or 3) of a face -> (478, 2), spread so that their hull holds hair, ears and neck."""
    up = points[_FOREHEAD, :2] - points[_CHIN, :2]
    up = up / max(float(np.linalg.norm(up)), 1e-6)
    middle = points[:, :2].mean(0)
    off = points[:, :2] - middle
    along = off @ up
    across = off - along[:, None] * up
    return middle + across * _WIDER + np.where(along > 0, _HIGHER, _LOWER)[:, None] * along[:, None] * up


def pad_sides(mask: np.ndarray, top: float, bottom: float, left: float, right: float) -> np.ndarray:
    """Move each side of the mask outwards (positive) or inwards (negative) by so many pixels, alone."""
    for amount, axis, towards_origin in ((top, 0, True), (bottom, 0, False), (left, 1, True), (right, 1, False)):
        reach = round(abs(amount))
        if not reach:
            continue
        grows = amount > 0
        line = np.ones((reach + 1, 1) if axis == 0 else (1, reach + 1), np.uint8)
        anchor = [0, 0]
        anchor[1 - axis] = 0 if towards_origin == grows else reach
        change = cv2.dilate if grows else cv2.erode
        mask = change(mask, line, anchor=tuple(anchor), borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return mask


def erode_edge(mask: np.ndarray, radius: float) -> np.ndarray:
    """Pull the edge in by `radius` pixels (negative: push it out). The grid's border is an edge, too."""
    if not radius:
        return mask
    inside = cv2.copyMakeBorder((mask > 0.5).astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    if not inside.any():
        return mask
    measured = inside if radius > 0 else 1 - inside
    # distances run between pixel centres, so the first pixel within the edge has distance 1
    depth = cv2.distanceTransform(measured, cv2.DIST_L2, cv2.DIST_MASK_5)[1:-1, 1:-1]
    return np.clip(depth - radius, 0, 1) if radius > 0 else np.clip(1 - depth - radius, 0, 1)


def skin_between(points: np.ndarray, side: int) -> np.ndarray:
    """Landmarks (478, 2) on a grid -> (side, side) float32: 1 on skin, 0 on eyes, brows, lips and nostrils, with a soft
    edge."""
    drawn = np.zeros((side, side), np.uint8)
    for part in _FEATURES:
        cv2.fillConvexPoly(drawn, cv2.convexHull(np.rint(points[list(part), :2]).astype(np.int32)), 1)
    reach = max(1, round(_AROUND_FEATURES * face_size(points)))
    drawn = cv2.dilate(drawn, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2))
    return 1 - cv2.GaussianBlur(drawn.astype(np.float32), (0, 0), reach / 2)


def clip_to_crop(mask: np.ndarray, rim: float) -> np.ndarray:
    """Nothing within `rim` pixels of the crop's border, so that a feather of twice that width ends inside the crop."""
    side = mask.shape[0]
    low, high = rim - 0.5, side - 0.5 - rim
    if high <= low:
        return np.zeros_like(mask)
    corner = _CORNER * (high - low)
    turn = np.radians(np.arange(2.5, 360, 5))
    direction = np.column_stack([np.cos(turn), np.sin(turn)])
    outline = np.where(direction > 0, high - corner, low + corner) + corner * direction
    return np.minimum(mask, hull_mask(outline, mask.shape))


def feather_edge(mask: np.ndarray, width: float) -> np.ndarray:
    """A Gaussian edge that falls from 1 to 0 over `width` pixels, half of it on either side of the old edge."""
    deviation = width / _DEVIATIONS
    if deviation < 0.25:  # under a pixel from end to end: the antialiased edge is that soft already
        return mask
    # a wide blur holds no detail, so it is made on a coarser grid: four times cheaper for each halving
    shrink = 1
    while deviation / shrink > 4 and mask.shape[0] % (2 * shrink) == 0:
        shrink *= 2
    side = mask.shape[0]
    small = cv2.resize(mask, (side // shrink,) * 2, interpolation=cv2.INTER_AREA) if shrink > 1 else mask
    small = cv2.GaussianBlur(small, (0, 0), deviation / shrink, borderType=cv2.BORDER_CONSTANT)
    soft = cv2.resize(small, (side, side), interpolation=cv2.INTER_LINEAR) if shrink > 1 else small
    return np.clip((soft - _TAIL) * (1 / (1 - 2 * _TAIL)), 0, 1)
