"""A faceset -> what a model in mesh space learns from: textures, what is seen of them, expressions, the usual face.

See faces/mesh_space.py for mesh space, faces/expression.py for expressions, faces/shape.py for a person's form.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..faces.expression import at_rest, expressions
from ..faces.mesh_space import OVAL, layout, with_rim
from ..faces.own_skin import alike, with_usual
from ..faces.shape import own_shape
from ..faces.wrap import facing, seen, unwrap
from ..processor import cores_shared_by
from ..runs import Progress, cores
from ..streams import side_by_side
from .mean_texture import bare_share, completed, plain_mean, sharp_mean
from .store import Faceset, check_enough, crop_landmarks, read_crop

Bare = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""A crop (S, S, 3) uint8 and landmarks (478, 3) on it -> (S, S) float32 0..1: where nothing stands before the face."""

_JUDGED = 0.06  # of mesh space: so far within the outline what stands before a face is told surely
_SCRAP = 0.008  # of mesh space; an eye has 0.02
_FINE = 80  # faces whose fine textures are kept until their sharp mean is made: more would hardly show


@dataclass(frozen=True, eq=False)
class Textures:
    """One person in mesh space; N faces, S texels a side, K numbers of expression.

    pictures (N, S, S, 3) uint8 RGB; seen (N, S, S) uint8 0..255; own (N, S, S) uint8 0..255: what of a picture is the
    face's own, see faces/own_skin.py (None: all of it); expressions (N, K) float32; mean (2 S, 2 S, 3) uint8;
    rest (K,) float32: the expressions' part that is the person's; known (2 S, 2 S) float32 0..1: how far the bare looks
    are known (None: all that is seen).
    """

    pictures: np.ndarray
    seen: np.ndarray
    expressions: np.ndarray
    mean: np.ndarray
    rest: np.ndarray
    known: np.ndarray | None = None
    own: np.ndarray | None = None


def expressions_of(faceset: Faceset) -> np.ndarray:
    """Expressions of the kept faces (N, SIZE) float32."""
    return expressions(_landmarks(faceset), faceset.kept["yaw"].to_numpy(), faceset.kept["pitch"].to_numpy())


def shape_of(faceset: Faceset) -> np.ndarray:
    """The person's form, (468, 3) float32 in face units."""
    return own_shape(_landmarks(faceset))


