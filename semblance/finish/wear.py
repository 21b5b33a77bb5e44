"""A drawn texture in mesh space -> the face as it lies in the plate: a crop in the frame's own pixels, and its mask.

The plate keeps its light (faces/light.py) and its movement; the source gives the skin and as much of the form as is
asked for. The edge fades out where the mesh ends, where skin turns away from the camera, and where either person has
hair instead of skin, so that strands over a forehead stay and no background is painted onto a cheek.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from ..faces.light import OFFSET, light_between, relit
from ..faces.mesh_space import OVAL, layout
from ..faces.own_skin import features, lab_length
from ..faces.shape import reshaped
from ..faces.wrap import facing, seen, wrap
from ..faceset.mean_texture import filled
from .place import warped_back

_FADE = 0.07  # of mesh space: width of the edge within the mesh's outline
# mesh space holds the mouth open, which leaves the chin little room: the edge narrows to the first between the others
_FADE_CHIN, _CHIN_FROM, _CHIN_WHOLE = 0.03, 0.78, 0.90
_FOREHEAD = 0.09  # of mesh space: how far past that outline the forehead's edge may lie
_MARGIN = 6  # pixels of the crop around the face: what a feather and cubic interpolation look beyond
_LARGEST = 1.6  # crop pixels per texel: a closer face is drawn at this and enlarged
_SKIN = 16.0, 30.0  # Lab distances from the face's own skin: within the first it is skin, beyond the second it is not
_HALF, _BARE = 0.5, 0.9  # of what _skin tells: what is still hair, and what is skin alone
_COLOURED = 0.1  # tint of skin is 0.2 to 0.7; in films without colours all is alike
_GREYER, _OTHER = (0.45, 0.7), (0.35, 0.6)  # off the skin's own tint, and lightness as a logarithm: skin, and no skin
_CHIN, _JAW = ((0.90, 0.95), (0.4, 0.6)), 0.62  # of mesh space: rows and columns; from where on down it has a beard
_COARSE = 2.0  # pixels: detail is what a blur of this deviation takes away
_TOO_SMALL = 100  # pixels of face
_DETAIL = 0.5, 1.5  # weaker and it is plastic, stronger and noise is raised
_NO_DETAIL = 0.25  # levels of 255
_OWN = 0.1  # of the mask: what is more is all the new face's
SEEN_SIDE = 64  # visibility is smooth: worked out at this side


@dataclass(frozen=True, slots=True, eq=False)
class Wardrobe:
    """What does not change from frame to frame: both forms (468, 3), where the new face goes (T, T) 0..1; small, at the
    side of visibility, where both faces are to be seen and the edge where the two skins meet, 0..1."""

    source: np.ndarray
    target: np.ndarray
    mask: np.ndarray
    trust: np.ndarray
    edge: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Worn:
    """crop (S, S, 3) float32 0..1, matrix (2, 3) frame pixels -> crop pixels, mask (S, S) float32 0..1; points
    (VERTICES, 3): where the mesh lies, in frame pixels."""

    crop: np.ndarray
    matrix: np.ndarray
    mask: np.ndarray
    points: np.ndarray


def wardrobe(
    source_shape: np.ndarray, target_shape: np.ndarray, source_mean: np.ndarray, target_mean: np.ndarray
) -> Wardrobe:
    """Shapes (468, 3) in face units; mean textures (T, T, 3) uint8 RGB of both people."""
    size = source_mean.shape[0]
    face = np.minimum(*(_skin(mean, bearded=True) for mean in (source_mean, target_mean)))
    skin = np.minimum(*(_skin(mean, bearded=False) for mean in (source_mean, target_mean)))
    mask = (_edge(size) * face).astype(np.float32)
    # half hair, or a beard beside a bare cheek, says nothing of the light
    bare, side = _bare(skin), (SEEN_SIDE, SEEN_SIDE)
    trust, edge = (
        cv2.resize(each * bare, side, interpolation=cv2.INTER_AREA) for each in (mask, 4 * mask * (1 - mask))
    )
    hairless = np.minimum(*(_unlike_hair(mean) for mean in (source_mean, target_mean)))
    trust, edge = trust * hairless, edge * hairless
    return Wardrobe(source_shape, target_shape, mask, trust, edge)


def skin_beyond(mean: np.ndarray) -> np.ndarray:
    """Mean texture (T, T, 3) uint8 -> (T, T, 3) float32 0..1 with skin where the outer face shows hair or background:
    nothing of those is to be drawn, but an edge is soft, and the light is compared up to it."""
    skin, mean = _bare(_skin(mean, bearded=True)), mean.astype(np.float32) / 255
    grown = filled(mean * skin[..., None], skin)
    return (grown + skin[..., None] * (mean - grown)).clip(0, 1)


def skin_only(texture: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """A drawn texture (T, T, 3) float32 0..1 that takes after the usual one, of skin_beyond, where its outer face shows
    hair or background: turned heads show some beyond the cheek, and a net learns that."""
    skin = _bare(_skin(cv2.convertScaleAbs(texture, alpha=255), bearded=True, inner=features))
    return cv2.blendLinear(texture, usual, skin, 1 - skin)


def _bare(skin: np.ndarray) -> np.ndarray:
    """What _skin tells, without what is half hair."""
    return np.clip((skin - _HALF) / (_BARE - _HALF), 0, 1)


def wear(
    texture: np.ndarray,
    frame: np.ndarray,
    plate: np.ndarray,
    points: np.ndarray,
    clothes: Wardrobe,
    shape: float,
    light: float,
    detail: float = 0.0,
    openings: np.ndarray | None = None,
    fine: bool = False,
    bare: np.ndarray | None = None,
    visible: np.ndarray | None = None,
) -> Worn:
    """texture (T, T, 3) float32 0..1 as the model drew it; frame (H, W, 3) uint8; plate (S, S, 3) uint8, the texture
    of the frame's face; points (VERTICES, 3) of it in frame pixels; shape, light, detail 0..1: how much of the source's
    form, of the plate's light and of the strength of its detail; openings (3,): how much further than the
    plate's mouth and eyes are to open, in face heights; fine: for a plate of more than 8 bits; bare (S, S) 0..1: where
    nothing stands before the plate's face, for what does says nothing of its light (None: nothing does); visible
    (SEEN_SIDE, SEEN_SIDE): seen(points, SEEN_SIDE) where it is known already."""
    size = texture.shape[0]
    visible = seen(points, SEEN_SIDE) if visible is None else visible
    if light:
        told = visible if bare is None else visible * _surely(bare)
        trust, edge = told * clothes.trust, told * clothes.edge
        texture = relit(texture, light_between(texture, plate.astype(np.float32) / 255, trust, edge), light)
    if shape or openings is not None:
        points = reshaped(points, clothes.source, clothes.target, shape, openings)
    alpha = clothes.mask * cv2.resize(facing(visible), (size, size), interpolation=cv2.INTER_LINEAR)
    crop_points, matrix, side = _place(points, size)
    # bytes: four times as fast as floats, and they stay within their range by themselves
    layers = cv2.merge([texture, alpha])
    layers = layers * np.float32(255) if fine else cv2.convertScaleAbs(layers, alpha=255)
    drawn, _ = wrap(layers, crop_points, side, side)
    drawn = np.clip(drawn, 0, 255) if fine else drawn
    crop, mask = cv2.cvtColor(drawn, cv2.COLOR_RGBA2RGB), cv2.extractChannel(drawn, 3)
    back = cv2.invertAffineTransform(matrix)
    under = warped_back(frame, back, (side, side), cv2.INTER_LINEAR, cv2.BORDER_REPLICATE)
    if detail:
        crop = _as_fine(crop, under, mask, detail)
    crop = _with_plate_beyond(crop, under, mask)
    return Worn(crop * np.float32(1 / 255), matrix, mask * np.float32(1 / 255), points)


def _with_plate_beyond(crop: np.ndarray, plate: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The face (S, S, 3), uint8 or as many levels in float32, that goes over into the plate where its mask (S, S) ends:
    a feather reaches beyond, where the mesh shows its rim or nothing, and would draw that as a line."""
    share = np.minimum(mask * np.float32(1 / (255 * _OWN)), 1)
    return cv2.blendLinear(crop, plate.astype(crop.dtype, copy=False), share, 1 - share)


