"""Which texels of a texture in mesh space are the face's own, and the texture with the usual face in place of the rest.

Skin that turns away shows what is behind the cheek, a hand what is before it, and landmarks at a face's outline often
lie on the background. A net that is shown that learns it as part of the face, and draws it onto the next turned cheek.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from .wrap import facing

_SIDE = 64  # told on this side
_EDGE = 5  # texels of that side: what is another thing has a soft edge, which is half of it
_FEATURES = ((0.5, 0.31), (0.36, 0.13)), ((0.5, 0.68), (0.2, 0.29))  # of mesh space: middle and half sides of ovals
_OFF = 14.0, 24.0  # Lab distances from the usual face: within the first it is that face, beyond the second it is not


def own_share(texture: np.ndarray, usual: np.ndarray, visible: np.ndarray, bare: np.ndarray | None) -> np.ndarray:
    """Texture and usual texture (S, S, 3) uint8, visible (s, s) as `seen` tells, bare (S, S) 0..1: where nothing stands
    before the face (None: nothing does) -> (S, S) float32 0..1: how far each texel is the face's own. What eyes and
    mouth do is always its own."""
    share, other = (
        cv2.resize(each, texture.shape[:2], interpolation=cv2.INTER_LINEAR)
        for each in (facing(visible), alike(texture, usual))
    )
    return share * other if bare is None else share * other * bare


def alike(texture: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """Texture and usual texture (S, S, 3) uint8 -> (64, 64) float32 0..1: where the outer face has about the usual
    colours, whatever the light on all of it."""
    one, other = (
        cv2.cvtColor(cv2.resize(each, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32) / 255,
                     cv2.COLOR_RGB2Lab) for each in (texture, usual)
    )  # fmt: skip
    inner = features(_SIDE)
    change = one - other
    change -= np.median(change[inner > 0.5], axis=0)
    away = lab_length(cv2.GaussianBlur(change, (0, 0), 1.0))
    share = np.clip((_OFF[1] - away) / (_OFF[1] - _OFF[0]), 0, 1)
    return np.maximum(cv2.erode(share, np.ones((_EDGE, _EDGE), np.uint8)), inner)


def with_usual(texture: np.ndarray, usual: np.ndarray, share: np.ndarray) -> np.ndarray:
    """The texture (S, S, 3) uint8 where it is the face's own (S, S) 0..1, else the usual one."""
    usual = usual.astype(np.float32)
    return np.rint(usual + share[..., None] * (texture - usual)).astype(np.uint8)


def lab_length(change: np.ndarray) -> np.ndarray:
    """Lab differences (..., 3) -> how much they count as another thing; shading changes lightness more than hue."""
    return np.linalg.norm(change * np.float32([0.6, 1.0, 1.0]), axis=-1).astype(np.float32)


@lru_cache(maxsize=4)
def features(size: int) -> np.ndarray:
    """(size, size) 0..1: brows and eyes, nose, mouth and chin, softly; cheeks are not."""
    axis = (np.arange(size) + 0.5) / size
    away = np.full((size, size), np.inf)
    for (x, y), (across, down) in _FEATURES:
        away = np.minimum(away, np.hypot((axis[None] - x) / across, (axis[:, None] - y) / down))
    return np.clip((1 - away) / 0.2 + 0.5, 0, 1).astype(np.float32)
