"""Clothes: a round neck, a shirt, a polo neck, laid over the shoulders of any body down to below the frame.

A garment is rings about the neck's axis, each at least as far out as the skin there, so that none of the bust shows.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .body import CLOTHES, Body
from .layer import Layer
from .person import Person
from .polar import filled, skin_points
from .torso import Torso, torso_of
from .wisps import ACROSS, ALONG, following, unit

_COLUMNS = 112
_LOWEST = -41.0  # cm: below any frame's edge
_DROPS = np.concatenate([[0.0, 0.2, 0.55], np.linspace(0.95, 6.2, 15), np.linspace(7, 13, 8), [17.0, 22.0]])
_OVER = 0.45  # cm between skin and cloth


@dataclass(frozen=True, eq=False)
class _Form:
    """What cloth is laid over: the neck and the bust as they are, and the shoulders under them."""

    torso: Torso
    low: float
    skin: np.ndarray  # (H, A) distance of the skin from the neck's axis, 0 where there is none; rows of half a cm
    neck: tuple[float, float]

    def skin_at(self, azimuth: np.ndarray, heights: np.ndarray) -> np.ndarray:
        """Distance of the skin from the neck's axis, bilinear."""
        rows, columns = self.skin.shape
        y = np.clip((heights - self.low) * 2 - 0.5, 0, rows - 1.001)
        x = (azimuth / (2 * np.pi)) % 1.0 * columns - 0.5
        i, j = y.astype(int), np.floor(x).astype(int)
        fy, fx = y - i, x - j
        j, after = j % columns, (j + 1) % columns
        top = (1 - fx) * self.skin[i, j] + fx * self.skin[i, after]
        return (1 - fy) * top + fy * ((1 - fx) * self.skin[i + 1, j] + fx * self.skin[i + 1, after])

    def cloth_at(self, azimuth: np.ndarray, heights: np.ndarray) -> np.ndarray:
        """How far out cloth lies on the shoulders: over the skin, and over the shape under it where skin ends."""
        skin = self.skin_at(azimuth, heights)
        heavy = np.clip((self.torso.base + 2.0 - heights) / 2.5, 0, 1)  # near the neck the skin itself says where
        return np.maximum(skin + _OVER, skin + heavy * (self.torso.radius(azimuth, heights) - skin))

    def points(self, azimuth: np.ndarray, heights: np.ndarray, radius: np.ndarray) -> np.ndarray:
        """(..., 3)"""
        t = self.torso
        return np.stack([t.x + np.sin(azimuth) * radius, heights, t.z + np.cos(azimuth) * radius], -1)


def clothes_layers(person: Person, body: Body, rest: np.ndarray) -> list[Layer]:
    """What somebody with the resting head `rest` (V, 3) wears."""
    rng = np.random.default_rng([person.wardrobe, 0xC10])
    form = _form_of(body, rest, torso_of(body, rest, person.wardrobe))
    return _KINDS[person.clothes](worn_colour(person), form, rng)


def worn_colour(person: Person) -> np.ndarray:
    """(3,) the cloth's colour, linear: dyes are duller than lamps, and shirts are often near white."""
    rng = np.random.default_rng([person.wardrobe, 0xC01])
    colour = np.array(person.clothes_colour)
    colour = colour + rng.uniform(0.15, 0.55) * (colour.mean() - colour)
    if person.clothes == "shirt" and rng.random() < 0.4:
        colour = 0.25 * colour + rng.uniform(0.3, 0.42) * np.array([1.0, 1.0, 1.02])
    return colour


def _form_of(body: Body, rest: np.ndarray, torso: Torso) -> _Form:
    low, columns = torso.base - 7.0, 64
    points = skin_points(body, rest)
    jaw = (points[:, 1] > body.neck[1]) & (points[:, 2] > torso.z + 4.0)
    points = points[(points[:, 1] > low) & (points[:, 1] < body.neck[1] + 3.0) & ~jaw]
    rows = int(np.ceil((body.neck[1] + 3.0 - low) * 2))
    x, z = points[:, 0] - torso.x, points[:, 2] - torso.z
    skin = np.zeros((rows, columns))
    i = np.clip(((points[:, 1] - low) * 2 + 1e-6).astype(int), 0, rows - 1)
    j = ((np.arctan2(x, z) / (2 * np.pi)) % 1.0 * columns + 1e-6).astype(int) % columns
    np.maximum.at(skin, (i, j), np.hypot(x, z))
    # a cell of what the skin leaves open takes its neighbours': the bust's cut edge lies anywhere in its cell
    skin = filled(skin)
    wrapped = cv2.GaussianBlur(np.hstack([skin] * 3), (0, 0), 1.2)[:, columns : 2 * columns]
    return _Form(torso, low, np.maximum(wrapped, skin), body.neck)


