"""Clips or folders of pictures -> a faceset on disk.

Work goes in chunks of a few seconds into OUT.partial; a chunk that is done is never done again, so that a run that was
stopped goes on where it was, and ends with the same faceset. At the end the folder is moved to its place. A job that
fails leaves nothing behind, unless parts are done and only the disk was in the way.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import Field

from ..errors import FaceError, InputError, MediaError, OutputError, SemblanceError, Stopped, writing_failed
from ..faces.identity import identity_chip, identity_vectors
from ..faces.track import FaceTracker
from ..media.image import read_picture
from ..options import Options
from ..runs import Progress, StopSignal, beside, refuse_existing, write_json, written_whole
from ..streams import ahead, batches, depth_for, side_by_side
from ..types import Face, Frame
from .cut import cut_face, store_crop
from .people import identity_in_picture, is_person, number_people
from .sheet import write_sheet
from .sources import Piece, length_of, pieces_of, read_piece
from .store import OPTIONS, PICTURES, Faceset, open_faceset, save_table

_BATCH = 8  # frames whose identity vectors are computed at once
_CUTTERS = 2  # threads that cut and store crops
_PICTURES_AHEAD = 2  # pictures of a folder may be of any size


class ExtractOptions(Options):
    """What to take from the footage."""

    size: int = Field(352, ge=64, le=1024)
    """Side of the square crops in pixels."""
    coverage: Literal["tight", "face", "wide", "head"] = "wide"
    """How much of the head a crop shows: brows to lips, forehead to chin, or hair and neck too."""
    every: int = Field(1, ge=1, le=1000)
    """Take every n-th frame."""
    max_faces: int = Field(8, ge=1, le=50)
    """How many faces to look for in one frame."""
    person: Path | None = None
    """A picture of the one person to take; others are left out."""


def extract(
    clips: Sequence[Path | str],
    out: Path | str,
    options: ExtractOptions | None = None,
    progress: Progress | None = None,
    stop: StopSignal | None = None,
) -> Faceset:
    """Find, align and store every face of the clips; pictures that cannot be read are named and passed over.

    Raises InputError, MediaError, FaceError, OutputError, and Stopped, after which the same call goes on.
    """
    options, progress, stop = options or ExtractOptions(), progress or Progress(), stop or StopSignal()
    out = Path(out)
    partial = beside(out, ".partial")
    check_extract(clips, out)
    work = pieces_of([Path(clip) for clip in clips])
    person = identity_in_picture(read_picture(options.person), str(options.person)) if options.person else None
    new_parents = [parent for parent in partial.parents if not parent.exists()]
    try:
        _extract_all(work, partial, options, person, progress, stop)
        return _finish(partial, out, clips, options)
    except Stopped:
        raise
    except (SemblanceError, OSError) as error:
        told = _given_up(error, partial, out, new_parents)
        if told is error:
            raise
        raise told from error


def check_extract(clips: Sequence[Path | str], out: Path) -> None:
    """Raises InputError where no clip is named, OutputError where `out` is taken."""
    refuse_existing(out, "faceset folder")
    if not clips:
        raise InputError("No clip was given; name one or more clips or folders of pictures.")


def _extract_all(
    work: list[Piece],
    partial: Path,
    options: ExtractOptions,
    person: np.ndarray | None,
    progress: Progress,
    stop: StopSignal,
) -> None:
    """Do each piece that is not done yet."""
    finished = _begin(partial, options, work, progress)
    progress.stage("extract", sum(length_of(piece, options.every) for piece in work), "frames")
    damaged: list[MediaError] = []
    for piece in work:
        if piece.number in finished:
            progress.advance(length_of(piece, options.every))
            continue
        stop.check(f"{partial} keeps what is done; run the same command again to go on.")
        damaged += _extract_piece(piece, partial, options, person, progress, stop)
    progress.done()
    if damaged and len(damaged) == sum(length_of(piece, options.every) for piece in work):
        raise damaged[0]


def _given_up(error: SemblanceError | OSError, partial: Path, out: Path, new_parents: list[Path]) -> SemblanceError:
    """Clear away what a failed job made, unless parts are done and the disk was in the way; the error to raise."""
    told = writing_failed(out, error) if isinstance(error, OSError) else error
    if isinstance(told, OutputError) and _finished(partial):
        return OutputError(f"{told} {partial} keeps what is done; run the same command again to go on.")
    shutil.rmtree(partial, ignore_errors=True)
    for parent in new_parents:  # innermost first; one that holds something else by now stays
        with suppress(OSError):
            parent.rmdir()
    return told


def _finished(partial: Path) -> set[int]:
    """The numbers of the chunks that are written whole."""
    return {int(path.stem) for path in _chunks(partial)}


def _chunks(partial: Path) -> list[Path]:
    """The whole chunks in order; what a kill in the middle of writing left begins with a dot."""
    return sorted((partial / "chunks").glob("[0-9]*.parquet"))


def _begin(partial: Path, options: ExtractOptions, work: list[Piece], progress: Progress) -> set[int]:
    """Open or make the working folder; the numbers of the chunks that are done already."""
    asked = {"options": options.model_dump(mode="json"), "work": [[w.sha256, w.start, w.stop] for w in work]}
    note = partial / "work.json"
    if note.exists() and note.read_text() == _as_text(asked):
        finished = _finished(partial)
        if finished:
            progress.say(f"Going on with {partial}: {len(finished)} of {len(work)} parts are done.")
        return finished
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "chunks").mkdir(parents=True)
    (partial / PICTURES).mkdir()
    with written_whole(note) as temporary:
        temporary.write_text(_as_text(asked))
    return set()


def _plain(path: Path | str) -> str:
    """A path as text for tables and JSON: bytes of its name that are not UTF-8 become the replacement character."""
    return os.fsencode(path).decode("utf-8", "replace")


def _as_text(value: dict) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _extract_piece(
    piece: Piece,
    partial: Path,
    options: ExtractOptions,
    person: np.ndarray | None,
    progress: Progress,
    stop: StopSignal,
) -> list[MediaError]:
    """Decode, track, then crop, judge and store in threads; the rows go into one chunk file at the end.

    Returns what is wrong with each picture that was passed over.
    """
    aspect = float(piece.info.pixel_aspect) if piece.info else 1.0
    depth = depth_for(piece.info.width, piece.info.height) if piece.info else _PICTURES_AHEAD
    rows: list[dict] = []
    damaged: list[MediaError] = []
    with (
        closing(ahead(_track(piece, options, aspect, depth, damaged), depth)) as tracked,
        closing(
            side_by_side(
                lambda item: _cut(*item, piece, partial / PICTURES, options, aspect), tracked, min(depth, _CUTTERS)
            )
        ) as cut,
    ):
        for batch in batches(cut, _BATCH):
            stop.check(f"{partial} keeps what is done; run the same command again to go on.")
            vectors = identity_vectors([chip for frame_rows in batch for _, chip in frame_rows])
            fresh = [row for frame_rows in batch for row, _ in frame_rows]
            for row, vector in zip(fresh, vectors):
                if person is None or is_person(vector, person):
                    rows.append({**row, "identity": vector})
                else:
                    (partial / PICTURES / row["name"]).unlink()
            progress.advance(len(batch), f"{len(rows)} faces")
    for error in damaged:
        progress.say(f"Passed over: {error}")
    progress.advance(len(damaged))
    os.sync()  # all pictures at once, before the chunk that lists them; flushing each would take longer than finding it
    with written_whole(partial / "chunks" / f"{piece.number:06d}.parquet") as temporary:
        pd.DataFrame(rows).to_parquet(temporary)
    return damaged


def _track(
    piece: Piece, options: ExtractOptions, aspect: float, depth: int, damaged: list[MediaError]
) -> Iterator[tuple[Frame, list[Face]]]:
    stills = 0
    with (
        closing(FaceTracker(aspect, options.max_faces)) as tracker,
        closing(ahead(read_piece(piece, options.every, damaged), min(depth, 4))) as frames,
    ):
        for frame, alone in frames:
            if alone:
                tracker.restart()
            faces = tracker.step(frame.pixels)
            if alone:  # without motion between them, each picture's faces are tracks of their own
                faces = [face.with_(track=stills + number) for number, face in enumerate(faces)]
                stills += len(faces)
            yield frame, faces


def _cut(
    frame: Frame, faces: list[Face], piece: Piece, folder: Path, options: ExtractOptions, aspect: float
) -> list[tuple[dict, np.ndarray]]:
    """Store a frame's faces as pictures; a row and an identity chip for each."""
    found = []
    for number, face in enumerate(faces):
        crop, facts = cut_face(frame.pixels, face, options.size, options.coverage, aspect)
        name = f"{piece.number:04d}_{frame.index:06d}_{number}.png"
        store_crop(folder / name, crop)
        row = {
            "name": name, "source": _plain(piece.source), "sha256": piece.sha256,
            "index": frame.index, "time": frame.time, **facts,
            "faces_in_frame": len(faces), "track": piece.number * 10000 + face.track,
        }  # fmt: skip
        found.append((row, identity_chip(frame.pixels, face, aspect)))
    return found


