"""Eyeballs: two spheres with a slight cornea, and the colours of an iris."""

from __future__ import annotations

import numpy as np

_RINGS, _SECTORS = 14, 28
_REACH = 2.0  # radians from the gaze's axis that are ever seen
IRIS_RADIUS = 0.44  # radians: 5.9 mm on a ball of 13 mm


def ball(radius: float) -> tuple[np.ndarray, np.ndarray]:
    """The front of an eyeball that looks along +z, at the origin: vertices (V, 3) cm, triangles (T, 3)."""
    angles = np.linspace(0, _REACH, _RINGS + 1)[1:]
    turns = np.arange(_SECTORS) / _SECTORS * 2 * np.pi
    bulge = 1 + 0.035 * np.clip(1 - (angles / (1.2 * IRIS_RADIUS)) ** 2, 0, 1)  # the cornea stands out
    rings = np.stack(
        [
            np.outer(bulge * np.sin(angles), np.cos(turns)),
            np.outer(bulge * np.sin(angles), np.sin(turns)),
            np.outer(bulge * np.cos(angles), np.ones(_SECTORS)),
        ],
        -1,
    ).reshape(-1, 3)
    vertices = np.concatenate([[[0, 0, 1.035]], rings]) * radius
    here, after = np.arange(_SECTORS), (np.arange(_SECTORS) + 1) % _SECTORS
    triangles = [np.stack([np.zeros(_SECTORS, int), here + 1, after + 1], 1)]
    for ring in range(_RINGS - 1):
        inner, outer = 1 + ring * _SECTORS, 1 + (ring + 1) * _SECTORS
        triangles += [
            np.stack([inner + here, outer + here, outer + after], 1),
            np.stack([inner + here, outer + after, inner + after], 1),
        ]
    return vertices.astype(np.float32), np.concatenate(triangles).astype(np.int32)


def gaze_rotation(yaw: float, pitch: float) -> np.ndarray:
    """(3, 3) of an eye that looks yaw degrees to the picture's right and pitch degrees up, in the head's axes."""
    y, p = np.radians([yaw, -pitch])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    return about_y @ about_x


def iris_points(centre: np.ndarray, rotation: np.ndarray, radius: float) -> np.ndarray:
    """(5, 3) cm: the iris centre and its four outer points in the face mesh's order (468..472 or 473..477): of either
    eye first towards the picture's right, then the top, the picture's left and the bottom."""
    out, up = np.sin(IRIS_RADIUS), np.cos(IRIS_RADIUS)
    local = np.array([[0, 0, 1.035], [out, 0, up], [0, out, up], [-out, 0, up], [0, -out, up]])
    return centre + radius * local @ rotation.T


def iris_colours(colour: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(32, 128, 3) linear RGB by radius (0 .. 1.12 iris radii) and angle: fibres, a lighter ring, a dark rim."""
    radius = np.linspace(0, 1.12, 32)[:, None]
    fibres = rng.normal(0, 1, (4, 128))
    fibres = np.stack([np.interp(np.linspace(0, 128, 128), np.arange(128), row) for row in fibres]).mean(0)
    fibres = (fibres - fibres.mean()) / (fibres.std() + 1e-6)
    light = 1 + 0.25 * fibres[None] * np.exp(-((radius - 0.65) ** 2) / 0.08)
    light = light * (1 + 0.5 * np.exp(-((radius - 0.42) ** 2) / 0.012))
    rim = 1 - 0.75 * np.clip((radius - 0.8) / 0.25, 0, 1)
    return (np.clip(light * rim, 0.05, 2)[..., None] * np.asarray(colour)).astype(np.float32)
