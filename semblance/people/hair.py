"""Hair: a cap close to the scalp, so that no skin shows, and wisps combed as the cut says (see wisps.py).

Everything comes from the head's own shape (scalp.py) and the person's seed: parting, length, volume, fringe, waves.
"""

from __future__ import annotations

import numpy as np

from .body import HAIR, Body
from .layer import Layer
from .person import Person
from .scalp import Scalp, scalp_of
from .torso import Torso, torso_of
from .wisps import ACROSS, ALONG, Comb, away_from_head, following, grow, ribbons, trimmed, unit

_CAP_RINGS, _CAP_COLUMNS = 14, 72


def hair_layers(person: Person, body: Body, rest: np.ndarray) -> list[Layer]:
    """The hair of somebody whose resting head is `rest` (V, 3); none for the bald."""
    if person.hair_cut == "bald":
        return []
    rng = np.random.default_rng([person.wardrobe, 0x4A1])
    scalp = scalp_of(body, rest, person.hairline, rng)
    if person.hair_cut == "buzz":
        return _buzz(person, scalp, body, rng)
    torso = torso_of(body, rest, person.wardrobe)
    base = _pigment(person)
    layers = [
        _cap(scalp, body, 0.08, 0.55 * base, (1, 1, 60, 240), rng),
        _cap(scalp, body, 0.2, 0.75 * base, (20, 30, 150, 253), rng),
    ]
    return layers + _CUTS[person.hair_cut](person, scalp, torso, body, rng)


def _buzz(person: Person, scalp: Scalp, body: Body, rng: np.random.Generator) -> list[Layer]:
    """Shells close over each other, thinner outwards: millimetres of hair."""
    base, high = _pigment(person), rng.uniform(0.12, 0.4)
    return [
        _cap(scalp, body, 0.03 + high * share, base * (0.6 + 0.4 * share), (low, low, low + 30, 252), rng, 7.0)
        for share, low in ((0.0, 70), (0.4, 130), (0.75, 175), (1.0, 205))
    ]


def _cap(
    scalp: Scalp, body: Body, lift: float, colour: np.ndarray, cuts: tuple[float, float, float, float],
    rng: np.random.Generator, short: float = 1.0,
) -> Layer:  # fmt: skip
    """A shell from the crown to the hairline. cuts: holes at 0, 0.8, 0.94 and 1 of the way; short: of the strands."""
    turn = np.linspace(-np.pi, np.pi, _CAP_COLUMNS + 1)  # the seam lies behind
    share = np.linspace(0.02, 1, _CAP_RINGS) ** 0.8
    azimuth = np.broadcast_to(turn, (_CAP_RINGS, len(turn)))
    polar = share[:, None] * scalp.edge(turn) * (1 + 0.012 * np.sin(9 * turn + rng.uniform(0, 6)))
    vertices = scalp.skull.surface(azimuth, polar, lift * np.minimum(1, 6 * (1.02 - share))[:, None] + 0.03)
    rounds = np.round(9.5 * 2 * np.pi * ACROSS)
    u = np.broadcast_to(rounds * turn / (2 * np.pi), azimuth.shape)
    v = polar * 9.5 * ALONG * short + rng.random()
    cut = np.broadcast_to(np.interp(share, [0, 0.8, 0.94, 1], cuts)[:, None], azimuth.shape)
    tone = colour * rng.uniform(0.93, 1.07, (_CAP_RINGS, len(turn), 1))
    down = scalp.skull.surface(azimuth, polar + 0.02) - scalp.skull.surface(azimuth, polar)
    ring, column = np.meshgrid(np.arange(_CAP_RINGS - 1), np.arange(_CAP_COLUMNS), indexing="ij")
    a = (ring * len(turn) + column).ravel()
    b, c, d = a + len(turn), a + len(turn) + 1, a + 1
    triangles = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    flat = vertices.reshape(-1, 3).astype(np.float32)
    return Layer(
        HAIR, flat, triangles.astype(np.int32), np.stack([u, v], -1).reshape(-1, 2).astype(np.float32),
        tone.reshape(-1, 3).astype(np.float32), unit(down.reshape(-1, 3)).astype(np.float32),
        np.maximum(cut.reshape(-1), 1).astype(np.float32), following(flat[:, 1], body.neck),
    )  # fmt: skip


