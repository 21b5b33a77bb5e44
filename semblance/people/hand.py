"""A hand with five fingers and a sleeve, grown together from its bones (see blob.py)."""

from __future__ import annotations

import numpy as np

from .blob import blob
from .body import OCCLUDER
from .layer import Layer

_BLEND = 0.45  # cm over which bones grow together
# knuckle (x across towards the thumb's side, y along the fingers), lengths of three bones, thickness; cm
_FINGERS = (
    ((2.7, 8.2), (4.1, 2.5, 2.1), 0.82),
    ((0.8, 8.7), (4.6, 2.9, 2.2), 0.85),
    ((-1.1, 8.3), (4.2, 2.7, 2.1), 0.80),
    ((-2.8, 7.4), (3.3, 2.0, 1.8), 0.70),
)
_THUMB = ((2.4, 1.9, -0.4), (3.6, 3.0, 2.5), 0.98)


def hand(skin: np.ndarray, sleeve: np.ndarray, rng: np.random.Generator, cell: float = 0.34) -> Layer:
    """A left hand with its wrist at the origin, fingers along +y, palm towards -z, thumb towards +x, the arm along -y.

    skin, sleeve: (3,) linear colours. How far fingers bend and spread comes from rng. About 12000 triangles.
    """
    bones = _bones(rng)
    palm, arm = _palm(), np.array([[0.0, 1.5, 0.0, 0.0, -22.0, 0.0, 2.35, 3.6]])
    cuff = np.array([[0.0, -3.2, 0.0, 0.0, -26.0, 0.0, 4.0, 5.2]])

    def flesh(points: np.ndarray) -> np.ndarray:
        fingers = np.stack([_blended(points, finger) for finger in bones])
        # fingers grow into the palm, but not into each other
        return _union(_union(fingers.min(0), _blended(points, palm), 0.7), _flat(points, arm), 0.9)

    def cloth(points: np.ndarray) -> np.ndarray:
        ripple = 0.16 * np.sin(1.3 * points[:, 1] + 1.5 * np.sin(0.7 * points[:, 0]))
        return np.maximum(_flat(points, cuff) + ripple, points[:, 1] + 3.6)

    ends = np.concatenate([finger[:, 3:6] for finger in bones])
    low = np.minimum(ends.min(0), [-4.6, -4.5, -2.6]) - 1.3
    high = np.maximum(ends.max(0), [4.6, 9.0, 2.6]) + 1.3
    parts = [
        blob(flesh, low, high, cell),
        blob(cloth, np.array([-6.2, -24.0, -6.2]), np.array([6.2, -3.0, 6.2]), 2 * cell),
    ]
    colours = [_skin_colours(parts[0][0], bones, skin), np.broadcast_to(sleeve, parts[1][0].shape)]
    start = len(parts[0][0])
    vertices = np.concatenate([part[0] for part in parts])
    total = len(vertices)
    return Layer(
        OCCLUDER, vertices, np.concatenate([parts[0][1], parts[1][1] + start]),
        (0.1 * vertices[:, :2]).astype(np.float32), np.concatenate(colours).astype(np.float32),
        np.tile(np.array([0, 1, 0], np.float32), (total, 1)), np.zeros(total, np.float32), np.zeros(total, np.float32),
    )  # fmt: skip


def _bones(rng: np.random.Generator) -> list[np.ndarray]:
    """For each finger (3, 8): both ends of each bone and their radii."""
    curl, spread = rng.uniform(0.08, 0.5), rng.uniform(0.03, 0.12)
    fingers = []
    for k, ((x, y), lengths, thick) in enumerate(_FINGERS):
        place, bend, lean = np.array([x, y, 0.0]), -0.1 + 0.06 * k, (1.5 - k) * spread
        rows = []
        for n, length in enumerate(lengths):
            bend += curl * rng.uniform(0.8, 1.2) * (0.6 if n == 0 else 1.0)
            ahead = np.array([np.sin(lean), np.cos(lean) * np.cos(bend), -np.sin(bend)])
            end = place + ahead * length
            rows.append([*place, *end, thick * (1.04 - 0.1 * n), thick * (0.95 - 0.1 * n)])
            place = end
        fingers.append(np.array(rows))
    place, rows = np.array(_THUMB[0]), []
    aside, bend = rng.uniform(0.55, 0.8), 0.35
    for n, length in enumerate(_THUMB[1]):
        ahead = np.array([np.sin(aside) * np.cos(bend), np.cos(aside), -np.sin(bend) * 0.8])
        end = place + length * ahead / np.linalg.norm(ahead)
        rows.append([*place, *end, _THUMB[2] * (1.2, 1.0, 0.9)[n], _THUMB[2] * (1.0, 0.9, 0.75)[n]])
        place, aside = end, aside * 0.65
    return [*fingers, np.array(rows)]


