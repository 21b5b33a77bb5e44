"""How far out a head or a neck reaches in every direction: maps that hair and clothes are laid over.

Taken from the triangles of any body, so that hair made for one head fits all.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .body import BACK, FACE, Body


@dataclass(frozen=True, eq=False)
class Polar:
    """Radii about a centre. Azimuth: 0 at the face (+z), pi / 2 at +x; polar: 0 straight up, pi straight down."""

    centre: np.ndarray  # (3,)
    radius: np.ndarray  # (B, A) cm: rows by polar angle, columns by azimuth

    def reach(self, azimuth: np.ndarray, polar: np.ndarray) -> np.ndarray:
        """Radius at angles of any one shape, bilinear."""
        rows, columns = self.radius.shape
        y = np.clip(polar / np.pi * rows - 0.5, 0, rows - 1.001)
        x = (azimuth / (2 * np.pi)) % 1.0 * columns - 0.5
        i, j = y.astype(int), np.floor(x).astype(int)
        fy, fx = y - i, x - j
        j, after = j % columns, (j + 1) % columns
        top = (1 - fx) * self.radius[i, j] + fx * self.radius[i, after]
        low = (1 - fx) * self.radius[i + 1, j] + fx * self.radius[i + 1, after]
        return (1 - fy) * top + fy * low

    def surface(self, azimuth: np.ndarray, polar: np.ndarray, lift=0.0) -> np.ndarray:
        """(..., 3) places `lift` cm outside."""
        far = self.reach(azimuth, polar) + lift
        ring = np.sin(polar) * far
        return self.centre + np.stack([np.sin(azimuth) * ring, np.cos(polar) * far, np.cos(azimuth) * ring], -1)

    def angles(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Azimuth, polar angle and distance of points (..., 3)."""
        away = points - self.centre
        far = np.linalg.norm(away, axis=-1) + 1e-9
        return np.arctan2(away[..., 0], away[..., 2]), np.arccos(np.clip(away[..., 1] / far, -1, 1)), far

    def between(self, points: np.ndarray, low, high, hug: float = 0.0) -> np.ndarray:
        """Points moved outwards to at least `low` cm outside, and by the share `hug` back to at most `high`."""
        azimuth, polar, far = self.angles(points)
        skin = self.reach(azimuth, polar)
        most = np.minimum(far, skin + high)
        wanted = np.maximum(far + hug * (most - far), skin + low)
        return self.centre + (points - self.centre) * (wanted / far)[..., None]

    def normals(self, azimuth: np.ndarray, polar: np.ndarray) -> np.ndarray:
        """(..., 3) unit normals of the surface, smooth: over 0.1 radians."""
        polar = np.clip(polar, 0.06, np.pi - 0.06)
        along = self.surface(azimuth + 0.05, polar) - self.surface(azimuth - 0.05, polar)
        down = self.surface(azimuth, polar + 0.05) - self.surface(azimuth, polar - 0.05)
        normal = np.cross(down, along)
        return normal / (np.linalg.norm(normal, axis=-1, keepdims=True) + 1e-9)


def skin_points(body: Body, rest: np.ndarray, least_y: float = -1e9) -> np.ndarray:
    """(N, 3) places spread over the skin of a resting head (V, 3), denser than any map's cells."""
    triangles = body.triangles[(body.material == FACE) | (body.material == BACK)]
    triangles = triangles[rest[triangles[:, 0], 1] > least_y]
    steps = 2 if len(triangles) > 12000 else 5
    shares = np.array([(i, j, steps - i - j) for i in range(steps + 1) for j in range(steps + 1 - i)]) / steps
    corners = rest[triangles].astype(np.float64)
    # summed one by one: a matrix product may round otherwise from run to run
    return np.concatenate([corners[:, 0] * a + corners[:, 1] * b + corners[:, 2] * c for a, b, c in shares])


def head_map(points: np.ndarray, centre: np.ndarray, rows: int = 48, columns: int = 72) -> Polar:
    """The outermost of points (N, 3) in each cell of directions; empty cells from their neighbours; a little smooth."""
    polar = Polar(np.asarray(centre, np.float64), np.zeros((rows, columns)))
    azimuth, down, far = polar.angles(points)
    # a hair's breadth on: places on a cell's very edge must not change sides with the last digit
    i = np.minimum((down / np.pi * rows + 1e-6).astype(int), rows - 1)
    j = ((azimuth / (2 * np.pi)) % 1.0 * columns + 1e-6).astype(int) % columns
    np.maximum.at(polar.radius, (i, j), far)
    whole = filled(polar.radius)
    whole[0] = whole[0].mean()
    return Polar(polar.centre, _blurred(whole, 0.7))


def without_ears(head: Polar) -> tuple[Polar, np.ndarray]:
    """The skull with thin bumps at its sides pared away, and which cells they were (B, A) bool."""
    rows, columns = head.radius.shape
    wide = round(columns * 46 / 360) | 1
    wrapped = np.hstack([head.radius] * 3).astype(np.float32)
    bar = np.ones((1, wide), np.uint8)
    pared = cv2.dilate(cv2.erode(wrapped, bar), bar)[:, columns : 2 * columns].astype(np.float64)
    azimuth = (np.arange(columns) + 0.5) / columns * 2 * np.pi
    down = (np.arange(rows) + 0.5) / rows * np.pi
    side = (np.abs(np.sin(azimuth)) > 0.75)[None] & (down > 1.2)[:, None] & (down < 2.4)[:, None]
    ears = side & (head.radius - pared > 0.7)
    skull = np.where(side, np.minimum(head.radius, pared + 0.1), head.radius)
    return Polar(head.centre, _blurred(skull, 0.6)), ears


def filled(radius: np.ndarray) -> np.ndarray:
    """Zeros replaced by the mean of what is beside them, again and again."""
    radius = radius.copy()
    for _ in range(radius.size):
        empty = radius == 0
        if not empty.any() or empty.all():
            break
        wrapped = np.pad(radius, ((0, 0), (1, 1)), mode="wrap")
        wrapped = np.pad(wrapped, ((1, 1), (0, 0)), mode="edge")
        total, count = np.zeros_like(radius), np.zeros_like(radius)
        for di in range(3):
            for dj in range(3):
                part = wrapped[di : di + radius.shape[0], dj : dj + radius.shape[1]]
                total += part
                count += part > 0
        radius = np.where(empty & (count > 0), total / np.maximum(count, 1), radius)
    return radius


def _blurred(radius: np.ndarray, sigma: float) -> np.ndarray:
    columns = radius.shape[1]
    wrapped = cv2.GaussianBlur(np.hstack([radius] * 3), (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    return wrapped[:, columns : 2 * columns]
