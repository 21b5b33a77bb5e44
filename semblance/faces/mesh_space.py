"""Mesh space: one flat picture in which all faces lie pixel on pixel, whoever they are and whatever they do.

The face mesh is spread out once, like the skin of a globe: sides rolled off a cylinder, mouth held open, eyes as they
are. Its holes are closed (inside of the mouth, eyeballs), and a rim is added that reaches past the mesh's outline: up
the forehead, under the jaw. A face is unwrapped into mesh space and wrapped back over any other face's points; see
wrap.py.

Convention:
    - points (VERTICES, 3): the mesh's 468 points and the rim's 36, x, y, z in pixels of whatever picture they lie on
    - layout (VERTICES, 2): where they lie in mesh space, 0..1 along x and y, origin top left, mirrored about x = 0.5
    - a texture (S, S, 3): texel (row, column) has its centre at ((column + 0.5) / S, (row + 0.5) / S)
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from .face_triangles import POINTS, face_triangles
from .mean_face import mean_face

# Loops of mesh points, published by mediapipe. Lids and lips run from corner to corner, upper beside lower.
OVAL = (10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152,
        148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109)  # fmt: skip
LIPS = ((78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308), (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308))
RIGHT_LIDS = (33, 246, 161, 160, 159, 158, 157, 173, 133), (33, 7, 163, 144, 145, 153, 154, 155, 133)
LEFT_LIDS = (263, 466, 388, 387, 386, 385, 384, 398, 362), (263, 249, 390, 373, 374, 380, 381, 382, 362)
HOLES = {"mouth": LIPS, "right eye": RIGHT_LIDS, "left eye": LEFT_LIDS}
OUTER_LIPS = ((61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291), (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291))
_LOWER_LIP = (*LIPS[1][1:-1], *OUTER_LIPS[1][1:-1], 96, 89, 179, 86, 15, 316, 403, 319, 325,
              77, 90, 180, 85, 16, 315, 404, 320, 307)  # fmt: skip

VERTICES = POINTS + len(OVAL)

# All in face units (12 cm). A rim up to where most foreheads end and as far under the jaw as a head turned up shows.
_RIM_UP, _RIM_ASIDE = 0.34, 0.10
_RIM_BACK = 0.14
_GAP = 0.16  # how far the mouth stands open in mesh space: teeth and tongue get a tenth of its height
_AXIS = 0.9  # of the cylinder from which the sides are rolled off, behind the origin
_MARGIN = 0.01  # of mesh space, around the rim

# Where a viewer looks gets more texels than cheeks and rim: (centre, width, how much more) along each axis, face units.
_ACROSS = ((-0.27, 0.22, 0.8), (0.27, 0.22, 0.8), (0.0, 0.15, 0.3))
_DOWN = ((-0.275, 0.09, 2.2), (0.45, 0.2, 0.9))


@lru_cache(maxsize=1)
def mesh_triangles() -> np.ndarray:
    """(T, 3) int32: skin, then eyeballs and mouth, then the rim; turned so that on a picture (y down) a triangle that
    faces the camera has a positive area."""
    holes = [np.array(_strip(*HOLES[name])) for name in HOLES]
    rim = np.arange(POINTS, VERTICES)
    oval, following = np.array(OVAL), np.roll(OVAL, -1)
    quads = [np.column_stack([oval, following, rim]), np.column_stack([following, np.roll(rim, -1), rim])]
    added = np.concatenate([*holes, *quads])
    turned = _areas(layout()[added]) < 0
    added[turned] = added[turned][:, ::-1]
    # the skin's own triangles are turned by their neighbours: at the wings of the nose some lie folded in the layout
    return np.concatenate([face_triangles()[:, ::-1], added]).astype(np.int32)


@lru_cache(maxsize=1)
def hole_triangles() -> dict[str, np.ndarray]:
    """For each of HOLES the rows of mesh_triangles() that close it."""
    begin, rows = len(face_triangles()), {}
    for name, pair in HOLES.items():
        count = len(_strip(*pair))
        rows[name] = np.arange(begin, begin + count)
        begin += count
    return rows


@lru_cache(maxsize=1)
def layout() -> np.ndarray:
    """(VERTICES, 2) float64 in 0..1."""
    face = mean_face()[:POINTS]
    angle = np.arctan2(face[:, 0], _AXIS - face[:, 2])
    # half of the way to a full cylinder: sides get the texels they need when the head turns, the front keeps its own
    x = (face[:, 0] / np.abs(face[:, 0]).max() + angle / np.abs(angle).max()) / 2
    y = face[:, 1] + _GAP * _below_the_mouth(face)
    flat = np.column_stack([x * np.abs(face[:, 0]).max(), y])
    flat = np.concatenate([flat, flat[list(OVAL)] + _rim()[:, :2]])
    flat = np.column_stack([_spread(flat[:, 0], _ACROSS), _spread(flat[:, 1], _DOWN)])
    low, high = flat.min(0), flat.max(0)
    return _MARGIN + (1 - 2 * _MARGIN) * (flat - low) / (high - low)


def _spread(values: np.ndarray, bands: tuple[tuple[float, float, float], ...]) -> np.ndarray:
    """Coordinates along one axis, stretched where a band (centre, width, gain) asks for more texels."""
    grid = np.linspace(values.min(), values.max(), 4096)
    density = 1 + sum(gain * np.exp(-(((grid - centre) / width) ** 2)) for centre, width, gain in bands)
    return np.interp(values, grid, np.cumsum(density))


def with_rim(landmarks: np.ndarray) -> np.ndarray:
    """landmarks (478, 3) -> points (VERTICES, 3) float32: the rim stands where the mean face's would, on a head of this
    size, stretch and pose (an affine map fitted to all points)."""
    face = landmarks[:POINTS].astype(np.float64)
    matrix = _fit() @ face  # (4, 3)
    rim = face[list(OVAL)] + _rim() @ matrix[:3]
    return np.concatenate([face, rim]).astype(np.float32)


@lru_cache(maxsize=1)
def _fit() -> np.ndarray:
    """(4, 468): times points (468, 3) gives the affine map that takes the mean face to them by least squares."""
    return np.linalg.pinv(np.column_stack([mean_face()[:POINTS], np.ones(POINTS)]))


@lru_cache(maxsize=1)
def _rim() -> np.ndarray:
    """(36, 3): from each point of the oval to its neighbour on the rim, face units."""
    oval = mean_face()[list(OVAL)]
    out = oval[:, :2] - [0, 0.05]
    out /= np.linalg.norm(out, axis=1, keepdims=True)
    up = np.clip(-out[:, 1], 0, 1)
    length = _RIM_ASIDE + (_RIM_UP - _RIM_ASIDE) * up**2
    return np.column_stack([out * length[:, None], np.full(len(oval), _RIM_BACK)])


def _below_the_mouth(face: np.ndarray) -> np.ndarray:
    """(468,) 0..1: how much of the mouth's opening moves each point of the mean face down."""
    corner, line, chin = abs(face[LIPS[0][0], 0]), face[13, 1], face[152, 1]
    across = np.cos(np.clip(face[:, 0] / (1.9 * corner), -1, 1) * np.pi / 2) ** 2
    under = face[:, 1] > line + 0.35 * np.abs(face[:, 0] / corner) * (face[LIPS[0][0], 1] - line) + 0.12
    lower = np.zeros(POINTS, bool)
    lower[list(_LOWER_LIP)] = True
    fades = np.clip((chin - face[:, 1]) / (chin - face[17, 1]), 0, 1)
    at_lips = np.sin(np.clip(1 - np.abs(face[:, 0]) / (corner * 1.05), 0, 1) * np.pi / 2)
    return np.where(lower, at_lips, np.where(under, across * fades, 0.0))


def _strip(upper: tuple[int, ...], lower: tuple[int, ...]) -> list[tuple[int, int, int]]:
    """Triangles between two lines of points that share both ends."""
    last = len(upper) - 1
    made = [(upper[0], upper[1], lower[1])]
    for k in range(1, last - 1):
        made += [(upper[k], upper[k + 1], lower[k]), (upper[k + 1], lower[k + 1], lower[k])]
    return [*made, (upper[last - 1], upper[last], lower[last - 1])]


def _areas(corners: np.ndarray) -> np.ndarray:
    """(T, 3, 2) -> twice the signed areas (T,)."""
    one, other = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]
