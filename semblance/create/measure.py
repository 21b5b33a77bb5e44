"""The verb `measure`: a finished clip beside its plate, and beside source and truth where there are some -> a table.

The noise floor comes from a stretch of the plate that is encoded once more and measured like a result.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import FaceError
from ..faces.track import FaceTracker
from ..measures.comparison import Comparison, TrueView
from ..measures.identity import Sightings, distances_to, named
from ..measures.rows import Figure, Measurement, Row, make_row, ranges
from ..measures.sound import sound_offset
from ..measures.summary import figures, truth_figures
from ..measures.truth import Truth, open_truth, truth_path
from ..media.encode import EncodeOptions
from ..media.listen import read_wave
from ..media.probe import probe
from ..media.read import frame_times, read_frames
from ..runs import Progress, StopSignal
from ..streams import ahead
from ..trust.publish import open_segment_for
from .claims import drawn
from .in_step import (
    KEPT,
    VECTORS,
    Clips,
    Look,
    PlateFace,
    Seen,
    compare_clips,
    frame_by_frame,
    looks_at,
    open_clips,
    refuse_faceless,
    views_of,
)

_FLOOR = 48  # frames that are encoded once more: two seconds, a few blinks and words
_SOURCE_VECTORS = 32  # a person's mean vector hardly changes after a dozen frames
_SOUND = 8000, 120.0  # Hz and seconds that are compared
_ANOTHER_PICTURE = 28.0  # dB: worse than any encode leaves a background that nobody touched


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
    clips = open_clips(result, target, truth, limit)
    table = open_truth(truth) if truth is not None and truth_path(truth).exists() else None
    person = None if source is None else _look_at_source(Path(source), progress, stop)

    seen = compare_clips(clips, table, progress, stop)
    refuse_faceless(seen, clips)
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


def _noise_floor(clips: Clips, seen: Seen, progress: Progress, stop: StopSignal) -> dict[str, float]:
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
        comparison, person = Comparison(float(copy.pixel_aspect)), PlateFace()
        progress.stage("noise floor", end - start)
        with ExitStack() as stack:
            first = stack.enter_context(closing(ahead(looks_at(copy, 0, end - start), 2)))
            second = stack.enter_context(closing(ahead(_shifted(looks_at(clips.plate, start, end), start), 2)))
            for index, looks in enumerate(frame_by_frame([first, second], 0, end - start)):
                stop.check(KEPT)
                new, old, _ = views_of(looks, person)
                shown = clips.true is not None and old is not None and old.face is not None
                comparison.take(index, new, old, TrueView(old.pixels, old.face.landmarks) if shown else None)
                progress.advance()
    return {name: figure.one for name, figure in (figures(comparison) | truth_figures(comparison)).items()}


def _shifted(looks: Iterator[Look], by: int) -> Iterator[Look]:
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
            stop.check(KEPT)
            if frame.index % every == 0 and (faces := tracker.step(frame.pixels)):
                sightings.add(frame.index, frame.pixels, faces[0], aspect)
            progress.advance()
    if not sightings.indices:
        raise FaceError(f"No face was found in the source {clip}; name a clip of the person who should appear.")
    return sightings.vectors


def _identity_rows(seen: Seen, person: np.ndarray | None, limit: int) -> list[Row]:
    """Distances over the frames that were looked at, which may be every second or tenth."""
    new, old = seen.new.vectors, seen.old.vectors
    every = math.ceil(limit / VECTORS)
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


def _sound_row(clips: Clips) -> list[Row]:
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


def _remarks(seen: Seen, rows: Sequence[Row]) -> tuple[str, ...]:
    lines = [f"No face in the {name}: frames {ranges(frames)}." for name, frames in seen.faceless.items()]
    lines += [f"{name} could not be decoded: frames {ranges(frames)}." for name, frames in seen.unread.items()]
    around = next((row.value for row in rows if row.name == "background"), None)
    if around is not None and around < _ANOTHER_PICTURE:
        lines.append(
            f"Around the face the result is another picture than the target ({around:.0f} dB), no swap over it: seam, "
            "double edges and sharpness, which compare the face with what lies around it, say little."
        )
    return tuple(lines)


def _about(clips: Clips, source: Path | str | None, table: Truth | None) -> dict:
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
