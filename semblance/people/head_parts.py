"""What a head carries and does not deform: teeth, gums, tongue, ears. Closed little meshes, sculpted from curves.

Centimetres, axes as in body.py, on the mean head.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .body import FACE, GUMS, TEETH

# Widths of one side's teeth from the middle outwards, upper and lower (Wheeler's means, in cm), and their heights
_UPPER = ((0.86, 1.00), (0.67, 0.88), (0.76, 0.98), (0.71, 0.82), (0.68, 0.76), (0.95, 0.70), (0.92, 0.66))
_LOWER = ((0.53, 0.88), (0.58, 0.90), (0.69, 1.00), (0.70, 0.82), (0.71, 0.78), (1.00, 0.70), (0.98, 0.66))


@dataclass(frozen=True, eq=False)
class Part:
    """A closed mesh: vertices (V, 3), triangles (T, 3) counter-clockwise seen from outside, uv (V, 2)."""

    vertices: np.ndarray
    triangles: np.ndarray
    material: int
    uv: np.ndarray
    jaw: float  # 0 the skull, 1 the lower jaw
    mouth: bool  # it grows with the mouth; else with the whole head


def mouth_parts(seam: np.ndarray) -> list[Part]:
    """Teeth, gums and tongue behind lips that meet at `seam` (3,)."""
    x, y, z = seam
    upper = _Arch(3.3, 5.2, np.array([x, y + 0.34, z - 0.98]))
    lower = _Arch(3.1, 5.0, np.array([x, y - 0.62, z - 1.2]))
    parts = [*_row(upper, _UPPER, down=True), *_row(lower, _LOWER, down=False)]
    parts += [_gum(upper, rise=0.78, jaw=0.0), _gum(lower, rise=-0.72, jaw=1.0), _tongue(y, z)]
    return parts


@dataclass(frozen=True, eq=False)
class _Arch:
    """Half an ellipse, open to the back: half its width, its depth, its front."""

    half: float
    depth: float
    front: np.ndarray

    def at(self, length: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Places (N, 3) and outward directions (N, 3) at signed lengths along the arch from its front."""
        fine = np.linspace(-np.pi / 2, np.pi / 2, 721)
        x, z = self.half * np.sin(fine), self.depth * (np.cos(fine) - 1)
        along = np.concatenate([[0], np.cumsum(np.hypot(np.diff(x), np.diff(z)))])
        turn = np.interp(length, along - along[360], fine)
        place = np.stack([self.half * np.sin(turn), np.zeros_like(turn), self.depth * (np.cos(turn) - 1)], 1)
        out = np.stack([self.depth * np.sin(turn), np.zeros_like(turn), self.half * np.cos(turn)], 1)
        return self.front + place, out / np.linalg.norm(out, axis=1, keepdims=True)


def _row(arch: _Arch, teeth: tuple, down: bool) -> list[Part]:
    """One tooth after the other along an arch, both sides."""
    parts, start = [], 0.0
    for number, (width, height) in enumerate(teeth):
        for side in (-1.0, 1.0):
            place, out = arch.at(np.array([side * (start + width / 2)]))
            back = number >= 3
            parts.append(_tooth(place[0], out[0], width, height, down, 0.95 if back else 0.62))
        start += width
    return parts


def _tooth(place, out, width: float, height: float, down: bool, deep: float) -> Part:
    """A rounded crown whose outer face lies at `place` and looks `out`; its free edge points down or up."""
    unit, triangles = _globe(9, 12)
    box = np.sign(unit) * np.abs(unit) ** 0.55  # between a ball and a box
    box /= np.maximum(np.abs(box).max(0), 1e-9)
    free = box[:, 1] * (-1 if down else 1)  # 1 at the free edge
    narrow = 0.86 + 0.14 * np.clip(free + 0.6, 0, 1)
    thin = 0.72 - 0.34 * free * (deep < 0.8)
    across = np.cross([0.0, 1.0, 0.0], out)
    x = box[:, 0] * narrow * width * 0.505
    y = box[:, 1] * height * 0.5
    depth = -deep / 2 + box[:, 2] * thin * deep / 2 + 0.05 * free
    vertices = place + x[:, None] * across + y[:, None] * [0, 1, 0] + depth[:, None] * out
    return Part(vertices, triangles, TEETH, np.full((len(vertices), 2), 0.5), 0.0 if down else 1.0, True)


