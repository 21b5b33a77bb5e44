"""The working folder of a swap: which segments there are, which are done, what each frame's record says."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .. import __version__
from ..errors import FaceError
from ..media.folder import pictures_in
from ..options import Options
from ..runs import Progress, hash_of, write_json
from ..types import ClipInfo


@dataclass(frozen=True, slots=True)
class Piece:
    """Frames [start, stop)."""

    number: int
    start: int
    stop: int


@dataclass(slots=True)
class Record:
    """What became of one frame. Distances: dlib's, of the finished face; reason: why a frame stayed the plate."""

    index: int
    time: float
    swapped: int = 0
    carried: int = 0
    reason: str = ""
    box: tuple[float, float, float, float] | None = None
    to_source: float | None = None
    to_target: float | None = None


@dataclass(frozen=True)
class Job:
    """OUT.partial: work.json, and for each finished piece a clip and its records."""

    folder: Path
    info: ClipInfo
    frames: int
    pieces: list[Piece] = field(repr=False)
    suffix: str = ".nut"

    @property
    def advice(self) -> str:
        return f"{self.folder} keeps the finished segments; run the same command again to go on."

    def path(self, piece: Piece) -> Path:
        return self.folder / f"{piece.number:05d}{self.suffix}"

    def is_done(self, piece: Piece) -> bool:
        return self._records(piece).exists() and self.path(piece).exists()

    def finish(self, piece: Piece, records: list[Record]) -> None:
        """The records are written last: a piece counts as done only with them."""
        write_json(self._records(piece), [asdict(record) for record in records])

    def segments(self) -> list[Path]:
        return [self.path(piece) for piece in self.pieces]

    def records(self, who: str, clip: Path | str) -> list[Record]:
        """All frames' records in order; FaceError, with the working folder removed, if no frame was swapped."""
        found = [Record(**row) for piece in self.pieces for row in json.loads(self._records(piece).read_text())]
        if not any(record.swapped for record in found):
            why = sorted({record.reason for record in found if record.reason})
            shutil.rmtree(self.folder)
            raise FaceError(
                f"No frame of {clip} shows {who} ({'; '.join(why)}); choose another clip, or other faces with --who."
            )
        return found

    def _records(self, piece: Piece) -> Path:
        return self.folder / f"{piece.number:05d}.json"


def open_job(
    out: Path,
    info: ClipInfo,
    header: dict,
    merge: Options,
    encode: Options,
    options: Options,
    frames: int,
    progress: Progress,
) -> Job:
    """Find the working folder of the same job and go on with it, or begin a new one."""
    folder = out.with_name(out.name + ".partial")
    length = max(round(options.segment * float(info.rate)), 1)
    pieces = [
        Piece(number, start, min(start + length, frames)) for number, start in enumerate(range(0, frames, length))
    ]
    work = {
        "version": __version__,
        "clip": hash_of(*pictures_in(info.path)) if info.path.is_dir() else hash_of(info.path),
        "model": header["sha256"],
        "merge": merge.model_dump(mode="json"),
        "encode": encode.model_dump(mode="json"),
        "options": options.model_dump(mode="json"),
        "frames": frames,
    }
    job = Job(folder, info, frames, pieces, "" if encode.codec == "png" else ".nut")
    note = folder / "work.json"
    try:
        same = json.loads(note.read_text()) == work
    except (OSError, ValueError):
        same = False
    if not same:
        shutil.rmtree(folder, ignore_errors=True)
        write_json(note, work)
    elif done := sum(job.is_done(piece) for piece in pieces):
        progress.say(f"Going on with {folder}: {done} of {len(pieces)} segments are done.")
    return job
