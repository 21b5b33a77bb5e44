"""Two brows where one should be, a second chin: what is left of the target beside the new face.

Luma is read across the brows and the jaw. Where the result has two edges of one direction side by side, both strong,
and the plate has not, a point counts as double (artefacts named by Li and others, Celeb-DF 2020).
"""

from __future__ import annotations

import cv2
import numpy as np

from .regions import JAW, LEFT_BROW, RIGHT_BROW

SMALLEST = 64.0  # px of face width; on a smaller face 3 % of it is less than two pixels
_REACH = 0.12  # of the face's width, to either side of the point
_APART = (0.03, 0.10)  # of the width: nearer is one edge, further is another part of the face
_STRONG = 0.5  # of the frame's strong edges, and of the stronger of the two
_JAW = JAW[4:-4]  # towards the ears hair and collars make edges of their own
_NOSE_BRIDGE, _UPPER_LIP = 168, 0
_BETWEEN = 4  # places looked at on each stretch of a brow or jaw


def double_edges(result: np.ndarray, plate: np.ndarray, points: np.ndarray, width: float) -> float:
    """luma cuts (h, w) float32 of both, points (478, 2) of the plate in the cut, the face's width in px -> share of
    places 0..1 at which the result has two edges and the plate has not. NaN for a face too small."""
    if width < SMALLEST:
        return float("nan")
    flags = [
        _is_double(result, *line, width) & ~_is_double(plate, *line, width)
        for line in (brow_lines(points), jaw_lines(points))
    ]
    return float(np.concatenate(flags).mean())


def brow_lines(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places along both brows (P, 2) and the face's own downwards direction there (P, 2)."""
    places = np.concatenate([_dense(points[list(brow), :2]) for brow in (RIGHT_BROW, LEFT_BROW)])
    down = points[_UPPER_LIP, :2] - points[_NOSE_BRIDGE, :2]
    return places, np.broadcast_to(down / max(np.linalg.norm(down), 1e-6), places.shape)


def jaw_lines(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places along the jaw (P, 2) and the directions away from the face's middle (P, 2)."""
    places = _dense(points[list(_JAW), :2])
    away = places - points[:468, :2].mean(0)
    return places, away / np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-6)


def brows_doubled(result: np.ndarray, plate: np.ndarray, points: np.ndarray, width: float) -> float:
    """double_edges for the brows alone."""
    lines = brow_lines(points)
    return float((_is_double(result, *lines, width) & ~_is_double(plate, *lines, width)).mean())


def _dense(line: np.ndarray) -> np.ndarray:
    at = np.linspace(0, len(line) - 1, (len(line) - 1) * _BETWEEN + 1)
    return np.stack([np.interp(at, np.arange(len(line)), line[:, axis]) for axis in (0, 1)], axis=-1)


def _is_double(luma: np.ndarray, places: np.ndarray, directions: np.ndarray, width: float) -> np.ndarray:
    """(P,) bool."""
    smooth = cv2.GaussianBlur(luma, (0, 0), 1.0)
    steps = np.arange(-np.ceil(_REACH * width), np.ceil(_REACH * width) + 1)
    along = places[:, None] + steps[None, :, None] * directions[:, None]  # (P, S, 2)
    x, y = (along[..., axis].astype(np.float32) for axis in (0, 1))
    profiles = cv2.remap(smooth, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    slopes = np.gradient(profiles.astype(np.float64), axis=1)
    # the strongest edge of each profile; the frame's strong edges are the upper tenth of these
    usual = np.percentile(np.abs(slopes).max(1), 90)
    return np.array([_two_peaks(slope, usual, width) or _two_peaks(-slope, usual, width) for slope in slopes], bool)


def _two_peaks(slope: np.ndarray, usual: float, width: float) -> bool:
    """Two local maxima of one sign, both strong, as far apart as a double edge is."""
    middle = slope[1:-1]
    peaks = np.flatnonzero((middle > slope[:-2]) & (middle >= slope[2:]) & (middle > _STRONG * usual)) + 1
    if len(peaks) < 2:
        return False
    gaps = (peaks[None] - peaks[:, None]) / width
    low = np.minimum(slope[peaks][None], slope[peaks][:, None])
    high = np.maximum(slope[peaks][None], slope[peaks][:, None])
    return bool(((gaps >= _APART[0]) & (gaps <= _APART[1]) & (low > _STRONG * high)).any())