def _sheet(form: _Form, points: np.ndarray, colour: np.ndarray, fine: float = 1.0) -> Layer:
    """A grid of places (R, C, 3) and colours (R, C, 3) or (3,) as cloth. fine: threads to a centimetre, against 1."""
    rows, columns = points.shape[:2]
    across = np.concatenate([np.zeros((rows, 1)), np.linalg.norm(np.diff(points, axis=1), axis=2).cumsum(1)], 1)
    down = np.concatenate([np.zeros((1, columns)), np.linalg.norm(np.diff(points, axis=0), axis=2).cumsum(0)])
    across = across - across[:, columns // 2, None]  # threads hang straight from the middle
    uv = np.stack([across * ACROSS, down * ALONG], -1) * (3.0 * fine)
    a = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).ravel()
    b, c, d = a + columns, a + columns + 1, a + 1
    flat = points.reshape(-1, 3).astype(np.float32)
    tangent = unit(np.gradient(points, axis=0)).reshape(-1, 3)
    return Layer(
        CLOTHES, flat, np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)]).astype(np.int32),
        uv.reshape(-1, 2).astype(np.float32),
        np.broadcast_to(colour, points.shape).reshape(-1, 3).astype(np.float32),
        tangent.astype(np.float32), np.zeros(len(flat), np.float32), following(flat[:, 1], form.neck),
    )  # fmt: skip


def _around(gap: float = 0.0) -> np.ndarray:
    """Azimuths from the back round the front to the back; with a gap (radians) at the front: from its one side to the
    other round the back."""
    if gap:
        return np.linspace(gap, 2 * np.pi - gap, _COLUMNS)
    return np.linspace(-np.pi, np.pi, _COLUMNS + 1)


def _coat(form: _Form, line: np.ndarray, rng: np.random.Generator, folds: float) -> np.ndarray:
    """(R, C, 3) from a neckline (C,) of heights down over the shoulders, its hem turned in under the skin."""
    azimuth = _around()
    # shoulders may begin high, but no hem stands before the chin
    line = np.minimum(line, form.neck[1] + 0.8 - 1.0 * np.maximum(np.cos(azimuth), 0))
    heights = np.maximum(line[None] - _DROPS[:, None], _LOWEST)
    heights[-1] = _LOWEST
    turn = np.broadcast_to(azimuth, heights.shape)
    radius = form.cloth_at(turn, heights)
    radius[0] = form.skin_at(azimuth, line) + 0.28
    points = form.points(turn, heights, radius)
    away = unit(points - form.points(turn, heights - 6.0, 0.3 * radius))
    points = points + (folds * _folds(points, rng) * np.clip((_DROPS - 0.8) / 2, 0, 1)[:, None])[..., None] * away
    inner = form.points(azimuth, line - 0.5, form.skin_at(azimuth, line - 0.5) - 0.4)
    lip = form.points(azimuth, line + 0.05, form.skin_at(azimuth, line) + 0.05)
    return np.concatenate([inner[None], lip[None], points])


