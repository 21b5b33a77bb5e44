"""The 852 triangles of the face mesh's 468 points, from the edges that mediapipe publishes.

Edges only are published, without order; three edges that close are a triangle, except two that frame a smaller one.
Eyes and mouth are holes: 468 points - 1322 edges + 852 triangles = -2, a disc with three holes.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache

import numpy as np

from ..types import LANDMARKS
from .mean_face import mean_face

POINTS = LANDMARKS - 10  # without the irises


@lru_cache(maxsize=1)
def face_triangles() -> np.ndarray:
    """(852, 3) int32, counter-clockwise seen from outside in axes with y up and z to the camera."""
    from mediapipe.python.solutions.face_mesh_connections import FACEMESH_TESSELATION

    edges = {tuple(sorted(edge)) for edge in FACEMESH_TESSELATION}
    near: dict[int, set[int]] = {}
    for a, b in edges:
        near.setdefault(a, set()).add(b)
        near.setdefault(b, set()).add(a)
    cliques = {tuple(sorted((a, b, c))) for a, b in edges for c in near[a] & near[b]}
    shared = Counter(edge for clique in cliques for edge in _sides(clique))
    # a frame around a smaller triangle has all its edges in three cliques
    faces = sorted(clique for clique in cliques if min(shared[edge] for edge in _sides(clique)) < 3)
    return _one_way(np.array(faces, np.int32))


def _sides(clique: tuple[int, int, int]) -> list[tuple[int, int]]:
    a, b, c = clique
    return [(a, b), (b, c), (a, c)]


def _one_way(triangles: np.ndarray) -> np.ndarray:
    """Turn triangles over until all neighbours run in opposite directions along their edge, outwards."""
    owners: dict[tuple[int, int], list[int]] = {}
    for t, (a, b, c) in enumerate(triangles.tolist()):
        for edge in ((a, b), (b, c), (c, a)):
            owners.setdefault(tuple(sorted(edge)), []).append(t)
    turned, queue, known = triangles.copy(), [0], {0}
    while queue:
        t = queue.pop()
        for k in range(3):
            a, b = int(turned[t, k]), int(turned[t, (k + 1) % 3])
            for other in owners[tuple(sorted((a, b)))]:
                if other in known:
                    continue
                row = turned[other].tolist()
                if (a, b) in zip(row, row[1:] + row[:1], strict=True):
                    turned[other] = row[::-1]
                known.add(other)
                queue.append(other)
    corners = mean_face()[turned] * [1, -1, -1]
    area = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])[:, 2].sum()
    return turned if area > 0 else np.ascontiguousarray(turned[:, ::-1])
