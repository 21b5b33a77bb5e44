"""A glance at footage: single frames about so many seconds apart, read with as little decoding as can be.

Clips, folders of pictures and pictures -> a Look for each. Key frames are taken where they come in time, so that little
is decoded that is not looked at.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ..errors import MediaError
from ..types import ClipInfo
from .colour import to_rgb
from .folder import FOLDER_RATE, pictures_in
from .image import read_picture
from .opening import STILLS, open_clip, picture_stream
from .probe import probe
from .read import timeline_of
from .timeline import Timeline, demux

_LATE = 1.1  # a key frame may come so much later: many encoders set one every 2.002 s
WHOLE, ONE_IN = 32, 25  # of a folder, so many pictures are all looked at; of more, at least so many and one in 25
_TOP = -(1 << 62)  # before any tick


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Tick of a frame to look at, and of the key frame from which decoding leads to it."""

    tick: int
    key: int


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """One picture to judge: upright pixels (H, W, 3) uint8 RGB, and where it was, in words."""

    where: str
    pixels: np.ndarray


def glance(path: Path, every: float, fewest: int) -> tuple[int, float, Iterator[Look]]:
    """How many looks are planned, the seconds of film between them, and the looks.

    every: seconds between looks at a clip; fewest: looks, one more or less, at a clip of less than so many intervals. A
    folder's pictures last 1/25 s each. What cannot be decoded is passed over. Raises MediaError.
    """
    if path.is_dir():
        pictures = pictures_in(path)
        if not pictures:
            raise MediaError(f"{path} holds no pictures ({', '.join(STILLS)}); name a clip or a folder of pictures.")
        chosen = pictures_to_see(len(pictures))
        return len(chosen), len(pictures) / len(chosen) / float(FOLDER_RATE), _look_at(pictures[k] for k in chosen)
    if path.suffix.lower() in STILLS:
        return 1, 0.0, iter([Look(path.name, read_picture(path))])
    info, timeline = probe(path), timeline_of(path)
    keys = np.flatnonzero(np.isin(timeline.ticks, timeline.keys[:, 0]))
    interval = min(every, float(timeline.times[-1]) / fewest)
    chosen = frames_to_see(timeline.times, keys, interval)
    return len(chosen), interval, _look_into(info, timeline, keys, chosen)


def pictures_to_see(count: int) -> list[int]:
    """Of a folder's pictures, all or evenly spread, first and last among them."""
    wanted = min(count, max(WHOLE, -(-count // ONE_IN)))
    return [int(index) for index in np.linspace(0, count - 1, wanted).round()]


def frames_to_see(times: np.ndarray, keys: np.ndarray, interval: float) -> list[int]:
    """Frames, by index, about `interval` seconds apart: a key frame if one comes in the second half of the interval,
    else whatever frame is then shown. times (N,) seconds; keys (K,) indices of key frames."""
    chosen, key_times = [0], times[keys]
    while times[chosen[-1]] + interval < times[-1]:
        last = times[chosen[-1]]
        after, upto = np.searchsorted(key_times, (last + interval / 2, last + interval * _LATE), "right")
        shown = (
            np.searchsorted(times, last + interval, "right") - 1
        )  # since when does not matter: it may stand for long
        chosen.append(int(keys[upto - 1] if upto > after else max(shown, chosen[-1] + 1)))
    return chosen


def _look_at(pictures: Iterator[Path]) -> Iterator[Look]:
    for picture in pictures:
        try:
            yield Look(picture.name, read_picture(picture))
        except MediaError:
            continue  # no part of the result either


def _look_into(info: ClipInfo, timeline: Timeline, keys: np.ndarray, chosen: Sequence[int]) -> Iterator[Look]:
    """The frames `chosen` of a clip, each as it is or the next that the decoder gives, upright and with the proportions
    of square pixels."""
    wanted = deque(_Wanted(int(timeline.ticks[k]), _key_before(timeline.ticks, keys, k)) for k in chosen)
    with open_clip(info.path) as container:
        stream = picture_stream(container, info.path)
        for native in _natives(container, stream, timeline, wanted):
            tick = native.pts if timeline.shown else native.dts
            tick = wanted[0].tick if tick is None else tick
            if tick < wanted[0].tick:
                continue
            seconds = int((tick - int(timeline.ticks[0])) * timeline.time_base)
            yield Look(clock_time(seconds), squared(np.rot90(to_rgb(native), -info.rotation // 90), info))
            while wanted and wanted[0].tick <= tick:
                wanted.popleft()
            if not wanted:
                return


def _natives(container, stream, timeline: Timeline, wanted: deque[_Wanted]) -> Iterator:
    """The decoder's frames about the next wanted one, in one run through the packets: begun at the key frame before it,
    without frames that no other is built on, and left off where the next wanted one has a later key frame."""
    stream.thread_count = 1  # more would take in several packets before the first frame comes
    stream.codec_context.skip_frame = "NONREF"
    begun = _TOP
    for packet in demux(container, stream):
        stamp = packet.pts if timeline.shown else packet.dts
        is_key = packet.is_keyframe and stamp is not None
        if begun < wanted[0].key:
            if not is_key or stamp < wanted[0].key:
                continue
            stream.codec_context.flush_buffers()
        if is_key:
            begun = max(begun, stamp)
        yield from _decoded(packet.decode)
    yield from _decoded(lambda: stream.decode(None))


def _decoded(decode: Callable[[], list]) -> list:
    try:
        return decode()
    except (
        Exception
    ):  # decoders fail in many ways; what they cannot read is passed over, as it is when the clip is read
        return []


def _key_before(ticks: np.ndarray, keys: np.ndarray, index: int) -> int:
    """Tick of the last key frame at or before a frame; _TOP: decoding has to begin with the clip."""
    before = np.searchsorted(keys, index, "right")
    return int(ticks[keys[before - 1]]) if before else _TOP


def squared(pixels: np.ndarray, info: ClipInfo) -> np.ndarray:
    """An upright frame (H, W, 3) with the proportions that it is shown in."""
    if info.pixel_aspect == 1:
        return pixels
    height, width = pixels.shape[:2]
    return cv2.resize(np.ascontiguousarray(pixels), (max(round(width * info.pixel_aspect), 1), height))


def clock_time(seconds: int) -> str:
    """hh:mm:ss"""
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