def load_textures(
    faceset: Faceset, size: int, bare: Bare | None = None, progress: Progress | None = None, wholly: bool = False
) -> Textures:
    """Unwrap the kept faces; with `bare`, what stands before a face counts as not seen; wholly: see
    bare_share, for a face that is to be drawn without what it wears. Raises FacesetError if they are too few,
    MediaError for a damaged one."""
    progress = progress or Progress()
    check_enough(faceset)
    names, landmarks = faceset.kept["name"].to_list(), _landmarks(faceset)
    pictures = np.empty((len(names), size, size, 3), np.uint8)
    shown, own = np.empty((2, len(names), size, size), np.uint8)
    total = np.zeros((2 * size, 2 * size, 3), np.float32)
    weight, looked_at = np.zeros((2, 2 * size, 2 * size), np.float32)
    kept = set(np.linspace(0, len(names) - 1, min(len(names), _FINE)).astype(int).tolist())
    fine_ones, visible_ones = [], []

    def unwrapped(k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of face k the fine texture, what faces the camera of it, and where nothing stands before it."""
        points, crop = with_rim(landmarks[k]), read_crop(faceset, names[k])
        free = unwrap(bare(crop, landmarks[k]), points, size) if bare else np.ones((size, size), np.float32)
        return unwrap(crop, points, 2 * size), seen(points, size), free

    wide = {"dsize": (2 * size, 2 * size), "interpolation": cv2.INTER_LINEAR}
    workers = cores()
    with cores_shared_by(workers), closing(side_by_side(unwrapped, range(len(names)), workers)) as faces:
        for k, (fine, turned, free) in enumerate(faces):
            pictures[k] = cv2.resize(fine, (size, size), interpolation=cv2.INTER_AREA)
            shown[k], own[k] = np.rint(255 * turned * free), np.rint(255 * facing(turned) * free)
            looked_at += cv2.resize(turned, **wide)
            visible = cv2.resize(turned * free, **wide)
            total += fine * visible[..., None]
            weight += visible
            if k in kept:
                fine_ones.append(fine)
                visible_ones.append(visible)
            progress.advance()
    known = bare_share(weight, looked_at, wholly)
    known = past_outline(known) if wholly else known
    mean = plain_mean(total, weight, len(names), known)
    small, usual = (cv2.resize(each, (size, size), interpolation=cv2.INTER_AREA) for each in (known, mean))
    like = [cv2.resize(alike(picture, usual), (size, size), interpolation=cv2.INTER_LINEAR) for picture in pictures]
    shown, own = (np.rint(each * like * small).astype(np.uint8) for each in (shown, own))
    visible_ones = [visible * cv2.resize(like[k], **wide) for k, visible in zip(sorted(kept), visible_ones)]
    mean = sharp_mean(mean, fine_ones, visible_ones, known)
    found = expressions_of(faceset)
    return Textures(pictures, shown, found, mean, at_rest(found), known, own)


def completed_by(person: Textures, other: Textures) -> Textures:
    """The same with a mean face that takes after the other's where the person's was never seen bare."""
    if person.known is None or other.known is None:
        return person
    return replace(person, mean=completed(person.mean, person.known, other.mean, other.known))


def own_only(person: Textures) -> Textures:
    """The same with the usual face in all pictures where they do not show the face's own skin."""
    if person.own is None:
        return person
    size = person.pictures.shape[1]
    usual = cv2.resize(person.mean, (size, size), interpolation=cv2.INTER_AREA)
    shares = (own.astype(np.float32) / 255 for own in person.own)
    pictures = [with_usual(picture, usual, share) for picture, share in zip(person.pictures, shares)]
    return replace(person, pictures=np.stack(pictures))


def past_outline(known: np.ndarray) -> np.ndarray:
    """How far bare looks are known (S, S), judged within the mesh's outline only -> the same with the rim beyond taking
    after the outline beside it: a fringe that hangs over the one comes down over the other. A scrap of skin between a
    fringe and glasses is as good as covered."""
    size = len(known)
    inside = np.zeros(known.shape, np.uint8)
    cv2.fillPoly(inside, [np.round((layout()[list(OVAL)] * size - 0.5) * 16).astype(np.int32)], 1, cv2.LINE_8, 4)
    reach = 2 * round(_JUDGED * size) + 1
    beyond = 1 - cv2.erode(inside, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    _, parts, stats, _ = cv2.connectedComponentsWithStats(((known > 0.5) & (beyond == 0)).astype(np.uint8))
    kept = (parts > 0) & (stats[parts, cv2.CC_STAT_AREA] >= _SCRAP * known.size)
    known = known * cv2.dilate((kept | (beyond > 0)).astype(np.uint8), np.ones((5, 5), np.uint8))
    _, nearest = cv2.distanceTransformWithLabels(beyond, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    places = np.zeros(nearest.max() + 1, known.dtype)
    places[nearest[beyond == 0]] = known[beyond == 0]
    # half known within is not known beyond: a fringe does not end where the mesh does
    taken = np.where(beyond > 0, np.clip(2 * places[nearest] - 1, 0, 1), known)
    return cv2.GaussianBlur(np.minimum(taken, known), (0, 0), size / 128)


def _landmarks(faceset: Faceset) -> np.ndarray:
    """(N, 478, 3) in the crops' pixels, which are square."""
    return np.stack([crop_landmarks(row) for _, row in faceset.kept.iterrows()])
