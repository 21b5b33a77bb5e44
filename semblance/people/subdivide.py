"""Loop's subdivision of a triangle mesh as a fixed linear map from control points to fine vertices.

Loop 1987, "Smooth Subdivision Surfaces Based on Triangles": each edge gets a vertex, each old vertex is averaged with
its neighbours; open edges become smooth curves of their own. Old vertices keep their numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Level:
    """One step of a subdivision: vertex v of the finer mesh is the sum of weight[v, k] times old vertex index[v, k]."""

    index: np.ndarray  # (V', K) int32
    weight: np.ndarray  # (V', K) float32, rows add up to 1
    triangles: np.ndarray  # (4 T, 3) int32
    parents: np.ndarray  # (4 T,) int32: the triangle that each lies in

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """values (V, C) at the old vertices -> (V', C)."""
        fine = values[self.index[:, 0]] * self.weight[:, :1]
        for k in range(1, self.index.shape[1]):
            rows = np.flatnonzero(self.weight[:, k])
            fine[rows] += values[self.index[rows, k]] * self.weight[rows, k, None]
        return fine


def subdivide(triangles: np.ndarray, count: int) -> Level:
    """The step that splits each of triangles (T, 3) of `count` vertices into four.

    Raises ValueError if an edge belongs to more than two triangles, or two in the same direction.
    """
    edges, inverse, opposite, sides = _edges(triangles)
    number = count + inverse  # (T, 3): the new vertex on the edge from corner k to k + 1
    (a, b, c), (ab, bc, ca) = triangles.T, number.T
    fine = np.stack([np.stack(t, 1) for t in ((a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca))], 1)  # (T, 4, 3)
    rows = _old_rows(edges, sides, count) + _new_rows(edges, opposite, sides)
    width = max(len(row) for row in rows)
    index, weight = np.zeros((len(rows), width), np.int32), np.zeros((len(rows), width), np.float32)
    for v, row in enumerate(rows):
        index[v, : len(row)], weight[v, : len(row)] = zip(*row)
    return Level(index, weight, fine.reshape(-1, 3).astype(np.int32), np.repeat(np.arange(len(triangles)), 4))


def boundary_loops(triangles: np.ndarray) -> list[list[int]]:
    """The open edges of a mesh as closed chains of vertices, each in the direction in which its triangles run."""
    directed = {(int(t[k]), int(t[(k + 1) % 3])) for t in triangles for k in range(3)}
    after = {a: b for a, b in directed if (b, a) not in directed}
    loops = []
    while after:
        loop = [next(iter(after))]
        while (follower := after.pop(loop[-1])) != loop[0]:
            loop.append(follower)
        loops.append(loop)
    return loops


def _edges(triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """edges (E, 2), the edge of each side (T, 3), the one or two corners opposite (E, 2; -1: none), sides (E,)."""
    pairs = np.stack([triangles, np.roll(triangles, -1, 1)], 2).reshape(-1, 2)
    if len(np.unique(pairs, axis=0)) != len(pairs):
        raise ValueError("two triangles run along one edge in the same direction: the mesh is not an oriented surface")
    edges, inverse = np.unique(np.sort(pairs, 1), axis=0, return_inverse=True)
    inverse = inverse.reshape(-1)
    opposite = np.full((len(edges), 2), -1)
    forward = (pairs[:, 0] > pairs[:, 1]).astype(int)
    opposite[inverse, forward] = np.roll(triangles, -2, 1).reshape(-1)
    sides = (opposite >= 0).sum(1)
    return edges, inverse.reshape(-1, 3), opposite, sides


def _old_rows(edges: np.ndarray, sides: np.ndarray, count: int) -> list[list[tuple[int, float]]]:
    around: list[list[int]] = [[] for _ in range(count)]
    rim: list[list[int]] = [[] for _ in range(count)]
    for (a, b), side in zip(edges.tolist(), sides, strict=True):
        for one, other in ((a, b), (b, a)):
            (rim if side == 1 else around)[one].append(other)
    rows = []
    for v in range(count):
        if rim[v]:
            rows.append([(v, 0.75)] + [(other, 0.25 / len(rim[v])) for other in rim[v]])
        elif around[v]:
            n = len(around[v])
            beta = (5 / 8 - (3 / 8 + np.cos(2 * np.pi / n) / 4) ** 2) / n
            rows.append([(v, 1 - n * beta)] + [(other, beta) for other in around[v]])
        else:
            rows.append([(v, 1.0)])
    return rows


def _new_rows(edges: np.ndarray, opposite: np.ndarray, sides: np.ndarray) -> list[list[tuple[int, float]]]:
    rows = []
    for (a, b), (c, d), side in zip(edges.tolist(), opposite.tolist(), sides, strict=True):
        inner = [(a, 3 / 8), (b, 3 / 8), (c, 1 / 8), (d, 1 / 8)]
        rows.append([(a, 0.5), (b, 0.5)] if side == 1 else inner)
    return rows
