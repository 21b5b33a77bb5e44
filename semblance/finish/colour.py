"""Colour of the new face: pixels (H, W, 3) float32 RGB 0..1 in and out, statistics of a face in between.

Mean and deviation of the face are moved onto those of the plate's face (Reinhard, Ashikhmin, Gooch, Shirley: Color
Transfer between Images, 2001, there in l-alpha-beta, here in CIELAB or RGB). What lies outside a mask does not count.
The measurements vary smoothly with the picture (soft mask, soft rejection of outliers), so a steady clip gives steady
colours; a caller that wants them steadier averages them over time and hands them in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from ..errors import InputError

Space = Literal["lab", "rgb"]

_GAIN = (0.5, 2.0)  # a nearly flat face, stretched further, shows noise
_ENOUGH = 8.0  # pixels of weight below which a face has no colour to speak of
_SOFT_LIMIT = 3.5  # robust standard deviations at which a pixel stops counting; it counts in full up to 2.5
_MAD_TO_DEVIATION = 1.4826  # of a normal distribution


@dataclass(frozen=True, slots=True)
class Statistics:
    """Mean and standard deviation (3,) float64 of the channels of a colour space: Lab (L 0..100) or RGB (0..1)."""

    space: Space
    mean: np.ndarray
    deviation: np.ndarray


def colour_statistics(pixels: np.ndarray, mask: np.ndarray, space: Space = "lab") -> Statistics | None:
    """Statistics of the pixels (H, W, 3) float32 0..1 under a mask (H, W) 0..1; None if the mask holds too little.

    Per channel, pixels far from the median (highlights, a hand) lose their weight. The rejection moves with the data,
    so two faces that differ by gain and offset are measured alike.
    """
    used = mask > 0.01
    weight = mask[used].astype(np.float64)
    if weight.sum() < _ENOUGH:
        return None
    values = (_to_lab(pixels) if space == "lab" else pixels)[used].astype(np.float64)
    distance = np.abs(values - np.median(values, 0))
    spread = np.maximum(np.median(distance, 0) * _MAD_TO_DEVIATION, 1e-6)
    weights = weight[:, None] * np.clip(_SOFT_LIMIT - distance / spread, 0, 1)
    total = weights.sum(0)
    mean = (weights * values).sum(0) / total
    deviation = np.sqrt((weights * (values - mean) ** 2).sum(0) / total)
    return Statistics(space, mean, deviation)


def apply_colour(pixels: np.ndarray, own: Statistics, wanted: Statistics) -> np.ndarray:
    """Move pixels (H, W, 3) float32 0..1 from their `own` statistics to the `wanted` ones; clipped to 0..1.

    Contrast is changed by half to double at most. Raises InputError if the two were measured in different spaces.
    """
    if own.space != wanted.space:
        raise InputError(f"Colours in '{own.space}' and '{wanted.space}' cannot be matched; measure both in one space.")
    gain = np.clip(wanted.deviation / np.maximum(own.deviation, 1e-6), *_GAIN)
    offset = wanted.mean - own.mean * gain
    values = _to_lab(pixels) if own.space == "lab" else pixels
    values = values * gain.astype(np.float32) + offset.astype(np.float32)
    if own.space == "lab":
        values = cv2.cvtColor(values, cv2.COLOR_Lab2RGB)
    return np.clip(values, 0, 1)


def adjust(pixels: np.ndarray, brightness: float, contrast: float) -> np.ndarray:
    """(x - 0.5) * (1 + contrast / 100) + 0.5 + brightness / 100, clipped to 0..1."""
    gain = 1 + contrast / 100
    return np.clip(pixels * np.float32(gain) + np.float32(0.5 - 0.5 * gain + brightness / 100), 0, 1)


def _to_lab(pixels: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(np.ascontiguousarray(pixels, np.float32), cv2.COLOR_RGB2Lab)
