"""Two pictures of one rectangle and a mask in, one picture out: plate where the mask is 0, face where it is 1."""

from __future__ import annotations

import cv2
import numpy as np

_FAINTEST = 1e-3  # of a mask: under less than that nothing is seen of a face
_SMALLEST_CLONE = 16  # pixels; the solver takes three off each side, and a membrane over less has no inside
_CLONE_SIDE = (
    128  # the tint is a smooth membrane: solved at this size it looks the same and costs a tenth of a 300 px face
)


def white_of(pixels: np.ndarray) -> int:
    """The value of white in this depth: 255 or 65535."""
    return int(np.iinfo(pixels.dtype).max)


def alpha_blend(plate: np.ndarray, face: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """plate and face (h, w, 3) uint8 or uint16, mask (h, w) float32 0..1 -> the same; mask 0 is exactly the plate."""
    if plate.dtype == np.uint16:  # OpenCV's blends bytes only
        mixed = plate + (face - plate.astype(np.float32)) * mask[..., None]
        return np.rint(mixed).astype(np.uint16)
    return cv2.blendLinear(np.ascontiguousarray(face), np.ascontiguousarray(plate), mask, 1 - mask)


def unblended(plate: np.ndarray, blended: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The face of which alpha_blend would make `blended`, for blends that are more than a mix of the two; arrays as
    there. Under a faint mask there may be none: what comes nearest."""
    share = np.maximum(mask, _FAINTEST)[..., None]
    face = plate + (blended.astype(np.float32) - plate) / share
    return np.rint(np.clip(face, 0, white_of(plate))).astype(plate.dtype)


def seamless_clone(plate: np.ndarray, face: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The face, tinted smoothly so that it meets the plate where the mask falls below one half; still to be blended.

    Poisson image editing (Perez, Gangnet, Blake 2003) as in OpenCV, whose result is centred on the bounding box of the
    mask it is given, wherever the face was: the centre handed over here is that box's own, so nothing moves. A face too
    small to have an inside comes back as it was. Arrays as in alpha_blend.
    """
    h, w = mask.shape
    unit = white_of(face) // 255  # the solver takes bytes, and so smooth a tint needs no more
    scale = min(1.0, _CLONE_SIDE / max(h, w))
    size = (max(1, round(w * scale)), max(1, round(h * scale)))
    plate, small, mask = (cv2.resize(a, size, interpolation=cv2.INTER_AREA) for a in (plate, face, mask))
    plate, small = ((a // unit).astype(np.uint8) for a in (plate, small))
    hard = (mask > 0.5).astype(np.uint8)
    # a border pixel has no neighbour to be matched with: where the mask runs over the frame's border it ends before it
    hard[[0, -1]] = 0
    hard[:, [0, -1]] = 0
    x, y, box_w, box_h = cv2.boundingRect(hard)
    if min(box_w, box_h) < _SMALLEST_CLONE:
        return face
    cloned = cv2.seamlessClone(small, plate, hard * 255, (x + box_w // 2, y + box_h // 2), cv2.NORMAL_CLONE)
    tint = cloned.astype(np.float32) - small
    tint = cv2.resize(tint, (w, h), interpolation=cv2.INTER_LINEAR) * unit
    return np.rint(np.clip(face + tint, 0, 255 * unit)).astype(face.dtype)
