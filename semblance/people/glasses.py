"""Spectacles: two rims (or their upper halves), a bridge, two arms that reach the ears. No lenses: clear glass hardly
shows."""

from __future__ import annotations

import numpy as np

from .body import GLASSES
from .layer import Layer
from .tubes import tube

# half width and height (shares of half the distance of the outer corners), power of the superellipse, lifted corner
SHAPES = {
    "round": (0.49, 0.46, 2.0, 0.0),
    "square": (0.54, 0.40, 4.0, 0.03),
    "narrow": (0.54, 0.30, 3.2, 0.02),
    "cat": (0.56, 0.40, 2.7, 0.14),
    "pilot": (0.57, 0.49, 2.5, -0.05),
}
_EYES = ((33, 133, 159, 145), (362, 263, 386, 374))  # corners, upper and lower lid
_BRIDGE, _CHEEKS, _TEMPLES = 6, (116, 345), (127, 356)
_POINTS = 40
_WIRE = 0.045, 0.11  # cm, half as thick as a metal rim
_HALF = 0.3  # of metal ones hold their lenses from above only


def glasses_layers(rest: np.ndarray, landmarks: np.ndarray, seed: int) -> list[Layer]:
    """Spectacles for a resting head: rest (V, 3) and its landmarks (478, 3), cm. The seed says which."""
    rng = np.random.default_rng([seed, 0x61A])
    shape = str(rng.choice(list(SHAPES)))
    metal = rng.random() < (0.7 if shape in ("round", "pilot") else 0.25)
    thick = rng.uniform(*_WIRE) if metal else rng.uniform(0.15, 0.26)
    half = metal and np.random.default_rng([seed, 0x4A1F]).random() < _HALF
    colour = _colour(metal, rng)
    unit = float(np.abs(landmarks[263, 0] - landmarks[33, 0]) / 2)
    wide, high, power, lift = SHAPES[shape]
    size = rng.uniform(0.95, 1.1) * unit
    middle = float(0.5 * (landmarks[33, 0] + landmarks[263, 0]))
    nose = landmarks[_BRIDGE]
    angle = np.linspace(0, 2 * np.pi, _POINTS, endpoint=False)
    layers, hinges = [], []
    for (outer, inner, top, low), side in zip(_EYES, (-1, 1), strict=True):
        eye = landmarks[[outer, inner, top, low]].mean(0)
        cos, sin = np.cos(angle), np.sin(angle)
        apart = max(0.03 * size, middle * side + (wide * size + 0.2 * unit) - eye[0] * side)  # room for the nose
        x = eye[0] + side * apart + side * wide * size * np.sign(cos) * np.abs(cos) ** (2 / power)
        y = eye[1] - 0.08 * size + high * size * np.sign(sin) * np.abs(sin) ** (2 / power)
        y = y + lift * size * np.clip(cos, 0, 1) * (sin > -0.3)
        z = nose[2] + 0.45 - 0.012 * (x - middle) ** 2
        rim = np.stack([x, y, z], 1)
        rim[:, 2] += _shortfall(rest, rim, thick + 0.08)
        shown = sin > -0.1 if half else np.ones(_POINTS, bool)
        wide_here = (thick * (1 + 0.25 * (sin > 0.2)))[shown]
        layers.append(tube(GLASSES, rim[shown], wide_here, colour, 8, 0.75, closed=not half))
        hinges.append(rim[np.argmax(side * x + 0.35 * (y - eye[1]))])
    inner = [middle + side * 0.29 * unit for side in (-1, 1)]
    share = np.linspace(-1, 1, 9)
    arch = landmarks[_EYES[0][2], 1] - 0.02 * unit + 0.12 * unit * (1 - share**2)
    x = middle + share * (inner[1] - middle + 0.12 * unit)
    bridge = np.stack([x, arch, nose[2] + 0.45 - 0.012 * (x - middle) ** 2 + 0.12 * (1 - share**2)], 1)
    layers.append(tube(GLASSES, bridge, thick * 0.95, colour, 8))
    for hinge, side in zip(hinges, (-1, 1), strict=True):
        layers.append(_arm(rest, landmarks, hinge, side, 0.8 * thick, colour, unit))
    return layers


def _shortfall(rest: np.ndarray, rim: np.ndarray, room: float) -> float:
    """cm by which a rim (K, 3) must move forwards so that no cheek or brow comes through."""
    near = rest[rest[:, 2] > rim[:, 2].min() - 4]
    across = ((near[None, :, :2] - rim[:, None, :2]) ** 2).sum(2) < 0.45**2
    ahead = np.where(across, near[None, :, 2], -99.0).max(1)
    return float(np.clip((ahead + room - rim[:, 2]).max(), -0.5, 1.2))


def _arm(
    rest: np.ndarray, landmarks: np.ndarray, hinge: np.ndarray, side: int, thick: float, colour, unit: float
) -> Layer:
    """From a rim's outer end back over the ear and down behind it, outside of the head all the way."""
    back = float(landmarks[list(_TEMPLES), 2].mean()) - 1.25 * unit  # over the ears
    z = np.concatenate([[hinge[2], hinge[2] - 0.25], np.linspace(hinge[2] - 0.8, back, 12)])
    y = np.interp(z, [back, hinge[2]], [hinge[1] - 0.15 * unit, hinge[1]])
    x = np.empty(len(z))
    for k in range(len(z)):
        near = np.abs(rest[:, 2] - z[k]) < 0.8
        near &= np.abs(rest[:, 1] - y[k]) < 0.8
        head = (side * rest[near, 0]).max() if near.any() else 0.0
        x[k] = max(head + 0.12, side * hinge[0] if k < 2 else 0.0)
    # straight from the hinge to the widest place before the ear, as the arm is stiff
    reach = np.minimum(x, x[1] + 0.9)
    straight = np.interp(z, [z[-1], z[1]], [reach[4:].max(), x[1] + 0.15])
    x[1:] = np.maximum(straight[1:], np.minimum(reach[1:], straight[1:] + 0.4))
    path = np.stack([side * x, y, z], 1)
    down = path[-1] + np.array([[-0.1 * side, -0.35, -0.5], [-0.2 * side, -1.2, -0.9]])
    return tube(GLASSES, np.concatenate([path, down]), np.full(len(path) + 2, thick), colour, 6, 1.0)


def _colour(metal: bool, rng: np.random.Generator) -> np.ndarray:
    if metal:
        return np.array([[0.35, 0.35, 0.36], [0.42, 0.3, 0.13], [0.03, 0.03, 0.03]])[rng.integers(3)]
    plastics = [[0.01, 0.01, 0.012], [0.06, 0.025, 0.01], [0.015, 0.03, 0.08], [0.16, 0.015, 0.02], [0.25, 0.16, 0.07]]
    return np.array(plastics)[rng.integers(len(plastics))]
