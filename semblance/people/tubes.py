"""Tubes along a line: spectacle frames, sticks, cables, loops."""

from __future__ import annotations

import numpy as np

from .layer import Layer
from .wisps import unit


def tube(
    material: int, path: np.ndarray, radius: np.ndarray | float, colour: np.ndarray, sides: int = 8, flat: float = 1.0,
    closed: bool = False, follow: float = 1.0,
) -> Layer:  # fmt: skip
    """A round tube along path (K, 3), cm; radius: (K,) or one; flat: its thickness along z against its height.

    closed: the last point joins the first. Ends stay open: make the radius small there.
    """
    count = len(path)
    ahead = unit(np.roll(path, -1, 0) - np.roll(path, 1, 0) if closed else np.gradient(path, axis=0))
    steady = np.array([0.0, 0.0, 1.0]) if np.abs(ahead[:, 2]).mean() < 0.7 else np.array([1.0, 0.0, 0.0])
    first = unit(np.cross(ahead, steady))
    second = np.cross(first, ahead)
    angle = np.arange(sides) / sides * 2 * np.pi
    wide = np.broadcast_to(np.asarray(radius, float), (count,))[:, None, None]
    around = first[:, None] * np.cos(angle)[:, None] + flat * second[:, None] * np.sin(angle)[:, None]
    vertices = path[:, None] + wide * around
    k = np.arange(count if closed else count - 1)[:, None]
    s = np.arange(sides)[None]
    after, turn = (k + 1) % count, (s + 1) % sides
    a, b, c, d = k * sides + s, after * sides + s, after * sides + turn, k * sides + turn
    triangles = np.concatenate([np.stack([a, d, c], -1).reshape(-1, 3), np.stack([a, c, b], -1).reshape(-1, 3)])
    total = count * sides
    uv = np.stack(np.broadcast_arrays(s / sides, np.arange(count)[:, None] / count), -1).reshape(-1, 2)
    return Layer(
        material, vertices.reshape(-1, 3).astype(np.float32), triangles.astype(np.int32), uv.astype(np.float32),
        np.broadcast_to(colour, (count, sides, 3)).reshape(-1, 3).astype(np.float32) if np.ndim(colour) < 2
        else np.repeat(colour, sides, 0).astype(np.float32),
        np.repeat(ahead, sides, 0).astype(np.float32), np.zeros(total, np.float32),
        np.full(total, follow, np.float32),
    )  # fmt: skip
