"""A body: the mesh of a head with axes for who it is and what it does. Two bodies stand behind this one record:
the built-in one (builtin.py) and the ICT Face Model Light (ict.py).

Convention:
    - centimetres; x to the picture's right, y up, z towards the camera; the face looks along +z
    - identity: one unit = one standard deviation; expression: 0 = rest, 1 = full
    - landmarks: the 478 points of the face mesh (types.py), each three vertices and their weights
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..types import LANDMARKS

# What a triangle is made of. The shader and the region masks go by it.
FACE, BACK, GUMS, TEETH, EYE, HAIR, CLOTHES, OCCLUDER, GLASSES = range(1, 10)
PIVOT = np.array([0.0, -8.5, -0.5], np.float32)  # cm: where every head turns on its neck
FLIP = np.diag([1.0, -1.0, -1.0])  # the axes of faces/pose.py (y down, z away) to ours
IRIS = range(468, LANDMARKS)  # landmarks that lie on the eyeballs: the person's right eye first


@dataclass(frozen=True, eq=False)
class Body:
    """A parametric head. V vertices, T triangles, K identity axes, E expression axes."""

    name: str
    mean: np.ndarray  # (V, 3) float32
    identity: np.ndarray  # (K, V, 3) float32
    expression: np.ndarray  # (E, V, 3) float32
    expressions: tuple[str, ...]  # the names of E
    triangles: np.ndarray  # (T, 3) int32, counter-clockwise seen from outside
    material: np.ndarray  # (T,) uint8: FACE, BACK, GUMS, TEETH
    uv: np.ndarray  # (V, 2) float32 0..1: where a vertex lies in its material's texture; v downwards
    weld: np.ndarray  # (V,) int32: vertices of one place (uv seams) share the number
    landmark_vertices: np.ndarray  # (478, 3) int32
    landmark_weights: np.ndarray  # (478, 3) float32; rows of IRIS are filled by the eyeballs
    eyeballs: np.ndarray  # (2, 3) float32: centres of the right and the left eyeball on the mean head
    eye_identity: np.ndarray  # (K, 2, 3) float32: how identity moves them
    eye_radius: float
    neck: tuple[float, float]  # heights y between which a turn of the head fades to nothing

    def shape(self, identity: np.ndarray) -> np.ndarray:
        """The resting head of somebody, (V, 3) float32, its eyes at the mean head's height. identity: (n,), n <= K."""
        count = min(len(identity), len(self.identity))
        flat = self.identity[:count].reshape(count, self.mean.size)
        vertices = self.mean + (np.asarray(identity[:count], np.float32) @ flat).reshape(-1, 3)
        return vertices - self._eye_shift(identity).mean(0)

    def eye_centres(self, identity: np.ndarray) -> np.ndarray:
        """(2, 3) centres of the eyeballs of somebody's head as shape() gives it."""
        shift = self._eye_shift(identity)
        return self.eyeballs + shift - shift.mean(0)

    def _eye_shift(self, identity: np.ndarray) -> np.ndarray:
        count = min(len(identity), len(self.identity))
        return np.tensordot(np.asarray(identity[:count], np.float32), self.eye_identity[:count], 1)

    def landmarks(self, vertices: np.ndarray) -> np.ndarray:
        """(478, 3) places of the mesh points on a head's vertices (V, 3); IRIS rows are meaningless."""
        return (vertices[self.landmark_vertices] * self.landmark_weights[..., None]).sum(1)

    @property
    def landmark_uv(self) -> np.ndarray:
        """(478, 2) places of the mesh points in the texture of FACE."""
        return (self.uv[self.landmark_vertices] * self.landmark_weights[..., None]).sum(1)
