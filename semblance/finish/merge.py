"""Puts one predicted face back into its frame: plate, landmarks, crop and matrix in, a patch of the frame out.

The mask is built on the crop's own axes (bounded cost, sides stay sides however the head is turned), the colour is
matched on a small crop, and only the rectangle of the frame that the mask covers is ever touched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from pydantic import Field

from ..errors import InputError
from ..faces.mask import hull_mask
from ..options import Options
from ..types import Patch
from .blend import alpha_blend, seamless_clone
from .colour import Space, adjust, apply_colour
from .face_colours import FaceColours, measure_colours
from .masks import clip_to_crop, erode_edge, feather_edge, pad_sides
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
from .sharpen import sharpen

_MASK_SIDE = 256  # finest mask grid: a feathered edge holds no more detail, and its cost stays bounded for close-ups
_MARGIN = 5  # crop pixels that cubic interpolation and sharpening look beyond what is shown
_OVERSAMPLE = 1.25  # a shrinking crop keeps this margin over the frame's grid, so that the warp costs no detail


class MergeOptions(Options):
    """How the new face is laid into the frame. Percentages are of the face's size: its landmarks' longer side."""

    face_scale: float = Field(1.0, ge=0.5, le=1.5)
    """Size of the new face, times its natural size (0.5 to 1.5)."""
    mask: Literal["auto", "hull", "crop", "model", "hull+model", "person", "person+model"] = "auto"
    """What is replaced: the face's outline (hull), all that the model draws (crop), what the model says is face
    (model), the person within the crop (person), or the overlap of two; auto: what suits the model."""
    erode: float | None = Field(None, ge=-30, le=40)
    """Pulls the mask's edge in, percent of the face (-30 to 40); negative pushes it out. Default: 4, or 0 for a model
    that draws a soft edge of its own."""
    feather: float | None = Field(None, ge=0, le=50)
    """Width of the mask's soft edge, percent of the face (0 to 50). Default: 10, or 0 for a model that draws a soft
    edge of its own."""
    opacity: float = Field(1.0, ge=0, le=1)
    """How much of the new face is seen: 0 none, 1 all."""
    pad_top: float = Field(0.0, ge=-50, le=50)
    """Moves the mask's upper side outwards, percent of the face (-50 to 50); negative moves it in."""
    pad_bottom: float = Field(0.0, ge=-50, le=50)
    """Moves the mask's lower side outwards, percent of the face (-50 to 50); negative moves it in."""
    pad_left: float = Field(0.0, ge=-50, le=50)
    """Moves the mask's left side (in the picture) outwards, percent of the face (-50 to 50); negative moves it in."""
    pad_right: float = Field(0.0, ge=-50, le=50)
    """Moves the mask's right side (in the picture) outwards, percent of the face (-50 to 50); negative moves it in."""
    colour: Literal["auto", "none", "lab", "mean"] = "auto"
    """Fits the new face's colours to the plate's: not at all, mean and spread in Lab, or mean and spread in RGB; auto:
    Lab, or none where the model takes over the plate's light."""
    occluders: Literal["keep", "cover"] = "keep"
    """What stands before the face (a hand, a microphone, glasses) stays in front (keep) or is painted over (cover)."""
    shape: float = Field(1.0, ge=0, le=1)
    """How much of the source's form the face gets (0 to 1); for models that work in mesh space."""
    light: float = Field(1.0, ge=0, le=1)
    """How much of the plate's light the face gets (0 to 1); for models that work in mesh space."""
    detail: float = Field(1.0, ge=0, le=1)
    """How far the face's fine detail is brought to the strength of the plate's own (0 to 1); for models that work in
    mesh space."""
    brightness: float = Field(0.0, ge=-100, le=100)
    """Added to the new face, percent of white (-100 to 100)."""
    contrast: float = Field(0.0, ge=-100, le=100)
    """Contrast of the new face about mid grey, percent more or less (-100 to 100)."""
    seamless: bool = False
    """Tints the new face smoothly so that its edge meets the plate (Poisson cloning); several times slower."""
    sharpen: float = Field(0.0, ge=0, le=3)
    """Strength of sharpening of the new face (0 to 3)."""
    restore: float = Field(0.0, ge=0, le=1)
    """How much detail a restorer adds to the drawn face (0 to 1); for models that draw aligned crops."""
    restore_scale: Literal[2, 4] = 2
    """How many times finer the restorer makes the face; 4 where the frame shows it over three times as large as the
    model draws it."""

    def settled(self, mask: str = "hull", soft: bool = False) -> MergeOptions:
        """These options with everything decided; mask: what auto stands for; soft: the model gives its mask a soft edge
        and its face the plate's light."""
        usual = {"erode": 0.0, "feather": 0.0} if soft else {"erode": 4.0, "feather": 10.0}
        changes = {name: value for name, value in usual.items() if getattr(self, name) is None}
        if self.mask == "auto":
            changes["mask"] = mask
        if self.colour == "auto":
            changes["colour"] = "none" if soft else "lab"
        return self.changed(**changes)

    @property
    def colour_space(self) -> Space | None:
        """The space in which colours are matched, None where they are left alone."""
        return {"none": None, "auto": "lab", "lab": "lab", "mean": "rgb"}[self.colour]