def _finish(partial: Path, out: Path, clips: Sequence[Path | str], options: ExtractOptions) -> Faceset:
    """Join the chunks, number the people, draw the sheet, move the folder to its place."""
    chunks = [pd.read_parquet(path) for path in _chunks(partial)]
    chunks = [chunk for chunk in chunks if len(chunk)]
    if not chunks:
        named = ", ".join(str(clip) for clip in clips)
        who = f" of the person in {options.person}" if options.person else ""
        raise FaceError(f"No face{who} was found in {named}; check that it shows one larger than about 20 pixels.")
    table = pd.concat(chunks, ignore_index=True)
    table["person"] = number_people(table)
    table["kept"], table["reason"] = True, ""
    listed = set(table["name"])
    for path in (partial / PICTURES).glob("*.png"):  # what a killed run stored beyond its last whole chunk
        if path.name not in listed:
            path.unlink()
    save_table(partial, table)
    write_json(partial / OPTIONS, {"clips": [_plain(clip) for clip in clips], **options.model_dump(mode="json")})
    write_sheet(Faceset(partial, table), "as extracted")
    shutil.rmtree(partial / "chunks")
    (partial / "work.json").unlink()
    if out.is_dir():
        out.rmdir()  # the empty folder that refuse_existing let pass
    partial.rename(out)
    return open_faceset(out)
