"""The content gate at the way out: looks at frames as they are written, so that nothing is decoded for it.

A frame about every two seconds, as it will be seen, patches and all -> what the gate's net found, kept beside the
segment; of all segments together -> figures for the report, or Refused (content.py).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..media.glance import clock_time, pictures_to_see, squared
from ..runs import write_json
from ..types import ClipInfo
from .content import EVERY, FEWEST, check_content, found_in, installed_net, nearness, refuse_suspicious


class Lookout:
    """Looks at the frames of one segment: its first, and then the first after every interval of the clip's time."""

    def __init__(self, info: ClipInfo) -> None:
        self._info, self._last, self._seen = info, -1, []
        self._interval = interval_of(info)

    def wants(self, time: float) -> bool:
        """Whether the frame at `time`, seconds, is one to look at; to be asked of each frame once, in order."""
        number = int(time / self._interval)
        wanted, self._last = number != self._last, number
        return wanted

    def see(self, time: float, pixels: np.ndarray) -> None:
        """Judge a frame (H, W, 3) uint8 RGB. Raises Refused at once where it is beyond doubt, ModelError."""
        found = found_in(np.ascontiguousarray(squared(pixels, self._info)), installed_net())
        self._seen.append([time, {name: round(float(score), 4) for name, score in found.items()}])
        refuse_suspicious(self._info.path, [clock_time(int(time))], [found])

    def note(self, segment: Path) -> None:
        """Keep beside the segment what was seen."""
        write_json(notes_of(segment), self._seen)


def interval_of(info: ClipInfo) -> float:
    """Seconds between looks, as content.py has them; of a folder of pictures as many as there."""
    if not info.duration:
        return EVERY
    if info.path.is_dir() and info.frames:
        return info.duration / len(pictures_to_see(info.frames))
    return min(EVERY, info.duration / FEWEST)


def notes_of(segment: Path) -> Path:
    """Where it is kept what was seen of a segment."""
    return segment.with_name(segment.name + ".looks.json")


def pass_all(segments: Sequence[Path], info: ClipInfo) -> dict[str, float]:
    """Judge the clip that the segments make up; figures for the report. A segment without notes is looked at now.

    Raises Refused, ModelError, MediaError.
    """
    seen = [look for segment in segments for look in _notes(segment)]
    found = [scores for _, scores in seen]
    refuse_suspicious(info.path, [clock_time(int(time)) for time, _ in seen], found)
    highest = max(map(nearness, found), default=0.0)
    return {"looks": len(seen), "highest": round(highest, 4), "interval": round(interval_of(info), 3)}


def _notes(segment: Path) -> list:
    try:
        return json.loads(notes_of(segment).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        check_content(segment)
        return []