@dataclass(frozen=True, slots=True, eq=False)
class Free:
    """Where a face shows its own skin: mask (S, S) float32 0..1, 0 where something stands before it; matrix (2, 3)
    frame pixels -> mask pixels."""

    mask: np.ndarray
    matrix: np.ndarray

    def on(self, to_grid: np.ndarray, side: int) -> np.ndarray:
        """The mask on another grid (side, side), to which `to_grid` (2, 3) leads from the frame."""
        whole = np.vstack([self.matrix, [0, 0, 1]]) @ np.linalg.inv(np.vstack([to_grid, [0, 0, 1]]))
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return cv2.warpAffine(self.mask, whole[:2], (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE)


@dataclass(frozen=True, slots=True, eq=False)
class Merged:
    """What changed in a frame: the patch, and how much of each of its pixels is new, (h, w) float32 0..1."""

    patch: Patch
    mask: np.ndarray


def merge_face(
    plate: np.ndarray,
    landmarks: np.ndarray,
    crop: np.ndarray,
    matrix: np.ndarray,
    options: MergeOptions,
    crop_mask: np.ndarray | None = None,
    person: np.ndarray | None = None,
    colours: FaceColours | None = None,
    free: Free | None = None,
) -> Merged | None:
    """Lay a predicted face into its frame; None where nothing would change.

    plate (H, W, 3) uint8 RGB; landmarks (478, 3) of the plate's face in frame pixels; crop (S, S, 3) float32 0..1;
    matrix (2, 3) frame pixels -> crop pixels; crop_mask (S, S) float32 0..1, the model's own mask; person (H, W)
    float32 0..1, wanted by mask 'person'; colours: measured and smoothed by the caller (see measure_colours), else
    measured here; free: where nothing stands before the face.
    Outside Merged.mask the patch is the plate, byte for byte. Raises InputError.
    """
    options = options.settled()
    _check(plate, landmarks, crop, matrix, options, crop_mask, person)
    matrix = np.asarray(matrix, np.float64)
    shown = scaled_about(matrix, face_centre(landmarks), options.face_scale)

    mask, to_mask = _crop_mask(landmarks, crop.shape[0], matrix, options, crop_mask)
    shown_to_mask = on_grid(shown, crop.shape[0], mask.shape[0])
    if "person" in options.mask:
        mask = _only_person(mask, person, shown_to_mask)
    mask = _shape_edge(mask, move_points(to_mask, landmarks), options)
    if free is not None:  # last: a strand of hair would be lost to erosion and feather
        mask = np.minimum(mask, free.on(to_mask, mask.shape[0]))
    x, y, w, h = cv2.boundingRect((mask > 0).astype(np.uint8))
    # linear interpolation carries the mask one grid pixel further
    where = rectangle_of(shown_to_mask, (x - 1, y - 1, x + w, y + h), plate.shape[:2]) if w else None
    if where is None or not options.opacity:
        return None

    if colours is None and options.colour_space:
        colours = measure_colours(plate, landmarks, crop, matrix, options.colour_space, crop_mask)
    face, face_matrix = part_for(*_reduced(crop, shown), where, _MARGIN)
    face = _finished(face, colours, options)
    face = _shown(cv2.convertScaleAbs(face, alpha=255), face_matrix, where)
    alpha = bring(mask, shown_to_mask, where, cv2.INTER_LINEAR, cv2.BORDER_CONSTANT)
    under = where.of(plate)
    if options.seamless:
        face = seamless_clone(under, face, alpha)
    alpha *= np.float32(options.opacity)
    return Merged(Patch(where.x0, where.y0, alpha_blend(under, face, alpha)), alpha)


def _crop_mask(
    landmarks: np.ndarray, side: int, matrix: np.ndarray, options: MergeOptions, crop_mask: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """The bare shape that the options ask for on the mask grid, and the matrix from frame pixels to that grid."""
    grid = _mask_side(side * frame_pixels_per_crop_pixel(matrix))
    to_mask = on_grid(matrix, side, grid)
    mask = np.ones((grid, grid), np.float32)
    if "hull" in options.mask:
        mask = hull_mask(move_points(to_mask, landmarks), (grid, grid))
    if "model" in options.mask:
        mask = mask * resized(crop_mask, grid)
    return mask, to_mask


def _mask_side(pixels: float) -> int:
    """Side of the mask grid for a crop that covers so many frame pixels: about one to one, a multiple of 8, bounded."""
    return int(min(_MASK_SIDE, max(8, 8 * np.ceil(pixels / 8))))


def _only_person(mask: np.ndarray, person: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """The mask where a person is, too; `person` is a mask of the frame, `matrix` leads from it to the mask grid."""
    side = mask.shape[0]
    return np.minimum(mask, cv2.warpAffine(person, matrix, (side, side), borderMode=cv2.BORDER_REPLICATE))


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
    mask = clip_to_crop(mask, options.feather * percent / 2)
    return feather_edge(mask, options.feather * percent)


def _finished(face: np.ndarray, colours: FaceColours | None, options: MergeOptions) -> np.ndarray:
    """The face with its colours, brightness, contrast and sharpness set."""
    if colours and options.colour_space:
        face = apply_colour(face, colours.own, colours.wanted)
    if options.brightness or options.contrast:
        face = adjust(face, options.brightness, options.contrast)
    if options.sharpen:
        face = sharpen(face, options.sharpen)
    return np.clip(face, 0, 1)


def _reduced(crop: np.ndarray, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The crop on no finer a grid than the frame can show (area average), and the matrix to that grid."""
    side = crop.shape[0]
    new_side = int(np.ceil(side * frame_pixels_per_crop_pixel(matrix) * _OVERSAMPLE))
    if new_side >= side:
        return crop, matrix
    return resized(crop, new_side), on_grid(matrix, side, new_side)


def _shown(face: np.ndarray, matrix: np.ndarray, where: Rectangle) -> np.ndarray:
    """The face (h, w, 3) uint8 on the frame's grid, by cubic interpolation."""
    growth = int(np.ceil(frame_pixels_per_crop_pixel(matrix)))
    if growth == 1:
        return bring(face, matrix, where, cv2.INTER_CUBIC, cv2.BORDER_REPLICATE)
    # enlarged upright first, then turned: on so fine a grid linear loses nothing, at a quarter of a cubic warp's cost
    h, w = face.shape[:2]
    face = cv2.resize(face, (w * growth, h * growth), interpolation=cv2.INTER_CUBIC)
    return bring(face, on_grid(matrix, 1, growth), where, cv2.INTER_LINEAR, cv2.BORDER_REPLICATE)


def _check(plate, landmarks, crop, matrix, options, crop_mask, person) -> None:
    """Raises InputError for arrays that do not fit together."""
    if plate.ndim != 3 or plate.shape[2] != 3 or plate.dtype != np.uint8:
        raise InputError(f"The plate must be (H, W, 3) uint8 RGB, not {plate.shape} {plate.dtype}.")
    if crop.ndim != 3 or crop.shape[2] != 3 or crop.shape[0] != crop.shape[1] or crop.dtype != np.float32:
        raise InputError(f"The crop must be (S, S, 3) float32 RGB 0..1, not {crop.shape} {crop.dtype}.")
    if landmarks.ndim != 2 or landmarks.shape[1] not in (2, 3) or len(landmarks) < 3:
        raise InputError(f"Landmarks must be (478, 3) in frame pixels, not {landmarks.shape}.")
    if np.shape(matrix) != (2, 3) or abs(np.linalg.det(np.asarray(matrix)[:, :2])) < 1e-12:
        raise InputError("The matrix must be (2, 3), frame pixels to crop pixels, and have an inverse.")
    if "model" in options.mask and (crop_mask is None or crop_mask.shape != crop.shape[:2]):
        raise InputError(f"Mask '{options.mask}' needs a model that draws a mask of its own; choose 'hull' or 'crop'.")
    if "person" in options.mask and (person is None or person.shape != plate.shape[:2]):
        raise InputError("Mask 'person' needs a person mask of the frame's size; make it with faces.mask.PersonMask.")
