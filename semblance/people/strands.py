"""Light and dark of single hairs, as a texture that repeats."""

from __future__ import annotations

import cv2
import numpy as np

SIZE = 512


def strand_texture(seed: int) -> np.ndarray:
    """(512, 512) uint8, uniform over 0..255; hairs run along v (downwards)."""
    rng = np.random.default_rng([seed, 0x57A])
    fine = _streaks(rng, 1, 120)
    broad = _streaks(rng, 6, 160)
    mixed = 0.65 * fine + 0.35 * broad
    order = np.argsort(mixed.ravel(), kind="stable")
    ranks = np.empty(order.size, np.int64)
    ranks[order] = np.arange(order.size)
    return (ranks * 256 // order.size).astype(np.uint8).reshape(SIZE, SIZE)


def _streaks(rng: np.random.Generator, width: int, length: int) -> np.ndarray:
    """Noise blurred along v, wrapped at its edges, of mean 0 and deviation 1."""
    noise = rng.standard_normal((SIZE, SIZE)).astype(np.float32)
    tiled = np.tile(noise, (3, 3))
    tiled = cv2.GaussianBlur(tiled, (0, 0), sigmaX=max(0.5, width / 2), sigmaY=length / 4)
    middle = tiled[SIZE : 2 * SIZE, SIZE : 2 * SIZE]
    return (middle - middle.mean()) / (middle.std() + 1e-9)
