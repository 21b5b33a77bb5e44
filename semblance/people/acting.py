"""Plans of motion: chance is drawn once, and what comes back is a function of continuous time, or acts that are one.

Moves follow the minimum-jerk course of Flash and Hogan, "The coordination of arm movements" (1985, eq. 1 to 5).
Saccades last 21 ms plus 2.2 ms per degree (Carpenter, "Movements of the Eyes", 1988). While the head turns, the eyes
turn back by STEADY of it, so that the gaze stays where it was (vestibulo-ocular reflex).

Times in seconds, angles in degrees, place in cm, signs as in types.py. All functions draw from the given chance only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

Curve = Callable[[np.ndarray], np.ndarray]
"""Times (T,) in seconds, ascending -> values (T, ...)."""

MOODS = (
    (0.4, {"mouthSmile": 0.6, "cheekRaiser": 0.3, "cheekSquint": 0.35, "eyeSquint": 0.2, "mouthDimple": 0.15}),
    (0.15, {"mouthSmile": 0.35, "mouthStretch": 0.15, "browInnerUp": 0.2, "browOuterUp": 0.25}),
    (0.15, {"browDown": 0.55, "mouthFrown": 0.3, "eyeSquint": 0.25}),
    (0.12, {"browInnerUp": 0.6, "browOuterUp": 0.6, "eyeWide": 0.45}),
    (0.1, {"mouthShrugLower": 0.3, "mouthFrown": 0.3, "browInnerUp": 0.4}),
    (0.08, {"noseSneer": 0.5, "browDown": 0.25, "cheekSquint": 0.2}),
)
"""Faces that come and go: how often, and their weights, named without side. None parts the lips: /p/ must stay shut."""

OPENINGS = (
    {"jawOpen": 0.75, "mouthLowerDown": 0.2},
    {"jawOpen": 0.72, "mouthFunnel": 0.45},
    {"jawOpen": 0.72, "mouthSmile": 0.45, "mouthStretch": 0.2, "mouthUpperUp": 0.2},
    {"jawOpen": 0.75, "mouthStretch": 0.45, "mouthLowerDown": 0.35},
)
GESTURES = (
    {"mouthPucker": 0.8, "mouthFunnel": 0.2},
    {"mouthPress": 0.6, "mouthRollLower": 0.35, "mouthRollUpper": 0.3},
    {"mouthUpperUp": 0.5, "mouthLowerDown": 0.5, "mouthSmile": 0.4, "jawOpen": 0.06},
    {"mouthSmile": 0.8, "cheekRaiser": 0.4, "mouthDimple": 0.3},
    {"mouthLeft": 0.5, "jawLeft": 0.3},
    {"mouthRight": 0.5, "jawRight": 0.3},
    {"cheekPuff": 0.6, "mouthPress": 0.3, "mouthPucker": 0.15},
    {"jawForward": 0.5, "mouthShrugLower": 0.3, "mouthShrugUpper": 0.2},
    {"mouthFrown": 0.6, "mouthStretch": 0.3, "mouthShrugLower": 0.3},
    {"jawOpen": 0.3, "mouthFunnel": 0.6, "mouthPucker": 0.3},
)
"""What a mouth does that does not speak: OPENINGS and GESTURES take turns."""

STEADY = 0.9
"""Share of the head's turn that the eyes turn back."""

_EYES = np.array([32.0, 22.0])  # degrees to the side, and up or down, that eyes can turn
_NECK = np.array([1.6, 1.2])  # cm that the face goes aside and up when the head turns by 90 degrees about the neck
_SWAY = np.array([0.9, 0.35, 1.1])  # cm, x, y, z: a seated person's
_SAG = 0.25  # of a face's height, lost while it is held
_FULL_TURN_TAKES = 3.2  # s at pace 1: the longest wait for the turn to the asked yaw, and the turn itself