def _wisps(
    person: Person, scalp: Scalp, torso: Torso, body: Body, comb: Comb, steps: int, width: tuple[float, float],
    cut: tuple[float, float, float], rng: np.random.Generator, fringe: float = 0.25, roll: float = 0.35,
) -> Layer:  # fmt: skip
    """Grown, kept out of the face and drawn. fringe: half eye widths over the brows at which it ends."""
    count = len(comb.azimuth)
    ends = scalp.brow + scalp.unit * (fringe + rng.gamma(2.0, 0.06, count))
    path = trimmed(grow(comb, scalp, torso, steps, rng), scalp, torso, ends)
    out = away_from_head(path, scalp)
    return ribbons(path, out, rng.uniform(*width, count), hair_tones(person, count, rng), cut, body.neck, rng, roll)


def _pigment(person: Person) -> np.ndarray:
    """(3,) the colour of single hairs: light ones pass their light on, or white hair were brighter than paper."""
    colour = np.array(person.hair_colour)
    return colour / (1 + 1.1 * colour.max())


def hair_tones(person: Person, count: int, rng: np.random.Generator) -> np.ndarray:
    """(N, 3) colours of wisps: none is like its neighbour; the old have white ones among them."""
    base = _pigment(person)
    tones = base * np.exp(rng.normal(0, 0.22, (count, 1))) * np.exp(rng.normal(0, 0.05, (count, 3)))
    grey = person.grey * rng.beta(0.6, 1.2, (count, 1))
    return tones + grey * (0.3 - tones)


def _short(person, scalp: Scalp, torso, body, rng) -> list[Layer]:
    """A few centimetres on top, less at the sides, combed forwards, up or aside from the whorl."""
    azimuth, polar = scalp.roots(rng, 1500, 0.985)
    whorl = scalp.skull.surface(np.array(np.pi + rng.uniform(-0.4, 0.4)), np.array(rng.uniform(0.3, 0.5)))
    style = rng.choice(["forward", "up", "aside"])
    side = rng.choice([-1.0, 1.0])
    sweep = {"forward": (0.35 * side, -0.1, 0.6), "up": (0.25 * side, 0.9, -0.5), "aside": (1.1 * side, 0.25, 0.1)}[
        style
    ]
    top = _height_share(scalp, azimuth, polar)
    long = rng.uniform(2.2, 4.6)
    length = (rng.uniform(0.9, 1.5) * (1 - top) + long * top) * rng.uniform(0.75, 1.2, len(azimuth))
    lift = (0.15 + rng.uniform(0.5, 1.5) * top) * rng.uniform(0.25, 1, len(azimuth))

    def flow(places, share):
        ahead = np.clip((places[:, 2:] - whorl[2]) / 9, 0, 1) * _over(scalp, places)[:, None]
        return unit(places - whorl) + ahead * np.array(sweep) * 1.6

    comb = Comb(azimuth, polar, length, lift, flow, rise=0.8 if style == "up" else 0.45, gravity=0.15,
                wave=0.12, turns=0.8, hug=0.35)  # fmt: skip
    return [_wisps(person, scalp, torso, body, comb, 5, (0.4, 0.9), (40, 95, 225), rng, rng.uniform(0.3, 0.6))]


def _side(person, scalp: Scalp, torso, body, rng) -> list[Layer]:
    """Parted at one side, the top combed over, the sides short."""
    azimuth, polar = scalp.roots(rng, 1150, 0.985)
    part = rng.choice([-1.0, 1.0]) * rng.uniform(0.5, 0.75) * scalp.unit + scalp.skull.centre[0]
    top = _height_share(scalp, azimuth, polar)
    length = (2.0 * (1 - top) + rng.uniform(6, 9.5) * top) * rng.uniform(0.75, 1.15, len(azimuth))
    lift = (0.2 + rng.uniform(0.7, 1.5) * top) * rng.uniform(0.25, 1, len(azimuth))
    back = rng.uniform(0.2, 0.7)

    def flow(places, share):
        away = np.where(places[:, 0] > part, 1.0, -1.0)
        over = _over(scalp, places)
        return np.stack([away * (0.25 + over), -0.9 * (1 - over), -back - 0.3 * (1 - over)], 1)

    comb = Comb(azimuth, polar, length, lift, flow, rise=0.75, stiff=0.6, gravity=0.35, wave=0.15, turns=0.7,
                hug=0.6)  # fmt: skip
    return [_wisps(person, scalp, torso, body, comb, 7, (0.5, 1.1), (30, 75, 220), rng, rng.uniform(0.25, 0.6))]


