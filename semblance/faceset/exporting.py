"""A faceset -> a folder for another tool: plain pictures, DeepFaceLab's JPEGs or pak, faceswap's PNGs and alignments.

The kept faces leave. DeepFaceLab's and faceswap's crops are cut anew with their own alignment: from the footage where
it is still there, else from our crops, and black where these end; how much that is, is told. Our record of
each face rides along, so that the way back loses nothing. The folder appears whole or not at all.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import Field

from ..errors import FacesetError, InputError
from ..faces.align import invert, move, take_crop
from ..media.image import encode_picture
from ..options import Options
from ..runs import Progress, StopSignal, new_folder, refuse_existing
from .cut import TAGS
from .dfl import PAK, config_of, facts_of, with_metadata, write_pak
from .faceswap import ALIGNMENTS, alignment_of, alignments_bytes, tags_of
from .footage import footage_of, pixels_of
from .foreign import KEY, record_of
from .foreign_align import dfl_matrix, faceswap_matrix
from .landmarks68 import points_68
from .origin import frame_names, frame_size
from .recut import NOTHING_KEPT, after
from .store import PICTURES, Faceset, crop_points, open_faceset

TARGETS = ("plain", "dfl", "pak", "faceswap")
_NEAREST = {"tight": "half_face", "face": "full_face", "wide": "whole_face", "head": "whole_face"}
_WORTH_TELLING = 0.05  # share of pixels beyond our crops
_SIZES = (64, 1024)


class ExportOptions(Options):
    """How the faces leave."""

    face_type: Literal["auto", "half_face", "midfull_face", "full_face", "whole_face"] = "auto"
    """For DeepFaceLab: what a crop shows; auto: whole_face from footage, from crops the type nearest to them."""
    size: int | None = Field(None, ge=64, le=1024)
    """Side of the crops in pixels for DeepFaceLab and faceswap (default: as fine as the faceset's)."""
    crops_only: bool = False
    """Cut from the faceset's crops even where the footage is still there."""


@dataclass
class _Job:
    """What every way of writing needs. rows: the kept faces, each source's in the order of its frames."""

    faceset: Faceset
    rows: pd.DataFrame
    folder: Path
    options: ExportOptions
    there: set[str]
    progress: Progress
    stop: StopSignal
    beyond: list[float] = field(default_factory=list)  # of each face, the share of pixels that no crop of ours holds

    @property
    def coverage(self) -> str:
        return str(self.faceset.options["coverage"])

    def size(self, matrix_for: Callable[[np.ndarray, int], np.ndarray]) -> int:
        """Side of their crops: as asked, or such that a pixel of ours stays one."""
        if self.options.size:
            return self.options.size
        stored = int(self.faceset.options["size"])
        looked_at = self.rows.iloc[:: -(-len(self.rows) // 50)]  # 50 tell enough
        scale = [matrix_for(points_68(crop_points(row)), stored) for _, row in looked_at.iterrows()]
        scale = np.median([np.sqrt(abs(np.linalg.det(matrix[:, :2]))) for matrix in scale])
        return int(np.clip(16 * round(stored / scale / 16), *_SIZES))

    def counted(self) -> Iterator[pd.Series]:
        """The rows, counted when they are done."""
        for _, row in self.rows.iterrows():
            self.stop.check(NOTHING_KEPT)
            yield row
            self.progress.advance()

    def cut(self, matrix_for: Callable[[np.ndarray, int], np.ndarray], size: int) -> Iterator[tuple]:
        """Each row, the matrix our crop -> theirs, and their crop; counted when it is done."""
        for row, pixels, to_ours in pixels_of(self.rows, self.there, self.faceset.folder):
            self.stop.check(NOTHING_KEPT)
            to_theirs = matrix_for(points_68(crop_points(row)), size)
            from_pixels = to_theirs if to_ours is None else after(to_theirs, to_ours)
            crop, outside = take_crop(pixels, from_pixels, size), _outside(pixels.shape, from_pixels, size)
            crop[outside] = 0  # as both tools leave what lies beyond a frame
            self.beyond.append(float(outside.mean()) if to_ours is None else 0.0)
            yield row, to_theirs, crop
            self.progress.advance()


def export_faceset(
    faceset: Path | str,
    out: Path | str,
    to: str,
    options: ExportOptions | None = None,
    progress: Progress | None = None,
    stop: StopSignal | None = None,
) -> int:
    """Write the kept faces into the new folder `out`; to: one of TARGETS. Returns how many they are.

    Raises FacesetError, InputError, MediaError (a damaged picture), OutputError, Stopped.
    """
    options, progress, stop = options or ExportOptions(), progress or Progress(), stop or StopSignal()
    out, opened = Path(out), open_faceset(Path(faceset))
    refuse_existing(out, "folder")
    if to not in TARGETS:
        raise InputError(f"There is no way to export to '{to}'; known: {', '.join(TARGETS)}.")
    if opened.kept.empty:
        raise FacesetError(f"{faceset} has no kept faces; `semblance curate {faceset} --undo` brings them back.")
    rows = opened.kept.sort_values(["source", "index"], kind="stable")
    there = footage_of(rows, progress, stop) if to != "plain" and not options.crops_only else set()
    with new_folder(out, "folder") as folder:
        job = _Job(opened, rows, folder, options, there, progress, stop)
        progress.stage("export", len(rows), "faces")
        {"plain": _write_plain, "dfl": _write_dfl, "pak": _write_pak, "faceswap": _write_faceswap}[to](job)
        stop.check(NOTHING_KEPT)
        progress.done()
    if job.beyond and (share := float(np.mean(job.beyond))) > _WORTH_TELLING:
        progress.say(
            f"{share:.0%} of the pixels lie beyond the faceset's crops and are black; with the footage unchanged in "
            "its place they would be cut from there."
        )
    return len(rows)


def _write_plain(job: _Job) -> None:
    """The pictures as they are, with the tags that say what they are."""
    for row in job.counted():
        shutil.copyfile(job.faceset.folder / PICTURES / row["name"], job.folder / row["name"])


def _write_dfl(job: _Job) -> None:
    for name, jpeg in _dfl_faces(job, _dfl_listed(job)):
        (job.folder / name).write_bytes(jpeg)


def _write_pak(job: _Job) -> None:
    """The list of all faces stands before their pictures, and needs none of them."""
    listed = _dfl_listed(job)
    configs = [config_of(name, facts, listed.size) for name, facts in listed.facts]
    write_pak(job.folder / PAK, configs, (jpeg for _, jpeg in _dfl_faces(job, listed)))


@dataclass(frozen=True)
class _Listed:
    """Faces as DeepFaceLab lists them: file name and metadata of each row, size and matrix of the crops."""

    facts: list[tuple[str, dict]]
    size: int
    matrix_for: Callable[[np.ndarray, int], np.ndarray]


def _dfl_listed(job: _Job) -> _Listed:
    from_footage = set(job.rows["source"]) <= job.there
    nearest = "whole_face" if from_footage else _NEAREST[job.coverage]
    face_type = nearest if job.options.face_type == "auto" else job.options.face_type
    matrix_for = partial(dfl_matrix, face_type=face_type)
    size, facts = job.size(matrix_for), []
    frames = frame_names(job.rows, "{number:05d}.png")  # as DeepFaceLab names the frames of a clip
    for (_, row), frame in zip(job.rows.iterrows(), frames):
        own = points_68(crop_points(row))
        to_theirs, matrix = matrix_for(own, size), np.asarray(row["matrix"]).reshape(2, 3)
        told = facts_of(face_type, _points(row), move(own, to_theirs), after(to_theirs, matrix), frame)
        facts.append((f"{Path(row['name']).stem}.jpg", told))
    return _Listed(facts, size, matrix_for)


def _dfl_faces(job: _Job, listed: _Listed) -> Iterator[tuple[str, bytes]]:
    """File name and JPEG of each face."""
    stored = int(job.faceset.options["size"])
    for (row, _, crop), (name, facts) in zip(job.cut(listed.matrix_for, listed.size), listed.facts):
        told = {**facts, KEY: record_of(row, stored, job.coverage)}
        yield name, with_metadata(encode_picture(crop, ".jpg", TAGS), told)


def _write_faceswap(job: _Job) -> None:
    size, stored = job.size(faceswap_matrix), int(job.faceset.options["size"])
    names = frame_names(job.rows, "{stem}_{number:06d}{ending}")  # as faceswap names the frames of a clip
    sizes = {source: frame_size(Path(source), rows) for source, rows in job.rows.groupby("source")}
    frames: dict[str, list[dict]] = {}
    for (row, _, crop), frame in zip(job.cut(faceswap_matrix, size), names):
        faces, alignment = frames.setdefault(frame, []), alignment_of(_points(row))
        shape, is_video = sizes[row["source"]]
        tags = tags_of(alignment, row["name"], len(faces), frame, is_video, shape)
        tags |= {KEY: record_of(row, stored, job.coverage), **TAGS}
        (job.folder / row["name"]).write_bytes(encode_picture(crop, ".png", tags))
        faces.append(alignment)
    (job.folder / ALIGNMENTS).write_bytes(alignments_bytes(frames))


def _points(row: pd.Series) -> np.ndarray:
    """The 68 points in frame pixels."""
    return points_68(np.asarray(row["landmarks"]).reshape(-1, 3))


def _outside(shape: tuple[int, ...], matrix: np.ndarray, size: int) -> np.ndarray:
    """(size, size) bool: which pixels of a new crop lie outside the picture, of this shape, that it is cut from."""
    back, line = invert(matrix), np.arange(size)
    x = back[0, 0] * line + back[0, 1] * line[:, None] + back[0, 2]
    y = back[1, 0] * line + back[1, 1] * line[:, None] + back[1, 2]
    return (x < -0.5) | (y < -0.5) | (x > shape[1] - 0.5) | (y > shape[0] - 0.5)
