"""What somebody wears or holds, hair included: meshes that are drawn with the head."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Layer:
    """A mesh in the resting head's axes and centimetres (see body.py). V vertices, T triangles."""

    material: int  # body.HAIR, CLOTHES, OCCLUDER, GLASSES
    vertices: np.ndarray  # (V, 3) float32
    triangles: np.ndarray  # (T, 3) int32
    uv: np.ndarray  # (V, 2) float32: hair and cloth repeat their strands by it
    colour: np.ndarray  # (V, 3) float32 linear RGB
    tangent: np.ndarray  # (V, 3) float32: which way hairs and threads run
    cut: np.ndarray  # (V,) float32 0..255: texels of the strand texture darker than this are holes; 0: no holes
    follow: np.ndarray  # (V,) float32: 1 turns with the head, 0 stays with the shoulders
