"""Streams a clip's frames upright, in order, with the time at which each is shown.

ClipInfo -> times (N,), Frames. Nothing is held but the decoder's own few frames.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from ..errors import MediaError
from ..types import ClipInfo, Frame
from .colour import to_rgb
from .folder import FOLDER, pictures_in, read_folder
from .native import Turner
from .opening import open_clip, picture_stream
from .timeline import Timeline, demux, read_timeline

_NEAR = 100  # frames: decoded and left, rather than looked for from a key frame again


def frame_times(info: ClipInfo) -> np.ndarray:
    """(N,) float64: when each frame is shown, in seconds from the first, strictly increasing. Raises MediaError."""
    if info.container == FOLDER:
        return np.arange(len(pictures_in(info.path))) / float(info.rate)
    return timeline_of(info.path).times


def timeline_of(path: Path) -> Timeline:
    """The clip's timeline in its own ticks. Raises MediaError, also for a clip without frames."""
    with open_clip(path) as container:
        timeline = read_timeline(container, picture_stream(container, path))
    if not len(timeline.ticks):
        raise MediaError(f"{path} holds no frames; copy or export it again.")
    return timeline


def read_frames(
    info: ClipInfo, start: int = 0, stop: int | None = None, wanted: Container[int] | None = None
) -> Iterator[Frame]:
    """The frames [start, stop) by their index in frame_times, upright, RGB and native; of those only the wanted ones:
    to decode a frame costs less than to turn it and to convert it.

    Decoding begins at the last key frame at or before `start`. A frame that the decoder cannot give is passed over; the
    ones after it keep their index. Raises MediaError if the clip cannot be opened.
    """
    if info.container == FOLDER:
        yield from (frame for frame in read_folder(info, start, stop) if wanted is None or frame.index in wanted)
        return
    timeline = timeline_of(info.path)
    stop = len(timeline.ticks) if stop is None else min(stop, len(timeline.ticks))
    if start >= stop:
        return
    times, turner = timeline.times, None
    for index, native in _natives(info.path, timeline, start):
        if index >= stop:
            return
        if index >= start and (wanted is None or index in wanted):
            if info.rotation:
                turner = turner or Turner(info.rotation, native)
                native = turner.turn(native)
            yield Frame(index, float(times[index]), to_rgb(native), native)


def frames_at(info: ClipInfo, indices: Sequence[int]) -> Iterator[Frame | None]:
    """The frames of these rising indices, one by one; None for one that the decoder, coming from the key frame before,
    cannot give.

    Frames near to each other come from one run of the decoder: starting it anew costs as much as decoding many. From a
    folder each is read by itself.
    """
    for run in _runs(indices, 1 if info.container == FOLDER else _NEAR):
        wanted = iter(run)
        index = next(wanted)
        for frame in read_frames(info, run[0], run[-1] + 1, set(run)):
            while index is not None and index < frame.index:
                yield None
                index = next(wanted, None)
            if index == frame.index:
                yield frame
                index = next(wanted, None)
        while index is not None:
            yield None
            index = next(wanted, None)


def _runs(indices: Sequence[int], near: int) -> Iterator[list[int]]:
    """Parted where it is far from one to the next."""
    run: list[int] = []
    for index in indices:
        if run and index - run[-1] > near:
            yield run
            run = []
        run.append(int(index))
    if run:
        yield run


def _natives(path: Path, timeline: Timeline, start: int) -> Iterator[tuple[int, av.VideoFrame]]:
    """Index and decoder's frame, from some frame at or before `start` on."""
    key = _key_before(timeline, start)
    if key is not None:
        with open_clip(path) as container:
            stream = picture_stream(container, path)
            packets = _packets_from_key(container, stream, timeline, key)
            if packets is not None:
                first = int(np.searchsorted(timeline.ticks, key[0]))
                yield from _numbered(_decode(packets, stream), timeline, first)
                return
    with open_clip(path) as container:
        stream = picture_stream(container, path)
        yield from _numbered(_decode(demux(container, stream), stream), timeline, 0)


def _key_before(timeline: Timeline, start: int) -> tuple[int, int] | None:
    """Presentation and decoding tick of the last key frame shown at or before frame `start`; None: begin at the top."""
    if start == 0 or not timeline.seekable:
        return None
    usable = timeline.keys[timeline.keys[:, 0] <= timeline.ticks[start]]
    if not len(usable) or usable[:, 0].max() <= timeline.ticks[0]:
        return None
    shown, decoded = usable[usable[:, 0].argmax()]
    return int(shown), int(decoded)


def _packets_from_key(
    container: InputContainer, stream: VideoStream, timeline: Timeline, key: tuple[int, int]
) -> Iterator[Packet] | None:
    """Packets from the key frame on, or None where the container's seek missed it.

    Containers seek by presentation (Matroska) or decoding times (MP4), and some by guessing (MPEG): so what was reached
    is read on to the key frame itself.
    """
    try:
        container.seek(key[1], stream=stream, backward=True)
    except av.error.FFmpegError:
        return None  # a format without seeking says so by an error
    packets = demux(container, stream)
    for packet in packets:
        stamp = packet.pts if timeline.shown else packet.dts
        if packet.is_keyframe and stamp is not None and stamp >= key[0]:
            return _after(packet, packets) if stamp == key[0] else None
    return None


def _after(first: Packet, rest: Iterator[Packet]) -> Iterator[Packet]:
    yield first
    yield from rest


def _decode(packets: Iterator[Packet], stream: VideoStream) -> Iterator[av.VideoFrame]:
    """All frames that the decoder gives; what it cannot decode is passed over."""
    for packet in packets:
        try:
            yield from packet.decode()
        except av.error.FFmpegError:
            continue
    while True:
        try:
            yield from stream.decode(None)
            return
        except av.error.EOFError:
            return
        except av.error.FFmpegError:
            continue


def _numbered(natives: Iterator[av.VideoFrame], timeline: Timeline, first: int) -> Iterator[tuple[int, av.VideoFrame]]:
    """Each frame with its index in the timeline: by its time, or by counting where a clip gives none."""
    last = first - 1
    for native in natives:
        if timeline.shown and native.pts is not None:
            index = _nearest(timeline.ticks, native.pts)
        else:
            index = last + 1
        if last < index < len(timeline.ticks):
            last = index
            yield index, native


def _nearest(ticks: np.ndarray, tick: int) -> int:
    after = min(int(np.searchsorted(ticks, tick)), len(ticks) - 1)
    return after - 1 if after and tick - ticks[after - 1] < ticks[after] - tick else after
