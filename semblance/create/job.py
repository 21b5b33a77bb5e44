"""The working folder of a swap: which segments there are, which are done, what each frame's record says."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .. import __version__
from ..errors import Busy, FaceError, OutputError, SemblanceError, Stopped, writing_failed
from ..media.folder import pictures_in
from ..options import Options
from ..runs import Progress, StopSignal, beside, hash_of, only_one, write_json
from ..types import ClipInfo

POORLY_DRAWN = "the model does not know this view of the face"


@dataclass(frozen=True, slots=True)
class Piece:
    """Frames [start, stop)."""

    number: int
    start: int
    stop: int


@dataclass(slots=True)
class Record:
    """What became of one frame. bridged: 1 where the face was moved there from the frames beside it; distances: dlib's,
    of the finished face, None where there is none or it was bridged; reason: why a frame stayed the plate."""

    index: int
    time: float
    swapped: int = 0
    carried: int = 0
    bridged: int = 0
    reason: str = ""
    box: tuple[float, float, float, float] | None = None
    to_source: float | None = None
    to_target: float | None = None

    def told(self) -> str:
        """For a progress bar: why the frame stayed the plate, nothing if it did not."""
        return "" if self.swapped else f"frame {self.index} stays: {self.reason}"


@dataclass(frozen=True)
class Job:
    """OUT.partial: work.json, and for each finished piece a clip and its records."""

    folder: Path
    info: ClipInfo
    frames: int
    pieces: list[Piece] = field(repr=False)
    work: dict = field(repr=False)  # what work.json says: all that the segments depend on
    suffix: str = ".mkv"

    @property
    def is_begun(self) -> bool:
        """Whether the working folder is there, and of this very job."""
        try:
            return json.loads((self.folder / "work.json").read_text()) == self.work
        except (OSError, ValueError):
            return False

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

    @property
    def is_whole(self) -> bool:
        """Whether all pieces of this very job are done."""
        return self.is_begun and self.done == len(self.pieces)

    @property
    def done(self) -> int:
        """How many pieces are done."""
        return sum(self.is_done(piece) for piece in self.pieces)

    def segments(self) -> list[Path]:
        return [self.path(piece) for piece in self.pieces]

    def records(self, who: str, clip: Path | str) -> list[Record]:
        """All frames' records in order; FaceError if no frame was swapped."""
        found = [Record(**row) for piece in self.pieces for row in json.loads(self._records(piece).read_text())]
        if not any(record.swapped for record in found):
            why = Counter(record.reason for record in found if record.reason).most_common()
            advice = "choose another clip, or other faces with --who"
            if why and why[0][0] == POORLY_DRAWN:
                advice = "train it for more --minutes, or let poorer faces pass with a higher --poorest"
            told = "; ".join(reason for reason, _ in why) or "no frame could be read"
            raise FaceError(f"No frame of {clip} shows {who} ({told}); {advice}.")
        return found

    def _records(self, piece: Piece) -> Path:
        return self.folder / f"{piece.number:05d}.json"


def plan_job(
    out: Path,
    info: ClipInfo,
    header: dict,
    merge: dict,
    encode: Options,
    options: Options,
    frames: int,
    suffix: str = ".mkv",
) -> Job:
    """The job of making `out`, as this call asks for it; nothing is written or removed. suffix: of the pieces, "" where
    they are folders."""
    length = max(round(options.segment * float(info.rate)), 1)
    pieces = [
        Piece(number, start, min(start + length, frames)) for number, start in enumerate(range(0, frames, length))
    ]
    work = {
        "version": __version__,
        "clip": hash_of_clip(info.path),
        "model": header["sha256"],
        "openings": header["openings"],
        "merge": merge,
        "encode": encode.model_dump(mode="json"),
        "options": options.model_dump(mode="json"),
        "frames": frames,
    }
    return Job(beside(out, ".partial"), info, frames, pieces, work, suffix)


@contextmanager
def open_job(job: Job, progress: Progress) -> Iterator[None]:
    """Go on with the working folder of the same job, or begin a new one; nobody else works there meanwhile."""
    job.folder.mkdir(parents=True, exist_ok=True)
    with only_one(job.folder):
        if not job.is_begun:
            for old in job.folder.iterdir():  # not the folder itself, which is what is locked
                shutil.rmtree(old) if old.is_dir() else old.unlink()
            write_json(job.folder / "work.json", job.work)
        elif job.done:
            progress.say(f"Going on with {job.folder}: {job.done} of {len(job.pieces)} segments are done.")
        yield


def make_missing(
    job: Job, stage: str, make: Callable[[Piece, Path], list[Record]], progress: Progress, stop: StopSignal
) -> None:
    """Make the pieces that are not there yet; make: a piece and its place -> its frames' records."""
    progress.stage(stage, job.frames)
    for piece in job.pieces:
        if job.is_done(piece):
            progress.advance(piece.stop - piece.start)
            continue
        stop.check(job.advice)
        if job.path(piece).is_dir():  # pictures whose records a kill prevented
            shutil.rmtree(job.path(piece))
        job.finish(piece, make(piece, job.path(piece)))
    progress.done()


def is_worth_keeping(job: Job, error: SemblanceError, progress: Progress) -> bool:
    """Finished segments outlast a full disk; where the clip or the options are at fault they are of no use."""
    if not isinstance(error, OutputError) or not job.done:
        return False
    progress.say(job.advice)
    return True


def hash_of_clip(path: Path) -> str:
    """sha256 of a clip, or of all pictures of a folder."""
    return hash_of(*pictures_in(path)) if path.is_dir() else hash_of(path)


@contextmanager
def nothing_left(folder: Path, is_worth_keeping: Callable[[SemblanceError], bool]) -> Iterator[None]:
    """Where the body fails, `folder` and the parents made for it are removed; not on a stop, nor where another command
    works there, nor if worth keeping.

    OSError becomes OutputError.
    """
    new = [parent for parent in folder.absolute().parents if not parent.exists()]
    try:
        try:
            yield
        except OSError as error:
            raise writing_failed(error.filename or folder, error) from error
    except SemblanceError as error:
        if not isinstance(error, Stopped | Busy) and not is_worth_keeping(error):
            shutil.rmtree(folder, ignore_errors=True)
            for parent in new:
                if parent.is_dir() and not any(parent.iterdir()):
                    parent.rmdir()
        raise
