"""The verb `measure`: a finished clip beside its plate, and beside source and truth where there are some -> a table.

Clips are decoded and tracked side by side, each on a thread of its own, and gone through once; what stays is a few
numbers a frame. The noise floor comes from a stretch of the plate that is encoded once more and measured like a result.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..errors import FaceError, InputError
from ..faces.track import FaceTracker
from ..measures.comparison import Comparison, TrueView, View
from ..measures.identity import Sightings, distances_to, named
from ..measures.landmark_error import landmark_errors
from ..measures.rows import Figure, Measurement, Row, make_row, ranges
from ..measures.sound import sound_offset
from ..measures.summary import figures, truth_figures
from ..measures.truth import Truth, open_truth, truth_path
from ..media.encode import EncodeOptions
from ..media.listen import read_wave
from ..media.probe import probe
from ..media.read import frame_times, read_frames
from ..runs import Progress, StopSignal
from ..streams import ahead, depth_for
from ..trust.mark_in_file import payload_laid
from ..trust.marking import Marking
from ..trust.publish import open_segment_for
from ..types import ClipInfo, Face
from .claims import drawn

_FLOOR = 48  # frames that are encoded once more: two seconds, a few blinks and words
_VECTORS = 96  # frames of the result, and of the plate, whose identity is looked at
_SOURCE_VECTORS = 32  # a person's mean vector hardly changes after a dozen frames
_NEAR = 0.6  # of a face's size: further from the plate's face, a face in the result is someone else's
_PATIENCE = 12  # frames
_SOUND = 8000, 120.0  # Hz and seconds that are compared
_ANOTHER_PICTURE = 28.0  # dB: worse than any encode leaves a background that nobody touched
_KEPT = "Measuring keeps nothing; run the same command again."


def measure(
    result: Path | str,
    target: Path | str,
    source: Path | str | None = None,
    truth: Path | str | None = None,
    progress: Progress | None = None,
    stop: StopSignal | None = None,
    limit: int | None = None,
) -> Measurement:
    """Measure the clip `result` against the plate `target` it was made from.

    source: a clip of who should appear; truth: a clip of the true result, whose truth table is used where one lies
    beside it; limit: only so many frames from the start. Raises MediaError (unreadable clips), InputError (clips of
    unequal size or length, a truth table of another clip), FaceError (no face in one of the clips), Stopped.
    """
    progress, stop = progress or Progress(), stop or StopSignal()
    clips = _open_clips(result, target, truth, limit)
    table = open_truth(truth) if truth is not None and truth_path(truth).exists() else None
    person = None if source is None else _look_at_source(Path(source), progress, stop)

    seen = _compare(clips, table, progress, stop)
    _refuse_faceless(seen, clips)
    floor = _noise_floor(clips, seen, progress, stop)
    if table is not None:
        floor |= seen.detector
    rows = _identity_rows(seen, person, clips.limit)
    rows += [make_row(name, figure, floor.get(name)) for name, figure in figures(seen.comparison).items()]
    rows += _sound_row(clips)
    if truth is not None:
        rows += [make_row(name, figure, floor.get(name)) for name, figure in truth_figures(seen.comparison).items()]
    progress.done()
    return Measurement(tuple(rows), _about(clips, source, table), _remarks(seen, rows))


@dataclass(frozen=True)
class _Clips:
    """result, plate, and the true clip if there is one; limit: frames of each to be looked at.

    mark: the number of the result's watermark, which is laid over the others as well: a label is no fault of a swap.
    """

    result: ClipInfo
    plate: ClipInfo
    true: ClipInfo | None
    limit: int
    mark: str = ""  # the number of the result's watermark


@dataclass(frozen=True)
class _Seen:
    """What one pass over the clips left behind."""

    comparison: Comparison
    new: Sightings
    old: Sightings
    unread: dict[str, list[int]]
    faceless: dict[str, list[int]]
    detector: dict[str, float]  # the landmark finder's own error on the true clip, by row


def _open_clips(result: Path | str, target: Path | str, truth: Path | str | None, limit: int | None) -> _Clips:
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
    return _Clips(infos[0], plate, true, min(length, limit or length), payload_laid(infos[0]))


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    index: int
    pixels: np.ndarray
    faces: list[Face]


def _looks(info: ClipInfo, start: int, stop: int, track: bool = True, mark: str = "") -> Iterator[_Look]:
    """Frames [start, stop) with their faces; without track: none; mark: the number of a watermark to lay over them."""
    marking = Marking(mark, payload_laid(info)) if mark else None
    with ExitStack() as stack:
        tracker = stack.enter_context(closing(FaceTracker(float(info.pixel_aspect)))) if track else None
        for frame in stack.enter_context(closing(read_frames(info, start, stop))):
            pixels = frame.pixels
            if marking:
                pixels = pixels.copy()
                marking.rgb(pixels)
            yield _Look(frame.index, pixels, tracker.step(pixels) if tracker else [])


def _side_by_side(streams: Sequence[Iterator[_Look]], start: int, stop: int) -> Iterator[list[_Look | None]]:
    """For every frame number what each stream has of it; None: its decoder could not give the frame."""
    heads = [next(stream, None) for stream in streams]
    for index in range(start, stop):
        yield [head if head is not None and head.index == index else None for head in heads]
        for number, stream in enumerate(streams):
            if heads[number] is not None and heads[number].index <= index:
                heads[number] = next(stream, None)


class _PlateFace:
    """Keeps to one person: the largest and most central face of the plate, then the one where that was. After half a
    second without it (a cut, a long turn away) it chooses anew."""

    def __init__(self) -> None:
        self.last: Face | None = None
        self._lost = 0

    def choose(self, look: _Look | None) -> Face | None:
        """That person's face in the plate's next frame."""
        found = self._find(look) if look is not None and look.faces else None
        self._lost = 0 if found else self._lost + 1
        self.last = found or self.last
        return found

    def _find(self, look: _Look) -> Face | None:
        if self.last is None or self._lost > _PATIENCE:
            middle = np.array(look.pixels.shape[1::-1]) / 2

            def standing(face: Face) -> float:
                return face.size * (1 - 0.5 * np.linalg.norm(_centre(face) - middle) / np.linalg.norm(middle))

            return max(look.faces, key=standing)
        same = [face for face in look.faces if face.track == self.last.track]
        return same[0] if same else _nearest(look.faces, self.last)


def _compare(clips: _Clips, table: Truth | None, progress: Progress, stop: StopSignal, start: int = 0) -> _Seen:
    """One pass over frames [start, limit) of all clips."""
    end, aspect = clips.limit, float(clips.plate.pixel_aspect)
    infos = [clips.result, clips.plate, *([clips.true] if clips.true else [])]
    comparison, person = Comparison(aspect), _PlateFace()
    seen = _Seen(comparison, Sightings(), Sightings(), {}, {}, {})
    every, errors = math.ceil((end - start) / _VECTORS), []
    progress.stage("measure", end - start)
    with ExitStack() as stack:
        depth = depth_for(clips.plate.width, clips.plate.height, 4)
        marks = ["", *[clips.mark] * (len(infos) - 1)]
        streams = [
            stack.enter_context(closing(ahead(_looks(info, start, end, mark=mark), depth)))
            for info, mark in zip(infos, marks)
        ]
        for index, looks in enumerate(_side_by_side(streams, start, end), start):
            stop.check(_KEPT)
            result, plate, true = _views(looks, person)
            _note_lacks(seen, index, clips, looks, result, plate)
            comparison.take(index, result, plate, _true_view(true, looks, table))
            if table is not None and true is not None and true.face is not None:
                row = table.row(index)
                errors.append(landmark_errors(true.face.landmarks, row.landmarks, row.visible))
            if (index - start) % every == 0:
                for sightings, view in ((seen.new, result), (seen.old, plate)):
                    if view is not None and view.face is not None:
                        sightings.add(index, view.pixels, view.face, aspect)
            progress.advance()
    return replace(seen, detector=_medians(errors))


def _views(looks: list[_Look | None], person: _PlateFace) -> list[View | None]:
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


def _true_view(true: View | None, looks: list[_Look | None], table: Truth | None) -> TrueView | None:
    """The truth's landmarks: exact where there is a table, else as they are found."""
    if true is None:
        return None
    if table is not None:
        row = table.row(looks[2].index)
        return TrueView(true.pixels, row.landmarks, row.visible)
    return TrueView(true.pixels, true.face.landmarks) if true.face is not None else None