def _hanging(person, scalp: Scalp, torso, body, rng, ends: float, curl: float, count: int, steps: int) -> list[Layer]:
    """Long hair from a parting down to the height `ends`; curl: how far the tips turn in (-) or out (+)."""
    azimuth, polar = scalp.roots(rng, count, 0.985)
    middle = scalp.skull.centre[0]
    part = middle + rng.choice([0.0, 0.0, -1.0, 1.0]) * rng.uniform(0.3, 0.6) * scalp.unit
    roots = scalp.skull.surface(azimuth, polar)
    front = np.zeros(len(azimuth), bool)
    if rng.random() < 0.35:
        thick = 150  # a fringe is cut from more hair than one row
        more = rng.uniform(-1, 1, thick) * rng.uniform(0.5, 0.75)
        azimuth = np.append(azimuth, more)
        polar = np.append(polar, scalp.edge(more) * rng.uniform(0.74, 0.99, thick))
        roots = scalp.skull.surface(azimuth, polar)
        front = np.append(front, np.ones(thick, bool))
    drop = np.maximum(roots[:, 1] - ends, 2.0)
    arc = 0.75 * np.hypot(np.maximum(roots[:, 1] - scalp.brow, 0), np.abs(roots[:, 0] - middle) - 8)
    length = (drop + 0.45 * arc) * rng.uniform(0.93, 1.04, len(azimuth))
    length = np.where(front, 1.3 * np.maximum(roots[:, 1] - scalp.brow, 0) + 1.5, length)
    lift = rng.uniform(0.5, 1.4) * rng.uniform(0.2, 1, len(azimuth))
    start = np.where(roots[:, 0] > part, 1.0, -1.0)

    def flow(places, share):
        over = _over(scalp, places)
        behind = np.clip((scalp.ear_z - places[:, 2]) / 5, 0, 1)
        below = np.clip((scalp.ear_low - places[:, 1]) / (2 * scalp.unit), 0, 1)
        neck = unit((places - [middle, 0, scalp.ear_z - 0.5 * scalp.unit]) * [1, 0, 1])
        wanted = np.stack([start * 1.2 * over * (1 - 0.7 * behind), -1.3 + 0.9 * over, -0.2 - 0.35 * over], 1)
        wanted[front] = _forehead(places[front], middle)
        wanted += (np.clip(share * 3 - 2, 0, 1) * curl - 0.12 * below)[:, None] * neck
        return wanted

    wave, turns = np.where(front, 0.1, rng.choice([0.12, 0.3, 0.6])), rng.uniform(1.2, 3)
    comb = Comb(azimuth, polar, length, lift, flow, rise=0.7, stiff=0.55, gravity=0.9, wave=wave, turns=turns,
                clear=True, hug=0.6)  # fmt: skip
    return [_wisps(person, scalp, torso, body, comb, steps, (0.7, 1.6), (15, 35, 155), rng, 0.12, 0.3)]


def _forehead(places: np.ndarray, middle: float) -> np.ndarray:
    """Straight down over the brow, a little apart."""
    return np.stack([0.06 * (places[:, 0] - middle), np.full(len(places), -0.9), np.full(len(places), 0.5)], 1)


def _long(person, scalp, torso, body, rng) -> list[Layer]:
    return _hanging(person, scalp, torso, body, rng, rng.uniform(-23, -16.5), rng.uniform(-0.5, 0.3), 400, 13)


def _bob(person, scalp, torso, body, rng) -> list[Layer]:
    ends = scalp.chin + rng.uniform(-0.5, 0.55) * scalp.unit
    return _hanging(person, scalp, torso, body, rng, ends, rng.uniform(-1.6, 0.4), 480, 10)


