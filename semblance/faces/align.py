"""Landmarks -> the similarity that brings a face upright into a square crop, and the crop itself.

The wanted places come from the mean face (see mean_face.py): a point set in units of the "face unit", the square from
brow to lower lip and from brow end to brow end that the classic tools crop. A coverage says how many such units the
crop's side spans.
"""

from __future__ import annotations

import cv2
import numpy as np

from .mean_face import ALIGN_POINTS, unit_points

COVERAGES = {
    "tight": (1.0, 0.0),  # brow to lower lip: what the 2017 autoencoder learned from
    "face": (1.6, 0.0),  # forehead to chin, the usual faceset crop (DeepFaceLab's "full face")
    "wide": (2.2, -0.1),  # hairline, ears and the jaw's underside too: all that mesh space shows
    "head": (2.6, -0.25),  # hair and neck too; the centre moves up by a quarter unit
}


def umeyama(points: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The similarity (2, 3) that takes points (N, 2) to wanted (N, 2) with the least squared error.

    Umeyama 1991, eq. 34-43, which in the plane needs no singular values: with points as complex numbers z, and w as
    wanted, scale and turn are sum(conj(z) w) / sum(|z|^2) about the centres. Never a mirror image.
    """
    points, wanted = np.asarray(points, np.float64), np.asarray(wanted, np.float64)
    (cx, cy), (gx, gy) = points.mean(0), wanted.mean(0)
    x, y = points[:, 0] - cx, points[:, 1] - cy
    u, v = wanted[:, 0] - gx, wanted[:, 1] - gy
    spread = max(x @ x + y @ y, 1e-12 * len(points))
    cos, sin = (x @ u + y @ v) / spread, (x @ v - y @ u) / spread
    return np.array([[cos, -sin, gx - cos * cx + sin * cy], [sin, cos, gy - sin * cx - cos * cy]])


def crop_matrix(landmarks: np.ndarray, size: int, coverage: str = "face", aspect: float = 1.0) -> np.ndarray:
    """(2, 3) frame pixels -> pixels of an upright `size` x `size` crop.

    landmarks : (478, 3) frame pixels
    coverage  : a key of COVERAGES
    aspect    : width / height of one frame pixel; the crop's pixels are square
    """
    side, up = COVERAGES[coverage]
    wanted = ((unit_points(ALIGN_POINTS) - [0.0, up]) / side + 0.5) * size - 0.5
    points = landmarks[ALIGN_POINTS, :2].astype(np.float64) * [aspect, 1.0]
    return umeyama(points, wanted) @ np.diag([aspect, 1.0, 1.0])


def cut_from(stored: str, size: int, coverage: str) -> tuple[np.ndarray, int]:
    """The matrix (2, 3) from a stored crop's pixels to those of another coverage of the same face at the same scale,
    and the side of that crop in pixels."""
    (side, up), (new_side, new_up) = COVERAGES[stored], COVERAGES[coverage]
    new_size = round(size * new_side / side)
    scale = new_size / new_side * side / size
    shift = ((0.5 / size - 0.5) * side + np.array([0.0, up - new_up])) / new_side * new_size + (new_size - 1) / 2
    return np.column_stack([scale * np.eye(2), shift]), new_size


def take_crop(pixels: np.ndarray, matrix: np.ndarray, size: int) -> np.ndarray:
    """(H, W, 3) uint8 and matrix frame -> crop: the crop (size, size, 3) uint8; beyond the frame its edge is repeated.

    Cubic where the face grows; where it shrinks by more than a half, the crop is taken larger and averaged down.
    """
    shrink = 1 / np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    factor = int(min(max(np.floor(shrink), 1), 8))
    scale = np.array([[factor, 0, (factor - 1) / 2], [0, factor, (factor - 1) / 2], [0, 0, 1]])
    larger = scale[:2, :2] @ matrix + [[0, 0, scale[0, 2]], [0, 0, scale[1, 2]]]
    flags = cv2.INTER_CUBIC if factor == 1 else cv2.INTER_LINEAR  # averaging takes away what cubic would add
    crop = cv2.warpAffine(pixels, larger, (size * factor, size * factor), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return crop if factor == 1 else cv2.resize(crop, (size, size), interpolation=cv2.INTER_AREA)


def averaged_down(pixels: np.ndarray, low: np.ndarray, high: np.ndarray, factor: int) -> tuple[np.ndarray, np.ndarray]:
    """The part low .. high (x, y; high just outside) of pixels (H, W, ...) at 1 / factor of its size, each pixel a mean
    of factor squared; and the matrix (2, 3) from pixels there. It may begin a little earlier and end a little later.

    A whole factor costs a tenth of any other. Where the picture ends in the middle of a pixel, what is left is cut off.
    """
    limit = np.array(pixels.shape[1::-1])
    low = np.clip(low, 0, limit - 1)
    count = np.maximum(np.minimum(-(-(np.clip(high, low + 1, limit) - low) // factor), (limit - low) // factor), 1)
    right, bottom = np.minimum(low + count * factor, limit)
    part = pixels[low[1] : bottom, low[0] : right]
    back = np.array([[1.0, 0, -low[0]], [0, 1.0, -low[1]]])
    if factor == 1:
        return part, back
    small = cv2.resize(part, tuple(count.tolist()), interpolation=cv2.INTER_AREA)
    ratio = (count / (right - low[0], bottom - low[1]))[:, None]
    return small, back * ratio + [[0, 0, ratio[0, 0] / 2 - 0.5], [0, 0, ratio[1, 0] / 2 - 0.5]]


def invert(matrix: np.ndarray) -> np.ndarray:
    """The (2, 3) matrix that leads back."""
    return cv2.invertAffineTransform(np.asarray(matrix, np.float64))


def move(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """points (N, 2) through matrix (2, 3) -> (N, 2)."""
    return points @ matrix[:, :2].T + matrix[:, 2]


def part_of(matrix: np.ndarray, size: int, share: float, new_size: int) -> np.ndarray:
    """The matrix of the centred part of a crop: `share` of its side, at new_size pixels instead of size."""
    scale = new_size / (size * share)
    shift = (new_size - 1) / 2 - scale * (size - 1) / 2
    return scale * np.asarray(matrix) + [[0, 0, shift], [0, 0, shift]]
