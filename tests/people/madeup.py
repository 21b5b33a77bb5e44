"""A made-up body for tests: an egg on a neck and a bust, nothing of any real model."""

import numpy as np

from semblance.faces.mean_face import mean_face
from semblance.people.body import BACK, FACE, Body

_FACE_UNIT = 11.6  # cm
HEIGHTS = np.concatenate([np.linspace(14.4, -7.0, 60), np.linspace(-7.6, -19.0, 30)])
COLUMNS = 72


def egg_body() -> Body:
    """About the size of a head; the face looks along +z; the bust ends open at y = -19."""
    turn = np.linspace(0, 2 * np.pi, COLUMNS, endpoint=False)
    wide = np.where(
        HEIGHTS > -7.2, 7.6 * _egg(HEIGHTS), np.interp(HEIGHTS, [-19, -13.5, -11, -7], [12.4, 12.0, 6.2, 5.4])
    )
    deep = np.where(
        HEIGHTS > -7.2, 9.8 * _egg(HEIGHTS), np.interp(HEIGHTS, [-19, -13.5, -11, -7], [6.5, 6.0, 5.6, 5.6])
    )
    middle = np.interp(HEIGHTS, [-11, -7, 0], [-1.3, 0.0, 1.0])
    rings = np.stack(
        [
            wide[:, None] * np.sin(turn),
            np.repeat(HEIGHTS[:, None], COLUMNS, 1),
            middle[:, None] + deep[:, None] * np.cos(turn),
        ],
        -1,
    )
    vertices = rings.reshape(-1, 3).astype(np.float32)
    k, s = np.meshgrid(np.arange(len(HEIGHTS) - 1), np.arange(COLUMNS), indexing="ij")
    a, b = (k * COLUMNS + s).ravel(), ((k + 1) * COLUMNS + s).ravel()
    c, d = ((k + 1) * COLUMNS + (s + 1) % COLUMNS).ravel(), (k * COLUMNS + (s + 1) % COLUMNS).ravel()
    triangles = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)]).astype(np.int32)
    front = vertices[triangles].mean(1)
    material = np.where((front[:, 2] > 3) & (front[:, 1] > -8), FACE, BACK).astype(np.uint8)
    marks = mean_face()[:, :2] * _FACE_UNIT * [1, -1] + [0, 1.8]
    ahead = np.flatnonzero(vertices[:, 2] > 0)
    nearest = ahead[((vertices[ahead][None, :, :2] - marks[:, None]) ** 2).sum(2).argmin(1)]
    return Body(
        name="egg", mean=vertices, identity=np.zeros((1, len(vertices), 3), np.float32),
        expression=np.zeros((1, len(vertices), 3), np.float32), expressions=("jawOpen",), triangles=triangles,
        material=material, uv=np.zeros((len(vertices), 2), np.float32), weld=np.arange(len(vertices), dtype=np.int32),
        landmark_vertices=np.repeat(nearest[:, None], 3, 1).astype(np.int32),
        landmark_weights=np.tile(np.array([1, 0, 0], np.float32), (478, 1)),
        eyeballs=np.array([[-3.1, 4.0, 8.0], [3.1, 4.0, 8.0]], np.float32),
        eye_identity=np.zeros((1, 2, 3), np.float32), eye_radius=1.3, neck=(-13.5, -8.5),
    )  # fmt: skip


def _egg(heights: np.ndarray) -> np.ndarray:
    """0..1 half width of the egg at these heights."""
    share = (heights - 4.0) / np.where(heights > 4, 10.6, 12.5)
    return np.sqrt(np.clip(1 - share**2, 0.002, 1))
