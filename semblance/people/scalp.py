"""Where hair grows: the skull, the ears and the hairline of somebody's head, from the landmarks and the mesh alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .body import Body
from .polar import Polar, head_map, skin_points, without_ears

_COLUMNS = 144  # of the hairline, round the head
EYE_CORNERS, BROWS, TEMPLES, TOP, CHIN = (33, 263), (105, 334), (127, 356), 10, 152


@dataclass(frozen=True, eq=False)
class Scalp:
    """All in the resting head's axes, cm."""

    skull: Polar  # ears pared away
    head: Polar  # with ears
    hairline: np.ndarray  # (144,) polar angle at which hair ends, by azimuth from 0 at the face
    ear_top: float  # heights
    ear_low: float
    ear_z: float  # depth of the ears' middle
    brow: float
    eye: float
    chin: float
    unit: float  # half the distance of the eyes' outer corners

    def edge(self, azimuth: np.ndarray) -> np.ndarray:
        """The polar angle at which hair ends."""
        place = (azimuth / (2 * np.pi)) % 1.0 * _COLUMNS
        return np.interp(place, np.arange(_COLUMNS + 1), np.append(self.hairline, self.hairline[0]))

    def roots(self, rng: np.random.Generator, count: int, inner: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
        """Azimuth and polar angle of places spread evenly over the scalp, within `inner` of the way to the hairline."""
        azimuth = rng.uniform(-np.pi, np.pi, count * 6)
        # even over the sphere by height, then only what lies within the hairline
        polar = np.arccos(rng.uniform(-0.75, 1, count * 6))
        inside = polar < self.edge(azimuth) * inner
        return azimuth[inside][:count], polar[inside][:count]


def scalp_of(body: Body, rest: np.ndarray, receding: float, rng: np.random.Generator) -> Scalp:
    """The scalp of a resting head (V, 3). receding: 0 a low hairline, 1 a high one with bare temples."""
    marks = body.landmarks(rest)
    brow, eye, chin = (float(marks[list(pair), 1].mean()) for pair in (BROWS, EYE_CORNERS, (CHIN, CHIN)))
    unit = float(np.abs(marks[EYE_CORNERS[1], 0] - marks[EYE_CORNERS[0], 0]) / 2)
    points = skin_points(body, rest, chin + 0.35 * unit)  # shoulders are no part of a skull
    back = points[points[:, 1] > eye, 2].min()
    middle = float(marks[list(EYE_CORNERS), 0].mean())
    centre = np.array([middle, brow - 0.4, 0.5 * (marks[TOP, 2] + back)])
    head = head_map(points, centre)
    skull, ears = without_ears(head)
    rows, columns = head.radius.shape
    if ears.any():
        i, j = np.nonzero(ears)
        where = head.surface((j + 0.5) / columns * 2 * np.pi, (i + 0.5) / rows * np.pi)
        top, low = np.percentile(where[:, 1], [97, 3])
        ear_z = float(where[:, 2].mean())
        depth = float(np.clip(np.percentile(np.abs(where[:, 2] - ear_z), 90), 0.3 * unit, 0.6 * unit))
    else:
        top, low, ear_z, depth = eye, chin + 0.5 * (eye - chin), centre[2] - 0.2 * unit, 0.35 * unit
    line = _hairline(skull, marks, float(top), ear_z, depth, unit, receding, rng)
    return Scalp(skull, head, line, float(top), float(low), ear_z, brow, eye, chin, unit)


def _hairline(skull: Polar, marks, ear_top: float, ear_z: float, depth: float, unit: float, receding: float, rng):
    """(144,) polar angles: forehead, temples, sideburns, over and behind the ears, nape."""
    _, y, z = skull.centre
    side = 0.5 * np.abs(marks[TEMPLES[1], 0] - marks[TEMPLES[0], 0])
    temple = marks[list(TEMPLES)].mean(0)
    top = marks[TOP] - skull.centre
    front = np.arccos(top[1] / np.linalg.norm(top)) - np.radians(5 + 15 * receding + rng.uniform(-2, 2))
    peak = np.radians(rng.uniform(-2.5, 2.5))
    bare = np.radians(1 + 17 * receding + rng.uniform(-2, 2))
    bangs = temple[2] - z  # depth of the sideburn's front edge over the centre

    def at(height: float, ahead: float) -> tuple[float, float]:
        return float(np.arctan2(side, ahead)), float(np.arctan2(np.hypot(side, ahead), height - y))

    ear = ear_z - z
    burn = rng.uniform(0.1, 0.75) * unit  # how far sideburns reach down
    corners = [
        (0.0, front + peak),
        (0.26, front - 0.25 * bare),
        (0.55, front - 0.8 * bare + 0.02),
        (0.72, front - 0.35 * bare + 0.12),
        at(marks[TEMPLES[0], 1] + 0.95 * unit, bangs + 0.25 * unit),
        at(marks[TEMPLES[0], 1] + 0.30 * unit, bangs - 0.1 * unit),
        at(ear_top - 0.2 * unit - burn, bangs - 0.25 * unit),
        at(ear_top - 0.25 * unit - burn, ear + depth + 0.18 * unit),
        at(ear_top + 0.10 * unit, ear + 0.75 * depth),
        at(ear_top + 0.18 * unit, ear),
        at(ear_top - 0.15 * unit, ear - 1.05 * depth),
        at(ear_top - 1.1 * unit, ear - 1.35 * depth),
        at(ear_top - 1.65 * unit, ear - 2.0 * depth),
        (np.pi, float(np.arctan2(1.75 * unit, ear_top - 1.9 * unit - y))),
    ]
    order = sorted(corners)
    angles, polar = np.array([c[0] for c in order]), np.array([c[1] for c in order])
    azimuth = np.arange(_COLUMNS) / _COLUMNS * 2 * np.pi
    folded = np.abs((azimuth + np.pi) % (2 * np.pi) - np.pi)
    line = np.interp(folded, angles, polar)
    wobble = np.zeros(_COLUMNS)
    for waves in (3, 5, 9, 14):
        wobble += rng.normal(0, 0.02 / np.sqrt(waves)) * np.cos(waves * azimuth + rng.uniform(0, 2 * np.pi))
    kernel = np.array([1, 3, 4, 3, 1]) / 12
    line = np.convolve(np.pad(line + wobble, 2, mode="wrap"), kernel, "valid")
    return np.minimum(line, _above(skull, azimuth, ear_top - 1.6 * unit))


def _above(skull: Polar, azimuth: np.ndarray, floor: float) -> np.ndarray:
    """(A,) the polar angles down to which the skull stays above a height: thick necks run out into the shoulders."""
    polar = np.linspace(0.3, 2.8, 126)
    heights = skull.surface(azimuth[None], np.broadcast_to(polar[:, None], (len(polar), len(azimuth))))[..., 1]
    under = heights < floor
    return np.where(under.any(0), polar[under.argmax(0)], polar[-1])
