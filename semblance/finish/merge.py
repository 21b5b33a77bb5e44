"""Puts one predicted face back into its frame: plate, landmarks, crop and matrix in, a patch of the frame out.

The mask is built on the crop's own axes (bounded cost, sides stay sides however the head is turned), the colour is
matched on a small crop, and only the rectangle of the frame that the mask covers is ever touched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from ..errors import InputError
from ..faces.mask import hull_mask, spared_mask
from ..types import Patch
from .bands import band_blend
from .blend import alpha_blend, seamless_clone
from .by_hand import set_by_hand
from .colour import apply_colour
from .face_colours import COLOUR_SIDE, FaceColours, measure_colours
from .like_plate import like_plate
from .mask_words import SEEN, composed, named
from .masks import clip_to_crop, erode_edge, feather_edge, head_points, pad_sides, skin_between
from .merge_options import MergeOptions
from .place import (
    Rectangle,
    bring,
    face_centre,
    face_size,
    frame_pixels_per_crop_pixel,
    move_points,
    on_grid,
    part_for,
    rectangle_of,
    resized,
    scaled_about,
)
from .placed_mask import PlacedMask
from .poisson import Meeting, meeting_of, poisson_blend
from .sharpen import sharpen
from .warp import warped

_MASK_SIDE = 256  # finest mask grid: a feathered edge holds no more detail, and its cost stays bounded for close-ups
_MARGIN = 5  # crop pixels that cubic interpolation and sharpening look beyond what is shown
_OVERSAMPLE = 1.25  # a shrinking crop keeps this margin over the frame's grid, so that the warp costs no detail


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """A new face on the frame's grid, over the rectangle `where` of it: face (h, w, 3) in the plate's depth; alpha
    (h, w) float32 0..1: how much of it is to be seen; matrix (2, 3): frame pixels -> crop pixels, as the crop is shown.
    spared (h, w): where a watermark would change what the face is read as.
    For a Poisson blend only: edge (h, w): the same as alpha with nothing before the face; bare (h, w) or None: where
    nothing is; skin (h, w) or None: where the plate's own lines may show through."""

    where: Rectangle
    face: np.ndarray
    alpha: np.ndarray
    matrix: np.ndarray
    spared: np.ndarray
    edge: np.ndarray | None = None
    bare: np.ndarray | None = None
    skin: np.ndarray | None = None

    def meeting(self, plate: np.ndarray) -> Meeting:
        """Where and how far apart plate (H, W, 3) and face meet, for a Poisson blend."""
        return meeting_of(self.where.of(plate), self.face, self.edge, self.bare)


@dataclass(frozen=True, slots=True, eq=False)
class Merged:
    """What changed in a frame: the patch, and how much of each of its pixels is new, (h, w) float32 0..1.

    face: the new face alone on the patch's pixels and in its depth, as it was before the two were blended; matrix
    (2, 3): frame pixels -> crop pixels, as the crop was shown.
    """

    patch: Patch
    mask: np.ndarray
    face: np.ndarray
    matrix: np.ndarray


def merge_face(
    plate: np.ndarray,
    landmarks: np.ndarray,
    crop: np.ndarray,
    matrix: np.ndarray,
    options: MergeOptions,
    crop_mask: np.ndarray | None = None,
    **known,
) -> Merged | None:
    """Lay a predicted face into its frame: place_face, whose arguments these are, and join_face. None where nothing
    would change.

    Outside Merged.mask the patch is the plate, byte for byte. Raises InputError.
    """
    placed = place_face(plate, landmarks, crop, matrix, options, crop_mask, **known)
    return placed and join_face(plate, placed, options)


