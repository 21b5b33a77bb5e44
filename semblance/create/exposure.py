"""Faces in a light that a model never learned from: in a fade to black or to white, in haze, where a lamp is out.

A model redraws such a face in a light that it knows. How what it was shown lies to what it redraws, a scale and a veil
over it, is read off the two; shown the face without them it knows it again, and what it draws then gets both back. A
fade is just such a scale and veil, so nothing is lost but what the plate's levels lost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch

Look = TypeVar("Look")
Drawn = TypeVar("Drawn")

_SCALE, _VEIL = 0.13, 0.08  # further off than that a light is unknown; a known one comes out within a few percent
_ROUNDS = 3  # a model that was shown a very dark face redraws it half-light: each round comes nearer
_LEAST = 0.025  # of a scale; of a fainter face eight bits leave nothing


@dataclass(frozen=True, slots=True)
class Light:
    """What is shown is scale * what is known + veil, of white."""

    scale: float = 1.0
    veil: float = 0.0

    @property
    def is_known(self) -> bool:
        """Whether it is that of what was learned from, as nearly as can be told."""
        return abs(self.scale - 1) < _SCALE and abs(self.veil) < _VEIL

    def over(self, other: Light) -> Light:
        """This light, in which what is known was already seen in another."""
        return Light(self.scale * other.scale, self.veil + self.scale * other.veil)

    def without(self, picture: np.ndarray) -> np.ndarray:
        """(H, W, 3) uint8 as it would be shown in a known light."""
        known = (picture * np.float32(1 / 255) - np.float32(self.veil)) * np.float32(255 / self.scale)
        return np.clip(np.rint(known), 0, 255).astype(np.uint8)

    def within(self, drawn: np.ndarray) -> np.ndarray:
        """(H, W, 3) float32 of a known light as it is shown in this one, no darker than black and no lighter than
        white."""
        return np.clip(drawn * np.float32(self.scale) + np.float32(self.veil), 0, 1)


def lights_of(shown: torch.Tensor, again: torch.Tensor, weight: torch.Tensor | float = 1.0) -> list[Light]:
    """What was shown and what the model redraws of it, (N, 3, S, S) each, and how much each place counts -> the light
    of each: the line of least squares through all."""
    weight = torch.as_tensor(weight, dtype=shown.dtype)
    shown_mean, again_mean = mean_under(weight, shown), mean_under(weight, again)
    spread = mean_under(weight, again * again) - again_mean**2
    scale = (mean_under(weight, shown * again) - shown_mean * again_mean) / spread.clamp(min=1e-8)
    veil = shown_mean - scale * again_mean
    return [Light(float(s), float(v)) for s, v in zip(scale, veil)]


def mean_under(weight: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """Means (N,) of values (N, 3, S, S), each place counted as much as weight says, which may be of fewer channels."""
    weight = weight.expand_as(values)
    return (values * weight).mean((1, 2, 3)) / weight.mean((1, 2, 3))


def drawn_in_any_light(
    looks: list[Look],
    draw: Callable[[list[Look]], tuple[list[Drawn], np.ndarray, list[Light]]],
    lit: Callable[[Look, Light], Look],
    shown: Callable[[Drawn, Light], Drawn],
) -> tuple[list[Drawn], np.ndarray]:
    """draw(looks) -> what the model draws, how badly it redraws each target (n,), and in which light it was shown;
    lit(look, light): the look without that light; shown(drawn, light): what was drawn, in it -> what is drawn, and how
    badly each target is redrawn, in the light that the model knows best."""
    drawn, errors, lights = draw(looks)
    taken = [Light()] * len(looks)
    for _ in range(_ROUNDS):
        tries = {k: taken[k].over(light) for k, light in enumerate(lights) if light and not light.is_known}
        tries = {k: light for k, light in tries.items() if _LEAST < light.scale < 1 / _LEAST}
        if not tries:
            break
        again, new_errors, still = draw([lit(looks[k], light) for k, light in tries.items()])
        lights = [None] * len(looks)
        for (k, light), face, error, left in zip(tries.items(), again, new_errors, still):
            if error * light.scale < errors[k] * taken[k].scale:  # in the plate's own levels
                drawn[k], errors[k], taken[k], lights[k] = shown(face, light), error, light, left
    return drawn, errors