def _surely(bare: np.ndarray) -> np.ndarray:
    """Where nothing stands before a face (S, S), or close by: a mask ends a little within what it tells; small."""
    near = cv2.erode(bare, np.ones((3, 3), np.uint8))
    return cv2.resize(near, (SEEN_SIDE, SEEN_SIDE), interpolation=cv2.INTER_AREA)


def _as_fine(crop: np.ndarray, plate: np.ndarray, mask: np.ndarray, share: float) -> np.ndarray:
    """The face (S, S, 3), uint8 or as many levels in float32, with its fine detail as strong as that of the plate under
    it: all of the way at share 1.

    Compared by the spread of the Laplacian under the mask (S, S), as sharpness is measured.
    """
    inside = mask > 230
    if inside.sum() < _TOO_SMALL:
        return crop
    own, wanted = (_detail(each, inside) for each in (crop, plate))
    if min(own, wanted) < _NO_DETAIL:
        return crop
    factor = float(np.clip(wanted / own, *_DETAIL) ** share)
    sharp = cv2.addWeighted(crop, factor, cv2.GaussianBlur(crop, (0, 0), _COARSE), 1 - factor, 0)
    return sharp if crop.dtype == np.uint8 else np.clip(sharp, 0, 255)


def _detail(picture: np.ndarray, inside: np.ndarray) -> float:
    """Spread of the Laplacian, in levels of 255."""
    kind = cv2.CV_16S if picture.dtype == np.uint8 else cv2.CV_32F
    return float(cv2.Laplacian(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), kind)[inside].std())