def place_face(
    plate: np.ndarray,
    landmarks: np.ndarray,
    crop: np.ndarray,
    matrix: np.ndarray,
    options: MergeOptions,
    crop_mask: np.ndarray | None = None,
    seen: Mapping[str, PlacedMask] | None = None,
    colours: FaceColours | None = None,
    free: PlacedMask | None = None,
    drawn: np.ndarray | None = None,
    motion: tuple[float, float] = (0.0, 0.0),
    seed: int = 0,
) -> Placed | None:
    """A predicted face as it will lie over its frame, with its mask, colours and detail; None where none would be seen.

    plate (H, W, 3) uint8 or uint16 RGB; landmarks (478, 3) of the plate's face in frame pixels; crop (S, S, 3) float32
    0..1; matrix (2, 3) frame pixels -> crop pixels; crop_mask (S, S) float32 0..1, the model's own; seen: the masks
    "person", "xseg" and "xseg-new", those of them that the options name; colours: measured and smoothed by the caller
    (see colours_for), else measured here; free: where nothing stands before the face; drawn (478, 3): landmarks of the
    predicted face in crop pixels, wanted by `warp`, without which nothing is pulled; motion: (x, y) frame pixels that
    the plate's face goes in a frame's time, wanted by `motion_blur`; seed: of the grain. Raises InputError.
    """
    options = options.settled()
    _check(plate, landmarks, crop, matrix, options, crop_mask, seen or {})
    matrix = np.asarray(matrix, np.float64)
    in_crop = move_points(matrix, landmarks)
    if options.warp and drawn is not None:
        crop, crop_mask = warped(crop, crop_mask, drawn, in_crop, options.warp)
    shown = scaled_about(matrix, face_centre(landmarks), options.face_scale)
    shown[:, 2] -= np.array([options.shift_x, options.shift_y]) / 100 * face_size(in_crop)

    grid = _mask_side(crop.shape[0] * frame_pixels_per_crop_pixel(matrix))
    to_mask, shown_to_mask = (on_grid(each, crop.shape[0], grid) for each in (matrix, shown))
    points = move_points(to_mask, landmarks)
    mask = composed(options.mask, _masks(options.mask, points, grid, crop_mask, seen or {}, to_mask, shown_to_mask))
    mask = _shape_edge(mask, points, options)
    unhidden, bare = mask, None
    if free is not None:  # last: a strand of hair would be lost to erosion and feather
        bare = free.on(shown_to_mask, mask.shape[0])
        mask = np.minimum(mask, bare)
    x, y, w, h = cv2.boundingRect((mask > 0).astype(np.uint8))
    # linear interpolation carries the mask one grid pixel further
    where = rectangle_of(shown_to_mask, (x - 1, y - 1, x + w, y + h), plate.shape[:2]) if w else None
    if where is None or not options.opacity:
        return None

    if colours is None and options.transfer:
        colours = colours_for(plate, landmarks, crop, matrix, options, crop_mask, free)
    beyond = _MARGIN + int(3 * options.sharpen_radius * bool(options.sharpen))
    face, face_matrix = part_for(*_reduced(crop, shown), where, beyond)
    face = _finished(face, colours, options)
    face = _shown(_in_depth_of(plate, face), face_matrix, where)
    alpha = _mask_shown(mask, shown_to_mask, where)
    wanted = (unhidden, bare) if options.poisson else (None, None)
    edge, bare = (None if each is None else _mask_shown(each, shown_to_mask, where) for each in wanted)
    corner, chance = (where.x0, where.y0), np.random.default_rng(seed)
    face = like_plate(face, where.of(plate), alpha, corner, options, motion, chance)
    skin = None
    if options.blend == "poisson-mixed":
        skin = _mask_shown(skin_between(points, mask.shape[0]), shown_to_mask, where)
    spared = spared_mask(landmarks, where.shape, corner)
    return Placed(where, face, alpha, shown, spared, edge, bare, skin)


def join_face(
    plate: np.ndarray, placed: Placed, options: MergeOptions, met: tuple[Meeting, Meeting] | None = None
) -> Merged:
    """Plate (H, W, 3) and the face placed over it, blended. met: how they meet in this frame, and that steadied over
    time, for a Poisson blend; else found here."""
    under, face, alpha, opacity = placed.where.of(plate), placed.face, placed.alpha, np.float32(options.opacity)
    if options.blend == "bands":
        # opacity comes last: the bands' edges are those of the whole mask
        pixels = alpha_blend(under, band_blend(under, face, alpha), np.full_like(alpha, opacity))
    else:
        if options.blend == "opencv":
            face = seamless_clone(under, face, alpha)
        elif options.poisson:
            face = poisson_blend(under, face, placed.edge, placed.bare, placed.skin, met)
        pixels = alpha_blend(under, face, alpha * opacity)
    patch = Patch(placed.where.x0, placed.where.y0, pixels, placed.spared)
    return Merged(patch, alpha * opacity, face, placed.matrix)


def colours_for(
    plate: np.ndarray,
    landmarks: np.ndarray,
    crop: np.ndarray,
    matrix: np.ndarray,
    options: MergeOptions,
    crop_mask: np.ndarray | None = None,
    free: PlacedMask | None = None,
) -> FaceColours | None:
    """The colours that merge_face measures by itself; None where none are asked for, or too little is seen."""
    if not options.transfer:
        return None
    to_colours = on_grid(np.asarray(matrix, np.float64), crop.shape[0], COLOUR_SIDE)
    shown = free.on(to_colours, COLOUR_SIDE) if free else None
    return measure_colours(plate, landmarks, crop, matrix, options.transfer, crop_mask, shown, options.linear_light)


def _masks(
    words: str,
    points: np.ndarray,
    grid: int,
    crop_mask: np.ndarray | None,
    seen: Mapping[str, PlacedMask],
    to_mask: np.ndarray,
    shown_to_mask: np.ndarray,
) -> dict[str, np.ndarray]:
    """The bare masks that the words name, (grid, grid) each; points: the landmarks on that grid."""
    wanted, masks = named(words), {}
    if "hull" in wanted:
        masks["hull"] = hull_mask(points, (grid, grid))
    if "crop" in wanted:
        masks["crop"] = np.ones((grid, grid), np.float32)
    if "model" in wanted:
        masks["model"] = resized(crop_mask, grid)
    if "xseg-new" in wanted:  # it was found in the crop, and moves with it
        masks["xseg-new"] = seen["xseg-new"].on(to_mask, grid)
    for name in wanted & {"xseg", "person"}:
        masks[name] = seen[name].on(shown_to_mask, grid)
    if "head" in wanted:
        masks["head"] = seen["person"].on(shown_to_mask, grid) * hull_mask(head_points(points), (grid, grid))
    return masks


