"""A face in a picture <-> its flat texture in mesh space, piecewise affine over the mesh's triangles.

`unwrap` looks up, for each texel, where it lies in the picture; `wrap` draws the mesh over points and looks up, for
each pixel, where it lies in the texture. Both are one table of positions and one cv2.remap. Points as in mesh_space.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numba import njit

from .align import averaged_down, move
from .mesh_space import VERTICES, hole_triangles, layout, mesh_triangles

_jit = njit(cache=True, nogil=True, fastmath=True, boundscheck=False)
_ALIASES = 1.4  # picture pixels per texel (or texels per pixel) from which on the finer one is averaged down first
_EDGE_ON, _TOWARDS = 0.12, 0.40  # cosine between a triangle and the line of sight: what counts as unseen, as seen well
_SHUT, _OPEN = 0.02, 0.10  # height over width of a mouth or an eye between whose rims nothing, and all, can be seen
# a hole's height over width, measured at its middle: upper, lower, and both corners
_OPENINGS = {"mouth": (13, 14, 78, 308), "right eye": (159, 145, 33, 133), "left eye": (386, 374, 362, 263)}


@dataclass(frozen=True, slots=True, eq=False)
class Texels:
    """For each texel: its triangle (S, S), that one's corners (S, S, 3) and weights (S, S, 3); inside (S, S)."""

    corners: np.ndarray
    weights: np.ndarray
    triangle: np.ndarray
    inside: np.ndarray


@lru_cache(maxsize=8)
def texels(size: int) -> Texels:
    """The texels of a texture of `size`; beyond the rim they take after the nearest texel within it."""
    triangles, place = mesh_triangles(), (layout() * size - 0.5).astype(np.float32)
    points = np.column_stack([place, np.zeros(VERTICES)]).astype(np.float32)
    triangle, weights = raster(points, triangles, size, size, two_sided=True)
    inside = triangle >= 0
    _, nearest = cv2.distanceTransformWithLabels(
        (~inside).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE, labelType=cv2.DIST_LABEL_PIXEL
    )
    owner = np.zeros(nearest.max() + 1, np.int64)
    owner[nearest[inside]] = np.flatnonzero(inside)
    chosen = owner[nearest]
    triangle = triangle.ravel()[chosen]
    first = weights.reshape(-1, 2)[chosen]
    weights = np.stack([1 - first.sum(-1), first[..., 0], first[..., 1]], axis=-1)
    return Texels(triangles[triangle], weights.astype(np.float32), triangle, inside)