def _place(points: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Points in frame pixels -> the same in a square crop around them, the matrix (2, 3) there, the crop's side.

    One crop pixel is one frame pixel, on the same grid, unless the face is far larger than its texture.
    """
    low, high = np.floor(points[:, :2].min(0)) - _MARGIN, np.ceil(points[:, :2].max(0)) + _MARGIN
    scale = min(1.0, _LARGEST * size / float((high - low).max()))
    side = int(np.ceil(scale * float((high - low).max()))) + 1
    matrix = np.column_stack([scale * np.eye(2), -scale * low])
    moved = points.copy()
    moved[:, :2] = scale * (points[:, :2] - low)
    moved[:, 2] *= scale
    return moved, matrix, side


@lru_cache(maxsize=8)
def _edge(size: int) -> np.ndarray:
    """(size, size) 0..1: 1 in the face, falling to 0 at the mesh's outline, further out at the forehead."""
    outline = layout()[list(OVAL)].copy()
    up = np.clip((0.35 - outline[:, 1]) / 0.35, 0, 1)
    outline[:, 1] -= _FOREHEAD * up
    mask = np.zeros((size, size), np.uint8)
    cv2.fillPoly(mask, [np.round((outline * size - 0.5) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    depth = cv2.distanceTransform((mask > 127).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE) / size
    down = np.clip(((np.arange(size) + 0.5) / size - _CHIN_FROM) / (_CHIN_WHOLE - _CHIN_FROM), 0, 1)
    share = np.clip(depth / (_FADE + (_FADE_CHIN - _FADE) * down[:, None]), 0, 1)
    return (share * share * (3 - 2 * share)).astype(np.float32)


def _skin(mean: np.ndarray, bearded: bool, inner: Callable[[int], np.ndarray] | None = None) -> np.ndarray:
    """Mean texture (T, T, 3) uint8 -> (T, T) 0..1: 0 where the outer face shows hair or background. Within the inner
    face everything counts as skin: brows, beard and glasses are the person's. bearded: so does what has the chin's
    colour, down the jaw's sides. inner: what counts as skin in any case, of a size; None: _inner."""
    size = mean.shape[0]
    side = 64
    lab = cv2.cvtColor(cv2.resize(mean, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32) / 255,
                       cv2.COLOR_RGB2Lab)  # fmt: skip
    usual = np.median(lab[_edge(side) > 0.99], axis=0)
    off = lab_length(lab - usual)
    if bearded:
        rows, columns = (slice(*np.round(side * np.array(ends)).astype(int)) for ends in _CHIN)
        chin = np.median(lab[rows, columns].reshape(-1, 3), axis=0)
        jaw = round(_JAW * side)
        off[jaw:] = np.minimum(off[jaw:], lab_length(lab[jaw:] - chin))
    skin = np.clip((_SKIN[1] - off) / (_SKIN[1] - _SKIN[0]), 0, 1)
    skin = np.maximum(skin, (inner or _inner)(side))
    skin = cv2.GaussianBlur(cv2.erode(skin, np.ones((3, 3), np.uint8)), (0, 0), 1.2)
    return cv2.resize(skin, (size, size), interpolation=cv2.INTER_LINEAR)


def _unlike_hair(mean: np.ndarray) -> np.ndarray:
    """Mean texture (T, T, 3) uint8 -> (SEEN_SIDE, SEEN_SIDE), 0 where it is no skin in any light: a white beard
    would be taken for a lamp under the chin, a black one for a shadow."""
    side = (SEEN_SIDE, SEEN_SIDE)
    lab = cv2.cvtColor(cv2.resize(mean, side, interpolation=cv2.INTER_AREA).astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    face = _edge(SEEN_SIDE) > 0.99
    tint = lab[..., 1:] / (lab[..., :1] + OFFSET)  # light scales all three alike
    usual = np.median(tint[face], axis=0)
    greyer = np.linalg.norm(tint - usual, axis=2) / max(float(np.linalg.norm(usual)), _COLOURED)
    lightness = np.log(lab[..., 0] + OFFSET)
    other = np.abs(lightness - np.median(lightness[face]))
    share = np.minimum(*((end - off) / (end - start) for off, (start, end) in ((greyer, _GREYER), (other, _OTHER))))
    return np.clip(share, 0, 1).astype(np.float32)


def _inner(size: int) -> np.ndarray:
    """(size, size) 0..1: brows to chin, without temples, hairline and jaw's edge."""
    axis = (np.arange(size) + 0.5) / size
    aside = np.abs(axis - 0.5)
    across = np.clip((0.36 - aside) / 0.06, 0, 1)
    down = np.clip((axis - 0.22) / 0.05, 0, 1) * np.clip((0.93 - axis) / 0.04, 0, 1)
    # brows reach further up and out than eyes: half left to the plate, thick ones shine through beside thin ones
    brows_across = np.clip((0.36 - aside) / 0.03, 0, 1)
    brows_down = np.clip((axis - 0.16) / 0.03, 0, 1) * np.clip((0.33 - axis) / 0.03, 0, 1)
    return np.maximum(down[:, None] * across[None], brows_down[:, None] * brows_across[None]).astype(np.float32)
