"""Colours of another picture for a share of the training crops: a net should learn faces, not the light of two shoots.

faceswap-GAN 2.2 (2018 code, data_augmentation): mean and deviation of each channel, in the picture's middle, moved
part of the way to those of a random picture of either person; half of the time in XYZ. Input and truth are cut from the
same coloured crop. `draw` once from a seed, then `apply`; sample k of a seed is the same whatever the batch size.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .augment import pick

RIM = 60 / 256
"""Left out on every side (2018 code): background, and hair."""

_STREAM = 1
"""Philox counter that keeps these draws apart from those of augment.py for the same seed and sample."""


@dataclass(frozen=True, slots=True, eq=False)
class MatchDraws:
    """What chance decided for N samples; every array has N rows."""

    on: np.ndarray  # (N,) bool, whether colours are matched
    like: np.ndarray  # (N,) 0..1, to which picture of both people's: floor(like * pictures)
    share: np.ndarray  # (N,) 0..1, how much of the way
    xyz: np.ndarray  # (N,) bool, in XYZ instead of RGB


def draw(seed: int, samples: np.ndarray, chance: float = 0.5, side: int = 0) -> MatchDraws:
    """Decide samples number `samples` (N,) of a seed; chance: how often (2018 code: 0.5); side: 0 source, 1 target."""
    uniform = np.empty((len(samples), 4))
    for row, number in enumerate(samples):
        generator = np.random.Generator(np.random.Philox(key=[seed, int(number)], counter=[0, 0, _STREAM, side]))
        generator.random(out=uniform[row])
    return MatchDraws(uniform[:, 0] < chance, uniform[:, 1], uniform[:, 2], uniform[:, 3] < 0.5)


def apply(crops: np.ndarray, draws: MatchDraws, pool: np.ndarray) -> np.ndarray:
    """Crops (N, S, S, 3) uint8 RGB, one for each draw, in the colours of pictures of pool (M, S, S, 3) uint8 RGB.

    Returns new crops; those that were not drawn are as they came.
    """
    made = crops.copy()
    for row in np.flatnonzero(draws.on):
        like = pool[pick(draws.like[row : row + 1], len(pool))[0]]
        made[row] = match_colours(crops[row], like, draws.share[row], bool(draws.xyz[row]))
    return made


def match_colours(crop: np.ndarray, like: np.ndarray, share: float = 1.0, xyz: bool = False) -> np.ndarray:
    """A crop (S, S, 3) uint8 RGB whose middle has `share` of the way to the mean and deviation of like's middle.

    Values that leave 0..255 do not clip: all are raised together, then scaled down together (2018 code).
    """
    if xyz:
        crop, like = (cv2.cvtColor(picture, cv2.COLOR_RGB2XYZ) for picture in (crop, like))
    (mean, deviation), (wanted, spread) = _middle(crop), _middle(like)
    wanted = share * wanted + (1 - share) * mean
    spread = share * spread + (1 - share) * deviation
    moved = spread * (crop - mean) / np.maximum(deviation, 1e-7) + wanted
    moved -= min(moved.min(), 0)
    moved *= 255 / max(moved.max(), 255)
    made = np.rint(moved).astype(np.uint8)
    return cv2.cvtColor(made, cv2.COLOR_XYZ2RGB) if xyz else made


def _middle(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation (3,) of each channel without the rim."""
    rim = round(RIM * len(picture))
    middle = picture[rim : len(picture) - rim, rim : len(picture) - rim].reshape(-1, 3).astype(np.float64)
    return middle.mean(0), middle.std(0)
