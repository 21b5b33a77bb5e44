"""Looks for the watermark in a file: path -> the number that its pictures carry, if any."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import SemblanceError
from ..media.folder import pictures_in
from ..media.image import read_picture
from ..media.opening import STILLS
from ..media.probe import probe
from ..media.read import frame_times, frames_at
from ..types import ClipInfo
from .watermark import carries
from .watermark_find import Found, find_mark

_SPOTS, _RUN = 6, 8  # stretches of a clip that are looked at, and frames of each: a seek costs more than a frame


@dataclass(frozen=True)
class FoundMark:
    """payload: 16 hexadecimal digits; log10_false: of the chance that an unmarked file looks so."""

    payload: str
    log10_false: float
    is_as_laid: bool  # neither cropped, scaled nor mirrored since


def mark_in(path: Path | str) -> FoundMark | None:
    """The watermark of a picture, a clip or a folder of pictures; None where there is none, or nothing to look at."""
    path = Path(path)
    try:
        if path.suffix.lower() in STILLS and path.is_file():
            return _told(find_mark([read_picture(path)]))
        if path.is_dir():
            pictures = pictures_in(path)
            return _told(find_mark([read_picture(pictures[n]) for n in _spread(len(pictures))])) if pictures else None
        return mark_in_clip(probe(path))
    except SemblanceError:
        return None


def mark_in_clip(info: ClipInfo) -> FoundMark | None:
    """The watermark of a clip."""
    if not carries(info.height, info.width):
        return None
    with closing(frames_at(info, _spread(len(frame_times(info))))) as frames:
        pictures = [frame.pixels for frame in frames if frame is not None]
    return _told(find_mark(pictures)) if pictures else None


def payload_laid(info: ClipInfo) -> str:
    """The number of a mark that lies on a clip as it was laid there, '' if none does: see Marking, `over`."""
    found = mark_in_clip(info)
    return found.payload if found and found.is_as_laid else ""


def _spread(count: int) -> list[int]:
    """Frames of a clip of `count`: runs of them, evenly spread; all of a short one."""
    if count <= _SPOTS * _RUN:
        return list(range(count))
    starts = np.linspace(0, count - _RUN, _SPOTS).round().astype(int)
    return sorted({int(start) + offset for start in starts for offset in range(_RUN)})


def _told(found: Found) -> FoundMark | None:
    if found.payload is None:
        return None
    laid = not found.mirrored and found.scale == 1 and found.shift == (0.0, 0.0)
    return FoundMark(f"{found.payload:016x}", found.log10_false, laid)
