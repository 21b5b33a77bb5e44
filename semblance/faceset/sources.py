"""Clips and folders of pictures -> pieces of a few seconds, and each piece -> its frames.

A piece is what an extraction does at once and never does again; it knows the hash of its source, so that a source which
was changed is noticed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import MediaError
from ..media.folder import pictures_in
from ..media.image import read_picture
from ..media.probe import probe
from ..media.read import frame_times, read_frames
from ..runs import hash_of
from ..types import ClipInfo, Frame

_CHUNK = 250  # frames; ten seconds of film is what a stop or a crash can cost


@dataclass(frozen=True)
class Piece:
    """A stretch of one source: pictures of a folder, or frames [start, stop) of a clip."""

    number: int
    source: Path
    sha256: str
    start: int
    stop: int
    info: ClipInfo | None
    pictures: tuple[Path, ...] = ()


def pieces_of(sources: Sequence[Path]) -> list[Piece]:
    """All stretches of all sources, numbered. Raises MediaError for one that is no clip and holds no pictures."""
    stretches = [stretch for source in sources for stretch in _stretches(source)]
    return [Piece(number, *stretch) for number, stretch in enumerate(stretches)]


def length_of(piece: Piece, every: int) -> int:
    """How many frames of a piece are looked at."""
    first = piece.start if piece.info is None else -(-piece.start // every) * every
    return len(range(first, piece.stop, every))


def read_piece(piece: Piece, every: int, damaged: list[MediaError]) -> Iterator[tuple[Frame, bool]]:
    """Frames of a piece, and whether each is a still of its own (no relation to the one before).

    damaged: what is wrong with each picture that was passed over is added to it.
    """
    if piece.info is None:
        for offset, path in list(enumerate(piece.pictures))[::every]:
            try:
                pixels = read_picture(path)
            except MediaError as error:
                damaged.append(error)
                continue
            yield Frame(piece.start + offset, 0.0, pixels), True
        return
    for frame in read_frames(piece.info, piece.start, piece.stop):
        if frame.index % every == 0:
            yield Frame(frame.index, frame.time, frame.pixels), every > 5


def hashed_with(pictures: Sequence[Path], index: int) -> Sequence[Path]:
    """The pictures of a folder whose common hash stands in the row of a face in picture `index`."""
    start = index // _CHUNK * _CHUNK
    return pictures[start : start + _CHUNK]


def _stretches(source: Path) -> Iterator[tuple]:
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
