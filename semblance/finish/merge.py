"""Puts one predicted face back into its frame: plate, landmarks, crop and matrix in, a patch of the frame out.

The mask is built on the crop's own axes (bounded cost, sides stay sides however the head is turned), the colour is
matched on a small crop, and only the rectangle of the frame that the mask covers is ever touched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from pydantic import Field, field_validator

from ..errors import InputError
from ..faces.mask import hull_mask
from ..options import Options
from ..types import Patch
from .bands import band_blend
from .blend import alpha_blend, seamless_clone
from .by_hand import set_by_hand
from .colour import apply_colour
from .face_colours import COLOUR_SIDE, FaceColours, measure_colours
from .fit_colours import Transfer
from .mask_words import SEEN, composed, named, products
from .masks import clip_to_crop, erode_edge, feather_edge, head_points, pad_sides
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
from .poisson import Meeting, poisson_blend
from .sharpen import sharpen
from .warp import warped

_MASK_SIDE = 256  # finest mask grid: a feathered edge holds no more detail, and its cost stays bounded for close-ups
_MARGIN = 5  # crop pixels that cubic interpolation and sharpening look beyond what is shown
_OVERSAMPLE = 1.25  # a shrinking crop keeps this margin over the frame's grid, so that the warp costs no detail


class MergeOptions(Options):
    """How the new face is laid into the frame. Percentages are of the face's size: its landmarks' longer side."""

    face_scale: float = Field(1.0, ge=0.5, le=1.5)
    """Size of the new face, times its natural size (0.5 to 1.5)."""
    shift_x: float = Field(0.0, ge=-50, le=50)
    """Moves the new face and its mask to the right, percent of the face (-50 to 50); across a head that is turned."""
    shift_y: float = Field(0.0, ge=-50, le=50)
    """Moves the new face and its mask down, percent of the face (-50 to 50); along a head that is turned."""
    warp: float = Field(0.0, ge=0, le=1)
    """How far mouth, jaw and eyes of the new face are pulled to where the plate's are (0 to 1); for models that draw
    crops. Those that work in mesh space draw over the plate's own mesh anyway."""
    mask: str = "auto"
    """What is replaced: the face's outline (hull), all that the model draws (crop), what the model says is face
    (model), what the occlusion net says is face in the plate (xseg) or in what was drawn (xseg-new), the head or the
    person; joined by * for what is in both, by + for what is in either, as in "hull*model+xseg". auto: what suits the
    model."""
    erode: float | None = Field(None, ge=-30, le=40)
    """Pulls the mask's edge in, percent of the face (-30 to 40); negative pushes it out. Default: 4, or 0 for a model
    that draws a soft edge of its own."""
    feather: float | None = Field(None, ge=0, le=50)
    """Width of the mask's soft edge, percent of the face (0 to 50). Default: 10, with --blend bands 3, or 0 for a model
    that draws a soft edge of its own."""
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
    colour: Literal["auto", "none", Transfer] = "auto"
    """Fits the new face's colours to the plate's: mean and spread in Lab (lab; DeepFaceLab's rct) or in RGB (mean);
    mean and covariance by principal axes (lct) or by the least movement (mkl); the whole distribution by rotated
    histograms (idt) or by slices (sot); each channel's histogram (hist; DeepFaceLab's hist-match); light by mean and
    spread, tint by slices (mix); or not at all (none). auto: lab, or none if the model takes the plate's light."""
    colour_strength: float = Field(1.0, ge=0, le=1)
    """How far the new face's colours go to the plate's (0 to 1)."""
    linear_light: bool = False
    """Works on amounts of light, not on shown values: for transfers in RGB and for the colours set by hand."""
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
    saturation: float = Field(0.0, ge=-100, le=100)
    """Strength of the new face's colours, percent more or less (-100, which is grey, to 100)."""
    temperature: float = Field(0.0, ge=-100, le=100)
    """Makes the new face warmer, more red and less blue (to 100: a stop each), or colder (to -100)."""
    tint: float = Field(0.0, ge=-100, le=100)
    """Makes the new face more magenta, less green (to 100: a stop), or greener (to -100)."""
    blend: Literal["alpha", "bands", "poisson", "poisson-mixed", "opencv", "raw"] = "alpha"
    """How face and plate are joined: by the mask alone (alpha); each band of detail with an edge of its own width
    (bands); with the face tinted smoothly so that its edge meets the plate (poisson); so, and with the plate's own
    lines and moles where they are stronger (poisson-mixed); by OpenCV's seamless cloning (opencv); or the model's crop
    just as it is, with its own mask and colours (raw)."""
    sharpen: float = Field(0.0, ge=0, le=3)
    """Strength of sharpening of the new face (0 to 3)."""
    restore: float = Field(0.0, ge=0, le=1)
    """How much detail a restorer adds to the drawn face (0 to 1); for models that draw aligned crops."""
    restore_scale: Literal[2, 4] = 2
    """How many times finer the restorer makes the face; 4 where the frame shows it over three times as large as the
    model draws it."""

    @field_validator("mask")
    @classmethod
    def _known(cls, words: str) -> str:
        if words != "auto":
            products(words)
        return words

    def settled(self, mask: str = "hull", soft: bool = False) -> MergeOptions:
        """These options with everything decided; mask: what auto stands for; soft: the model gives its mask a soft edge
        and its face the plate's light."""
        raw = self.blend == "raw"
        usual = {"erode": 4.0, "feather": 3.0 if self.blend == "bands" else 10.0}
        if soft or raw:
            usual = {"erode": 0.0, "feather": 0.0}
        changes = {name: value for name, value in usual.items() if getattr(self, name) is None}
        if self.mask == "auto":
            own = "model" if "model" in named(mask) else "crop"
            changes["mask"] = own if raw else mask
        if self.colour == "auto":
            changes["colour"] = "none" if soft or raw else "lab"
        return self.changed(**changes)

    @property
    def transfer(self) -> Transfer | None:
        """How colours are matched, None where they are left alone."""
        return {"none": None, "auto": "lab"}.get(self.colour, self.colour) if self.colour_strength else None


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
    """What changed in a frame: the patch, and how much of each of its pixels is new, (h, w) float32 0..1.

    face: the new face alone on the patch's pixels and in its depth, as it was before the two were blended; matrix
    (2, 3): frame pixels -> crop pixels, as the crop was shown; meeting: what a Poisson blend was hung up on.
    """

    patch: Patch
    mask: np.ndarray
    face: np.ndarray
    matrix: np.ndarray
    meeting: Meeting | None = None


