"""What the merge needs to know of two faces' colours: the plate's face and the predicted one, both on one small grid.

Light and tint are to be matched, not texture: at 64 pixels a soft face and a crisp one compare fairly, and measuring a
close-up costs no more than measuring a small face.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..faces.mask import hull_mask
from .colour import Space, Statistics, colour_statistics
from .masks import erode_edge
from .place import face_size, frame_pixels_per_crop_pixel, move_points, moved_to, on_grid, rectangle_of, resized

_COLOUR_SIDE = 64
_COLOUR_ERODE = 5.0  # percent of the face taken off before measuring: hairline and background stay out


@dataclass(frozen=True, slots=True, eq=False)
class FaceColours:
    """Colour statistics of the predicted face (own) and of the plate's face (wanted), in one space."""

    own: Statistics
    wanted: Statistics


def measure_colours(
    plate: np.ndarray,
    landmarks: np.ndarray,
    crop: np.ndarray,
    matrix: np.ndarray,
    space: Space,
    crop_mask: np.ndarray | None = None,
) -> FaceColours | None:
    """Colours of both faces within the eroded hull, for a caller that smooths them over time before it merges.

    Arguments as in merge_face, space as in colour_statistics. None if too little of the face lies in the frame.
    """
    side = crop.shape[0]
    matrix = on_grid(np.asarray(matrix, np.float64), side, _COLOUR_SIDE)
    points = move_points(matrix, landmarks)
    weight = erode_edge(hull_mask(points, (_COLOUR_SIDE,) * 2), _COLOUR_ERODE / 100 * face_size(points))
    if crop_mask is not None:
        weight = weight * resized(crop_mask, _COLOUR_SIDE)
    where = rectangle_of(matrix, (-0.5, -0.5, _COLOUR_SIDE - 0.5, _COLOUR_SIDE - 0.5), plate.shape[:2])
    if where is None:
        return None
    small, inside = _small_plate(where.of(plate), moved_to(matrix, where))
    weight = weight * inside
    own = colour_statistics(resized(crop, _COLOUR_SIDE), weight, space)
    wanted = colour_statistics(small, weight, space)
    return FaceColours(own, wanted) if own and wanted else None


def _small_plate(plate: np.ndarray, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The plate's face on the colour grid (float32 0..1), and which pixels of that grid lie inside the frame."""
    h, w = plate.shape[:2]
    scale = min(1.0, 1 / frame_pixels_per_crop_pixel(matrix))
    small = (max(1, round(w * scale)), max(1, round(h * scale)))
    ratio = np.array([w / small[0], h / small[1]])
    to_colour = np.column_stack([matrix[:, :2] * ratio, matrix[:, 2] + matrix[:, :2] @ (ratio - 1) / 2])
    grid = (_COLOUR_SIDE, _COLOUR_SIDE)
    reduced = cv2.resize(plate, small, interpolation=cv2.INTER_AREA)
    pixels = cv2.warpAffine(reduced, to_colour, grid, borderMode=cv2.BORDER_REPLICATE)
    inside = cv2.warpAffine(np.ones(small[::-1], np.float32), to_colour, grid)
    return pixels * np.float32(1 / np.iinfo(plate.dtype).max), inside