def _palm() -> np.ndarray:
    """(B, 8) bones from the wrist to the knuckles, flat side by side, and the balls of thumb and little finger."""
    rows = [[0.35 * x, 1.2, 0.0, x, y - 0.6, 0.0, 1.25, 0.98] for (x, y), _, _ in _FINGERS]
    rows += [[0.9, 2.0, -0.4, 2.5, 4.4, -0.5, 1.4, 1.25], [-1.3, 1.8, -0.3, -2.4, 5.0, -0.3, 1.3, 1.15]]
    return np.array(rows)


def _capsules(points: np.ndarray, bones: np.ndarray, squash: float = 1.0) -> np.ndarray:
    """(B, N) distances from bones whose thickness runs from one end's to the other's."""
    scale = np.array([1.0, 1.0, squash], np.float32)
    distances = []
    for bone in bones.astype(np.float32):
        start, along = bone[:3] * scale, (bone[3:6] - bone[:3]) * scale
        away = points * scale - start
        share = np.clip(away @ along / (along @ along), 0, 1)
        radius = bone[6] + share * (bone[7] - bone[6])
        distances.append(np.linalg.norm(away - share[:, None] * along, axis=1) - radius)
    return np.stack(distances)


def _blended(points: np.ndarray, bones: np.ndarray) -> np.ndarray:
    distances = _capsules(points, bones)
    total = distances[0]
    for other in distances[1:]:
        total = _union(total, other, _BLEND)
    return total


def _flat(points: np.ndarray, bones: np.ndarray) -> np.ndarray:
    """Wrists and arms are wider than deep."""
    return _capsules(points, bones, 1.25).min(0)


def _union(one: np.ndarray, two: np.ndarray, blend: float) -> np.ndarray:
    """The nearer of two distances, rounded where they meet."""
    share = np.clip(0.5 + 0.5 * (two - one) / blend, 0, 1)
    return two + share * (one - two) - blend * share * (1 - share)


def _skin_colours(vertices: np.ndarray, bones: list[np.ndarray], skin: np.ndarray) -> np.ndarray:
    """(V, 3): redder tips and knuckles, dark creases at the joints, pale nails on the back."""
    tones = np.repeat(np.asarray(skin)[None], len(vertices), 0) * [0.97, 0.93, 0.92]
    for finger in bones:
        for n, bone in enumerate(finger):
            end, ahead = bone[3:6], bone[3:6] - bone[:3]
            ahead = ahead / np.linalg.norm(ahead)
            away = vertices - end
            near = np.exp(-((away**2).sum(1)) / 1.3)[:, None]
            tones *= 1 - near * np.array([0.02, 0.14, 0.13])
            if n < 2:
                crease = np.exp(-((away @ ahead) ** 2) / 0.03) * ((away**2).sum(1) < 1.8)
                tones *= 1 - 0.22 * crease[:, None]
            else:
                inwards = np.cross(ahead, [1.0, 0, 0])  # -z, the palm's side, for a straight finger
                flat = away - np.outer(away @ ahead, ahead)
                up = flat @ inwards / (np.linalg.norm(flat, axis=1) + 1e-6)
                along = away @ ahead
                nail = (up < -0.72) & (np.abs(along + 0.05) < 0.62) & ((away**2).sum(1) < 1.4)
                tones[nail] = tones[nail] * 0.6 + 0.4 * np.array([0.62, 0.42, 0.38])
    return np.clip(tones, 0.01, 1)