@dataclass(frozen=True)
class Act:
    """A shape (weights by name; without side: both) that comes, stays and goes.

    lean > 0: stronger on the left; sag: share of its height that it loses while it stays, as held faces do.
    """

    shape: dict[str, float]
    begin: float
    attack: float
    hold: float
    release: float
    lean: float = 0.0
    sag: float = 0.0

    def course(self, times: np.ndarray) -> np.ndarray:
        """How much of it is there, (T,) 0..1."""
        held = times - self.begin - self.attack
        there = eased((times - self.begin) / self.attack) - eased((held - self.hold) / self.release)
        return there * (1 - self.sag * eased(held / (self.hold + self.release)))


def eased(share: np.ndarray) -> np.ndarray:
    """The minimum-jerk course from 0 to 1 while `share` goes from 0 to 1, and still before and after."""
    x = np.clip(share, 0, 1)
    return x**3 * (10 - 15 * x + 6 * x**2)


def stepped(start: np.ndarray, begins: np.ndarray, lasts: np.ndarray, targets: np.ndarray) -> Curve:
    """(T, D): `start` (D,) held until move k begins at begins[k] and reaches targets[k] (D,) lasts[k] seconds later."""
    changes = np.diff(np.vstack([start, targets]), axis=0)

    def curve(times: np.ndarray) -> np.ndarray:
        values = np.tile(np.asarray(start, float), (len(times), 1))
        for begin, last, change in zip(begins, lasts, changes):
            first = np.searchsorted(times, begin)
            values[first:] += eased((times[first:, None] - begin) / last) * change
        return values

    return curve


def drift(chance: np.random.Generator, width: int, slowest: float, fastest: float) -> Curve:
    """(T, width) within -1..1: three sines each, of `slowest` to `fastest` Hz."""
    rates = chance.uniform(slowest, fastest, (3, width))
    phases = chance.uniform(0, 2 * np.pi, (3, width))
    shares = chance.uniform(0.5, 1, (3, width))
    shares = shares / shares.sum(0)

    def curve(times: np.ndarray) -> np.ndarray:
        return (shares * np.sin(2 * np.pi * times[:, None, None] * rates + phases)).sum(1)

    return curve


def head_motion(
    chance: np.random.Generator, seconds: float, limits: np.ndarray, pace: float, beats: Sequence[float]
) -> Curve:
    """(T, 3) yaw, pitch, roll within +-limits (3,): turns between held targets, drift, nods on some of the beats.

    In a clip of 4 s or more at pace 1 the head turns once to 0.8 of the asked yaw or further.
    """
    due = chance.uniform(0, 1) * max(0.0, seconds - _FULL_TURN_TAKES / pace)
    rest = chance.uniform(-0.3, 0.3, 3)
    at, begins, lasts, targets, turned = chance.uniform(0.1, 0.5) / pace, [], [], [rest], False
    while at < seconds:
        target = chance.uniform(-0.6, 0.6, 3)  # the rest of 1 is for drift and nods
        target[0] = _next_yaw(chance, targets[-1][0])
        if not turned and at >= due:
            target[0], turned = np.copysign(0.9, target[0]), True
        degrees = np.abs((target - targets[-1]) * limits).max()
        last = (0.3 + 0.7 * degrees / (degrees + 40)) / pace
        begins.append(at)
        lasts.append(last)
        targets.append(target)
        at += last + chance.uniform(0.4, 1.3) / pace
    turns = stepped(rest, np.array(begins), np.array(lasts), np.array(targets[1:]).reshape(-1, 3))
    wander, tremor = drift(chance, 3, 0.1 * pace, 0.45 * pace), drift(chance, 3, 0.6 * pace, 1.5 * pace)
    nods = _nods(chance, seconds, beats)

    def head(times: np.ndarray) -> np.ndarray:
        shares = turns(times) + wander(times) * (0.07, 0.07, 0.3) + tremor(times) * (0.03, 0.03, 0.06)
        for nod in nods:
            shares[:, 1] -= nod.shape["nod"] * nod.course(times)
        return shares * limits

    return head