def merge_face(
    plate: np.ndarray,
    landmarks: np.ndarray,
    crop: np.ndarray,
    matrix: np.ndarray,
    options: MergeOptions,
    crop_mask: np.ndarray | None = None,
    seen: Mapping[str, Free] | None = None,
    colours: FaceColours | None = None,
    free: Free | None = None,
    drawn: np.ndarray | None = None,
    before: Meeting | None = None,
) -> Merged | None:
    """Lay a predicted face into its frame; None where nothing would change.

    plate (H, W, 3) uint8 RGB; landmarks (478, 3) of the plate's face in frame pixels; crop (S, S, 3) float32 0..1;
    matrix (2, 3) frame pixels -> crop pixels; crop_mask (S, S) float32 0..1, the model's own mask; seen: the masks
    "person", "xseg" and "xseg-new", those of them that the options name; colours: measured and smoothed by the caller
    (see colours_for), else measured here; free: where nothing stands before the face; drawn (478, 3): landmarks of the
    predicted face in crop pixels, wanted by `warp`, without which nothing is pulled; before: the same face's
    Merged.meeting in the frame before, for a Poisson blend that is steadier still.
    The plate may be uint16, too: the patch has its depth. Outside Merged.mask it is the plate, byte for byte. Raises
    InputError.
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
    face, face_matrix = part_for(*_reduced(crop, shown), where, _MARGIN)
    face = _finished(face, colours, options)
    face = _shown(_in_depth_of(plate, face), face_matrix, where)
    alpha, edge = (_mask_shown(each, shown_to_mask, where) for each in (mask, unhidden))
    bare = None if bare is None else _mask_shown(bare, shown_to_mask, where)
    pixels, face, meeting = _joined(where.of(plate), face, alpha, edge, bare, options, before)
    alpha = alpha * np.float32(options.opacity)
    return Merged(Patch(where.x0, where.y0, pixels), alpha, face, shown, meeting)


def _joined(
    plate: np.ndarray,
    face: np.ndarray,
    alpha: np.ndarray,
    edge: np.ndarray,
    bare: np.ndarray | None,
    options: MergeOptions,
    before: Meeting | None,
) -> tuple[np.ndarray, np.ndarray, Meeting | None]:
    """Plate and face (h, w, 3) of one depth as one picture; edge (h, w): the mask with nothing before the face, bare
    (h, w): where that is so. Besides the face as it was laid down, and what a Poisson blend was hung up on."""
    if options.blend == "bands":
        # opacity comes last: the bands' edges are those of the whole mask
        blended = band_blend(plate, face, alpha)
        return alpha_blend(plate, blended, np.full_like(alpha, options.opacity)), face, None
    meeting = None
    if options.blend == "opencv":
        face = seamless_clone(plate, face, alpha)
    elif options.blend in ("poisson", "poisson-mixed"):
        face, meeting = poisson_blend(plate, face, edge, bare, options.blend == "poisson-mixed", before)
    return alpha_blend(plate, face, alpha * np.float32(options.opacity)), face, meeting


def colours_for(
    plate: np.ndarray,
    landmarks: np.ndarray,
    crop: np.ndarray,
    matrix: np.ndarray,
    options: MergeOptions,
    crop_mask: np.ndarray | None = None,
    free: Free | None = None,
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
    seen: Mapping[str, Free],
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
        face = sharpen(face, options.sharpen)
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
