"""The control mesh of the built-in head: the face mesh's 468 points, and what it lacks to be a head.

Around the face mesh's outer edge lie rings over skull, jaw, neck and shoulders; within the lips a mouth; within the
lids their lining. How those points follow the face's is fixed and linear, so that identity and expression move them.

Centimetres, axes as in body.py. N control points, the face's 468 first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..faces.face_triangles import POINTS, face_triangles
from .body import FACE, GUMS
from .skin import EYES, LIPS_INNER
from .subdivide import boundary_loops

OVAL_TOP, OVAL_CHIN = 10, 152
LIPS_UPPER = (191, 80, 81, 82, 13, 312, 311, 310, 415)
LIPS_LOWER = (95, 88, 178, 87, 14, 317, 402, 318, 324)
JAW = (152, 148, 377, 199, 200, 175, 171, 396, 18, 83, 313, 208, 428)  # the chin's front: it sits on bone
BALL_OFFSET = np.array([-0.06, 0.12, -1.26])  # from the middle of the left lids to the eyeball's centre; x mirrored

# The rings beyond the face oval, at every second of its 36 points from the forehead's middle down one side to the chin.
# Sculpted after common proportions: crown 11 cm over the eyes, 19 cm from brow to occiput, neck 11 cm wide.
_RINGS = np.array([
    [(0, 11.2, 8.7), (3.4, 10.8, 7.8), (6.0, 8.9, 5.2), (7.25, 5.8, 3.4), (7.45, 1.8, 2.5),
     (7.1, -1.9, 2.7), (6.2, -5.0, 4.0), (4.5, -7.2, 6.3), (2.6, -8.0, 8.2), (0, -8.2, 9.0)],
    [(0, 13.6, 5.2), (3.9, 13.0, 4.4), (6.6, 10.4, 2.2), (7.75, 6.4, 1.0), (7.65, 2.2, 0.9),
     (7.2, -1.5, 1.0), (6.2, -5.3, 2.0), (4.8, -7.7, 4.2), (2.9, -8.7, 5.9), (0, -9.0, 6.7)],
    [(0, 14.6, 0.5), (4.2, 13.7, 0.0), (7.0, 10.6, -1.4), (7.9, 6.8, -2.2), (7.5, 2.4, -1.8),
     (6.7, -1.8, -0.9), (5.8, -5.6, -0.2), (4.9, -8.4, 1.8), (3.3, -9.9, 4.0), (0, -10.3, 5.2)],
    [(0, 12.8, -5.6), (3.9, 11.8, -5.8), (6.2, 9.0, -5.8), (6.8, 5.6, -5.4), (6.4, 2.0, -4.6),
     (5.6, -2.2, -3.0), (5.4, -6.0, -1.8), (4.9, -9.2, 0.4), (3.4, -11.2, 2.9), (0, -11.6, 4.3)],
    [(0, 6.2, -9.0), (2.8, 5.6, -8.6), (4.7, 4.0, -7.5), (5.2, 1.6, -6.2), (5.0, -1.6, -4.8),
     (5.0, -4.8, -3.6), (5.3, -7.6, -2.2), (5.0, -10.2, -0.3), (3.5, -12.4, 2.3), (0, -12.9, 3.8)],
    [(0, -0.6, -7.2), (2.2, -0.8, -6.8), (4.0, -1.9, -5.9), (4.7, -3.6, -5.0), (5.1, -5.4, -4.0),
     (5.4, -7.2, -2.9), (5.5, -9.0, -1.6), (5.1, -11.2, -0.1), (3.5, -13.1, 2.2), (0, -13.7, 3.5)],
    [(0, -5.4, -6.0), (2.1, -5.6, -5.8), (4.0, -6.4, -5.2), (5.2, -7.4, -4.3), (5.7, -8.6, -3.3),
     (6.0, -9.8, -2.2), (5.9, -11.0, -1.0), (5.3, -12.4, 0.4), (3.7, -13.9, 2.2), (0, -14.5, 3.3)],
    [(0, -9.8, -6.7), (2.9, -9.9, -6.5), (5.4, -10.3, -5.8), (7.1, -11.0, -4.8), (8.0, -11.8, -3.6),
     (8.1, -12.7, -2.3), (7.5, -13.6, -0.8), (6.2, -14.7, 0.8), (3.9, -15.6, 2.6), (0, -16.0, 3.4)],
    [(0, -13.8, -8.2), (4.2, -13.6, -8.2), (8.0, -13.5, -7.3), (10.6, -13.9, -5.6), (12.2, -14.6, -3.8),
     (12.4, -15.4, -1.6), (11.0, -16.2, 0.8), (8.5, -16.9, 2.8), (4.6, -17.3, 4.0), (0, -17.4, 4.1)],
    [(0, -19.5, -9.4), (4.6, -19.5, -9.4), (9.0, -19.5, -8.6), (12.2, -19.5, -6.6), (13.6, -19.5, -4.0),
     (13.6, -19.5, -1.4), (12.0, -19.5, 1.4), (9.0, -19.5, 3.8), (5.0, -19.5, 5.2), (0, -19.5, 5.6)],
])  # fmt: skip
# How much of the oval's own movement (beyond the head's growth) each ring keeps; for the throat a jaw opens far
_KEEP = np.array([0.85, 0.6, 0.3, 0.1, 0.03, 0, 0, 0, 0, 0])
# The mouth behind the lips: away from the seam (up or down), forwards, wider, share that follows the lips, material
_MOUTH = (
    (0.10, -0.22, 1.00, 1.0, FACE),
    (0.50, -0.50, 1.02, 0.85, FACE),
    (1.30, -0.95, 1.12, 0.45, GUMS),
    (1.80, -2.60, 1.45, 0.1, GUMS),
    (1.70, -5.00, 1.50, 0.0, GUMS),
    (0.90, -6.60, 1.00, 0.0, GUMS),
)


@dataclass(frozen=True, eq=False)
class Control:
    """Control points (N, 3) on the head it was sculpted for, triangles, materials, texture, and who follows what."""

    points: np.ndarray  # (N, 3)
    triangles: np.ndarray  # (T, 3)
    material: np.ndarray  # (T,) uint8
    uv: np.ndarray  # (N, 2)
    face: np.ndarray  # (468, 3) the face it was sculpted for
    leader: np.ndarray  # (N - 468, 36) shares of face points, see _leaders
    keep: np.ndarray  # (N - 468,) how much of the leader's movement remains
    growth: np.ndarray  # (N - 468,) 1: grows with the whole face; 0: with the mouth
    jaw: np.ndarray  # (N - 468,) 0 fixed to the skull, 1 to the lower jaw


def sculpt(face: np.ndarray, spread: np.ndarray | None = None) -> Control:
    """The control mesh around a face (468, 3). spread: the same face as it is laid out in the texture, if otherwise."""
    triangles = face_triangles()
    loops = boundary_loops(triangles)
    oval = _from(next(loop for loop in loops if OVAL_TOP in loop), OVAL_TOP)
    mouth = next(loop for loop in loops if LIPS_INNER[0] in loop)
    eyes = [next(loop for loop in loops if chain[0] in loop) for chain in EYES]
    flat = unrolled(face if spread is None else spread)
    build = _Builder(face, flat, triangles)
    _skull(build, oval)
    _mouth(build, mouth)
    for loop in eyes:
        _lids(build, loop)
    return build.done()


def follow(control: Control, moved: np.ndarray, jaw: np.ndarray | None = None) -> np.ndarray:
    """Movements (B, 468, 3) of the face's points -> (B, N, 3) of all control points.

    jaw (B,) bool: where the lower jaw moves as a bone. Without it (identity) the head and the mouth grow with the face.
    """
    moved = np.asarray(moved, np.float64)
    rest = control.points[POINTS:]
    if jaw is None:
        whole = growth(control.face, moved, rest)
        around_mouth = growth(control.face, moved, rest, LIPS_INNER)
        base = np.where(control.growth[:, None] > 0, whole, around_mouth)
        own = growth(control.face, moved, control.face)
        own_mouth = growth(control.face, moved, control.face, LIPS_INNER)
    else:
        base = jaw_motion(control.face, moved, jaw, rest) * control.jaw[:, None]
        own = own_mouth = np.zeros_like(moved)
    lead = np.where(
        control.growth[:, None] > 0,
        np.einsum("nk,bkc->bnc", control.leader, moved - own),
        np.einsum("nk,bkc->bnc", control.leader, moved - own_mouth),
    )
    if jaw is not None:  # behind the lips skin hands over to bone
        return np.concatenate([moved, base * (1 - control.keep[:, None]) + lead * control.keep[:, None]], 1)
    return np.concatenate([moved, base + lead * control.keep[:, None]], 1)


def growth(face: np.ndarray, moved: np.ndarray, places: np.ndarray, chosen=None) -> np.ndarray:
    """The shift and the growth in x and y that explain moved (B, 468, 3) best, at places (M, 3) -> (B, M, 3).

    Depth grows as the mean of both: a face says little about how deep its head is. chosen: only these points count.
    """
    chosen = np.arange(POINTS) if chosen is None else np.asarray(chosen)
    centre = face[chosen].mean(0)
    away, shift = face[chosen] - centre, moved[:, chosen].mean(1)
    scale = np.einsum("kc,bkc->bc", away[:, :2], moved[:, chosen, :2]) / (away[:, :2] ** 2).sum(0)
    if len(chosen) < POINTS:
        scale = np.repeat(scale[:, :1] * 0.5, 2, 1)  # thin lips do not make low teeth
    scale = np.concatenate([scale, scale.mean(1, keepdims=True)], 1)
    return shift[:, None] + scale[:, None] * (places - centre)


def jaw_motion(face: np.ndarray, moved: np.ndarray, jaw: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The lower jaw's movement as a bone, (B, M, 3) at places (M, 3): the shift and small turn that explain the chin's.

    Only for the rows of moved (B, 468, 3) where jaw (B,) is true; skin alone does not move teeth.
    """
    points = face[list(JAW)]
    centre = points.mean(0)

    def turns(at: np.ndarray) -> np.ndarray:
        x, y, z = (at - centre).T
        nought, one = np.zeros_like(x), np.ones_like(x)
        rows = [[one, nought, nought, nought, z, -y], [nought, one, nought, -z, nought, x]]
        rows.append([nought, nought, one, y, -x, nought])
        return np.array(rows).transpose(2, 0, 1).reshape(-1, 6)

    inverse = np.linalg.pinv(turns(points))
    pose = moved[:, list(JAW)].reshape(len(moved), -1) @ inverse.T * np.asarray(jaw)[:, None]
    return (pose @ turns(places).T).reshape(len(moved), len(places), 3)