def _note_lacks(
    seen: _Seen, index: int, clips: _Clips, looks: list[_Look | None], result: View | None, plate: View | None
) -> None:
    """Note which clip gave no frame, or a frame without a face."""
    for info, look in zip((clips.result, clips.plate, clips.true), looks):
        if look is None:
            seen.unread.setdefault(info.path.name, []).append(index)
    for name, view in (("result", result), ("target", plate)):
        if view is not None and view.face is None:
            seen.faceless.setdefault(name, []).append(index)


def _refuse_faceless(seen: _Seen, clips: _Clips) -> None:
    for side, info, role in (("plate", clips.plate, "target"), ("result", clips.result, "result")):
        if not seen.comparison.found(side).any():
            raise FaceError(
                f"No face was found in the {role} {info.path}; measuring needs one that is at least a tenth of the "
                "frame and looks roughly at the camera."
            )


def _noise_floor(clips: _Clips, seen: _Seen, progress: Progress, stop: StopSignal) -> dict[str, float]:
    """What the plate scores against itself, encoded once more with the default settings."""
    frames = np.array(seen.comparison.frames)[seen.comparison.found("plate")]
    start, end = int(frames[0]), min(int(frames[0]) + _FLOOR, clips.limit)
    with tempfile.TemporaryDirectory(prefix="semblance-") as folder:
        again = Path(folder) / "plate.mkv"
        with open_segment_for(again, clips.plate, EncodeOptions(), drawn("noise floor of a measurement")) as segment:
            for frame in read_frames(clips.plate, start, end):
                segment.write(replace(frame, index=frame.index - start))
        info = probe(again)
        copy = replace(info, pixel_aspect=clips.plate.pixel_aspect)
        comparison, person = Comparison(float(copy.pixel_aspect)), _PlateFace()
        progress.stage("noise floor", end - start)
        with ExitStack() as stack:
            first = stack.enter_context(closing(ahead(_looks(copy, 0, end - start), 2)))
            second = stack.enter_context(closing(ahead(_shifted(_looks(clips.plate, start, end), start), 2)))
            for index, looks in enumerate(_side_by_side([first, second], 0, end - start)):
                stop.check(_KEPT)
                new, old, _ = _views(looks, person)
                shown = clips.true is not None and old is not None and old.face is not None
                comparison.take(index, new, old, TrueView(old.pixels, old.face.landmarks) if shown else None)
                progress.advance()
    return {name: figure.one for name, figure in (figures(comparison) | truth_figures(comparison)).items()}


