"""Triangles -> which one is seen at each pixel: a z-buffer on the CPU, compiled, one frame a thread.

Convention:
    - points (V, 3): x, y in pixels (centres are whole numbers), and 1 / distance, which is straight on the screen
    - buffers (H, W): nearest 1 / distance (0: nothing), triangle (-1: nothing), two weights of its corners 1 and 2
"""

from __future__ import annotations

import numpy as np
from numba import njit

_jit = njit(cache=True, nogil=True, fastmath=True, boundscheck=False)


def raster(points: np.ndarray, triangles: np.ndarray, two_sided: np.ndarray, alpha, height: int, width: int):
    """Draw opaque triangles. Returns nearness (H, W) float32, triangle (H, W) int32, weights (H, W, 2) float32.

    points    : (V, 3) float32
    triangles : (T, 3) int32; seen from behind they are left out unless two_sided (T,) uint8
    alpha     : (V, 3) float32 u, v, cut for triangles with holes: a texel of `holes` under the cut is not drawn;
                with the (S, S) uint8 texture `holes`: alpha = (cuts, holes)
    """
    nearness = np.zeros((height, width), np.float32)
    seen = np.full((height, width), -1, np.int32)
    weights = np.empty((height, width, 2), np.float32)
    _draw(points, triangles, two_sided, alpha[0], alpha[1], nearness, seen, weights)
    return nearness, seen, weights


@_jit
def _draw(points, triangles, two_sided, cuts, holes, nearness, seen, weights):
    height, width = nearness.shape
    texels = holes.shape[0]
    for t in range(len(triangles)):
        a, b, c = triangles[t]
        ax, ay, az = points[a]
        bx, by, bz = points[b]
        cx, cy, cz = points[c]
        if az <= 0 or bz <= 0 or cz <= 0:
            continue
        area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        # y runs down on the screen: what is counter-clockwise in space comes out with a negative area
        if area == 0 or (area > 0 and not two_sided[t]):
            continue
        x0, x1 = max(0, int(np.ceil(min(ax, bx, cx)))), min(width - 1, int(np.floor(max(ax, bx, cx))))
        y0, y1 = max(0, int(np.ceil(min(ay, by, cy)))), min(height - 1, int(np.floor(max(ay, by, cy))))
        if x0 > x1 or y0 > y1:
            continue
        inverse = 1 / area
        step1, step2 = (cy - ay) * inverse, -(by - ay) * inverse
        pierced = cuts[a, 2] > 0
        for y in range(y0, y1 + 1):
            w1 = ((x0 - ax) * (cy - ay) - (cx - ax) * (y - ay)) * inverse
            w2 = ((bx - ax) * (y - ay) - (x0 - ax) * (by - ay)) * inverse
            for x in range(x0, x1 + 1):
                # a hair's breadth over the edge, so that neighbours leave no pinholes
                if w1 >= -1e-4 and w2 >= -1e-4 and w1 + w2 <= 1.0001:
                    near = az + w1 * (bz - az) + w2 * (cz - az)
                    if near > nearness[y, x]:
                        keep = True
                        if pierced:
                            u = cuts[a, 0] + w1 * (cuts[b, 0] - cuts[a, 0]) + w2 * (cuts[c, 0] - cuts[a, 0])
                            v = cuts[a, 1] + w1 * (cuts[b, 1] - cuts[a, 1]) + w2 * (cuts[c, 1] - cuts[a, 1])
                            cut = cuts[a, 2] + w1 * (cuts[b, 2] - cuts[a, 2]) + w2 * (cuts[c, 2] - cuts[a, 2])
                            i, j = int(v * texels) % texels, int(u * texels) % texels
                            keep = holes[i, j] >= cut
                        if keep:
                            nearness[y, x] = near
                            seen[y, x] = t
                            weights[y, x, 0] = w1
                            weights[y, x, 1] = w2
                w1 += step1
                w2 += step2


@_jit
def shadow_depth(points, triangles, depth):
    """Draw only nearness into depth (H, W), both sides: the picture that a lamp sees."""
    height, width = depth.shape
    for t in range(len(triangles)):
        a, b, c = triangles[t]
        ax, ay, az = points[a]
        bx, by, bz = points[b]
        cx, cy, cz = points[c]
        area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        if area == 0:
            continue
        x0, x1 = max(0, int(np.ceil(min(ax, bx, cx)))), min(width - 1, int(np.floor(max(ax, bx, cx))))
        y0, y1 = max(0, int(np.ceil(min(ay, by, cy)))), min(height - 1, int(np.floor(max(ay, by, cy))))
        inverse = 1 / area
        step1, step2 = (cy - ay) * inverse, -(by - ay) * inverse
        for y in range(y0, y1 + 1):
            w1 = ((x0 - ax) * (cy - ay) - (cx - ax) * (y - ay)) * inverse
            w2 = ((bx - ax) * (y - ay) - (x0 - ax) * (by - ay)) * inverse
            for x in range(x0, x1 + 1):
                if w1 >= -1e-4 and w2 >= -1e-4 and w1 + w2 <= 1.0001:
                    near = az + w1 * (bz - az) + w2 * (cz - az)
                    if near > depth[y, x]:
                        depth[y, x] = near
                w1 += step1
                w2 += step2


@_jit
def add_normals(vertices, triangles, weld, normals):
    """Sum of the triangles' areas' normals at each welded place: normals (P, 3), zero before, not yet of length 1."""
    for t in range(len(triangles)):
        a, b, c = triangles[t]
        ux, uy, uz = vertices[b] - vertices[a]
        vx, vy, vz = vertices[c] - vertices[a]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for k in (a, b, c):
            w = weld[k]
            normals[w, 0] += nx
            normals[w, 1] += ny
            normals[w, 2] += nz


def vertex_normals(vertices: np.ndarray, triangles: np.ndarray, weld: np.ndarray) -> np.ndarray:
    """(V, 3) float32 unit normals, smooth over welded seams."""
    sums = np.zeros((int(weld.max()) + 1, 3), np.float32)
    add_normals(vertices, triangles, weld, sums)
    sums /= np.linalg.norm(sums, axis=1, keepdims=True) + 1e-12
    return sums[weld]
