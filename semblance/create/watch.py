"""The plate's frames and, for each, its faces: steadied in time within a shot, odd ones told."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field

from ..faces.track import FaceTracker
from ..finish.shots import ShotFinder
from ..finish.steady import REACH, carried_over, leaps, steadied, without_leapt
from ..media.read import read_frames
from ..runs import Clock, Progress
from ..streams import ahead
from ..types import ClipInfo, Face, Frame


@dataclass(frozen=True, slots=True, eq=False)
class Watched:
    """A frame, its faces (largest first), the tracks of those that leapt, and those carried over from neighbours."""

    frame: Frame
    faces: list[Face]
    leapt: frozenset[int] = frozenset()
    carried: list[Face] = field(default_factory=list)


def tell_interlaced(info: ClipInfo, progress: Progress) -> None:
    """Say what becomes of a plate whose frames are two fields, and what to do about it."""
    if info.interlaced:
        progress.say(
            f"{info.path} is interlaced: each frame shows two moments, and so will the result; for a better one, "
            "deinterlace it first (ffmpeg -i CLIP -vf bwdif NEW)."
        )


def watch(info: ClipInfo, start: int, stop: int, carry: int, clock: Clock, depth: int) -> Iterator[Watched]:
    """Frames [start, stop) of a clip with their faces; carry: frames over which a lost face is bridged (0: none).

    Looks a few frames beyond both ends, so that the first and last frame are steadied like any other. With `carry` a
    face that leaps away is carried over like a lost one. Nothing is taken over a cut from one shot to the next.
    """
    reach = max(REACH, carry)
    shot = 0
    found: deque[tuple[int, list[Face]]] = deque([(0, [])] * reach, maxlen=2 * reach + 1)
    waiting: deque[Frame | None] = deque(maxlen=reach + 1)  # of the frames behind the middle only the faces are needed

    def step(frame: Frame | None, faces: list[Face]) -> Iterator[Watched]:
        """Take in the window's next frame (None: beyond the end) and give the one in its middle."""
        found.append((shot, faces))
        waiting.append(frame)
        middle = waiting[0]
        if len(waiting) < waiting.maxlen or middle is None or not start <= middle.index < stop:
            return
        here = found[reach][0]
        window = [faces if of == here else [] for of, faces in found]
        sound = without_leapt(window)
        smooth = steadied([*sound[:reach], window[reach], *sound[reach + 1 :]])
        leapt = frozenset(face.track for face in smooth if leaps(window, face.track))
        yield Watched(middle, smooth, leapt, carried_over(sound, carry) if carry else [])

    frames = ahead(clock.timed("decode", read_frames(info, max(start - reach, 0), stop + reach)), depth)
    shots = ShotFinder()
    with closing(frames), closing(FaceTracker(float(info.pixel_aspect))) as tracker:
        for frame in frames:
            with clock.of("find faces"):
                if shots.begins(frame.pixels):
                    shot += 1
                    tracker.cut()
                faces = tracker.step(frame.pixels)
            yield from step(frame, faces)
    for _ in range(reach):
        yield from step(None, [])
