"""Faces with something before them, from the synthetic world: a seed -> sittings -> pictures with exact masks.

A sitting is one person drawn some dozen times, each time in another light, turned another way, and most times with
something before the face. What the mask calls face is exactly what a swap should replace: skin with all that is painted
on it (brows, beard, make-up), lips, eyes, teeth and tongue, inside the outline that the landmarks span. NOT face: hair,
also a strand over the forehead; frames of glasses; hands, microphones, mugs; ears and neck; what is behind the head.

Pictures (S, S, 3) uint8 RGB: the aligned crop "face" (faces/align.py), by the exact landmarks, VIEW times as wide;
masks (S, S) uint8, 255 = face; covers (S, S) uint8, 255 = stands before the face inside its outline.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ..faces.align import crop_matrix, part_of, take_crop
from ..faces.mask import hull_mask
from ..measures.truth import REGIONS
from ..people.body import Body
from ..people.film import Take, dressed, lit
from ..people.occluders import KINDS, draw_occluder
from ..people.performance import EXPRESSIONS, Performance, PerformanceOptions, draw_performance
from ..people.person import HAIR, Person, draw_person
from ..people.render import Actor, Moment, Shot
from ..people.scene import Scene, draw_scene
from ..streams import side_by_side
from .disturb import VIEW

PICTURES = 12  # of a sitting: a person costs as much as a dozen pictures of theirs
_FACE = [REGIONS[name] for name in ("skin", "eyes", "mouth", "lips")]
_BEFORE = [REGIONS[name] for name in ("hair", "clothes", "occluder")]
_FRAME = 1.7  # sides of the frame in sides of the picture: about one pixel of the frame to one of the picture
_WORKERS = 2
_BEARDS = 0.35


@dataclass(frozen=True, eq=False)
class View:
    """One picture of a sitting."""

    seed: int
    frame: int  # of the performance: expression and gaze
    pose: tuple[float, float, float]  # degrees
    scene: Scene
    occluder: str  # "" or one of occluders.KINDS
    sweep: tuple[float, float]  # pixels of motion blur


@dataclass(frozen=True, eq=False)
class Sitting:
    """One person and what is taken of them."""

    person: Person
    performance: Performance
    views: tuple[View, ...]


@dataclass(frozen=True, eq=False)
class Masked:
    """A picture, its mask, and what covers the face; kind: which occluder, glasses by themselves, or nothing."""

    picture: np.ndarray
    mask: np.ndarray
    cover: np.ndarray
    kind: str
    pose: tuple[float, float, float]


def draw_sitting(seed: int, number: int, glasses: float = 0.4, pictures: int = PICTURES) -> Sitting:
    """Sitting `number` of a seed: always a person of its own. Six in ten pictures have an occluder; so many people wear
    `glasses`, a third a beard, of any colour; heads turn by up to 50 degrees."""
    rng = np.random.default_rng([seed, number, 0x5E6])
    who = int(rng.integers(2**32))
    person = replace(draw_person(who), glasses=bool(rng.random() < glasses))
    person = _bearded(person, np.random.default_rng([seed, number, 0xBEA]))
    acting = PerformanceOptions(seconds=8, speech=False, liveliness=1.4)
    performance = draw_performance(int(rng.integers(2**32)), acting)
    kinds = [kind for kind in KINDS if kind != "strand" or person.hair_cut not in ("bald", "buzz")]
    views = []
    for _ in range(pictures):
        view_seed, hard = int(rng.integers(2**32)), float(rng.random())
        yaw = float(rng.uniform(-50, 50) if rng.random() < 0.7 else rng.normal(0, 8))
        pose = yaw, float(np.clip(rng.normal(0, 9), -22, 22)), float(np.clip(rng.normal(0, 7), -20, 20))
        moved = rng.normal(0, 6, 2) * (rng.random() < 0.25)
        views.append(
            View(
                seed=view_seed,
                frame=int(rng.uniform(0.06, 0.94) * performance.frames),  # things come and go outside of that
                pose=pose,
                scene=lit(draw_scene(view_seed, hard), person),
                occluder=str(rng.choice(kinds)) if rng.random() < 0.6 else "",
                sweep=(float(moved[0]), float(moved[1])),
            )
        )
    return Sitting(person, performance, tuple(views))


def _bearded(person: Person, rng: np.random.Generator) -> Person:
    """One in three with a beard and hair of a colour drawn evenly: of people as they come one in a hundred has a white
    one, and a net that never saw one takes it for hair before the face."""
    if rng.random() > _BEARDS:
        return person
    colour = tuple(float(v) for v in np.array(HAIR[str(rng.choice(list(HAIR)))]) * rng.uniform(0.75, 1.25))
    return replace(
        person, beard=float(rng.uniform(0.5, 1)), moustache=float(rng.choice([0.0, 0.9])), brow_colour=colour,
        hair_colour=colour,
    )  # fmt: skip


def film_sitting(sitting: Sitting, body: Body, side: int) -> Iterator[Masked]:
    """The sitting's pictures on a head, `side` pixels square."""
    size = 2 * round(_FRAME * side / 2)
    take = Take(sitting.person, sitting.performance, sitting.views[0].scene, body, (size, size))
    actor = dressed(take)
    columns = np.array([EXPRESSIONS.index(name) if name in EXPRESSIONS else -1 for name in body.expressions])

    def shoot(view: View) -> Masked:
        shot = actor.elsewhere(view.scene).shoot(_moment(sitting, view, actor, columns), view.sweep)
        picture, mask, cover = masked_crop(shot, side)
        kind = view.occluder or ("glasses" if sitting.person.glasses else "")
        return Masked(picture, mask, cover, kind, view.pose)

    yield from side_by_side(shoot, sitting.views, _WORKERS)


def masked_crop(shot: Shot, side: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Picture, mask and cover of a frame of the synthetic world; see the module's docstring."""
    matrix = part_of(crop_matrix(shot.landmarks, side, "face"), side, VIEW, side)
    outline = hull_mask(shot.landmarks, shot.regions.shape) * 255
    planes = [np.where(np.isin(shot.regions, codes), outline, 0) for codes in (_FACE, _BEFORE)]
    stacked = np.stack([*planes, outline], -1).round().astype(np.uint8)
    flat = take_crop(stacked, matrix, side)
    return take_crop(shot.pixels, matrix, side), flat[..., 0].copy(), flat[..., 1].copy()


def _moment(sitting: Sitting, view: View, actor: Actor, columns: np.ndarray) -> Moment:
    acting = sitting.performance
    weights = np.where(columns >= 0, acting.weights[view.frame][columns], 0).astype(np.float32)
    place = tuple(float(value) for value in acting.place[view.frame])
    gaze = tuple(float(value) for value in acting.gaze[view.frame])
    extra = ()
    if view.occluder:
        rest = actor.body.landmarks(actor.rest)
        thing = draw_occluder(view.seed, view.occluder, acting.frames, float(acting.rate), sitting.person, rest)
        extra = tuple(thing.layers(view.frame, view.pose, place))
    return Moment(weights, view.pose, place, gaze, extra, seed=view.seed)
