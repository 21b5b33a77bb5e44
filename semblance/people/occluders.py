"""What comes between a face and the camera: a hand, a microphone, a mug, a strand of hair.

Each is drawn once from a seed; where it is in a frame depends on the frame's number and on the head alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..errors import ModelError
from ..faces.pose import rotation_of
from .body import FLIP, OCCLUDER, PIVOT
from .clothes import worn_colour
from .hair import hair_tones
from .hand import hand
from .layer import Layer
from .person import Person
from .skin import skin_tone
from .tubes import tube
from .wisps import ribbons

KINDS = ("hand", "microphone", "mug", "strand")
_CHIN, _MOUTH, _LIP_LOW, _NOSE, _CHEEKS, _BROW = 152, 13, 17, 4, (50, 280), 9
_TEMPLES, _FOREHEAD, _EYES, _CORNERS = (127, 356), (67, 297), (159, 386), (61, 291)
_AWAY = np.array([0.0, -27.0, 5.0])  # cm from the face to where things wait, under the frame


@dataclass(frozen=True, eq=False)
class Occluder:
    """Something that passes before a face in a clip."""

    kind: str
    frames: int
    enters: tuple[float, float]  # shares of the clip: it sets out, it is there
    leaves: tuple[float, float]
    place_of: Callable[[float, float], tuple[Layer, ...]]  # presence 0..1 and seconds -> layers about the resting head
    rate: float
    turns: float  # share of the head's turn that it goes with

    def presence(self, frame: int) -> float:
        """0 out of sight, 1 before the face; smooth. The first frame is always free."""
        at = frame / max(self.frames - 1, 1)
        come = np.clip((at - self.enters[0]) / (self.enters[1] - self.enters[0]), 0, 1)
        go = np.clip((self.leaves[1] - at) / (self.leaves[1] - self.leaves[0]), 0, 1)
        share = float(min(come, go))
        return share * share * (3 - 2 * share)

    def layers(
        self, frame: int, pose: tuple[float, float, float], place: tuple[float, float, float]
    ) -> tuple[Layer, ...]:
        """What to draw in this frame in the world's axes (Moment.extra). pose: degrees, place: cm, of the head."""
        here = self.presence(frame)
        if here <= 0 and self.kind != "strand":
            return ()
        turn = FLIP @ rotation_of(*pose) @ FLIP
        share = self.turns if self.kind == "strand" else self.turns * here
        moved = []
        for layer in self.place_of(here, frame / self.rate):
            there = (layer.vertices - PIVOT) @ turn.T + PIVOT + np.asarray(place)
            vertices = layer.vertices + share * (there - layer.vertices)
            moved.append(replace(layer, vertices=vertices.astype(np.float32)))
        return tuple(moved)


def draw_occluder(seed: int, kind: str, frames: int, rate: float, person: Person, landmarks: np.ndarray) -> Occluder:
    """Something of `kind` (KINDS) for a clip of `frames` at `rate` frames a second.

    person: whose hand and hair they are; landmarks: (478, 3) of the resting head, cm.
    Raises ModelError for another kind.
    """
    if kind not in KINDS:
        raise ModelError(f"Nothing called {kind!r} can come before a face; use one of {', '.join(KINDS)}.")
    rng = np.random.default_rng([seed, 0x0CC, KINDS.index(kind)])
    makers = {"hand": _hand, "microphone": _microphone, "mug": _mug, "strand": _strand}
    start, end = rng.uniform(0.04, 0.1), rng.uniform(0.9, 0.97)
    place_of = makers[kind](person, np.asarray(landmarks, np.float64), rng)
    turns = 1.0 if kind in ("strand", "hand") else 0.6
    return Occluder(kind, frames, (start, start + 0.14), (end - 0.14, end), place_of, rate, turns)


def _hand(person: Person, marks: np.ndarray, rng: np.random.Generator):
    """A hand that comes up to the cheek, the mouth or the chin."""
    skin = skin_tone(person.melanin, person.ruddy)
    layer = hand(skin, worn_colour(person), rng)
    side = rng.choice([-1.0, 1.0])
    spot = str(rng.choice(["mouth", "cheek", "chin"]))
    goal = {"mouth": marks[_MOUTH], "cheek": marks[_CHEEKS[int(side > 0)]], "chin": marks[_CHIN] + [0, 1.2, 0]}[spot]
    lean = np.radians(rng.uniform(15, 45) if spot != "mouth" else rng.uniform(40, 75))
    # the palm's middle comes to lie on the goal; fingers point up and inwards, the arm down and out
    shape = layer.vertices - np.array([0.0, 8.5 if spot == "mouth" else 10.5, 0.0])
    shape = _rotated(shape, _about(2, lean) @ _about(0, np.radians(rng.uniform(-14, -4))))
    shape[:, 0] *= side
    triangles = layer.triangles if side > 0 else layer.triangles[:, ::-1]
    shape = shape + goal
    shape[:, 2] += _clearance(shape, marks) + 0.15
    layer = replace(layer, vertices=shape.astype(np.float32), triangles=np.ascontiguousarray(triangles))
    return _drifting([layer], np.array([side * 6.0, 0, 0]) + _AWAY, rng, 0.25)


