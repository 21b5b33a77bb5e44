"""Where the face mesh's points lie on a body's surface: the landmarker says which pixel, the surface under it how deep.

Points found in renders of many people are cast back onto the mean head; their mean, made symmetric and brought onto the
nearest triangle, is the point's place on every head of that body.
"""

from __future__ import annotations

import numpy as np

from ..faces.face_triangles import POINTS
from .body import FACE, Body
from .raster import raster, vertex_normals
from .render import Actor, Moment
from .skin import LIPS_INNER
from .twins import mirrored

_NEAR = 60  # triangles around a place that are tried


class Places:
    """Collects what the landmarker found in renders."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self._total, self._seen = np.zeros((POINTS, 3)), np.zeros((POINTS, 1))

    def add(self, actor: Actor, moment: Moment, points: np.ndarray, parted: bool) -> None:
        """points (468, 2) found in a moment's picture; parted: only then are inner lips told from each other."""
        places, square = cast(actor, moment, points)
        if not parted:
            square[list(LIPS_INNER)] = 0
        self._total += places * square[:, None]
        self._seen += square[:, None]

    def on_surface(self) -> tuple[np.ndarray, np.ndarray]:
        """Vertices (468, 3) of the body and their weights (468, 3): where its own landmarks lie, if a point was hardly
        ever seen; else where they were found."""
        own = self._body.landmarks(self._body.mean)[:POINTS]
        places = np.where(self._seen > 1, self._total / np.maximum(self._seen, 1e-6), own)
        return _nearest(self._body, (places + mirrored(places)) / 2)


def cast(actor: Actor, moment: Moment, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points in the picture -> places (468, 3) on the mean head, and how squarely each is seen (0: not)."""
    body, mesh = actor.body, actor.mesh
    width, height = actor.camera.size
    vertices = actor.vertices(moment)
    screen = actor.camera.project(vertices).astype(np.float32)
    # eyeballs and teeth are drawn too, so that a point over them is not cast onto the lining behind
    _, seen, weights = raster(screen, mesh.triangles, mesh.two_sided, (mesh.cuts, actor.strands), height, width)
    normals = vertex_normals(vertices, mesh.triangles, mesh.weld)
    x, y = (np.clip(np.rint(points[:, k]).astype(int), 0, (width, height)[k] - 1) for k in (0, 1))
    hit = seen[y, x]
    hit = np.where((hit >= 0) & (mesh.material[hit] == FACE), hit, -1)
    pair = np.where(hit[:, None] >= 0, weights[y, x], 0)
    shares = np.stack([1 - pair.sum(1), pair[:, 0], pair[:, 1]], 1)[..., None]
    corners = mesh.triangles[np.maximum(hit, 0)]
    view = np.array(actor.camera.place) - (vertices[corners] * shares).sum(1)
    normal = (normals[corners] * shares).sum(1)
    square = (view * normal).sum(1) / (np.linalg.norm(view, axis=1) * np.linalg.norm(normal, axis=1) + 1e-9)
    on_mean = body.mean[np.where(corners < len(body.mean), corners, 0)]
    return (on_mean * shares).sum(1), np.where(hit >= 0, np.maximum(square, 0) ** 3, 0)


def _nearest(body: Body, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places (N, 3) -> vertices (N, 3) and weights (N, 3) of the nearest triangle of the face."""
    skin = body.triangles[body.material == FACE]
    corners = body.mean[skin].astype(np.float64)
    a, u, v = corners[:, 0], corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    uu, uv, vv = (u * u).sum(1), (u * v).sum(1), (v * v).sum(1)
    middles = corners.mean(1)
    vertices, weights = np.zeros((len(places), 3), np.int32), np.zeros((len(places), 3))
    for n, place in enumerate(places):
        near = np.argpartition(((middles - place) ** 2).sum(1), _NEAR)[:_NEAR]
        away = place - a[near]
        wu, wv = (away * u[near]).sum(1), (away * v[near]).sum(1)
        det = uu[near] * vv[near] - uv[near] ** 2 + 1e-12
        s, t = (vv[near] * wu - uv[near] * wv) / det, (uu[near] * wv - uv[near] * wu) / det
        shares = np.clip(np.stack([1 - s - t, s, t], 1), 0, 1)
        shares /= shares.sum(1, keepdims=True)
        gap = np.linalg.norm((corners[near] * shares[..., None]).sum(1) - place, axis=1)
        best = int(np.argmin(gap))
        vertices[n], weights[n] = skin[near[best]], shares[best]
    return vertices, weights
