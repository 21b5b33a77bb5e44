"""A take, frame by frame: who plays what, where -> pictures, region masks and the exact truth of each.

A frame depends on nothing but the take and its number: frames are drawn side by side and come out the same each time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ..faces.pose import rotation_of
from ..measures.truth import TruthFrame
from ..streams import side_by_side
from .body import FLIP, PIVOT, Body
from .clothes import clothes_layers
from .glasses import glasses_layers
from .hair import hair_layers
from .occluders import Occluder, draw_occluder
from .performance import EXPRESSIONS, Performance
from .person import Person
from .render import Actor, Moment, Shot
from .scene import Scene, exposed
from .skin import skin_tone

_NOSE = 4
_WORKERS = 2  # the compiled parts hold no lock; more threads than cores only cost memory


@dataclass(frozen=True, eq=False)
class Take:
    """Who plays what, where, and what comes before the face. size: (width, height) of the frames."""

    person: Person
    performance: Performance
    scene: Scene
    body: Body
    size: tuple[int, int]
    occluder: str = ""  # "", or one of occluders.KINDS

    def about(self) -> dict:
        """All that is needed to film it again, for JSON."""
        return {
            "appearance": self.person.to_dict(),
            "performance": self.performance.to_dict(),
            "scene": self.scene.to_dict(),
            "body": self.body.name,
            "occluder": self.occluder,
        }


def lit(scene: Scene, person: Person) -> Scene:
    """The scene with the camera set for this person."""
    return exposed(scene, skin_tone(person.melanin, person.ruddy))


def dressed(take: Take) -> Actor:
    """The take's actor with hair, clothes and glasses, ready to be drawn."""
    person, body = take.person, take.body
    rest = body.shape(person.identity)
    layers = [*hair_layers(person, body, rest), *clothes_layers(person, body, rest)]
    if person.glasses:
        layers += glasses_layers(rest, body.landmarks(rest), person.wardrobe)
    return Actor(person, body, take.scene, take.size, layers)


def film(take: Take, start: int = 0, stop: int | None = None, step: int = 1) -> Iterator[tuple[Shot, TruthFrame]]:
    """Frames [start, stop) of a take, in order, or every `step`-th of them."""
    actor, acting = dressed(take), take.performance
    columns = _columns(take.body)
    occluder = _occluder(take, actor)
    sweeps = _sweeps(actor, acting)

    def draw(number: int) -> tuple[Shot, TruthFrame]:
        moment = _moment(acting, columns, number)
        if occluder is not None:
            moment = replace(moment, extra=tuple(occluder.layers(number, moment.pose, moment.place)))
        shot = actor.shoot(moment, tuple(sweeps[number]))
        return shot, _truth(shot, moment, acting, number)

    yield from side_by_side(draw, range(start, acting.frames if stop is None else stop, step), _WORKERS)


def _columns(body: Body) -> np.ndarray:
    """(E,) for each of the body's expressions its column of Performance.weights, -1 for none."""
    return np.array([EXPRESSIONS.index(name) if name in EXPRESSIONS else -1 for name in body.expressions])


def _moment(acting: Performance, columns: np.ndarray, number: int) -> Moment:
    weights = np.where(columns >= 0, acting.weights[number][columns], 0).astype(np.float32)
    pose, place, gaze = (tuple(float(v) for v in row[number]) for row in (acting.pose, acting.place, acting.gaze))
    return Moment(weights, pose, place, gaze, seed=number)


def _occluder(take: Take, actor: Actor) -> Occluder | None:
    if not take.occluder:
        return None
    acting, rest = take.performance, actor.body.landmarks(actor.rest)
    return draw_occluder(acting.seed, take.occluder, acting.frames, float(acting.rate), take.person, rest)


def _sweeps(actor: Actor, acting: Performance) -> np.ndarray:
    """(N, 2) pixels a frame by which the middle of the face moves."""
    nose = actor.body.landmarks(actor.rest)[_NOSE]
    places = []
    for pose, place in zip(acting.pose, acting.place, strict=True):
        turn = FLIP @ rotation_of(*pose) @ FLIP
        places.append(turn @ (nose - PIVOT) + PIVOT + place)
    pixels = actor.camera.project(np.array(places))[:, :2]
    return np.gradient(pixels, axis=0) if len(pixels) > 1 else np.zeros_like(pixels)


def _truth(shot: Shot, moment: Moment, acting: Performance, number: int) -> TruthFrame:
    low, high = shot.landmarks[:, :2].min(0), shot.landmarks[:, :2].max(0)
    return TruthFrame(
        frame=number,
        time=float(number / acting.rate),
        landmarks=shot.landmarks,
        visible=shot.visible,
        pose=moment.pose,
        gaze=moment.gaze,
        weights=acting.weights[number],
        camera=shot.camera,
        place=moment.place,
        phoneme=acting.phoneme_at(number),
        box=(float(low[0]), float(low[1]), float(high[0]), float(high[1])),
    )
