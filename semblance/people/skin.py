"""The skin of somebody, painted into the body's own texture: tone, pores, freckles, lips, brows, lids, beard, lines.

All places come from the landmarks' places in the texture, so that one painter serves every body.
"""

from __future__ import annotations

import cv2
import numpy as np

from .body import Body
from .person import Person

SIZE = 1024
SKIN, LIPS = 1, 5  # region codes, see measures/truth.py
_FINE = 4  # cv2's drawing is given in sixteenths of a pixel

# Chains of the face mesh (types.py's 478 points)
LIPS_OUTER = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
LIPS_INNER = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191)
EYES = (
    (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246),
    (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466),
)
UPPER_LIDS = ((33, 246, 161, 160, 159, 158, 157, 173, 133), (263, 466, 388, 387, 386, 385, 384, 398, 362))
LOWER_LIDS = ((33, 7, 163, 144, 145, 153, 154, 155, 133), (263, 249, 390, 373, 374, 380, 381, 382, 362))
CREASES = ((130, 247, 30, 29, 27, 28, 56, 190, 243), (359, 467, 260, 259, 257, 258, 286, 414, 463))
BAGS = ((130, 25, 110, 24, 23, 22, 26, 112, 243), (359, 255, 339, 254, 253, 252, 256, 341, 463))
BROWS = (((70, 63, 105, 66, 107), (46, 53, 52, 65, 55)), ((300, 293, 334, 296, 336), (276, 283, 282, 295, 285)))
CHEEKS, NOSE_TIP, FOREHEAD = (50, 280), 4, (10, 151, 109, 338)
FOLDS = ((129, 203, 206, 216, 212), (358, 423, 426, 436, 432))  # from the nose's wing past the mouth's corner
MOUSTACHE = (129, 203, 186, 61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 410, 423, 358, 327, 2, 98)
BEARD = (
    132, 177, 147, 187, 207, 216, 212, 202, 43, 61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 273, 422, 432,
    436, 427, 411, 376, 401, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150, 136, 172, 58,
)  # fmt: skip
FOREHEAD_LINES = (
    (54, 68, 104, 69, 108, 151, 337, 299, 333, 298, 284),
    (71, 63, 105, 66, 107, 9, 336, 296, 334, 293, 301),
)


def paint_skin(person: Person, body: Body) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """skin and extra (S, S, 3) as shade.Paint wants them; linear colours (3,) of the head's back and of the gums."""
    rng = np.random.default_rng([person.seed, 0x5C1])
    at = body.landmark_uv * SIZE - 0.5
    unit = float(np.linalg.norm(at[33] - at[263]))  # between the eyes' outer corners: the face's own measure
    base = skin_tone(person.melanin, person.ruddy)
    skin = np.broadcast_to(base, (SIZE, SIZE, 3)).astype(np.float32).copy()
    _blotches(skin, person, at, unit, rng)
    _freckles(skin, person, at, unit, rng)
    _lines(skin, person, at, unit)
    _lids(skin, person, at, unit)
    lips = _lips(skin, person, at, unit, rng)
    hairs = _beard(skin, person, at, unit, rng)
    _brows(skin, person, at, unit, rng)
    gloss = _gloss(person, at, unit, lips, hairs, rng)
    coded = (np.sqrt(np.clip(skin, 0, 1)) * 255 + 0.5).astype(np.uint8)
    extra = np.dstack([gloss * 255, lips * 200, np.where(lips > 0.5, LIPS, SKIN)]).astype(np.uint8)
    gums = np.array([0.30, 0.07, 0.065], np.float32) * (1.1 - 0.5 * person.melanin)
    return coded, extra, base.astype(np.float32), gums.astype(np.float32)


def skin_tone(melanin: float, ruddy: float) -> np.ndarray:
    """(3,) linear albedo between the palest and the darkest skin; after measured ranges (Donner and Jensen 2006)."""
    stops = np.array(
        [[0.60, 0.40, 0.32], [0.50, 0.31, 0.225], [0.37, 0.205, 0.13], [0.21, 0.102, 0.06], [0.085, 0.04, 0.025]]
    )
    places = np.linspace(0, 1, len(stops))
    tone = np.array([np.interp(melanin, places, stops[:, c]) for c in range(3)])
    return tone * np.array([1 + 0.06 * ruddy, 1 - 0.09 * ruddy, 1 - 0.1 * ruddy])


