"""The plate's frames and, for each, its faces: steadied in time, odd ones told."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field

from ..faces.track import FaceTracker
from ..finish.steady import REACH, carried_over, leaps, steadied
from ..media.read import read_frames
from ..runs import Clock
from ..streams import ahead
from ..types import ClipInfo, Face, Frame


@dataclass(frozen=True, slots=True, eq=False)
class Watched:
    """A frame, its faces (largest first), the tracks of those that leapt, and those carried over from neighbours."""

    frame: Frame
    faces: list[Face]
    leapt: frozenset[int] = frozenset()
    carried: list[Face] = field(default_factory=list)


def watch(info: ClipInfo, start: int, stop: int, carry: int, clock: Clock, depth: int) -> Iterator[Watched]:
    """Frames [start, stop) of a clip with their faces; carry: frames over which a lost face is bridged (0: none).

    Looks a few frames beyond both ends, so that the first and last frame are steadied like any other.
    """
    reach = max(REACH, carry)
    tracker = FaceTracker(float(info.pixel_aspect))
    window: deque[tuple[Frame | None, list[Face]]] = deque([(None, [])] * reach, maxlen=2 * reach + 1)

    def middle() -> Iterator[Watched]:
        frame, _ = window[len(window) // 2]
        if len(window) < window.maxlen or frame is None or not start <= frame.index < stop:
            return
        faces = [faces for _, faces in window]
        smooth = steadied(faces)
        leapt = frozenset(face.track for face in smooth if leaps(faces, face.track))
        yield Watched(frame, smooth, leapt, carried_over(faces) if carry else [])

    frames = ahead(clock.timed("decode", read_frames(info, max(start - reach, 0), stop + reach)), depth)
    with closing(frames):
        for frame in frames:
            with clock.of("find faces"):
                found = tracker.step(frame.pixels)
            window.append((frame, found))
            yield from middle()
    for _ in range(reach):
        window.append((None, []))
        yield from middle()
