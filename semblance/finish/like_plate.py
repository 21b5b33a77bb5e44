"""A new face made as soft, moved, grainy and compressed as its plate: what lens, shutter, film and encoder did."""

from __future__ import annotations

import numpy as np

from .blend import white_of
from .compression import worn_like
from .defocus import softened, softness
from .grain import with_grain
from .merge_options import MergeOptions
from .motion_blur import streaked

_OWN = 0.5  # of the mask: where plate and face are compared


def like_plate(
    face: np.ndarray,
    plate: np.ndarray,
    alpha: np.ndarray,
    at: tuple[int, int],
    options: MergeOptions,
    motion: tuple[float, float],
    chance: np.random.Generator,
) -> np.ndarray:
    """face and plate (h, w, 3) of one depth, alpha (h, w) 0..1 the mask, at: (x, y) of the first pixel in the frame,
    motion: (x, y) pixels that the face goes in a frame's time -> the face, changed as the options say."""
    if not (options.defocus or options.motion_blur or options.grain or options.compression):
        return face
    where, white = alpha > _OWN, np.float32(white_of(face))
    light, like = face / white, plate / white
    light = streaked(light, (options.motion_blur * motion[0], options.motion_blur * motion[1]))
    if options.defocus:
        light = softened(light, options.defocus * softness(light, like, where))
    if options.grain:
        light = with_grain(light, like, where, options.grain, chance)
    if options.compression:
        light = worn_like(light, like, at, options.compression)
    return np.rint(light * white).astype(face.dtype)