def _microphone(person: Person, marks: np.ndarray, rng: np.random.Generator):
    """A foam ball on a stick before the chin and the lower lip."""
    radius = rng.uniform(2.3, 3.0)
    side = rng.uniform(-1.2, 1.2)
    middle = marks[_LIP_LOW] + np.array([side, -0.45 * radius, radius + rng.uniform(0.4, 1.5)])
    foam = np.array([[0.012, 0.012, 0.013], [0.03, 0.03, 0.034], [0.25, 0.02, 0.02], [0.02, 0.05, 0.2]])[
        rng.integers(4)
    ]
    steps = np.linspace(0.02, np.pi - 0.02, 18)
    path = middle + np.stack([0 * steps, radius * np.cos(steps), 0 * steps], 1)
    ball = tube(OCCLUDER, path, radius * np.sin(steps), foam, 26, follow=0)
    grain = rng.normal(0, 0.035, (len(ball.vertices), 1)) * (ball.vertices - middle)
    tone = ball.colour * rng.uniform(0.6, 1.4, (len(ball.vertices), 1))
    ball = replace(ball, vertices=(ball.vertices + grain).astype(np.float32), colour=tone.astype(np.float32))
    down = np.array([side * 0.15 + rng.uniform(-0.3, 0.3), -1.0, rng.uniform(0.1, 0.35)])
    foot = middle + down * np.array([0.5, 0.9, 1.1, 1.15, 1.4, 24.0])[:, None] * radius
    foot[-1] = middle + down * 26
    stick = tube(
        OCCLUDER, foot, np.array([1.3, 1.45, 1.45, 1.15, 1.15, 0.95]), np.array([0.02, 0.02, 0.022]), 14, follow=0
    )
    return _drifting([ball, stick], _AWAY + np.array([0, 0, 4]), rng, 0.35)


def _mug(person: Person, marks: np.ndarray, rng: np.random.Generator):
    """A mug at the lips, held by its handle's side in a hand."""
    radius, high = rng.uniform(3.6, 4.3), rng.uniform(8.5, 10.0)
    colour = np.array([[0.6, 0.58, 0.54], [0.05, 0.12, 0.3], [0.4, 0.04, 0.04], [0.05, 0.2, 0.12]])[rng.integers(4)]
    heights = np.array([0.0, 0.0, 0.15, *np.linspace(0.6, high - 0.2, 8), high, high, high - 0.4, 1.0])
    wide = radius * np.array([0.01, 0.8, 0.95, *np.ones(8), 0.99, 0.94, 0.93, 0.9])
    body = tube(OCCLUDER, np.stack([0 * heights, heights, 0 * heights], 1), wide, colour, 32, follow=0)
    side = rng.choice([-1.0, 1.0])
    bow = np.linspace(-0.5 * np.pi, 0.5 * np.pi, 12)
    loop = np.stack([side * (radius - 0.3 + 2.4 * np.cos(bow)), 0.5 * high + 2.9 * np.sin(bow), 0 * bow], 1)
    handle = tube(OCCLUDER, loop, 0.5, colour, 10, follow=0)
    grip = hand(skin_tone(person.melanin, person.ruddy), worn_colour(person), rng)
    # fingers lie round the far side of the mug, the palm on its side, the arm down and out
    shape = grip.vertices - np.array([0.0, 7.0, 0.0])
    shape[:, 0] *= -1
    shape = _rotated(shape, _about(2, np.radians(58)))
    shape = shape + np.array([1.0, 0.42 * high, radius + 1.1])
    shape[:, 0] *= side
    triangles = grip.triangles[:, ::-1] if side > 0 else grip.triangles
    grip = replace(grip, vertices=shape.astype(np.float32), triangles=np.ascontiguousarray(triangles))
    tip = _about(0, np.radians(-rng.uniform(8, 30)))
    goal = marks[_MOUTH] + np.array([0, -0.2, 0.3])
    placed = []
    for layer in (body, handle, grip):
        vertices = _rotated(layer.vertices - [0, high, -radius], tip) + goal
        placed.append(replace(layer, vertices=vertices.astype(np.float32)))
    return _drifting(placed, _AWAY + np.array([3 * side, 0, 3]), rng, 0.15)