def place_motion(chance: np.random.Generator, pace: float, head: Curve) -> Curve:
    """(T, 3) cm: swaying, breathing, and what a turn about the neck does to the face."""
    sway = drift(chance, 3, 0.06 * pace, 0.35 * pace)
    breath, phase = chance.uniform(0.22, 0.3), chance.uniform(0, 2 * np.pi)

    def place(times: np.ndarray) -> np.ndarray:
        values = sway(times) * _SWAY
        values[:, :2] += _NECK * np.sin(np.deg2rad(head(times)[:, :2]))
        values[:, 1] += 0.12 * np.sin(2 * np.pi * breath * times + phase)
        return values

    return place


def gaze_motion(chance: np.random.Generator, seconds: float, pace: float, head: Curve) -> Curve:
    """(T, 2) yaw and pitch relative to the head: fixations of 0.3 to 2 s, more than half of them on the camera."""
    begins, at = [], 0.0
    while at < seconds:
        begins.append(at)
        at += max(0.3, (0.3 + 1.7 * chance.beta(1.3, 2.6)) / max(1.0, pace))
    begins = np.array(begins)
    ahead = head(begins)[:, :2] + chance.normal(0, (7, 4), (len(begins), 2))
    at_camera = chance.random(len(begins)) < 0.55
    targets = np.where(at_camera[:, None], chance.normal(0, 0.7, (len(begins), 2)), ahead)
    far = np.abs(np.diff(targets, axis=0)).max(axis=1)
    lasts = np.clip(0.021 + 0.0022 * far, 0.04, 0.06)
    world = stepped(targets[0], begins[1:], lasts, targets[1:])
    tremble = drift(chance, 2, 0.5, 2.5)

    def gaze(times: np.ndarray) -> np.ndarray:
        angles = world(times) - STEADY * head(times)[:, :2] + 0.15 * tremble(times)
        return _EYES * np.tanh(angles / _EYES)

    return gaze


def blinks(chance: np.random.Generator, seconds: float) -> list[Act]:
    """Blinks every 2 to 5 s: lids shut in 80 ms, stay so for a frame at 25 a second, open in 160 ms; one later."""
    acts, at = [], chance.uniform(0.3, 2.4)
    while at < seconds:
        hold, late, reach = chance.uniform(0.042, 0.06), chance.uniform(-0.006, 0.006), chance.uniform(0.96, 1)
        acts.append(Act({"eyeBlink_L": 1.0}, at, 0.08, hold, 0.16))
        acts.append(Act({"eyeBlink_R": reach}, at + late, 0.08, hold, 0.16))
        at += chance.uniform(2, 5)
    return acts


def brow_flashes(
    chance: np.random.Generator, seconds: float, strength: float, beats: Sequence[float] | None
) -> list[Act]:
    """Brows that go up on some of the beats, or now and then where there are none (None)."""
    acts = []
    for at in _some(chance, beats, 0.4, 0.9) if beats is not None else _times(chance, seconds, (0.5, 2), (1.5, 4)):
        height = strength * chance.uniform(0.25, 0.6)
        shape = {"browInnerUp": height, "browOuterUp": chance.uniform(0.6, 1) * height, "eyeWide": 0.35 * height}
        begin, hold = at - 0.06, chance.uniform(0.08, 0.3)
        acts.append(Act(shape, begin, 0.17, hold, 0.35, chance.uniform(-0.08, 0.08)))
    return acts


def moods(chance: np.random.Generator, seconds: float, strength: float) -> list[Act]:
    """Smiles, frowns and others, one after the other: 0.4 s to come, 0.6 to 2 s there, 0.5 to 0.8 s to go."""
    odds = [often for often, _ in MOODS]
    acts, at, first = [], chance.uniform(0.1, 0.8), True
    while at < seconds:
        number = chance.choice(len(MOODS), p=odds)
        shape = MOODS[0 if first else number][1]  # the first is a smile: people are being filmed
        height, lean = strength * chance.uniform(0.5, 1.15), chance.uniform(-0.08, 0.08)
        attack, hold, release = chance.uniform((0.35, 0.6, 0.5), (0.5, 2.0, 0.8))
        acts.append(Act({name: height * value for name, value in shape.items()}, at, attack, hold, release, lean, _SAG))
        at += attack + hold + release + chance.uniform(0.3, 1.8)
        first = False
    return acts