def _gum(arch: _Arch, rise: float, jaw: float) -> Part:
    """A swelling along an arch, `rise` over the teeth's middle."""
    length = np.linspace(-6.1, 6.1, 41)
    places, out = arch.at(length)
    turns = np.linspace(0, 2 * np.pi, 13)[:-1]
    swell = 1 + 0.06 * np.cos(length * 2 * np.pi / 0.75)
    ring_out, ring_up = np.cos(turns) * 0.46, np.sin(turns) * 0.62 * np.sign(rise)
    centre = places - out * 0.42 + [0, rise, 0]
    vertices = centre[:, None] + (ring_out * swell[:, None])[..., None] * out[:, None] + ring_up[:, None] * [0, 1, 0]
    triangles = _grid(len(length), len(turns), closed=True)
    return _outward(vertices.reshape(-1, 3), triangles, GUMS, jaw)


def _tongue(y: float, z: float) -> Part:
    """A flattened body with a groove, its tip behind the lower teeth."""
    unit, triangles = _globe(14, 20)
    width = 1.95 * (1 - 0.28 * np.clip(unit[:, 2], 0, 1) ** 2)
    groove = -0.16 * np.exp(-((unit[:, 0] / 0.22) ** 2)) * (unit[:, 1] > 0)
    body = np.stack([unit[:, 0] * width, unit[:, 1] * 0.62 + groove, unit[:, 2] * 2.9], 1)
    body[:, 1] += 0.35 - 0.05 * (unit[:, 2] + 0.2) ** 2
    vertices = body + np.array([0, y - 1.2, z - 4.9])
    return Part(vertices, triangles, GUMS, np.full((len(vertices), 2), 0.5), 1.0, True)


def ears() -> list[Part]:
    """The left ear (x > 0) and its mirror image."""
    left = _ear()
    mirrored = Part(left.vertices * [-1, 1, 1], left.triangles[:, ::-1], FACE, left.uv * [-1, 1] + [1, 0], 0.0, False)
    return [left, mirrored]


_EAR_AT = np.array([7.95, 1.55, -0.75])
_EAR_HALF = 2.95  # cm: half its height


def _ear() -> Part:
    """A shell of two skins: rim (helix), ridge (antihelix), bowl (concha), the flap before it (tragus) and the lobe."""
    rings, sectors = 22, 44
    share = np.linspace(0, 1, rings + 1)[1:, None]
    turn = np.arange(sectors) / sectors * 2 * np.pi  # 0: backwards, a quarter: up
    x, y = np.cos(turn), np.sin(turn)
    wide = np.where(x > 0, 1.62, 1.25) * (1 - 0.10 * np.clip(-y, 0, 1) ** 1.5 + 0.16 * np.clip(y, 0, 1))
    w, h = share * x * wide, share * y * _EAR_HALF + 0 * x
    front = _ear_relief(share, x, y, w, h)
    behind = front.copy()
    behind = np.minimum(front - 0.22, -0.30 - 0.75 * (1 - share**3))
    behind[-1] = front[-1] - 0.12
    flat = np.stack([np.stack([w, h, front], 2), np.stack([w, h, behind], 2)])
    vertices = np.concatenate([flat[0].reshape(-1, 3), flat[1].reshape(-1, 3), [[0, 0, front[0].mean()]]])
    vertices = np.concatenate([vertices, [[0, 0, behind[0].mean()]]])
    triangles = _ear_triangles(rings, sectors)
    tilt, flare = np.radians(12), np.radians(32)
    # axes of the shell: backwards along the head and away from it; upwards, leaning back; out of the bowl
    back = np.array([np.sin(flare), 0.0, -np.cos(flare)])
    up = np.array([0.0, np.cos(tilt), 0.0]) - np.sin(tilt) * np.array([0, 0, 1.0])
    up -= back * (up @ back)
    up /= np.linalg.norm(up)
    face = np.cross(up, back) * -1
    places = _EAR_AT + vertices @ np.stack([back, up, face])
    uv = np.array([0.93, 0.07]) + vertices[:, :2] * [0.02, -0.02]
    part = _outward(places, triangles, FACE, 0.0, mouth=False)
    return Part(part.vertices, part.triangles, FACE, uv, 0.0, False)


