"""Clips gone through side by side: a result, its plate and perhaps the true result, each with the face that counts.

Every clip is decoded and tracked on a thread of its own; what stays is a few numbers a frame (measures/comparison.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..errors import FaceError, InputError
from ..faces.mask import spared_mask
from ..faces.track import FaceTracker
from ..measures.comparison import Comparison, TrueView, View
from ..measures.identity import Sightings
from ..measures.landmark_error import landmark_errors
from ..measures.truth import Truth
from ..media.probe import probe
from ..media.read import frame_times, read_frames
from ..runs import Progress, StopSignal
from ..streams import ahead, depth_for
from ..trust.mark_in_file import payload_laid
from ..trust.marking import Marking
from ..types import ClipInfo, Face, Patch

KEPT = "Measuring keeps nothing; run the same command again."
VECTORS = 96  # frames of the result, and of the plate, whose identity is looked at
_NEAR = 0.6  # of a face's size: further from the plate's face, a face in the result is someone else's
_PATIENCE = 12  # frames


@dataclass(frozen=True)
class Clips:
    """result, plate, and the true clip if there is one; limit: frames of each to be looked at.

    mark: the number of the result's watermark, which is laid over the others as well: a label is no fault of a swap.
    """

    result: ClipInfo
    plate: ClipInfo
    true: ClipInfo | None
    limit: int
    mark: str = ""  # the number of the result's watermark


@dataclass(frozen=True)
class Seen:
    """What one pass over the clips left behind."""

    comparison: Comparison
    new: Sightings
    old: Sightings
    unread: dict[str, list[int]]
    faceless: dict[str, list[int]]
    detector: dict[str, float]  # the landmark finder's own error on the true clip, by row


def open_clips(result: Path | str, target: Path | str, truth: Path | str | None, limit: int | None) -> Clips:
    """Raises InputError unless all clips have one size and length."""
    if limit is not None and limit < 1:
        raise InputError(f"A limit of {limit} frames measures nothing; give at least 1.")
    infos = [probe(Path(clip)) for clip in (result, target, *([] if truth is None else [truth]))]
    plate, length = infos[1], len(frame_times(infos[1]))
    for info in infos:
        if (info.width, info.height) != (plate.width, plate.height):
            raise InputError(
                f"{info.path} is {info.width}x{info.height}, but the target {plate.path} is "
                f"{plate.width}x{plate.height}; measure clips of one size."
            )
        if (frames := len(frame_times(info))) != length:
            raise InputError(
                f"{info.path} has {frames} frames, but the target {plate.path} has {length}; "
                "measure the whole result against the clip that it was made from."
            )
    true = infos[2] if truth is not None else None
    return Clips(infos[0], plate, true, min(length, limit or length), payload_laid(infos[0]))


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    index: int
    pixels: np.ndarray
    faces: list[Face]


def looks_at(info: ClipInfo, start: int, stop: int, track: bool = True, mark: str = "") -> Iterator[Look]:
    """Frames [start, stop) with their faces; without track: none; mark: the number of a watermark to lay over them."""
    marking = Marking(mark, payload_laid(info)) if mark else None
    with ExitStack() as stack:
        tracker, finder = (
            stack.enter_context(closing(FaceTracker(float(info.pixel_aspect)))) if wanted else None
            for wanted in (track, marking)
        )
        for frame in stack.enter_context(closing(read_frames(info, start, stop))):
            pixels = frame.pixels
            if marking:
                spared = [_spared(face, pixels) for face in finder.step(pixels)]
                pixels = pixels.copy()
                marking.rgb(pixels, spared)
            yield Look(frame.index, pixels, tracker.step(pixels) if tracker else [])


def _spared(face: Face, pixels: np.ndarray) -> Patch:
    """Where a face's watermark leaves eyes and mouth alone, as in a face that was laid there."""
    x0, y0, x1, y1 = (int(edge) for edge in face.box)
    x0, y0 = max(x0, 0), max(y0, 0)
    part = pixels[y0 : y1 + 1, x0 : x1 + 1]
    return Patch(x0, y0, part, spared_mask(face.landmarks, part.shape[:2], (x0, y0)))


def frame_by_frame(streams: Sequence[Iterator[Look]], start: int, stop: int) -> Iterator[list[Look | None]]:
    """For every frame number what each stream has of it; None: its decoder could not give the frame."""
    heads = [next(stream, None) for stream in streams]
    for index in range(start, stop):
        yield [head if head is not None and head.index == index else None for head in heads]
        for number, stream in enumerate(streams):
            if heads[number] is not None and heads[number].index <= index:
                heads[number] = next(stream, None)