def _noise(rng: np.random.Generator, cells: int) -> np.ndarray:
    """(S, S) smooth noise of mean 0 and deviation 1, about `cells` bumps across."""
    small = rng.standard_normal((cells + 4, cells + 4)).astype(np.float32)
    large = cv2.resize(small, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)
    return large / (large.std() + 1e-6)


def _area(points: np.ndarray, blur: float) -> np.ndarray:
    """(S, S) float32 0..1: the inside of a polygon (N, 2), its edge blurred by `blur` pixels."""
    mask = np.zeros((SIZE, SIZE), np.float32)
    cv2.fillPoly(mask, [np.rint(points * 2**_FINE).astype(np.int32)], 1.0, cv2.LINE_8, _FINE)
    return cv2.GaussianBlur(mask, (0, 0), max(blur, 0.6))


def _spot(centre: np.ndarray, radius: float) -> np.ndarray:
    """(S, S) a Gaussian bump of height 1."""
    along = np.arange(SIZE, dtype=np.float32)
    x, y = (np.exp(-((along - float(place)) ** 2) / (2 * radius * radius)) for place in centre)
    return np.outer(y, x)


def _line(points: np.ndarray, width: float, blur: float) -> np.ndarray:
    """(S, S) 0..1: a smooth line through points (N, 2)."""
    mask = np.zeros((SIZE, SIZE), np.float32)
    curve = np.rint(_smooth(points) * 2**_FINE).astype(np.int32)
    cv2.polylines(mask, [curve], False, 1.0, max(1, round(width)), cv2.LINE_8, _FINE)
    return cv2.GaussianBlur(mask, (0, 0), max(blur, 0.6))


def _smooth(points: np.ndarray, count: int = 40) -> np.ndarray:
    """`count` points evenly along a polyline, rounded."""
    steps = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    at = np.linspace(0, steps[-1], count)
    curve = np.stack([np.interp(at, steps, points[:, c]) for c in range(2)], 1)
    kernel = np.ones(5) / 5
    inner = np.stack([np.convolve(curve[:, c], kernel, "valid") for c in range(2)], 1)
    return np.concatenate([curve[:1], inner, curve[-1:]])


def _tint(skin: np.ndarray, share: np.ndarray, factor) -> None:
    """Multiply the skin by `factor` (3,) where share (S, S) is 1."""
    skin *= 1 + share[..., None] * (np.asarray(factor, np.float32) - 1)


def _blotches(skin, person: Person, at, unit: float, rng) -> None:
    """Blood and melanin are never even: cheeks, nose and lids redder, forehead yellower, pores dark."""
    pale = 1 - 0.6 * person.melanin
    red = 0.25 + 0.75 * person.ruddy
    for cheek in CHEEKS:
        _tint(skin, _spot(at[cheek], 0.28 * unit), (1.0, 1 - 0.22 * red * pale, 1 - 0.2 * red * pale))
        if person.make_up:
            _tint(skin, _spot(at[cheek], 0.22 * unit), (1.0, 1 - 0.25 * person.make_up, 1 - 0.16 * person.make_up))
    _tint(skin, _spot(at[NOSE_TIP], 0.16 * unit), (1.0, 1 - 0.2 * red * pale, 1 - 0.17 * red * pale))
    for cells, depth in ((7, 0.035), (20, 0.03), (60, 0.03)):
        noise = _noise(rng, cells) * depth * (1 - 0.5 * person.make_up)
        skin *= 1 + noise[..., None] * np.array([0.5, 1.0, 1.1], np.float32)
    pores = _noise(rng, 380) * (0.025 + 0.03 * person.age)
    skin *= 1 + pores[..., None]
    for _ in range(int(rng.poisson(2.5))):
        place = at[rng.integers(0, 468)] + rng.normal(0, 0.05 * unit, 2)
        _tint(skin, np.minimum(1, 1.4 * _spot(place, unit * rng.uniform(0.006, 0.013))), (0.35, 0.25, 0.22))


def _freckles(skin, person: Person, at, unit: float, rng) -> None:
    if person.freckles <= 0.05:
        return
    mask = np.zeros((SIZE, SIZE), np.float32)
    for _ in range(int(500 * person.freckles)):
        middle = at[rng.choice([50, 280, 4, 6, 116, 345, 205, 425])]
        x, y = middle + rng.normal(0, 0.2 * unit, 2)
        radius = max(1, round(unit * rng.uniform(0.004, 0.010)))
        cv2.circle(mask, (round(x), round(y)), radius, float(rng.uniform(0.3, 1)), -1)
    mask = cv2.GaussianBlur(mask, (0, 0), 0.004 * unit)
    _tint(skin, np.clip(mask * (0.4 + 0.6 * person.freckles), 0, 1), (0.68, 0.5, 0.4))