def _ear_relief(share, x, y, w, h) -> np.ndarray:
    """(R, S) how far the ear's outer skin stands out."""

    def bump(at, middle, width):
        return np.exp(-(((at - middle) / width) ** 2))

    lobe = np.clip((-y - 0.55) / 0.3, 0, 1)
    behind = np.clip((x + 0.55) / 0.5, 0, 1)  # the rim runs from over the bowl around the back
    rim = 0.34 * bump(share, 0.93, 0.09) * (1 - lobe) * np.clip(behind + np.clip(y, 0, 1), 0, 1)
    ridge = 0.30 * bump(share, 0.60, 0.11) * np.clip((x + 0.25) / 0.5, 0, 1) * (1 - lobe)
    bowl = -0.95 * np.exp(-(((w + 0.25) / 0.72) ** 2) - ((h + 0.30) / 1.05) ** 2)
    flap = 0.45 * np.exp(-(((w + 1.05) / 0.28) ** 2) - ((h + 0.35) / 0.55) ** 2)
    edge = -0.16 * np.clip((share - 0.96) / 0.04, 0, 1)
    return rim + ridge + bowl + flap + edge + 0.10 * lobe * (1 - share**2) + 0 * w


def _ear_triangles(rings: int, sectors: int) -> np.ndarray:
    """Two discs of rings, joined at the rim, with a middle point each."""
    size = rings * sectors
    one = _grid(rings, sectors, closed=True)
    two = one[:, ::-1] + size
    here = np.arange(sectors)
    after = (here + 1) % sectors
    rim, rim2 = (rings - 1) * sectors, (rings - 1) * sectors + size
    joint = [np.stack([rim + here, rim2 + here, rim + after], 1), np.stack([rim + after, rim2 + here, rim2 + after], 1)]
    caps = [np.stack([after, np.full(sectors, 2 * size), here], 1)]
    caps.append(np.stack([size + here, np.full(sectors, 2 * size + 1), size + after], 1))
    return np.concatenate([one, two, *joint, *caps])


def _grid(rows: int, columns: int, closed: bool) -> np.ndarray:
    """Triangles of a sheet of rows x columns vertices, its columns closed to a tube if asked."""
    last = columns if closed else columns - 1
    i, j = (v.ravel() for v in np.meshgrid(np.arange(rows - 1), np.arange(last), indexing="ij"))
    a, b = i * columns + j, i * columns + (j + 1) % columns
    c, d = a + columns, b + columns
    return np.concatenate([np.stack([a, c, b], 1), np.stack([b, c, d], 1)])


def _globe(rings: int, sectors: int) -> tuple[np.ndarray, np.ndarray]:
    """The unit ball: vertices (V, 3), triangles outwards."""
    angle = (np.arange(rings) + 0.5) / rings * np.pi
    turn = np.arange(sectors) / sectors * 2 * np.pi
    body = np.stack(
        [np.outer(np.sin(angle), np.cos(turn)), np.outer(np.cos(angle), np.ones(sectors)),
         np.outer(np.sin(angle), np.sin(turn))], -1
    ).reshape(-1, 3)  # fmt: skip
    top, low = len(body), len(body) + 1
    vertices = np.concatenate([body, [[0, 1, 0], [0, -1, 0]]])
    here = np.arange(sectors)
    after = (here + 1) % sectors
    end = (rings - 1) * sectors
    caps = [
        np.stack([here, np.full(sectors, top), after], 1),
        np.stack([end + here, end + after, np.full(sectors, low)], 1),
    ]
    part = _outward(vertices, np.concatenate([_grid(rings, sectors, closed=True), *caps]), GUMS, 0.0)
    return vertices, part.triangles


def _outward(vertices: np.ndarray, triangles: np.ndarray, material: int, jaw: float, mouth: bool = True) -> Part:
    """A part whose triangles, all alike, are turned over if they enclose a negative volume."""
    corners = vertices[triangles] - vertices.mean(0)
    volume = np.einsum("tc,tc->t", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum()
    triangles = np.ascontiguousarray(triangles if volume > 0 else triangles[:, ::-1]).astype(np.int32)
    return Part(vertices, triangles, material, np.full((len(vertices), 2), 0.5), jaw, mouth)