def _shifted(looks: Iterator[_Look], by: int) -> Iterator[_Look]:
    with closing(looks):
        for look in looks:
            yield replace(look, index=look.index - by)


def _look_at_source(clip: Path, progress: Progress, stop: StopSignal) -> np.ndarray:
    """(n, 128) identity vectors of the largest face in frames spread over the clip. Raises FaceError."""
    info, sightings = probe(clip), Sightings()
    frames = len(frame_times(info))
    every = math.ceil(frames / _SOURCE_VECTORS)
    progress.stage("source", frames)
    aspect = float(info.pixel_aspect)
    with closing(FaceTracker(aspect)) as tracker, closing(read_frames(info)) as pictures:
        for frame in pictures:
            stop.check(_KEPT)
            if frame.index % every == 0 and (faces := tracker.step(frame.pixels)):
                sightings.add(frame.index, frame.pixels, faces[0], aspect)
            progress.advance()
    if not sightings.indices:
        raise FaceError(f"No face was found in the source {clip}; name a clip of the person who should appear.")
    return sightings.vectors


def _identity_rows(seen: _Seen, person: np.ndarray | None, limit: int) -> list[Row]:
    """Distances over the frames that were looked at, which may be every second or tenth."""
    new, old = seen.new.vectors, seen.old.vectors
    every = math.ceil(limit / _VECTORS)
    frames = list(range(0, limit, every))
    note = f"every {every} frames" if every > 1 else ""

    def figure(values: np.ndarray, value: float | None = None) -> Figure:
        placed = dict(zip(seen.new.indices, values))
        return Figure(np.array([placed.get(frame, np.nan) for frame in frames]), frames, value, note)

    if not len(old) or not len(new):
        return []  # the few frames looked at show no face
    rows = []
    if person is not None:
        own = float(np.median(distances_to(person, person)))
        rows.append(make_row("identity to source", figure(distances_to(new, person)), own))
    own = float(np.median(distances_to(old, old)))
    rows.append(make_row("identity to target", figure(distances_to(new, old)), own))
    if person is not None:
        gallery = np.stack([person.mean(0), old.mean(0)])
        right = 100.0 * (named(new, gallery) == 0)
        rows.append(make_row("nearer to source", figure(right, float(right.mean()))))
    return rows


def _sound_row(clips: _Clips) -> list[Row]:
    """One row, or none where neither clip has sound."""
    rate, seconds = _SOUND
    waves = [read_wave(info.path, rate, seconds) for info in (clips.result, clips.plate)]
    if waves[0] is None and waves[1] is None:
        return []
    nothing = float("nan")
    if waves[0] is None or waves[1] is None:
        who = "result" if waves[0] is None else "target"
        return [make_row("sound offset", Figure(np.zeros(0), [], nothing, f"the {who} has no sound"))]
    offset = sound_offset(*waves, rate)
    if math.isnan(offset.ms):
        note = "one track is silent, or they have nothing in common"
    else:
        late = "late" if offset.ms > 0 else "early"
        note = f"by {offset.by}, likeness {offset.likeness:.2f}" + (f"; the sound is {late}" if offset.ms else "")
    return [make_row("sound offset", Figure(np.zeros(0), [], offset.ms, note))]


def _remarks(seen: _Seen, rows: Sequence[Row]) -> tuple[str, ...]:
    lines = [f"No face in the {name}: frames {ranges(frames)}." for name, frames in seen.faceless.items()]
    lines += [f"{name} could not be decoded: frames {ranges(frames)}." for name, frames in seen.unread.items()]
    around = next((row.value for row in rows if row.name == "background"), None)
    if around is not None and around < _ANOTHER_PICTURE:
        lines.append(
            f"Around the face the result is another picture than the target ({around:.0f} dB), no swap over it: seam, "
            "double edges and sharpness, which compare the face with what lies around it, say little."
        )
    return tuple(lines)


def _about(clips: _Clips, source: Path | str | None, table: Truth | None) -> dict:
    return {
        "result": str(clips.result.path),
        "target": str(clips.plate.path),
        "source": None if source is None else str(source),
        "truth": str(clips.true.path) if clips.true else None,
        "truth_table": table is not None,
        "frames": clips.limit,
        "width": clips.plate.width,
        "height": clips.plate.height,
    }


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