def _mask_side(pixels: float) -> int:
    """Side of the mask grid for a crop that covers so many frame pixels: about one to one, a multiple of 8, bounded."""
    return int(min(_MASK_SIDE, max(8, 8 * np.ceil(pixels / 8))))


def _shape_edge(mask: np.ndarray, points: np.ndarray, options: MergeOptions) -> np.ndarray:
    """Padding, erosion and feather of a mask; `points` are the landmarks on its grid."""
    percent = face_size(points) / 100
    mask = pad_sides(
        mask,
        options.pad_top * percent,
        options.pad_bottom * percent,
        options.pad_left * percent,
        options.pad_right * percent,
    )
    mask = erode_edge(mask, options.erode * percent)
    if options.blend != "raw":  # as it is, corners and all
        mask = clip_to_crop(mask, options.feather * percent / 2)
    return feather_edge(mask, options.feather * percent)


def _finished(face: np.ndarray, colours: FaceColours | None, options: MergeOptions) -> np.ndarray:
    """The face with its colours and sharpness set."""
    if colours and options.transfer:
        face = apply_colour(face, colours.change.weakened(options.colour_strength))
    by_hand = set_by_hand(
        options.brightness, options.contrast, options.saturation, options.temperature, options.tint,
        options.linear_light,
    )  # fmt: skip
    if by_hand:
        face = apply_colour(face, by_hand)
    if options.sharpen:
        face = sharpen(face, options.sharpen, options.sharpen_kind, options.sharpen_radius)
    return np.clip(face, 0, 1)


def _mask_shown(mask: np.ndarray, matrix: np.ndarray, where: Rectangle) -> np.ndarray:
    """A mask of the mask grid on the frame's grid."""
    return bring(mask, matrix, where, cv2.INTER_LINEAR, cv2.BORDER_CONSTANT)


def _reduced(crop: np.ndarray, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The crop on no finer a grid than the frame can show (area average), and the matrix to that grid."""
    side = crop.shape[0]
    new_side = int(np.ceil(side * frame_pixels_per_crop_pixel(matrix) * _OVERSAMPLE))
    if new_side >= side:
        return crop, matrix
    return resized(crop, new_side), on_grid(matrix, side, new_side)


def _in_depth_of(plate: np.ndarray, face: np.ndarray) -> np.ndarray:
    """The face (h, w, 3) float32 0..1 in the plate's depth."""
    if plate.dtype == np.uint8:
        return cv2.convertScaleAbs(face, alpha=255)
    return np.rint(face * np.float32(np.iinfo(plate.dtype).max)).astype(plate.dtype)


def _shown(face: np.ndarray, matrix: np.ndarray, where: Rectangle) -> np.ndarray:
    """The face (h, w, 3) on the frame's grid, by cubic interpolation."""
    growth = int(np.ceil(frame_pixels_per_crop_pixel(matrix)))
    if growth == 1:
        return bring(face, matrix, where, cv2.INTER_CUBIC, cv2.BORDER_REPLICATE)
    # enlarged upright first, then turned: on so fine a grid linear loses nothing, at a quarter of a cubic warp's cost
    h, w = face.shape[:2]
    face = cv2.resize(face, (w * growth, h * growth), interpolation=cv2.INTER_CUBIC)
    return bring(face, on_grid(matrix, 1, growth), where, cv2.INTER_LINEAR, cv2.BORDER_REPLICATE)


def _check(plate, landmarks, crop, matrix, options, crop_mask, seen) -> None:
    """Raises InputError for arrays that do not fit together."""
    if plate.ndim != 3 or plate.shape[2] != 3 or plate.dtype not in (np.uint8, np.uint16):
        raise InputError(f"The plate must be (H, W, 3) uint8 or uint16 RGB, not {plate.shape} {plate.dtype}.")
    if crop.ndim != 3 or crop.shape[2] != 3 or crop.shape[0] != crop.shape[1] or crop.dtype != np.float32:
        raise InputError(f"The crop must be (S, S, 3) float32 RGB 0..1, not {crop.shape} {crop.dtype}.")
    if landmarks.ndim != 2 or landmarks.shape[1] not in (2, 3) or len(landmarks) < 3:
        raise InputError(f"Landmarks must be (478, 3) in frame pixels, not {landmarks.shape}.")
    if np.shape(matrix) != (2, 3) or abs(np.linalg.det(np.asarray(matrix)[:, :2])) < 1e-12:
        raise InputError("The matrix must be (2, 3), frame pixels to crop pixels, and have an inverse.")
    wanted = named(options.mask)
    if "model" in wanted and (crop_mask is None or crop_mask.shape != crop.shape[:2]):
        raise InputError(f"Mask '{options.mask}' needs a model that draws a mask of its own; choose 'hull' or 'crop'.")
    missing = sorted(SEEN[name] for name in wanted if name in SEEN and SEEN[name] not in seen)
    if missing:
        raise InputError(f"Mask '{options.mask}' needs the mask '{missing[0]}' of the frame; hand it over in `seen`.")
