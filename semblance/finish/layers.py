"""The new faces of a frame as one layer, still to be blended: what compositing programs want, and their UV map.

A UV map tells of each pixel where it lies on a picture that sticks to the face, so that whatever is painted there moves
with it: u runs right and v up from that picture's lower left corner, 0..1, as in Nuke, Fusion and Blender.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..faces.wrap import coordinates
from ..media.native import paste
from ..types import Layer
from .blend import unblended
from .merge import Merged


def one_layer(faces: Sequence[Merged], uvs: Sequence[np.ndarray | None]) -> Layer | None:
    """Merged faces in the order in which they were laid, each with its UV map (h, w, 3) of the same rectangle, as one
    layer that looks the same over the plate; None for no faces. Their pixels must be uint16.

    Porter and Duff 1984, "over". Where two overlap, the UV map is that of the upper one.
    """
    if not faces:
        return None
    if len(faces) == 1:
        (only,) = faces
        return Layer(only.patch.x, only.patch.y, only.face, only.mask, uvs[0])
    x0, y0 = (min(getattr(face.patch, axis) for face in faces) for axis in ("x", "y"))
    x1 = max(face.patch.x + face.mask.shape[1] for face in faces)
    y1 = max(face.patch.y + face.mask.shape[0] for face in faces)
    shape = y1 - y0, x1 - x0
    colour, beyond = np.zeros((*shape, 3), np.float32), np.zeros((*shape, 3), np.uint16)
    alpha, where = np.zeros(shape, np.float32), np.zeros((*shape, 3), np.float32)
    for face, uv in zip(faces, uvs, strict=True):
        laid = Layer(face.patch.x - x0, face.patch.y - y0, face.face, face.mask, uv)
        share = face.mask[..., None]
        laid.of(colour)[...] = laid.of(colour) * (1 - share) + face.face * share
        laid.of(alpha)[...] = 1 - (1 - laid.of(alpha)) * (1 - face.mask)
        laid.of(beyond)[...] = face.face
        if uv is not None:
            np.copyto(laid.of(where), uv, where=(share > 0) | (laid.of(alpha)[..., None] == 0))
    seen = alpha[..., None] > 0
    straight = np.where(seen, np.rint(colour / np.where(seen, alpha[..., None], 1)), beyond)
    told = None if all(uv is None for uv in uvs) else where
    return Layer(x0, y0, np.clip(straight, 0, 65535).astype(np.uint16), alpha, told)


def laid_by_mask(plate: np.ndarray, faces: Sequence[Merged]) -> list[Merged]:
    """The same faces, smallest first, each such that mixing it with what is under it by its mask alone gives its patch,
    however it was blended. plate (H, W, 3) uint16."""
    made = []
    for face in faces:
        under = plate[face.patch.y :, face.patch.x :][: face.mask.shape[0], : face.mask.shape[1]]
        made.append(replace(face, face=unblended(under, face.patch.pixels, face.mask)))
        plate = paste(plate, [face.patch])
    return made


def mesh_uv(face: Merged, points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """The UV map of a face in mesh space, (h, w, 3) float32: u, v on the texture, and whether the mesh is there.

    points (VERTICES, 3), frame pixels: the mesh as it was drawn into its crop; matrix (2, 3): frame -> that crop.
    """
    height, width = face.mask.shape
    # where the crop was shown larger or smaller than it was drawn, the mesh went with it
    back = np.linalg.inv(_square(face.matrix)) @ _square(matrix)
    moved = points.astype(np.float64)
    moved[:, :2] = points[:, :2] @ back[:2, :2].T + back[:2, 2] - (face.patch.x, face.patch.y)
    places, inside = coordinates(moved, width, height)
    return _upright(places, inside)


def crop_uv(face: Merged, matrix: np.ndarray, side: int) -> np.ndarray:
    """The UV map of a face over an upright square, (h, w, 3) float32; matrix (2, 3): frame -> pixels of a crop of that
    side."""
    height, width = face.mask.shape
    down, right = np.mgrid[:height, :width] + np.array([face.patch.y, face.patch.x])[:, None, None]
    points = np.stack([right, down], -1) @ matrix[:, :2].T + matrix[:, 2]
    places = ((points + 0.5) / side).astype(np.float32)
    return _upright(places, ((places >= 0) & (places <= 1)).all(-1))


def _upright(places: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Places counted down from the top -> u, v, and whether there is a place, 0 where not."""
    uv = np.dstack([places[..., 0], 1 - places[..., 1], inside.astype(np.float32)])
    return np.where(inside[..., None], np.clip(uv, 0, 1), 0).astype(np.float32)


def _square(matrix: np.ndarray) -> np.ndarray:
    return np.vstack([matrix, [0, 0, 1]])
