"""Colour set by hand: an artist's five numbers in, one map of colours out."""

from __future__ import annotations

import numpy as np

from .colour import ColourMap, Space, affine, as_light

_LUMA = np.array([0.2126, 0.7152, 0.0722])  # Rec. 709
_SHOWN = 1 / 2.2  # a stop of light is so much of a stop as shown
_MID_GREY = 0.5  # as shown


def set_by_hand(
    brightness: float = 0, contrast: float = 0, saturation: float = 0, temperature: float = 0, tint: float = 0,
    linear: bool = False,
) -> ColourMap | None:  # fmt: skip
    """All numbers -100..100; None where all are 0. In this order, in proportion to light where `linear`:

    temperature, tint  red gains and blue loses temperature / 100 stops of light, green loses tint / 100; all together
                       are scaled so that a grey keeps its luma
    saturation         distances from the pixel's luma times 1 + saturation / 100
    contrast           distances from mid grey times 1 + contrast / 100
    brightness         plus brightness / 100
    """
    if not any((brightness, contrast, saturation, temperature, tint)):
        return None
    space: Space = "light" if linear else "rgb"
    stops = np.array([temperature, -tint, -temperature]) / 100 * (1 if linear else _SHOWN)
    gains = np.exp2(stops)
    matrix = np.diag(gains / (_LUMA @ gains))
    share = 1 + saturation / 100
    matrix = (share * np.eye(3) + (1 - share) * np.tile(_LUMA, (3, 1))) @ matrix
    gain = 1 + contrast / 100
    pivot = float(as_light(_MID_GREY)) if linear else _MID_GREY
    return affine(space, gain * matrix, np.full(3, pivot * (1 - gain) + brightness / 100))
