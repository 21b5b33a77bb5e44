"""How much of the sky each place on a head sees: the soft darkness under a chin, beside a nose, in an ear."""

from __future__ import annotations

import numpy as np

from .raster import shadow_depth

_LOOKS, _SIZE, _REACH = 40, 160, 17.0


def open_sky(vertices: np.ndarray, normals: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """(V,) float32 0..1: the share of a sphere of lamps that lights a place, against a place with nothing around.

    vertices, normals: (V, 3) float32. A depth picture from each of some directions spread evenly (Fibonacci's spiral).
    """
    steps = np.arange(_LOOKS) + 0.5
    heights, turns = 1 - 2 * steps / _LOOKS, np.pi * (1 + 5**0.5) * steps
    ring = np.sqrt(1 - heights**2)
    directions = np.stack([ring * np.cos(turns), heights, ring * np.sin(turns)], 1)
    reached, possible = np.zeros(len(vertices), np.float32), np.full(len(vertices), 1e-6, np.float32)
    for direction in directions.astype(np.float32):
        facing = np.maximum(normals @ direction, 0)
        depth, points = _look(vertices, triangles, direction)
        x = np.clip(np.rint(points[:, 0]).astype(int), 0, _SIZE - 1)
        y = np.clip(np.rint(points[:, 1]).astype(int), 0, _SIZE - 1)
        reached += facing * (points[:, 2] > depth[y, x] - 0.35)
        possible += facing
    return reached / possible


def _look(vertices: np.ndarray, triangles: np.ndarray, direction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The depth picture from `direction`, and where each vertex lies in it: x, y, nearness."""
    right = np.cross([0.0, 1.0, 0.0], direction)
    right /= np.linalg.norm(right) + 1e-9
    up = np.cross(direction, right)
    scale = _SIZE / (2 * _REACH)
    points = np.stack(
        [vertices @ right * scale + _SIZE / 2, -(vertices @ up) * scale + _SIZE / 2, vertices @ direction], 1
    )
    points = points.astype(np.float32)
    depth = np.full((_SIZE, _SIZE), -1e9, np.float32)
    shadow_depth(points, triangles, depth)
    return depth, points