def _lines(skin, person: Person, at, unit: float) -> None:
    """Folds that age deepens: beside the nose, on the forehead, at the eyes' outer corners."""
    age = person.age
    for fold in FOLDS:
        _tint(skin, _line(at[list(fold)], 0.012 * unit, 0.018 * unit) * (0.15 + 0.85 * age), (0.7, 0.58, 0.55))
    if age > 0.35:
        deep = (age - 0.35) / 0.65
        for row, chain in enumerate(FOREHEAD_LINES):
            shift = np.array([0, -0.06 * unit * (1 + row)])
            _tint(skin, _line(at[list(chain)] + shift, 0.006 * unit, 0.010 * unit) * deep, (0.72, 0.62, 0.58))
        for corner, out in ((33, -1), (263, 1)):
            for rise in (-0.09, 0.0, 0.09):
                start = at[corner] + [out * 0.04 * unit, rise * unit * 0.5]
                end = start + np.array([out * 0.12 * unit, rise * unit])
                _tint(skin, _line(np.stack([start, end]), 0.004 * unit, 0.007 * unit) * deep, (0.7, 0.6, 0.56))


def _lids(skin, person: Person, at, unit: float) -> None:
    """Lash lines, the crease of the upper lid, shadows under the eyes, eye shadow."""
    tired = 0.25 + 0.6 * person.age
    lash = 0.75 + 0.25 * person.make_up
    for upper, lower, crease, bag, eye in zip(UPPER_LIDS, LOWER_LIDS, CREASES, BAGS, EYES, strict=True):
        _tint(skin, _line(at[list(bag)], 0.07 * unit, 0.05 * unit) * tired, (0.82, 0.68, 0.72))
        _tint(skin, _line(at[list(crease)], 0.01 * unit, 0.014 * unit) * 0.6, (0.62, 0.5, 0.47))
        around = _area(at[list(eye)], 0.05 * unit)
        _tint(skin, around * 0.5, (0.95, 0.72, 0.7))
        if person.make_up > 0.2:
            lid = _area(np.concatenate([at[list(upper)], at[list(crease)][::-1]]), 0.02 * unit)
            _tint(skin, lid * person.make_up, 0.35 + 0.5 * np.array(person.eye_colour) / max(person.eye_colour))
        width = (0.028 + 0.02 * person.make_up) * unit
        rim = at[[*upper[:-2], upper[-1]]] - [0, 0.3 * width]  # the point before the inner corner lies in its fold
        _tint(skin, np.minimum(1, 1.5 * _line(rim, width, 0.008 * unit)) * lash, (0.1, 0.08, 0.08))
        _tint(skin, _line(at[list(lower)], 0.5 * width, 0.007 * unit) * 0.55 * lash, (0.25, 0.2, 0.2))


def _lips(skin, person: Person, at, unit: float, rng) -> np.ndarray:
    """Paint the lips; returns where they are, (S, S) 0..1."""
    outer, inner = at[list(LIPS_OUTER)], at[list(LIPS_INNER)]
    outer = inner + person.lip_height * (outer - inner)  # both chains run alike, point for point
    mask = _area(outer, 0.012 * unit)
    crinkle = 1 + 0.05 * _noise(rng, 200)
    colour = np.array(person.lip_colour, np.float32)
    _tint(skin, mask * crinkle * person.lip_depth, colour)
    parting = _line(at[[*LIPS_INNER, LIPS_INNER[0]]], 0.02 * unit, 0.02 * unit)
    _tint(skin, parting * 0.8, (0.6, 0.42, 0.42))
    return np.clip(mask, 0, 1)