def _folds(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(R, C) 0..1: folds that fan out from the armpits and hang from the shoulders; cloth never sinks under 0."""
    x, y, z = np.moveaxis(points, -1, 0)
    total = np.zeros(x.shape)
    for side in (-1, 1):
        ax, ay = side * rng.uniform(14, 17), rng.uniform(-24, -19)
        angle, far = np.arctan2(y - ay, (x - ax) * side), np.hypot(x - ax, y - ay)
        ridge = np.sin(rng.uniform(7, 11) * angle + 0.15 * far + rng.uniform(0, 6))
        total += np.maximum(ridge, -0.3) ** 3 * np.exp(-((far - 6) ** 2) / 60)
    for _ in range(4):
        turn = rng.uniform(-0.7, 0.7)
        along = x * np.cos(turn) + 0.5 * y * np.sin(turn) + 0.3 * z
        total += 0.25 * np.sin(
            along * rng.uniform(0.35, 0.9) + rng.uniform(0, 6) + np.sin(0.25 * y + rng.uniform(0, 6))
        )
    return np.clip(0.4 + 0.45 * total, 0, 1)


def _stripes(points: np.ndarray, colour: np.ndarray, rng: np.random.Generator, chance: float) -> np.ndarray:
    """(R, C, 3) colours of a coat: plain, or with stripes of a second colour; the hem's seam is darker."""
    tone = np.broadcast_to(colour, points.shape).copy()
    if rng.random() < chance:
        second = np.clip(colour * rng.choice([0.25, 2.5]) + rng.choice([0.0, 0.25]), 0.01, 0.7)
        wave = np.sin(points[..., 1:2] * 2 * np.pi / rng.uniform(2.4, 4.5) + rng.uniform(0, 6))
        tone += np.clip(0.5 + 2 * (wave - rng.uniform(-0.4, 0.6)), 0, 1) * (second - tone)
    tone[:5] *= rng.uniform(0.6, 0.95)
    tone[5] *= 0.55
    return tone


def _line(front: float, side: float, back: float, power: float = 1.6) -> np.ndarray:
    """(C,) heights of a neckline."""
    azimuth = _around()
    ahead, behind = np.maximum(np.cos(azimuth), 0) ** power, np.maximum(-np.cos(azimuth), 0) ** power
    return side + (front - side) * ahead + (back - side) * behind


def _round_neck(colour: np.ndarray, form: _Form, rng: np.random.Generator) -> list[Layer]:
    base = form.torso.base
    line = _line(base - rng.uniform(-0.3, 2.2), base + rng.uniform(1.4, 2.4), base + rng.uniform(2.2, 3.0))
    coat = _coat(form, line, rng, rng.uniform(0.5, 0.9))
    return [_sheet(form, coat, _stripes(coat, colour, rng, 0.35), rng.uniform(0.8, 1.3))]


def _polo_neck(colour: np.ndarray, form: _Form, rng: np.random.Generator) -> list[Layer]:
    """A coat and a tube round the neck, folded over."""
    base, azimuth = form.torso.base, _around()
    coat = _coat(form, _line(base + 2.2, base + 4.0, base + 3.8), rng, rng.uniform(0.5, 0.9))
    top = np.minimum(base + rng.uniform(4.6, 5.6), form.neck[1] + 0.6) - 0.6 * np.cos(azimuth)
    foot = np.minimum(base + 2.5, top - 1.6) - 1.9 * np.maximum(np.cos(azimuth), 0)
    share = np.array([-0.25, -0.1, 0.0, 0.0, 0.06, 0.15, 0.3, 0.45, 0.6, 0.75, 0.88, 0.97, 1.0, 1.0, 1.02, 1.3])
    thick = np.array([-0.3, 0.1, 0.25, 0.5, 0.72, 0.8, 0.82, 0.86, 0.9, 0.95, 0.98, 0.9, 0.65, 0.45, 0.4, -0.2])
    heights = top + share[:, None] * (foot - top)
    turn = np.broadcast_to(azimuth, heights.shape)
    # shoulders must not widen it: from the narrow of the neck it flares only a little
    narrow = np.min([form.skin_at(azimuth, np.full(azimuth.shape, base + up)) for up in (3.5, 4.2, 4.9)], 0)
    skin = np.minimum(form.skin_at(turn, heights), narrow + 0.25 * np.maximum(base + 4.2 - heights, 0))
    ribs = 0.05 * (np.arange(len(azimuth)) % 2)
    bend = 0.12 * np.sin(3 * azimuth + rng.uniform(0, 6)) * np.sin(np.pi * np.clip(share, 0, 1))[:, None]
    points = form.points(turn, heights + bend, skin + thick[:, None] + ribs * (thick > 0.6)[:, None])
    return [_sheet(form, coat, _stripes(coat, colour, rng, 0.2), 0.8), _sheet(form, points, colour, 0.8)]


def _shirt(colour: np.ndarray, form: _Form, rng: np.random.Generator) -> list[Layer]:
    """Open at the neck, a collar with points, a placket with buttons."""
    base, azimuth = form.torso.base, _around()
    opening, gap = rng.uniform(1.5, 4.0), rng.uniform(0.3, 0.42)
    line = _line(base + 0.9, base + 2.3, base + 2.9, 1.0)
    vee = np.clip(1 - np.abs(azimuth) / gap, 0, 1)
    line = line - (opening + 0.9) * vee
    coat = _coat(form, line, rng, rng.uniform(0.5, 0.9))
    tone = np.broadcast_to(colour, coat.shape).copy()
    if rng.random() < 0.35:
        tone[:, np.arange(coat.shape[1]) % 6 < 2] *= rng.uniform(0.45, 0.75)
    layers = [_sheet(form, coat, tone, 1.2), _collar(form, colour * 1.04, gap, rng)]
    return layers + _placket(form, colour, base - opening, rng)


def _collar(form: _Form, colour: np.ndarray, gap: float, rng: np.random.Generator) -> Layer:
    """A band round the neck and the leaf that falls over it, with points at the front."""
    base, turn = form.torso.base, _around(gap * 0.75)
    front = np.maximum(np.cos(turn), 0)
    top = np.minimum(base + 3.6, form.neck[1] + 1.5) - 2.0 * front**1.5
    point = np.exp(-((np.minimum(turn, 2 * np.pi - turn) - gap * 0.75) ** 2) / 0.12)
    tip = base + 1.2 - 0.6 * front - rng.uniform(3.2, 5.0) * point
    rows = [(-0.45, 0.25, None), (-0.1, 0.35, None), (0.0, 0.5, None), (0.0, 0.75, None)]
    heights = [top + share * (top - base - 1) for share, _, _ in rows]
    radius = [form.skin_at(turn, np.minimum(top, height)) + over for height, (_, over, _) in zip(heights, rows)]
    for share in np.linspace(0.12, 1, 9):
        height = top + share * (tip - top)
        flare = 0.95 + 0.45 * np.sin(np.pi * share)
        heights.append(height)
        radius.append(np.maximum(form.skin_at(turn, height) + flare, form.cloth_at(turn, height) + 0.55 * share + 0.2))
    heights.append(heights[-1] + 0.02)
    radius.append(radius[-1] - 0.3)
    heights, radius = np.stack(heights), np.stack(radius)
    tone = np.broadcast_to(colour, (*heights.shape, 3)).copy()
    tone[-3] *= 0.6  # the seam
    return _sheet(form, form.points(np.broadcast_to(turn, heights.shape), heights, radius), tone, 1.2)


def _placket(form: _Form, colour: np.ndarray, top: float, rng: np.random.Generator) -> list[Layer]:
    """The strip where a shirt closes, and its buttons."""
    heights = np.linspace(top - 0.3, _LOWEST, 40)[:, None] + np.zeros((1, 5))
    axis = np.array([-1.5, -1.25, 0.0, 1.25, 1.5])
    radius = form.cloth_at(np.zeros_like(heights), heights)
    rise = np.array([0.0, 1.0, 1.0, 1.0, 0.0]) * 0.12 + 0.62
    points = np.stack([form.torso.x + axis + 0 * heights, heights, form.torso.z + radius + rise], -1)
    tone = np.broadcast_to(colour, points.shape) * np.array([0.6, 1.05, 1.05, 1.05, 0.6])[None, :, None]
    layers = [_sheet(form, points, tone, 1.2)]
    button = np.clip(colour * rng.choice([0.3, 1.8]), 0.02, 0.6)
    ring = np.linspace(0, 2 * np.pi, 11)
    for height in np.arange(top - 1.2, top - 16, -7.0):
        far = form.torso.z + form.cloth_at(np.zeros(1), np.full(1, height))[0] + 0.8
        disc = [
            np.stack([form.torso.x + size * np.cos(ring), height - size * np.sin(ring), np.full(11, far + lift)], -1)
            for size, lift in ((0.55, -0.1), (0.55, 0.06), (0.4, 0.08), (0.36, 0.02), (0.01, 0.02))
        ]
        layers.append(_sheet(form, np.stack(disc), button))
    return layers


_KINDS = {"round neck": _round_neck, "shirt": _shirt, "polo neck": _polo_neck}
