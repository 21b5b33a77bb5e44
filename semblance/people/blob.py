"""A smooth closed mesh from a distance field: how a hand grows together from its bones.

Surface nets (Gibson 1998, "Constrained elastic surface nets"): one vertex in each cell that the surface passes through.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def blob(field: Callable[[np.ndarray], np.ndarray], low: np.ndarray, high: np.ndarray, cell: float):
    """Vertices (V, 3) float32 and triangles (T, 3) int32, counter-clockwise from outside, of where field is 0.

    field: places (N, 3) -> about the distance in cm, negative inside; low, high: a box around the surface.
    """
    counts = np.ceil((high - low) / cell).astype(int) + 1
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in counts), indexing="ij"), -1)
    values = field((low + grid.reshape(-1, 3) * cell).astype(np.float32)).reshape(counts)
    inside = values < 0
    total, places = np.zeros(counts - 1), np.zeros((*(counts - 1), 3))
    corner = np.stack(np.meshgrid(*(np.arange(n - 1) for n in counts), indexing="ij"), -1)
    for axis in range(3):
        ahead = np.eye(3, dtype=int)[axis]
        for u in (0, 1):
            for v in (0, 1):
                offset = np.insert(np.array([u, v]), axis, 0)
                here = _window(values, offset, counts)
                there = _window(values, offset + ahead, counts)
                crosses = (here < 0) != (there < 0)
                share = np.where(crosses, here / np.where(crosses, here - there, 1), 0)
                places += np.where(crosses[..., None], corner + offset + share[..., None] * ahead, 0)
                total += crosses
    used = total > 0
    index = np.full(used.shape, -1, np.int64)
    index[used] = np.arange(used.sum())
    vertices = low + places[used] / total[used][:, None] * cell
    return vertices.astype(np.float32), _faces(inside, index).astype(np.int32)


def _window(values: np.ndarray, offset: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return values[tuple(slice(o, o + n - 1) for o, n in zip(offset, counts, strict=True))]


def _faces(inside: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Two triangles for each edge of the grid that the surface crosses."""
    found = []
    for axis in range(3):
        one, two = (axis + 1) % 3, (axis + 2) % 3
        a = np.moveaxis(inside, (axis, one, two), (0, 1, 2))
        cells = np.moveaxis(index, (axis, one, two), (0, 1, 2))
        first, second = a[:-1, 1:-1, 1:-1], a[1:, 1:-1, 1:-1]
        i, j, k = np.nonzero(first != second)
        quad = np.stack([cells[i, j, k], cells[i, j + 1, k], cells[i, j + 1, k + 1], cells[i, j, k + 1]], 1)
        flip = ~first[i, j, k]
        quad[flip] = quad[flip][:, ::-1]
        found += [quad[:, [0, 1, 2]], quad[:, [0, 2, 3]]]
    return np.concatenate(found)