def eyeballs(face: np.ndarray) -> np.ndarray:
    """Centres (..., 2, 3) of the right and the left eyeball behind the lids of faces (..., 468, 3)."""
    middles = np.stack([face[..., list(chain), :].mean(-2) for chain in EYES], -2)
    return middles + BALL_OFFSET * np.array([[-1, 1, 1], [1, 1, 1]])


class _Builder:
    """Collects rings of control points."""

    def __init__(self, face: np.ndarray, flat: np.ndarray, triangles: np.ndarray) -> None:
        self.face = face
        self._points, self._uv = [face], [flat]
        self._triangles, self._material = [triangles], [np.full(len(triangles), FACE, np.uint8)]
        self._followers: list[tuple] = []
        self._count = POINTS

    def ring(self, before, points, uv, material, leader, keep, growth, jaw) -> list[int]:
        """Join a new ring to the ring `before` (numbers), point by point. Returns the new numbers."""
        here = list(range(self._count, self._count + len(points)))
        self._count += len(points)
        a, b = np.array(before), np.array(here)
        a1, b1 = np.roll(a, -1), np.roll(b, -1)
        self._add(points, uv, np.concatenate([np.stack([a1, a, b], 1), np.stack([a1, b, b1], 1)]), material)
        self._followers.append((leader, np.broadcast_to(keep, len(points)), growth, np.broadcast_to(jaw, len(points))))
        return here

    def cap(self, before, point, uv, material, leader, jaw) -> None:
        """Close the ring `before` with one point."""
        a = np.array(before)
        triangles = np.stack([np.roll(a, -1), a, np.full(len(a), self._count)], 1)
        self._count += 1
        self._add(point[None], uv[None], triangles, material)
        self._followers.append((leader[None], np.zeros(1), 0, np.array([jaw])))

    def _add(self, points, uv, triangles, material) -> None:
        self._points.append(points)
        self._uv.append(uv)
        self._triangles.append(triangles)
        self._material.append(np.full(len(triangles), material, np.uint8))

    def done(self) -> Control:
        leaders = [row[0] for row in self._followers]
        sizes = [len(rows) for rows in leaders]
        return Control(
            points=np.concatenate(self._points),
            triangles=np.concatenate(self._triangles).astype(np.int32),
            material=np.concatenate(self._material),
            uv=np.concatenate(self._uv),
            face=self.face,
            leader=np.concatenate(leaders),
            keep=np.concatenate([row[1] for row in self._followers]),
            growth=np.repeat([float(row[2]) for row in self._followers], sizes),
            jaw=np.concatenate([row[3] for row in self._followers]),
        )