def _bun(person, scalp: Scalp, torso, body, rng) -> list[Layer]:
    """Combed tight to a knot on top or behind, a few hairs loose at the temples."""
    down = rng.choice([0.15, 0.6, 1.1])
    knot = scalp.skull.surface(np.array(np.pi), np.array(down), 1.2)
    azimuth, polar = scalp.roots(rng, 760, 0.99)
    roots = scalp.skull.surface(azimuth, polar)
    length = np.linalg.norm(roots - knot, axis=1) * 1.12 + 0.3
    lift = rng.uniform(0.1, 0.5) * rng.uniform(0.3, 1, len(azimuth)) + 0.12

    def flow(places, share):
        return unit(knot - places)

    comb = Comb(azimuth, polar, length, lift, flow, rise=0.25, stiff=0.3, gravity=0.0, wave=0.05, hug=0.5)
    layers = [_wisps(person, scalp, torso, body, comb, 9, (0.6, 1.1), (15, 30, 90), rng)]
    layers += [_knot(person, knot, scalp, body, rng)]
    side = np.where(np.arange(14) % 2, 1.0, -1.0)
    loose = side * rng.uniform(0.75, 1.05, 14)
    start = scalp.edge(loose) * 0.97
    hang = Comb(loose, start, rng.uniform(3, 10, 14), rng.uniform(0.2, 0.6, 14),
                lambda places, share: np.stack([0.3 * side, np.full(14, -1.0), np.full(14, -0.1)], 1),
                rise=0.5, gravity=0.8, wave=0.35, turns=1.2, clear=True)  # fmt: skip
    return [*layers, _wisps(person, scalp, torso, body, hang, 9, (0.25, 0.5), (60, 120, 220), rng, 0.12)]


def _knot(person, knot: np.ndarray, scalp: Scalp, body, rng) -> Layer:
    """Ribbons wound about a ball."""
    count, steps = 150, 9
    radius = rng.uniform(2.0, 3.2) * np.array([1.0, 0.85, 0.9])
    axis = unit(rng.normal(0, 1, (count, 3)) * 0.6 + unit(knot - scalp.skull.centre))
    start = unit(np.cross(axis, rng.normal(0, 1, (count, 3))))
    other = np.cross(axis, start)
    angle = np.linspace(0, 2.4, steps)[None, :, None]
    ring = start[:, None] * np.cos(angle) + other[:, None] * np.sin(angle)
    ring = unit(ring + axis[:, None] * rng.normal(0, 0.5, (count, 1, 1)))
    path = knot + ring * radius * rng.uniform(0.8, 1.05, (count, 1, 1))
    tones = hair_tones(person, count, rng)
    return ribbons(path, path - knot, rng.uniform(0.8, 1.4, count), tones, (15, 25, 90), body.neck, rng)


def _curly(person, scalp: Scalp, torso, body, rng) -> list[Layer]:
    """Coils that stand off the head all round."""
    azimuth, polar = scalp.roots(rng, 1200, 0.985)
    top = _height_share(scalp, azimuth, polar)
    long = rng.uniform(3.5, 8.0)
    length = long * (0.6 + 0.4 * top) * rng.uniform(0.7, 1.15, len(azimuth))
    lift = 0.32 * length * rng.uniform(0.1, 1, len(azimuth))
    drift = unit(rng.normal(0, 1, (len(azimuth), 3)))

    def flow(places, share):
        out = unit(places - scalp.skull.centre)
        out[:, 2] -= 0.25 * (out[:, 2] > 0)
        return out * (1.0 - 0.5 * share) + 0.75 * drift

    comb = Comb(azimuth, polar, length, lift, flow, rise=1.0, stiff=0.4, gravity=0.25 + 0.2 * long,
                wave=rng.uniform(0.3, 0.6), turns=long / rng.uniform(2.2, 3.2), hug=0.15)  # fmt: skip
    return [_wisps(person, scalp, torso, body, comb, 9, (0.45, 0.9), (50, 95, 175), rng, rng.uniform(0.3, 0.6), 0.8)]


def _height_share(scalp: Scalp, azimuth: np.ndarray, polar: np.ndarray) -> np.ndarray:
    """(N,) 0 at the ears' height, 1 on the top of the head, for roots."""
    return _over(scalp, scalp.skull.surface(azimuth, polar))


def _over(scalp: Scalp, places: np.ndarray) -> np.ndarray:
    """(N,) 0 below the brows' height, 1 from two thirds of the way to the crown."""
    crown = scalp.skull.reach(np.zeros(1), np.zeros(1))[0]
    share = np.clip((places[:, 1] - scalp.brow - 0.15 * crown) / (0.55 * crown), 0, 1)
    return share * share * (3 - 2 * share)


_CUTS = {"short": _short, "side": _side, "long": _long, "bob": _bob, "bun": _bun, "curly": _curly}
