"""A plate's own curve to linear light and back: stored values 0..1 <-> amounts of light 0..1.

ITU-R BT.709-6 item 1.2 (the same numbers stand in BT.601-7 and BT.2020-2), IEC 61966-2-1 (sRGB), plain powers (BT.470).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ..errors import InputError
from ..types import ClipInfo
from .fine import WHITE

BT709, SRGB, LINEAR = "bt709", "srgb", "linear"
_POWERS = {"gamma22": 2.2, "gamma28": 2.8}
_CURVES = {
    **dict.fromkeys(("bt709", "smpte170m", "bt2020-10", "bt2020-12", "iec61966-2-4", "bt1361e"), BT709),
    "iec61966-2-1": SRGB,
    "linear": LINEAR,
    **{name: name for name in _POWERS},
}


def curve_of(info: ClipInfo) -> str | None:
    """The curve of a clip's samples, a name that to_linear knows; None for one that is none of them (PQ, HLG, log).

    What a clip does not tell is taken for BT.709, or for sRGB where it holds RGB: pictures and screens do.
    """
    if info.colour_transfer == "unspecified":
        return SRGB if info.pixel_format.startswith(("rgb", "bgr", "gbr", "pal", "0rgb", "0bgr")) else BT709
    return _CURVES.get(info.colour_transfer)


def check_curve(info: ClipInfo, advice: str) -> str:
    """curve_of, or InputError with the advice."""
    curve = curve_of(info)
    if curve is None:
        raise InputError(
            f"{info.path} is stored in the curve '{info.colour_transfer}', which EXR cannot keep; {advice}."
        )
    return curve


def to_linear(values: np.ndarray, curve: str) -> np.ndarray:
    """Stored values, uint16 of full scale or floats 0..1, -> light, float32 0..1."""
    if values.dtype == np.uint16:
        return _table(curve)[values]
    values = np.asarray(values, np.float64)
    if curve == BT709:
        light = np.where(values < 0.081, values / 4.5, ((values + 0.099) / 1.099) ** (1 / 0.45))
    elif curve == SRGB:
        light = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    else:
        light = values ** _POWERS.get(curve, 1.0)
    return light.astype(np.float32)


def from_linear(light: np.ndarray, curve: str) -> np.ndarray:
    """The inverse of to_linear, float32 0..1."""
    light = np.asarray(light, np.float64)
    if curve == BT709:
        values = np.where(light < 0.018, light * 4.5, 1.099 * light**0.45 - 0.099)
    elif curve == SRGB:
        values = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    else:
        values = light ** (1 / _POWERS.get(curve, 1.0))
    return values.astype(np.float32)


@lru_cache(maxsize=4)
def _table(curve: str) -> np.ndarray:
    """Light for each value of 16 bits."""
    return to_linear(np.arange(WHITE + 1) / WHITE, curve)
