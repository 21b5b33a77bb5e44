"""Two pictures of one rectangle and a mask in, one picture out: plate where the mask is 0, face where it is 1."""

from __future__ import annotations

import cv2
import numpy as np

_SMALLEST_CLONE = 12  # pixels; the solver takes three off each side, and a membrane over less has no inside


def alpha_blend(plate: np.ndarray, face: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """plate and face (h, w, 3) uint8, mask (h, w) float32 0..1 -> (h, w, 3) uint8; mask 0 is exactly the plate."""
    return cv2.blendLinear(np.ascontiguousarray(face), np.ascontiguousarray(plate), mask, 1 - mask)


def seamless_clone(plate: np.ndarray, face: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The face, tinted smoothly so that it meets the plate along the mask's outer edge; still to be blended.

    Poisson image editing (Perez, Gangnet, Blake 2003) as in OpenCV, whose result is centred on the bounding box of the
    mask it is given, wherever the face was: the centre handed over here is that box's own, so nothing moves. A face too
    small to have an inside comes back as it was. Arrays as in alpha_blend.
    """
    hard = (mask > 0.02).astype(np.uint8)
    # a mask that runs over the frame's border must end before it: a border pixel has no neighbour to be matched with
    hard[[0, -1]] = 0
    hard[:, [0, -1]] = 0
    x, y, w, h = cv2.boundingRect(hard)
    if min(w, h) < _SMALLEST_CLONE:
        return face
    cloned = cv2.seamlessClone(face, plate, hard * 255, (x + w // 2, y + h // 2), cv2.NORMAL_CLONE)
    return np.where(hard[:, :, None] > 0, cloned, face)