def mouth_acting(chance: np.random.Generator, seconds: float, strength: float, pace: float) -> list[Act]:
    """A mouth that acts without a voice: openings and other gestures in turn, an opening within any 3 s."""
    acts, at, opens = [], chance.uniform(0.05, 0.3), True
    while at < seconds:
        choices = OPENINGS if opens else GESTURES
        shape = choices[chance.integers(len(choices))]
        height = strength * (chance.uniform(0.9, 1.08) if opens else chance.uniform(0.5, 1.1))
        attack, release = chance.uniform((0.24, 0.26), (0.35, 0.4))  # not shorter: a jaw needs 0.2 s
        hold, gap = chance.uniform((0.1, 0.04), (0.5, 0.3)) / max(1.0, pace)
        scaled = {name: height * value for name, value in shape.items()}
        acts.append(Act(scaled, at, attack, hold, release, chance.uniform(-0.08, 0.08), _SAG))
        at += attack + hold + release + gap
        opens = not opens
    return acts


def rest_motion(
    chance: np.random.Generator, silences: Sequence[tuple[float, float]]
) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    """Small motion of lips and jaw in silences (start, end) of 0.3 s or more, of smile and lids always."""
    wander = drift(chance, 5, 0.15, 0.8)
    acts = [Act({}, start, 0.15, end - start - 0.3, 0.15) for start, end in silences if end - start >= 0.3]

    def rest(times: np.ndarray) -> dict[str, np.ndarray]:
        jaw, press, roll, smile, squint = (1 + wander(times).T) / 2
        still = sum((act.course(times) for act in acts), np.zeros(len(times)))
        return {
            "jawOpen": 0.04 * jaw * still,
            "mouthPress": 0.08 * press * still,
            "mouthRollLower": 0.06 * roll * still,
            "mouthSmile": 0.06 * smile,
            "eyeSquint": 0.08 * squint,
        }

    return rest


def _next_yaw(chance: np.random.Generator, yaw: float) -> float:
    """Share of the asked yaw to turn to next: away from the front, then mostly back to it or over to the other side."""
    far, near, back = chance.uniform(0.5, 0.9), chance.uniform(-0.35, 0.35), chance.random()
    if abs(yaw) < 0.4:
        return far if back < 0.5 else -far
    return near if back < 0.65 else -np.copysign(far, yaw)


def _nods(chance: np.random.Generator, seconds: float, beats: Sequence[float]) -> list[Act]:
    """Small nods (share of the asked pitch) on some of the beats; a few where there are none."""
    times = _some(chance, beats, 0.45, 0.55) if beats else _times(chance, seconds, (0.5, 2), (2, 5))
    return [Act({"nod": chance.uniform(0.1, 0.3)}, at - 0.05, 0.14, 0.04, 0.3) for at in times]


def _some(chance: np.random.Generator, beats: Sequence[float], odds: float, apart: float) -> list[float]:
    """Beats taken with the given odds, at least `apart` seconds from the one taken before; one at least, if any."""
    draws = chance.random(len(beats))
    taken: list[float] = []
    for beat, draw in zip(beats, draws):
        if draw < odds and (not taken or beat - taken[-1] >= apart):
            taken.append(beat)
    return taken or ([beats[int(draws.argmin())]] if len(beats) else [])


def _times(
    chance: np.random.Generator, seconds: float, first: tuple[float, float], apart: tuple[float, float]
) -> list[float]:
    """Times up to `seconds`: the first within `first`, each of the others within `apart` of the one before."""
    times, at = [], chance.uniform(*first)
    while at < seconds:
        times.append(at)
        at += chance.uniform(*apart)
    return times