def _strand(person: Person, marks: np.ndarray, rng: np.random.Generator):
    """A lock from the hairline that swings from the temple over an eye and back."""
    k = int(rng.integers(2))
    side = (-1.0, 1.0)[k]
    count, steps = 22, 15
    unit = 0.5 * float(np.abs(marks[263, 0] - marks[33, 0]))
    root = marks[_FOREHEAD[k]] + [0.0, 0.5 * unit, 0.1]
    root[2] = marks[_FOREHEAD[k], 2] - 0.25 * unit
    over = np.stack(
        [root, marks[_EYES[k]] + [0, 0.7 * unit, 0], marks[_EYES[k]], marks[_CORNERS[k]] + [side * 1.2, 0, 0]]
    )
    aside = np.stack([root, marks[_TEMPLES[k]] + [side * 0.6, 1.2 * unit, 0.4], marks[_TEMPLES[k]] + [side * 1.2, 0, 0],
                      marks[_TEMPLES[k]] + [side * 1.3, -1.4 * unit, 0]])  # fmt: skip
    tones = np.maximum(hair_tones(person, count, rng), 0.004)
    spread = rng.normal(0, 0.42, (count, 1, 1)) * np.array([1.0, 0.2, 0.5])
    width, speed, phase = rng.uniform(0.3, 0.6, count), rng.uniform(0.5, 0.9), rng.uniform(0, 2 * np.pi)
    noise = int(rng.integers(1 << 31))
    share = np.linspace(0, 1, steps)

    def place_of(here: float, seconds: float) -> tuple[Layer, ...]:
        swing = 0.35 * np.sin(2 * np.pi * speed * seconds + phase) * here
        corners = aside + here * (over - aside) + np.array([0.0, 0.2, 0.6, 1.0])[:, None] * np.array([swing, 0, 0])
        line = _curve(corners, steps)
        line[:, 2] = np.maximum(line[:, 2], _face_depth(line, marks) + 0.45 * np.minimum(1, 4 * share))
        path = line[None] + spread * (0.35 + 0.65 * np.sin(np.pi * share) - 0.3 * share)[None, :, None]
        out = np.broadcast_to(np.array([0.3 * side, 0.2, 1.0]), path.shape)
        same = np.random.default_rng(noise)
        return (ribbons(path, out, width, tones, (40, 60, 170), (-99.0, -98.0), same, 0.3, OCCLUDER),)

    return place_of


def _drifting(layers: list[Layer], away: np.ndarray, rng: np.random.Generator, sway: float):
    """Layers that come from `away` (cm) to where they are, and never hold quite still."""
    speeds, phases = rng.uniform(0.25, 0.6, 3), rng.uniform(0, 2 * np.pi, 3)

    def place_of(here: float, seconds: float) -> tuple[Layer, ...]:
        shift = (1 - here) * away + sway * np.sin(2 * np.pi * speeds * seconds + phases) * [1, 1, 0.15]
        return tuple(replace(layer, vertices=(layer.vertices + shift).astype(np.float32)) for layer in layers)

    return place_of


def _clearance(shape: np.ndarray, marks: np.ndarray) -> float:
    """How far along z a shape (V, 3) must go so that it just touches the face and nothing of it is inside."""
    points = shape[::3]
    apart = ((points[:, None, :2] - marks[None, :468, :2]) ** 2).sum(2)
    depth = np.where(apart < 1.0, marks[None, :468, 2], -99.0).max(1)
    gap = depth - points[:, 2]
    return float(gap[depth > -90].max()) if (depth > -90).any() else 0.0


def _face_depth(points: np.ndarray, marks: np.ndarray) -> np.ndarray:
    """(K,) how far forwards the face is under points (K, 3): of the nearest three landmarks."""
    apart = ((points[:, None, :2] - marks[None, :468, :2]) ** 2).sum(2)
    near = np.argsort(apart, 1)[:, :3]
    weight = 1 / (np.take_along_axis(apart, near, 1) + 0.05)
    return (marks[near, 2] * weight).sum(1) / weight.sum(1) - np.maximum(np.sqrt(apart.min(1)) - 1.5, 0)


def _curve(corners: np.ndarray, count: int) -> np.ndarray:
    """(count, 3) on Bernstein's cubic through the first and the last of four corners (4, 3)."""
    t = np.linspace(0, 1, count)[:, None]
    s = 1 - t
    return s**3 * corners[0] + 3 * s * s * t * corners[1] + 3 * s * t * t * corners[2] + t**3 * corners[3]


def _about(axis: int, angle: float) -> np.ndarray:
    """(3, 3) turn about x, y or z, counter-clockwise seen from its positive end."""
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.eye(3)
    i, j = [(1, 2), (2, 0), (0, 1)][axis]
    turn[i, i], turn[i, j], turn[j, i], turn[j, j] = cos, -sin, sin, cos
    return turn


def _rotated(points: np.ndarray, turn: np.ndarray) -> np.ndarray:
    return np.asarray(points, np.float64) @ turn.T
