"""Where a crop lies in the frame: (2, 3) matrices frame pixels -> crop pixels in, matrices and rectangles out.

Pixel centres are whole numbers: a crop of side S spans -0.5 .. S - 0.5, and a change of grid moves by half pixels.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

_WHOLE = 1e-6  # pixels off a whole number, which interpolation cannot tell from it


class Rectangle(NamedTuple):
    """A rectangle of a frame in whole pixels; x1 and y1 lie just outside."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def shape(self) -> tuple[int, int]:
        """(h, w)"""
        return self.y1 - self.y0, self.x1 - self.x0

    def of(self, picture: np.ndarray) -> np.ndarray:
        """The view of this rectangle in a picture (H, W, ...)."""
        return picture[self.y0 : self.y1, self.x0 : self.x1]


def move_points(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """points (N, 2 or more) -> (N, 2) through the matrix."""
    return points[:, :2] @ matrix[:, :2].T + matrix[:, 2]


def frame_pixels_per_crop_pixel(matrix: np.ndarray) -> float:
    """How many frame pixels one crop pixel covers along a side (above 1: the crop grows when it is put back)."""
    return float(abs(np.linalg.det(matrix[:, :2])) ** -0.5)


def on_grid(matrix: np.ndarray, side: int, new_side: int) -> np.ndarray:
    """The matrix for the same crop sampled on another number of pixels."""
    ratio = new_side / side
    moved = matrix * ratio
    moved[:, 2] += (ratio - 1) / 2
    return moved


def scaled_about(matrix: np.ndarray, centre: np.ndarray, scale: float) -> np.ndarray:
    """The matrix that shows the crop `scale` times as large in the frame, `centre` (x, y frame pixels) staying put."""
    linear = matrix[:, :2] / scale
    shift = matrix[:, :2] @ centre + matrix[:, 2] - linear @ centre
    return np.column_stack([linear, shift])


def moved_to(matrix: np.ndarray, rectangle: Rectangle) -> np.ndarray:
    """The matrix for pixels counted from the rectangle's own corner."""
    moved = matrix.copy()
    moved[:, 2] += matrix[:, :2] @ (rectangle.x0, rectangle.y0)
    return moved


def rectangle_of(
    matrix: np.ndarray, box: tuple[float, float, float, float], frame: tuple[int, int]
) -> Rectangle | None:
    """The rectangle of a frame (H, W) that holds a box of the crop (x0, y0, x1, y1: outer edges); None if outside."""
    x0, y0, x1, y1 = box
    corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float64)
    corners = move_points(cv2.invertAffineTransform(matrix), corners)
    # an edge at 2.3 cuts pixel 2, whose span is 1.5 .. 2.5
    low = np.maximum(np.floor(corners.min(0) + 0.5), 0).astype(int)
    high = np.minimum(np.ceil(corners.max(0) + 0.5), (frame[1], frame[0])).astype(int)
    if (high <= low).any():
        return None
    return Rectangle(int(low[0]), int(low[1]), int(high[0]), int(high[1]))


def bring(picture: np.ndarray, matrix: np.ndarray, rectangle: Rectangle, interpolation: int, border: int) -> np.ndarray:
    """A crop, sampled for each pixel of the frame's rectangle. `border`: a cv2 border mode for what lies outside."""
    return warped_back(picture, moved_to(matrix, rectangle), rectangle.shape, interpolation, border)


def warped_back(
    picture: np.ndarray, matrix: np.ndarray, shape: tuple[int, int], interpolation: int, border: int
) -> np.ndarray:
    """A picture of that shape (h, w), each of whose pixels lies in `picture` where the matrix takes it. Where that only
    moves by whole pixels and nothing lies outside, it is cut out: the same, at a tenth of the cost."""
    x, y = np.rint(matrix[:, 2]).astype(int)
    inside = 0 <= x <= picture.shape[1] - shape[1] and 0 <= y <= picture.shape[0] - shape[0]
    if inside and np.abs(matrix - [[1, 0, x], [0, 1, y]]).max() < _WHOLE:
        return picture[y : y + shape[0], x : x + shape[1]].copy()
    flags = interpolation | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(picture, matrix, shape[::-1], flags=flags, borderMode=border)


def part_for(crop: np.ndarray, matrix: np.ndarray, rectangle: Rectangle, margin: int) -> tuple[np.ndarray, np.ndarray]:
    """The part of a crop that fills a rectangle of the frame, with `margin` pixels around it, and the matrix to it."""
    x0, y0, x1, y1 = rectangle
    corners = move_points(matrix, np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float64))
    side = crop.shape[0]
    low = np.clip(np.floor(corners.min(0)).astype(int) - margin, 0, side - 1)
    high = np.clip(np.ceil(corners.max(0)).astype(int) + margin, low + 1, side)
    moved = matrix.copy()
    moved[:, 2] -= low
    return crop[low[1] : high[1], low[0] : high[0]], moved


def resized(picture: np.ndarray, side: int) -> np.ndarray:
    """A square picture on another grid: area average when it shrinks, linear when it grows."""
    how = cv2.INTER_AREA if side < picture.shape[0] else cv2.INTER_LINEAR
    return cv2.resize(picture, (side, side), interpolation=how)


def face_size(points: np.ndarray) -> float:
    """Longer side of the box around the points."""
    return float(np.ptp(points[:, :2], axis=0).max())


def face_centre(points: np.ndarray) -> np.ndarray:
    """Middle of the box around the points, (x, y)."""
    return (points[:, :2].min(0) + points[:, :2].max(0)).astype(np.float64) / 2
