"""Looks for the watermark in a file: path -> the number that its pictures carry, if any."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import SemblanceError
from ..faces.detect import FaceDetector
from ..media.folder import pictures_in
from ..media.image import read_picture
from ..media.opening import STILLS
from ..media.probe import probe
from ..media.read import frame_times, frames_at
from ..types import ClipInfo
from .watermark_find import Found, find_laid, find_mark

_FIRST = 12  # frames that a mark which lies as it was laid is read from
_SPOTS, _RUN = 6, 8  # stretches of a clip that are looked at, and frames of each: a seek costs more than a frame


@dataclass(frozen=True)
class FoundMark:
    """payload: 16 hexadecimal digits; log10_false: of the chance that an unmarked file looks so."""

    payload: str
    log10_false: float


def mark_in(path: Path | str) -> FoundMark | None:
    """The watermark of a picture, a clip or a folder of pictures; None where there is none, or nothing to look at.

    What carries it in the faces alone is a composite of a layer that was handed over (publish.open_layers_for): in the
    whole frame so small a part is not found.
    """
    try:
        return _told(find_mark(_pictures(Path(path)))) or _told(find_mark(_faces_alone(_pictures(Path(path)))))
    except SemblanceError:
        return None


def payload_laid(info: ClipInfo) -> str:
    """The number of a mark that lies on a clip just as it was laid there, '' if none does: see Marking, `over`."""
    try:
        found = _told(find_laid(_of_clip(info, list(range(_FIRST)))))
    except SemblanceError:
        return ""
    return found.payload if found else ""


def _pictures(path: Path) -> Iterator[np.ndarray]:
    """What is looked at of a file or folder, one after the other: a few 8K frames would fill the memory."""
    if path.is_dir():
        pictures = pictures_in(path)
        return (read_picture(pictures[number]) for number in _spread(len(pictures)))
    return iter([read_picture(path)]) if path.suffix.lower() in STILLS else _of_clip(probe(path), None)


def _of_clip(info: ClipInfo, wanted: list[int] | None) -> Iterator[np.ndarray]:
    """The wanted frames, as far as they are there; None: those of _spread."""
    with closing(frames_at(info, _spread(len(frame_times(info))) if wanted is None else wanted)) as frames:
        yield from (frame.pixels for frame in frames if frame is not None)


def _faces_alone(pictures: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """The pictures that show faces, with the faces' mean colour in place of all else."""
    with closing(FaceDetector()) as detector:
        for pixels in pictures:
            boxes = detector.find(pixels)
            parts = [np.s_[max(int(box.y0), 0) : int(box.y1), max(int(box.x0), 0) : int(box.x1)] for box in boxes]
            parts = [part for part in parts if pixels[part].size]
            if parts:
                alone = np.empty_like(pixels)
                alone[...] = pixels[parts[0]].mean((0, 1))
                for part in parts:
                    alone[part] = pixels[part]
                yield alone


def _spread(count: int) -> list[int]:
    """Frames of a clip of `count`: runs of them, evenly spread; all of a short one."""
    if count <= _SPOTS * _RUN:
        return list(range(count))
    starts = np.linspace(0, count - _RUN, _SPOTS).round().astype(int)
    return sorted({int(start) + offset for start in starts for offset in range(_RUN)})


def _told(found: Found) -> FoundMark | None:
    return None if found.payload is None else FoundMark(f"{found.payload:016x}", found.log10_false)
