"""Clips or folders of pictures -> a faceset on disk.

Work goes in chunks of a few seconds into OUT.partial; a chunk that is done is never done again, so that a run that was
stopped goes on where it was, and ends with the same faceset. At the end the folder is moved to its place.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import Field

from ..errors import FaceError, InputError, MediaError
from ..faces.align import crop_matrix, move, take_crop
from ..faces.identity import identity_chip, identity_vectors
from ..faces.quality import measure_quality
from ..faces.track import FaceTracker
from ..media.folder import pictures_in
from ..media.image import encode_picture, read_picture
from ..media.probe import probe
from ..media.read import frame_times, read_frames
from ..options import Options
from ..runs import Progress, StopSignal, hash_of, refuse_existing, write_json, written_whole
from ..streams import ahead, batches, side_by_side
from ..types import ClipInfo, Face, Frame
from .people import identity_in_picture, is_person, number_people
from .sheet import write_sheet
from .store import OPTIONS, PICTURES, Faceset, open_faceset, save_table

_CHUNK = 250  # frames; ten seconds of film is what a stop or a crash can cost
_TAGS = {"comment": "Aligned crop of camera footage, made by Semblance for training; not synthetic."}


class ExtractOptions(Options):
    """What to take from the footage."""

    size: int = Field(256, ge=64, le=1024)
    """Side of the square crops in pixels."""
    coverage: Literal["tight", "face", "head"] = "face"
    """How much of the head a crop shows: brows to lips, forehead to chin, or hair and neck too."""
    every: int = Field(1, ge=1, le=1000)
    """Take every n-th frame."""
    max_faces: int = Field(8, ge=1, le=50)
    """How many faces to look for in one frame."""
    person: Path | None = None
    """A picture of the one person to take; others are left out."""


@dataclass(frozen=True)
class _Work:
    """A stretch of one source: pictures of a folder, or frames [start, stop) of a clip."""

    number: int
    source: Path
    sha256: str
    start: int
    stop: int
    info: ClipInfo | None
    pictures: tuple[Path, ...] = ()


def extract(
    clips: Sequence[Path | str],
    out: Path | str,
    options: ExtractOptions | None = None,
    progress: Progress | None = None,
    stop: StopSignal | None = None,
) -> Faceset:
    """Find, align and store every face of the clips. Raises MediaError, FaceError, OutputError, Stopped."""
    options, progress, stop = options or ExtractOptions(), progress or Progress(), stop or StopSignal()
    out = Path(out)
    refuse_existing(out, "faceset folder")
    if not clips:
        raise InputError("No clip was given; name one or more clips or folders of pictures.")
    work = [piece for clip in clips for piece in _pieces(Path(clip))]
    work = [_Work(number, *piece) for number, piece in enumerate(work)]
    person = identity_in_picture(read_picture(options.person), str(options.person)) if options.person else None
    partial = out.with_name(out.name + ".partial")
    finished = _begin(partial, options, work, progress)
    progress.stage("extract", sum(len(range(piece.start, piece.stop, options.every)) for piece in work), "frames")
    found = 0
    for piece in work:
        if piece.number in finished:
            progress.advance(len(range(piece.start, piece.stop, options.every)))
            continue
        stop.check(f"{partial} keeps what is done; run the same command again to go on.")
        found += _extract_piece(piece, partial, options, person, progress, stop)
    progress.done()
    return _finish(partial, out, clips, options)


def _begin(partial: Path, options: ExtractOptions, work: list[_Work], progress: Progress) -> set[int]:
    """Open or make the working folder; the numbers of the chunks that are done already."""
    asked = {"options": options.model_dump(mode="json"), "work": [[w.sha256, w.start, w.stop] for w in work]}
    note = partial / "work.json"
    if note.exists() and note.read_text() == _as_text(asked):
        finished = {int(path.stem) for path in (partial / "chunks").glob("*.parquet")}
        if finished:
            progress.say(f"Going on with {partial}: {len(finished)} of {len(work)} parts are done.")
        return finished
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "chunks").mkdir(parents=True)
    (partial / PICTURES).mkdir()
    with written_whole(note) as temporary:
        temporary.write_text(_as_text(asked))
    return set()


def _as_text(value: dict) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _pieces(source: Path) -> Iterator[tuple]:
    """The stretches of one source (without their number)."""
    if source.is_dir():
        pictures = pictures_in(source)
        if not pictures:
            raise MediaError(f"{source} holds no pictures; give a clip or a folder of PNG, JPEG, WebP, BMP or TIFF.")
        for start in range(0, len(pictures), _CHUNK):
            part = tuple(pictures[start : start + _CHUNK])
            yield source, hash_of(*part), start, start + len(part), None, part
        return
    info = probe(source)
    count, digest = len(frame_times(info)), hash_of(source)
    for start in range(0, count, _CHUNK):
        yield source, digest, start, min(start + _CHUNK, count), info


def _frames(piece: _Work, every: int) -> Iterator[tuple[Frame, bool]]:
    """Frames of a piece, and whether each is a still of its own (no relation to the one before)."""
    if piece.info is None:
        for offset, path in list(enumerate(piece.pictures))[::every]:
            yield Frame(piece.start + offset, 0.0, read_picture(path)), True
        return
    for frame in read_frames(piece.info, piece.start, piece.stop):
        if frame.index % every == 0:
            yield Frame(frame.index, frame.time, frame.pixels), every > 5


def _extract_piece(
    piece: _Work,
    partial: Path,
    options: ExtractOptions,
    person: np.ndarray | None,
    progress: Progress,
    stop: StopSignal,
) -> int:
    """Decode, track, then crop, judge and store in threads; the rows go into one chunk file at the end."""
    aspect = float(piece.info.pixel_aspect) if piece.info else 1.0
    rows: list[dict] = []
    tracked = ahead(_track(piece, options, aspect), 16)
    cut = side_by_side(lambda item: _cut(*item, piece, partial / PICTURES, options, aspect), tracked, 2)
    for batch in batches(cut, 8):
        stop.check(f"{partial} keeps what is done; run the same command again to go on.")
        vectors = identity_vectors([chip for frame_rows in batch for _, chip in frame_rows])
        fresh = [row for frame_rows in batch for row, _ in frame_rows]
        for row, vector in zip(fresh, vectors):
            if person is None or is_person(vector, person):
                rows.append({**row, "identity": vector})
            else:
                (partial / PICTURES / row["name"]).unlink()
        progress.advance(len(batch), f"{len(rows)} faces")
    os.sync()  # all pictures at once, before the chunk that lists them; flushing each would take longer than finding it
    with written_whole(partial / "chunks" / f"{piece.number:06d}.parquet") as temporary:
        pd.DataFrame(rows).to_parquet(temporary)
    return len(rows)


def _track(piece: _Work, options: ExtractOptions, aspect: float) -> Iterator[tuple[Frame, list[Face]]]:
    stills = 0
    with (
        closing(FaceTracker(aspect, options.max_faces)) as tracker,
        closing(ahead(_frames(piece, options.every), 4)) as frames,
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
    frame: Frame, faces: list[Face], piece: _Work, folder: Path, options: ExtractOptions, aspect: float
) -> list[tuple[dict, np.ndarray]]:
    """Store a frame's faces as pictures; a row and an identity chip for each."""
    found = []
    height, width = frame.pixels.shape[:2]
    for number, face in enumerate(faces):
        matrix = crop_matrix(face.landmarks, options.size, options.coverage, aspect)
        crop = take_crop(frame.pixels, matrix, options.size)
        x, y = face.landmarks[:, 0], face.landmarks[:, 1]
        quality = measure_quality(crop, move(face.landmarks[:, :2], matrix))
        name = f"{piece.number:04d}_{frame.index:06d}_{number}.png"
        (folder / name).write_bytes(encode_picture(crop, ".png", _TAGS))
        row = {
            "name": name, "source": str(piece.source), "sha256": piece.sha256, "index": frame.index, "time": frame.time,
            "matrix": matrix.ravel(), "landmarks": face.landmarks.ravel(), "box": np.array(face.box),
            "yaw": face.pose[0], "pitch": face.pose[1], "roll": face.pose[2], "score": face.score,
            "size": face.size, "sharpness": quality.sharpness, "exposure": quality.exposure,
            "contrast": quality.contrast, "tint_a": quality.tint[0], "tint_b": quality.tint[1],
            "occluded": quality.occluded, "faces_in_frame": len(faces), "track": piece.number * 10000 + face.track,
            "inside": float(((x >= 0) & (x < width) & (y >= 0) & (y < height)).mean()),
        }  # fmt: skip
        found.append((row, identity_chip(frame.pixels, face, aspect)))
    return found


def _finish(partial: Path, out: Path, clips: Sequence[Path | str], options: ExtractOptions) -> Faceset:
    """Join the chunks, number the people, draw the sheet, move the folder to its place."""
    chunks = [pd.read_parquet(path) for path in sorted((partial / "chunks").glob("*.parquet"))]
    chunks = [chunk for chunk in chunks if len(chunk)]
    if not chunks:
        shutil.rmtree(partial)
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
    write_json(partial / OPTIONS, {"clips": [str(clip) for clip in clips], **options.model_dump(mode="json")})
    write_sheet(Faceset(partial, table), "as extracted")
    shutil.rmtree(partial / "chunks")
    (partial / "work.json").unlink()
    if out.is_dir():
        out.rmdir()  # the empty folder that refuse_existing let pass
    partial.rename(out)
    return open_faceset(out)