class PlateFace:
    """Keeps to one person: the largest and most central face of the plate, then the one where that was. After half a
    second without it (a cut, a long turn away) it chooses anew."""

    def __init__(self) -> None:
        self.last: Face | None = None
        self._lost = 0

    def choose(self, look: Look | None) -> Face | None:
        """That person's face in the plate's next frame."""
        found = self._find(look) if look is not None and look.faces else None
        self._lost = 0 if found else self._lost + 1
        self.last = found or self.last
        return found

    def _find(self, look: Look) -> Face | None:
        if self.last is None or self._lost > _PATIENCE:
            middle = np.array(look.pixels.shape[1::-1]) / 2

            def standing(face: Face) -> float:
                return face.size * (1 - 0.5 * np.linalg.norm(_centre(face) - middle) / np.linalg.norm(middle))

            return max(look.faces, key=standing)
        same = [face for face in look.faces if face.track == self.last.track]
        return same[0] if same else _nearest(look.faces, self.last)


def compare_clips(
    clips: Clips,
    table: Truth | None,
    progress: Progress,
    stop: StopSignal,
    shown: Callable[[int, View | None, View | None], None] | None = None,
) -> Seen:
    """One pass over all clips, up to their limit; shown: is given each frame's number, and result and plate in it."""
    end, aspect = clips.limit, float(clips.plate.pixel_aspect)
    infos = [clips.result, clips.plate, *([clips.true] if clips.true else [])]
    comparison, person = Comparison(aspect), PlateFace()
    seen = Seen(comparison, Sightings(), Sightings(), {}, {}, {})
    every, errors = math.ceil(end / VECTORS), []
    progress.stage("measure", end)
    with ExitStack() as stack:
        depth = depth_for(clips.plate.width, clips.plate.height, 4)
        marks = ["", *[clips.mark] * (len(infos) - 1)]
        streams = [
            stack.enter_context(closing(ahead(looks_at(info, 0, end, mark=mark), depth)))
            for info, mark in zip(infos, marks)
        ]
        for index, looks in enumerate(frame_by_frame(streams, 0, end)):
            stop.check(KEPT)
            result, plate, true = views_of(looks, person)
            _note_lacks(seen, index, clips, looks, result, plate)
            comparison.take(index, result, plate, _true_view(true, looks, table))
            if shown:
                shown(index, result, plate)
            if table is not None and true is not None and true.face is not None:
                row = table.row(index)
                errors.append(landmark_errors(true.face.landmarks, row.landmarks, row.visible))
            if index % every == 0:
                for sightings, view in ((seen.new, result), (seen.old, plate)):
                    if view is not None and view.face is not None:
                        sightings.add(index, view.pixels, view.face, aspect)
            progress.advance()
    return replace(seen, detector=_medians(errors))


def views_of(looks: list[Look | None], person: PlateFace) -> list[View | None]:
    """Result, plate and truth, each with the face that counts: in the others the one nearest to the plate's."""
    wanted = person.choose(looks[1])
    views: list[View | None] = []
    for number, look in enumerate(looks):
        if look is None:
            views.append(None)
            continue
        near = wanted or person.last
        face = wanted if number == 1 else (_nearest(look.faces, near) if near else None)
        views.append(View(look.pixels, face))
    return views if len(views) == 3 else [*views, None]


def _true_view(true: View | None, looks: list[Look | None], table: Truth | None) -> TrueView | None:
    """The truth's landmarks: exact where there is a table, else as they are found."""
    if true is None:
        return None
    if table is not None:
        row = table.row(looks[2].index)
        return TrueView(true.pixels, row.landmarks, row.visible)
    return TrueView(true.pixels, true.face.landmarks) if true.face is not None else None


def _note_lacks(
    seen: Seen, index: int, clips: Clips, looks: list[Look | None], result: View | None, plate: View | None
) -> None:
    """Note which clip gave no frame, or a frame without a face."""
    for info, look in zip((clips.result, clips.plate, clips.true), looks):
        if look is None:
            seen.unread.setdefault(info.path.name, []).append(index)
    for name, view in (("result", result), ("target", plate)):
        if view is not None and view.face is None:
            seen.faceless.setdefault(name, []).append(index)


def refuse_faceless(seen: Seen, clips: Clips) -> None:
    for side, info, role in (("plate", clips.plate, "target"), ("result", clips.result, "result")):
        if not seen.comparison.found(side).any():
            raise FaceError(
                f"No face was found in the {role} {info.path}; measuring needs one that is at least a tenth of the "
                "frame and looks roughly at the camera."
            )


def _nearest(faces: list[Face], to: Face) -> Face | None:
    """The face whose middle lies nearest to another's; None if that is further than half a face."""
    if not faces:
        return None
    found = min(faces, key=lambda face: np.linalg.norm(_centre(face) - _centre(to)))
    return found if np.linalg.norm(_centre(found) - _centre(to)) <= _NEAR * to.size else None


def _centre(face: Face) -> np.ndarray:
    return face.landmarks[:, :2].mean(0)


def _medians(errors: list[dict[str, float]]) -> dict[str, float]:
    """Median of each part over the frames, by the names of their rows."""
    names = {part: "landmark error" if part == "face" else f"landmark error, {part}" for part in (errors or [{}])[0]}
    return {names[part]: float(np.nanmedian([error[part] for error in errors])) for part in names}