def _beard(skin, person: Person, at, unit: float, rng) -> np.ndarray:
    """Stubble, moustache and beard; returns how much of the skin hairs cover."""
    chin = _area(at[list(BEARD)], 0.05 * unit)
    lip = _area(at[list(MOUSTACHE)], 0.022 * unit) * (1 - _area(at[list(LIPS_OUTER)], 0.008 * unit))
    below = _area(at[[43, 106, 182, 83, 18, 313, 406, 335, 273, 287, 321, 405, 17, 181, 91, 57]], 0.02 * unit)
    chin = np.clip(chin + below * 0.7, 0, 1) * (1 - _area(at[list(LIPS_OUTER)], 0.008 * unit))
    grain = 0.5 + 0.5 * np.clip(_noise(rng, 420), -1, 1)
    if person.stubble:
        both = np.clip(chin + lip, 0, 1) * person.stubble
        _tint(skin, both * (0.25 + 0.5 * grain), (0.5, 0.54, 0.58))
    hair = np.array(person.brow_colour, np.float32) * 0.8 + 0.004
    covered = np.zeros((SIZE, SIZE), np.float32)
    for area, weight in ((lip, person.moustache), (chin, person.beard)):
        if weight:
            covered = np.maximum(covered, np.clip(area * 1.15, 0, 1) * weight)
    if covered.any():
        thick = np.clip(covered * (0.75 + 0.5 * grain), 0, 0.97)[..., None]
        strand = hair * (0.6 + 0.8 * _hairs(rng))[..., None]
        skin[:] = skin * (1 - thick) + strand * thick
    return covered


def _hairs(rng: np.random.Generator) -> np.ndarray:
    """(S, S) 0..1: short streaks that hang down."""
    noise = rng.standard_normal((SIZE, SIZE)).astype(np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), sigmaX=0.8, sigmaY=4)
    return np.clip(0.5 + 0.35 * noise / noise.std(), 0, 1)


def _brows(skin, person: Person, at, unit: float, rng) -> None:
    """Single hairs along either brow, upwards at its inner end and outwards at its tail."""
    lift, arch, length = person.brow_shape
    mask = np.zeros((SIZE, SIZE), np.float32)
    for (upper, lower), out in zip(BROWS, (-1.0, 1.0), strict=True):
        top, low = _smooth(at[list(upper)], 36), _smooth(at[list(lower)], 36)
        middle = 0.5 * (top + low) + [0, -0.012 * unit * lift]
        middle = middle + [0.0, -0.018 * unit * arch] * np.sin(np.linspace(0, np.pi, len(middle)))[:, None]
        half = 0.5 * np.linalg.norm(low - top, axis=1).mean() * (0.35 + 1.0 * person.brow_weight)
        count = int(240 + 620 * person.brow_weight)
        for _ in range(count):
            along = rng.uniform(0.03, 1.0 + 0.06 * length)  # chains run from the outer end to the inner one
            k = int(np.clip(1 - along, 0, 1) * (len(middle) - 1))
            taper = np.sin(np.pi * np.clip(0.12 + 0.88 * along, 0, 1)) ** 0.5 if along > 0.4 else 1.0
            start = middle[k] + [rng.normal(0, 0.012 * unit), rng.uniform(-1, 1) * half * taper]
            slope = np.radians(80 - 75 * along + rng.normal(0, 10))
            end = start + 0.05 * unit * np.array([out * np.cos(slope), -np.sin(slope)])
            points = np.rint(np.stack([start, end]) * 2**_FINE).astype(np.int32)
            cv2.line(mask, tuple(points[0].tolist()), tuple(points[1].tolist()), 1.0, 1, cv2.LINE_AA, _FINE)
    mask = cv2.GaussianBlur(mask, (0, 0), 0.9)
    share = np.clip(mask * 1.3, 0, 1)[..., None] * (0.6 + 0.38 * person.brow_weight)
    hair = np.minimum(np.array(person.brow_colour, np.float32) * 0.55, 0.12)
    skin[:] = skin * (1 - share) + hair * share


def _gloss(person: Person, at, unit: float, lips, hairs, rng) -> np.ndarray:
    """(S, S) 0..1: forehead, nose and lips shine, cheeks less, hair hardly."""
    gloss = np.full((SIZE, SIZE), 0.34, np.float32)
    for place, radius in ((at[NOSE_TIP], 0.12), (at[6], 0.12), (at[FOREHEAD[1]], 0.3), (at[152], 0.15)):
        gloss += 0.22 * _spot(place, radius * unit)
    gloss *= 1 + 0.12 * _noise(rng, 160)
    gloss *= 1 - 0.35 * person.make_up
    gloss = gloss * (1 - 0.8 * hairs) + 0.2 * lips
    return np.clip(gloss, 0, 1)
