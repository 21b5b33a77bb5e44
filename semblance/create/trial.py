"""A trial: a few frames of a plate, drawn once, merged with as many settings as are asked for, and measured each time.

Each frame that is looked at brings the one before and the one after, so that flicker can be measured, too. Everything
is measured where the plate's face is; nothing is encoded and nothing is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace

import numpy as np

from ..faces.identity import distance, identity_chip, identity_vectors
from ..faces.landmarks import MeshFinder
from ..faces.mask import PersonMask
from ..faces.track import FaceTracker
from ..finish.merge_options import MergeOptions
from ..finish.plan import MergePlan
from ..measures.comparison import Comparison
from ..measures.comparison import View as Picture
from ..measures.finish_score import PARTS, finish_score
from ..measures.summary import figures
from ..media.native import paste
from ..media.read import frames_at
from ..runs import Clock, Progress, StopSignal
from ..types import ClipInfo
from .hard_frames import Seen, hard_frames
from .job import Record
from .painter import Painter
from .render import DrawnFrame, draw_faces, lay_faces, merge_faces
from .watch import watch
from .who import Chooser

_LOOKS = 16  # frames over the whole clip among which the hard ones are chosen
_BESIDE = 1  # frames to either side of each


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """A frame that is tried on: the one itself and its neighbours, drawn but not yet merged."""

    index: int
    frames: list[DrawnFrame]

    def alone(self) -> Look:
        """The same frame without its neighbours."""
        return Look(self.index, [each for each in self.frames if each.frame.index == self.index])


@dataclass(frozen=True, slots=True, eq=False)
class Tried:
    """What came of one set of settings: figures by their names (measures/grades.py), the score of measures/
    finish_score.py, and the looks' middle frames, finished, (H, W, 3) uint8."""

    merge: MergeOptions
    figures: dict[str, float]
    score: float
    pictures: list[np.ndarray] = field(default_factory=list)
    each: list[dict[str, float]] = field(default_factory=list)


def choose_looks(
    info: ClipInfo, painter: Painter, frames: int, count: int, progress: Progress, stop: StopSignal
) -> list[int]:
    """Indices of up to `count` frames of the plate: those that tell most about a merge, and some as they come; []: in
    none that was looked at is anybody to be seen who would be replaced. Raises Stopped."""
    wanted = np.unique(np.linspace(0, frames - 1, min(_LOOKS, frames)).round().astype(int))
    aspect, seen = float(info.pixel_aspect), []
    progress.stage("look for hard frames", len(wanted))
    with closing(FaceTracker(aspect)) as tracker:
        for frame in frames_at(info, wanted.tolist()):
            stop.check("Nothing was made yet; run the same command again.")
            progress.advance()
            if frame is None:
                continue
            tracker.restart()
            chooser = Chooser(painter.target, painter.options)
            for face in tracker.step(frame.pixels):
                (vector,) = identity_vectors([identity_chip(frame.pixels, face, aspect)], rough=True)
                if not chooser.refuses(face, vector):
                    x0, y0, x1, y1 = (int(max(edge, 0)) for edge in face.box)
                    seen.append(Seen(frame.index, face, float(frame.pixels[y0 : y1 + 1, x0 : x1 + 1].mean())))
                    break
    progress.done()
    if not seen:
        return []
    usual = [seen[k] for k in np.linspace(0, len(seen) - 1, count // 2 + 2).round().astype(int)[1:-1]]
    taken = {each.index for each in usual}
    hard = hard_frames([each for each in seen if each.index not in taken], count - len(taken))
    return sorted(taken | {each.index for each in hard})


def draw_looks(info: ClipInfo, painter: Painter, indices: Sequence[int], clock: Clock) -> list[Look]:
    """Draw the new faces of these frames and their neighbours; frames in which nothing can be replaced are left out."""
    looks, aspect = [], float(info.pixel_aspect)
    for index in indices:
        start = max(index - _BESIDE, 0)
        watched = watch(info, start, index + _BESIDE + 1, 0, clock, 2)
        with closing(draw_faces(watched, painter, aspect, clock, 4)) as drawn:
            frames = list(drawn)
        middle = [frame for frame in frames if frame.frame.index == index]
        if middle and middle[0].parts:
            looks.append(Look(index, frames))
    return looks


def attempt(
    looks: Sequence[Look], painter: Painter, merge: MergeOptions, aspect: float, clock: Clock, whole: bool = False
) -> Tried:
    """Merge the looks with these settings, and measure what comes of it; whole: in each frame, not only in those that
    are looked at."""
    painter = painter.following(MergePlan(merge))
    comparison, pictures, chips, places = Comparison(aspect), [], [], []
    with ExitStack() as stack:
        person = stack.enter_context(PersonMask()) if painter.wants("person", "head") else None
        finder = stack.enter_context(closing(MeshFinder())) if painter.at(0).warp else None
        for look in looks:
            for drawn in look.frames:
                # merging notes what became of a frame and its faces: each attempt gets copies
                item = replace(drawn, record=Record(drawn.frame.index, drawn.frame.time), passed=[])
                item.parts = [replace(part, seen=dict(part.seen)) for part in drawn.parts]
                done = merge_faces(lay_faces(item, painter, aspect, clock), painter, person, finder, aspect, clock)
                face = done.laid[-1].face if done.laid else None
                result = paste(drawn.frame.pixels, done.patches)
                counts = whole or drawn.frame.index == look.index
                plate = Picture(drawn.frame.pixels, face)
                moving = len(look.frames) > 1
                comparison.take(drawn.frame.index, Picture(result, face), plate, picture=counts, moving=moving)
                if counts:
                    pictures.append(result)
                    places.append(len(comparison.frames) - 1)
                    chips.append(done.chip)
    found = {name: figure.one for name, figure in figures(comparison).items() if name in PARTS}
    vectors = iter(identity_vectors([chip for chip in chips if chip is not None]))
    to_source = [np.nan if chip is None else float(distance(next(vectors), painter.source)) for chip in chips]
    found["identity to source"] = float(np.nanmedian(to_source)) if np.isfinite(to_source).any() else float("nan")
    each = [
        {name: float(comparison.series(name)[place]) for name in ("seam", "sharpness", "double edges")}
        | {"identity to source": far}
        for place, far in zip(places, to_source)
    ]
    return Tried(merge, found, finish_score(found), pictures, each)
