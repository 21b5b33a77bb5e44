"""Shoulders and chest under clothes: one smooth shape below any neck, for cloth to hang on and hair to lie on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .body import Body

# heights under the base of the neck (cm), half width, depth to the front and to the back
_BELOW = np.array([-3.0, -2.0, -1.2, 0.0, 1.5, 3.5, 5.5, 8.5, 14.0, 27.0])
_WIDTH = np.array([7.2, 7.6, 9.3, 12.9, 16.6, 19.6, 21.0, 22.0, 22.4, 22.0])
_FRONT = np.array([6.6, 6.4, 6.2, 6.4, 7.0, 8.0, 9.0, 10.3, 11.3, 11.6])
_BACK = np.array([6.4, 6.6, 7.0, 8.2, 9.2, 9.8, 10.2, 10.4, 10.4, 10.2])
_POWER = 2.3  # of the superellipse that a slice is


@dataclass(frozen=True)
class Torso:
    """In the resting head's axes, cm."""

    base: float  # height of the neck's base
    x: float  # the neck's axis
    z: float
    width: float = 1.0  # shares of the shape above: slight to heavy
    depth: float = 1.0

    def radius(self, azimuth: np.ndarray, heights: np.ndarray) -> np.ndarray:
        """Distance from the neck's axis, any one shape; azimuth 0 at the front, pi / 2 at +x."""
        below = self.base - heights
        wide = np.interp(below, _BELOW, _WIDTH) * np.interp(below, [-1.2, 3.5], [1.0, self.width])
        deep = np.where(np.cos(azimuth) > 0, np.interp(below, _BELOW, _FRONT), np.interp(below, _BELOW, _BACK))
        deep = deep * np.interp(below, [-1.2, 5.5], [1.0, self.depth])
        across, along = np.abs(np.sin(azimuth)) / wide, np.abs(np.cos(azimuth)) / deep
        return (across**_POWER + along**_POWER) ** (-1 / _POWER)

    def pushed(self, points: np.ndarray, lift) -> np.ndarray:
        """Points (..., 3) inside the shape moved to its front or its back, whichever they are nearer to."""
        x, z = points[..., 0] - self.x, points[..., 2] - self.z
        below = self.base - points[..., 1]
        wide = np.interp(below, _BELOW, _WIDTH) * self.width + lift
        room = np.clip(1 - (np.abs(x) / wide) ** _POWER, 0, 1) ** (1 / _POWER)
        front = (np.interp(below, _BELOW, _FRONT) * max(1.0, self.depth) + lift) * room
        back = (np.interp(below, _BELOW, _BACK) * max(1.0, self.depth) + lift) * room
        moved = np.where(z > -1.0, np.maximum(z, front), np.minimum(z, -back))
        fade = np.clip((below + 3.0) / 2.0, 0, 1)
        out = points.copy()
        out[..., 2] = self.z + z + fade * (moved - z)
        return out


def torso_of(body: Body, rest: np.ndarray, seed: int) -> Torso:
    """The shoulders under a resting head (V, 3)."""
    rng = np.random.default_rng([seed, 0x705])
    base = body.neck[0]
    ring = rest[np.abs(rest[:, 1] - base - 1.5) < 0.8]
    if len(ring) < 3:
        ring = rest[rest[:, 1] < np.percentile(rest[:, 1], 10)]
    x, z = 0.5 * (ring[:, 0].min() + ring[:, 0].max()), 0.5 * (ring[:, 2].min() + ring[:, 2].max())
    base += _raised(body, rest, float(x))
    return Torso(base, float(x), float(z), float(rng.uniform(0.9, 1.05)), float(rng.uniform(0.9, 1.1)))


def _raised(body: Body, rest: np.ndarray, x: float) -> float:
    """cm, 0..5, by which somebody's shoulders begin above the model's: thick necks run out into them early."""
    heights = np.arange(body.neck[0], body.neck[1] + 2.5, 0.25)
    wide = np.array([np.abs(rest[np.abs(rest[:, 1] - y) < 0.5, 0] - x).max(initial=0.0) for y in heights])
    narrow = wide[heights > body.neck[0] + 2.0].min()
    flared = heights[wide > narrow + 2.0]
    # where the shape of _WIDTH has run out by 2 cm
    return float(np.clip(flared.max() - body.neck[0] - 2.1, 0, 5)) if len(flared) else 0.0
