"""Eyes that shut further than they were filmed, in mesh space: a lid comes down over the eye, it does not squeeze it.

Mesh space always shows an eye as wide open as its hole is. A lid that covers the upper half of an eye shows there as
the lower half, stretched over the hole; the shadow and the lashes under the lid stay where its edge is. Of eyes on
their way less and less is seen between lid and lashes, of shut ones lashes alone. Footage of a few seconds often has no
blink, and a net that never saw one draws an open eye into a shut one: white slivers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from ..faces.mesh_space import hole_triangles
from ..faces.wrap import texels

EYES = ("right eye", "left eye")  # the person's
_NOISE = 0.12  # of an opening: landmarks are that unsure, and two people's openings as different
_SHADE, _SHADED = 0.45, 0.4  # how much of the light is lost right under a lid, and how far down the eye it reaches
# How much of an eye is seen between lid, lashes and their shadow, by how far it is open of what is usual: the contrast
# within real eyes on their way (of three people of the GRID corpus), of that within the same eyes open.
_LEFT = ((0.0, 0.3, 0.7, 0.95), (0.0, 0.35, 0.6, 1.0))
_RIM = 0.008  # of mesh space: how soft an eye's outline is
_LASHES = 0.25  # of an eye's opening, from the lid: where its lashes show


@dataclass(frozen=True, slots=True, eq=False)
class _Eye:
    """An eye's texels and those of its rims: rows and columns (N,) of each; where each lies from the upper lid (0) to
    the lower (1); first row and height of its column, in texels; how much of it belongs to the eye (N,) 0..1."""

    rows: np.ndarray
    columns: np.ndarray
    down: np.ndarray
    first: np.ndarray
    height: np.ndarray
    share: np.ndarray


@lru_cache(maxsize=8)
def _eyes(size: int) -> tuple[_Eye, _Eye]:
    found = []
    for name in EYES:
        triangles, triangle = hole_triangles()[name], texels(size).triangle
        inside = (triangle >= triangles[0]) & (triangle <= triangles[-1]) & texels(size).inside
        soft = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), max(_RIM * size, 0.5))
        first, height = inside.argmax(0), inside.sum(0)
        rows, columns = np.nonzero((soft > 0.05) & inside.any(0))
        down = np.clip((rows - first[columns] + 0.5) / height[columns], 0, 1)
        found.append(_Eye(rows, columns, down, first[columns], height[columns], soft[rows, columns]))
    return tuple(found)


def closings(own: np.ndarray, own_rest: np.ndarray, other: np.ndarray, other_rest: np.ndarray) -> np.ndarray:
    """By how much eyes are to shut so that they are no wider open than others: openings (B, 2) of both, and what is
    usual for each person (2,) -> (B, 2), 0 as filmed, 1 shut."""
    share, wanted = own / np.maximum(own_rest, 1e-6), other / np.maximum(other_rest, 1e-6)
    left = np.divide(wanted, share, out=np.ones_like(share), where=share > _NOISE)  # what is shut stays so
    return np.clip((1 - left - _NOISE) / (1 - _NOISE), 0, 1)


def shut_eyes(pictures: np.ndarray, closing: np.ndarray, opening: np.ndarray) -> np.ndarray:
    """Textures (B, S, S, 3) uint8 with the person's right and left eye shut by a share (B, 2) 0..1 of their opening;
    the same array where none is. opening (B, 2): how wide they stand open as filmed, 1 is usual for the person."""
    if not (closing > 0).any():
        return pictures
    made = pictures.copy()
    for picture, shut, filmed in zip(made, closing, opening):
        for eye, share, open_as_filmed in zip(_eyes(picture.shape[0]), shut, filmed):
            if share > 0:
                _shut(picture, eye, share, (1 - share) * open_as_filmed)
    return made


def _shut(picture: np.ndarray, eye: _Eye, share: float, left: float) -> None:
    """Bring an eye's lid down by a share of it, in place; left: how far it is open then, of what is usual."""
    lower = share + (1 - share) * eye.down
    at = eye.first + lower * eye.height - 0.5
    above = np.clip(np.floor(at), eye.first, eye.first + eye.height - 1).astype(int)
    below = np.minimum(above + 1, eye.first + eye.height - 1)
    part = np.clip(at - above, 0, 1)[:, None]
    seen = (1 - part) * picture[above, eye.columns] + part * picture[below, eye.columns]
    seen *= (_under_lid(eye.down) / _under_lid(lower))[:, None]
    lashes = picture[eye.rows, eye.columns][eye.down < _LASHES].astype(np.float64)
    dark = np.percentile(lashes, 10, axis=0) if len(lashes) else seen.mean(0)
    open_yet = np.interp(left, *_LEFT)
    seen = open_yet * seen + (1 - open_yet) * dark
    before = picture[eye.rows, eye.columns]
    picture[eye.rows, eye.columns] = np.rint(before + eye.share[:, None] * (seen - before)).astype(np.uint8)


def _under_lid(down: np.ndarray) -> np.ndarray:
    """How much light falls on an eye so far down from its lid (N,) 0..1."""
    return 1 - _SHADE * np.clip(1 - down / _SHADED, 0, 1)
