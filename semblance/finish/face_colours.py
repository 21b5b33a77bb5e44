"""What the merge needs to know of two faces' colours: the plate's face and the predicted one, both on one small grid.

Light and tint are to be matched, not texture: at 48 pixels a soft face and a crisp one compare fairly, and measuring a
close-up costs no more than measuring a small face.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..faces.mask import hull_mask
from .blend import white_of
from .colour import ColourMap
from .fit_colours import Transfer, fit_colours
from .masks import erode_edge
from .place import face_size, frame_pixels_per_crop_pixel, move_points, moved_to, on_grid, rectangle_of, resized

COLOUR_SIDE = 48
_COLOUR_ERODE = 5.0  # percent of the face taken off before measuring: hairline and background stay out
_PROBES = np.array([-1.5, -0.5, 0.5, 1.5], np.float32)  # deviations from a face's mean: its shades, dark to light


@dataclass(frozen=True, slots=True, eq=False)
class FaceColours:
    """How the predicted face's colours become those of the plate's face. probes (n, 3) float32 RGB 0..1: a few colours
    of the predicted face, by which two such maps can be compared; seen: pixels of the grid that it was measured on."""

    change: ColourMap
    probes: np.ndarray
    seen: float


def measure_colours(
    plate: np.ndarray,
    landmarks: np.ndarray,
    crop: np.ndarray,
    matrix: np.ndarray,
    transfer: Transfer,
    crop_mask: np.ndarray | None = None,
    free: np.ndarray | None = None,
    linear: bool = False,
) -> FaceColours | None:
    """Colours of both faces within the eroded hull, for a caller that smooths them over time before it merges.

    Arguments as in merge_face; free (COLOUR_SIDE, COLOUR_SIDE) 0..1: where on the crop nothing stands before the face;
    transfer and linear as in fit_colours. None if too little of the face lies in the frame.
    """
    side = crop.shape[0]
    matrix = on_grid(np.asarray(matrix, np.float64), side, COLOUR_SIDE)
    points = move_points(matrix, landmarks)
    weight = erode_edge(hull_mask(points, (COLOUR_SIDE,) * 2), _COLOUR_ERODE / 100 * face_size(points))
    if crop_mask is not None:
        weight = weight * resized(crop_mask, COLOUR_SIDE)
    if free is not None:
        weight = weight * free
    where = rectangle_of(matrix, (-0.5, -0.5, COLOUR_SIDE - 0.5, COLOUR_SIDE - 0.5), plate.shape[:2])
    if where is None:
        return None
    wanted, inside = _on_colour_grid(where.of(plate), moved_to(matrix, where))
    wanted, weight = wanted * np.float32(1 / white_of(plate)), weight * inside
    own, _ = _on_colour_grid(crop, on_grid(np.eye(2, 3), side, COLOUR_SIDE))
    change = fit_colours(transfer, own, wanted, weight, linear)
    if change is None:
        return None
    seen = float(weight.sum())
    share, pixels = weight.ravel() / seen, own.reshape(-1, 3)
    mean = share @ pixels
    deviation = np.sqrt(share @ (pixels - mean) ** 2)
    return FaceColours(change, np.clip(mean + _PROBES[:, None] * deviation, 0, 1), seen)


def _on_colour_grid(picture: np.ndarray, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A picture seen through the matrix to the colour grid, and which pixels of that grid lie inside it, 0..1."""
    # averaged over whole blocks, which is three times as fast as any other shrinking; a rest of a block is left out
    h, w = picture.shape[:2]
    block = min(max(1, round(frame_pixels_per_crop_pixel(matrix))), h, w)
    small = (w // block, h // block)
    reduced = cv2.resize(picture[: small[1] * block, : small[0] * block], small, interpolation=cv2.INTER_AREA)
    to_colour = np.column_stack([matrix[:, :2] * block, matrix[:, 2] + matrix[:, :2].sum(1) * (block - 1) / 2])
    grid = (COLOUR_SIDE, COLOUR_SIDE)
    pixels = cv2.warpAffine(reduced, to_colour, grid, borderMode=cv2.BORDER_REPLICATE)
    inside = cv2.warpAffine(np.ones(small[::-1], np.float32), to_colour, grid)
    return pixels, inside