def _skull(build: _Builder, oval: list[int]) -> None:
    """Rings from the face oval over skull, jaw and neck to the shoulders."""
    count = len(oval)
    before, flat = oval, build._uv[0][oval]
    out = (flat - 0.5) / np.linalg.norm(flat - 0.5, axis=1, keepdims=True)
    leader = _one_hot(oval)
    right = build.face[oval[count // 4], 0] > 0
    for k, half in enumerate(_RINGS):
        places = _whole_ring(half, count, right)
        share = ((k + 1) / len(_RINGS)) ** 0.85
        leader = (np.roll(leader, 1, 0) + 2 * leader + np.roll(leader, -1, 0)) / 4
        uv = flat + (0.5 + 0.492 * out - flat) * share
        before = build.ring(before, places, uv, FACE, leader, _KEEP[k], 1, 0.0)


def _mouth(build: _Builder, loop: list[int]) -> None:
    """The lips' inner side and the hollow behind, closed at the throat."""
    seam, flat = build.face[loop], build._uv[0][loop]
    middle, flat_middle = seam.mean(0), flat.mean(0)
    lower = np.isin(loop, LIPS_LOWER)
    corner = ~lower & ~np.isin(loop, LIPS_UPPER)
    half = np.abs(seam[:, 0]).max()
    side = np.where(lower, -1.0, 1.0) * np.sqrt(np.clip(1 - (seam[:, 0] / half) ** 2, 0, 1)) * ~corner
    jaw = np.where(corner, 0.5, np.where(lower, 1.0, 0.0))
    before = loop
    for k, (away, ahead, wide, keep, material) in enumerate(_MOUTH):
        # the lips' arch flattens towards the throat
        depth = middle[2] + (seam[:, 2] - middle[2]) * (1 - k / len(_MOUTH)) + ahead
        places = np.stack([seam[:, 0] * wide, seam[:, 1] + side * away, depth], 1)
        uv = flat + (flat_middle - flat) * (0.08 + 0.14 * k)
        before = build.ring(before, places, uv, material, _one_hot(loop), keep, 0, jaw)
    throat = np.array([0.0, middle[1], middle[2] + _MOUTH[-1][1] - 0.5])
    build.cap(before, throat, flat_middle, GUMS, np.full(POINTS, 0.0), 0.5)


def _lids(build: _Builder, loop: list[int]) -> None:
    """From the lids' edge back to the eyeball and along it."""
    lids, flat = build.face[loop], build._uv[0][loop]
    middle = lids.mean(0)
    right = middle[0] < 0
    ball = eyeballs(build.face)[0 if right else 1]
    before = loop
    for k, (radius, spread, keep) in enumerate(((0.35, 0.0, 1.0), (1.0, 0.12, 0.9), (1.02, 0.6, 0.5))):
        away = lids - ball
        length = np.linalg.norm(away, axis=1, keepdims=True)
        aim = away / length + spread * ((lids - middle) / length) * [1, 1, 0] - [0, 0, spread * 0.75]
        aim /= np.linalg.norm(aim, axis=1, keepdims=True)
        places = ball + aim * (length + radius * (1.53 - length) if k == 0 else 1.53 * radius)
        uv = flat + (flat.mean(0) - flat) * (0.06 + 0.12 * k)
        before = build.ring(before, places, uv, FACE, _one_hot(loop), keep, 1, 0.0)


def _whole_ring(half: np.ndarray, count: int, right: bool) -> np.ndarray:
    """half (10, 3): every second point from the top down the side of x > 0 -> (36, 3) smooth, both sides."""
    mirrored = half[-2:0:-1] * [-1, 1, 1]
    coarse = np.concatenate([half, mirrored])  # (18, 3) closed
    before, after = np.roll(coarse, 1, 0), np.roll(coarse, -1, 0)
    between = (9 * (coarse + after) - before - np.roll(coarse, -2, 0)) / 16  # cubic, four points
    ring = np.stack([coarse, between], 1).reshape(count, 3)
    return ring if right else ring * [-1, 1, 1]


def unrolled(face: np.ndarray) -> np.ndarray:
    """(468, 2): the face unrolled from a cylinder, upright, in the middle of the texture."""
    turn = np.arctan2(face[:, 0], face[:, 2] + 2.0) * 10.5
    return np.stack([0.5 + 0.0375 * turn, 0.5 - 0.0375 * (face[:, 1] - 0.7)], 1)


def _one_hot(numbers: list[int]) -> np.ndarray:
    shares = np.zeros((len(numbers), POINTS))
    shares[np.arange(len(numbers)), numbers] = 1
    return shares


def _from(loop: list[int], start: int) -> list[int]:
    at = loop.index(start)
    return loop[at:] + loop[:at]