def unwrap(pixels: np.ndarray, points: np.ndarray, size: int) -> np.ndarray:
    """The texture (size, size, 3) uint8 of a face: pixels (H, W, 3) uint8 RGB, points (VERTICES, 2 or 3) on it.

    What lies outside the picture is the picture's edge. A face larger than its texture is averaged down first.
    """
    table = texels(size)
    flat = points[:, :2].astype(np.float64)
    low, high = np.floor(flat.min(0)).astype(int) - 2, np.ceil(flat.max(0)).astype(int) + 3
    shrink = float(np.ptp(flat, axis=0).max()) / size
    part, there = averaged_down(pixels, low, high, round(shrink) if shrink > _ALIASES else 1)
    places = _look_up(table.weights, table.corners, move(flat, there).astype(np.float32))
    return cv2.remap(part, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


@_jit
def _look_up(weights, corners, values):
    """values (V, C) at each texel: (S, S, C), by its corners and weights (S, S, 3)."""
    height, width, _ = corners.shape
    found = np.empty((height, width, values.shape[1]), values.dtype)
    for y in range(height):
        for x in range(width):
            a, b, c = corners[y, x]
            for k in range(values.shape[1]):
                found[y, x, k] = (
                    weights[y, x, 0] * values[a, k] + weights[y, x, 1] * values[b, k] + weights[y, x, 2] * values[c, k]
                )
    return found


def seen(points: np.ndarray, size: int) -> np.ndarray:
    """How well each texel of a face can be seen, (size, size) float32 0..1: 0 where the skin turns away or a lid or lip
    hides what is behind it. points (VERTICES, 3)."""
    table = texels(size)
    triangles = mesh_triangles()
    corners = points[triangles].astype(np.float64)
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    lengths = np.sqrt(np.einsum("tc,tc->t", normal, normal))
    facing, weight = (np.bincount(triangles.ravel(), np.repeat(each, 3), VERTICES) for each in (normal[:, 2], lengths))
    smooth = facing / np.maximum(weight, 1e-9)
    per_vertex = np.clip((smooth - _EDGE_ON) / (_TOWARDS - _EDGE_ON), 0, 1).astype(np.float32)
    shown = _look_up(table.weights, table.corners, per_vertex[:, None])[..., 0]
    for name, rows in hole_triangles().items():
        hole = (table.triangle >= rows[0]) & (table.triangle <= rows[-1])
        shown[hole] = np.clip((openness(points, name) - _SHUT) / (_OPEN - _SHUT), 0, 1)
    return np.clip(shown, 0, 1).astype(np.float32) * table.inside


def facing(visible: np.ndarray) -> np.ndarray:
    """What `seen` tells (S, S) without what it says of eyes and mouth, softened: where skin faces the camera."""
    size = len(visible)
    visible, triangle = visible.copy(), texels(size).triangle
    for rows in hole_triangles().values():
        visible[(triangle >= rows[0]) & (triangle <= rows[-1])] = 1
    return cv2.GaussianBlur(visible, (0, 0), size / 64)


def openness(points: np.ndarray, hole: str) -> float:
    """Height over width of "mouth", "right eye" or "left eye"; 0 where upper and lower rim have crossed."""
    upper, lower, one, other = points[list(_OPENINGS[hole]), :2].astype(np.float64)
    across = other - one
    width = np.linalg.norm(across)
    down = np.array([-across[1], across[0]]) / max(width, 1e-9)
    return float(max((lower - upper) @ down, 0.0) / max(width, 1e-9))


def wrap(texture: np.ndarray, points: np.ndarray, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw a texture (S, S, C) over points (VERTICES, 3) in a picture's pixels.

    Returns the picture (height, width, C), of the texture's type, 0 where the face is not, and where it is (height,
    width) bool. Nearer triangles hide farther ones, those that turn away are not drawn.
    """
    size = texture.shape[0]
    triangle, weights = raster(points.astype(np.float32), mesh_triangles(), height, width)
    shrink = size / max(float(np.ptp(points[:, :2], axis=0).max()), 1.0)
    if shrink > _ALIASES:
        texture = cv2.GaussianBlur(texture, (0, 0), 0.4 * shrink)
    else:  # enlarged upright first: on so fine a grid linear loses nothing, at a third of a cubic remap's cost
        size *= 2
        texture = cv2.resize(texture, (size, size), interpolation=cv2.INTER_CUBIC)
    across, down = _places(triangle, weights, mesh_triangles(), (layout() * size - 0.5).astype(np.float32))
    drawn = cv2.remap(texture, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return drawn.reshape(height, width, -1), triangle >= 0  # cv2 drops a single channel


def coordinates(points: np.ndarray, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Where each pixel of a picture lies on the texture of a mesh drawn over points (VERTICES, 3): (height, width, 2)
    float32 as in layout(), and where the mesh is (height, width) bool."""
    triangle, weights = raster(points.astype(np.float32), mesh_triangles(), height, width)
    across, down = _places(triangle, weights, mesh_triangles(), layout().astype(np.float32))
    return np.dstack([across, down]), triangle >= 0


def raster(points: np.ndarray, triangles: np.ndarray, height: int, width: int, two_sided: bool = False):
    """Which triangle is seen at each pixel, nearest first (smaller z): (height, width) int32, -1 where none; and the
    weights of its corners 1 and 2 (height, width, 2) float32. points (V, 3) float32, triangles (T, 3) int32."""
    triangle = np.full((height, width), -1, np.int32)
    weights = np.zeros((height, width, 2), np.float32)
    depth = np.full((height, width), np.inf, np.float32)
    _draw(points, triangles, two_sided, depth, triangle, weights)
    return triangle, weights


@_jit
def _draw(points, triangles, two_sided, depth, seen_triangle, weights):
    height, width = depth.shape
    for t in range(len(triangles)):
        a, b, c = triangles[t]
        ax, ay, az = points[a]
        bx, by, bz = points[b]
        cx, cy, cz = points[c]
        area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        if area == 0 or (area < 0 and not two_sided):
            continue
        x0, x1 = max(0, int(np.ceil(min(ax, bx, cx)))), min(width - 1, int(np.floor(max(ax, bx, cx))))
        y0, y1 = max(0, int(np.ceil(min(ay, by, cy)))), min(height - 1, int(np.floor(max(ay, by, cy))))
        inverse = 1 / area
        for y in range(y0, y1 + 1):
            for x in range(x0, x1 + 1):
                w1 = ((x - ax) * (cy - ay) - (cx - ax) * (y - ay)) * inverse
                w2 = ((bx - ax) * (y - ay) - (x - ax) * (by - ay)) * inverse
                # a hair's breadth over the edge, so that neighbours leave no pinholes
                if w1 >= -1e-4 and w2 >= -1e-4 and w1 + w2 <= 1.0001:
                    z = az + w1 * (bz - az) + w2 * (cz - az)
                    if z < depth[y, x]:
                        depth[y, x] = z
                        seen_triangle[y, x] = t
                        weights[y, x, 0] = w1
                        weights[y, x, 1] = w2


@_jit
def _places(triangle, weights, triangles, layout):
    height, width = triangle.shape
    across = np.zeros((height, width), np.float32)
    down = np.zeros((height, width), np.float32)
    for y in range(height):
        for x in range(width):
            t = triangle[y, x]
            if t < 0:
                across[y, x] = down[y, x] = -100  # beyond the texture: nothing is drawn
                continue
            a, b, c = triangles[t]
            w1, w2 = weights[y, x, 0], weights[y, x, 1]
            w0 = 1 - w1 - w2
            across[y, x] = w0 * layout[a, 0] + w1 * layout[b, 0] + w2 * layout[c, 0]
            down[y, x] = w0 * layout[a, 1] + w1 * layout[b, 1] + w2 * layout[c, 1]
    return across, down
