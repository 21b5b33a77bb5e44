"""When each frame of a clip is shown, and where decoding may begin: found by demuxing alone.

container -> Timeline. A clip that gives no presentation times (AVI) counts frames in decoding order instead: such clips
have one fixed rate, so the sorted decoding times are the presentation times moved by a constant.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream

_MAX_BAD_READS = 64  # in a row: a damaged stretch is passed over, a clip without any end is not waited for


@dataclass(frozen=True)
class Timeline:
    """ticks (N,) int64: presentation of every frame in units of time_base, sorted, strictly increasing.

    keys (K, 2) int64: presentation and decoding tick of every frame at which decoding may begin, in file order.
    shown: whether ticks are presentation times (True) or decoding times (False).
    seekable: decoding may begin in the middle; not where frames are counted and their order changes in decoding.
    last_duration: how long the last frame is shown, in ticks; 0 where the container does not say.
    """

    ticks: np.ndarray
    keys: np.ndarray
    time_base: Fraction
    shown: bool
    seekable: bool
    last_duration: int

    @property
    def times(self) -> np.ndarray:
        """(N,) float64 seconds from the first frame."""
        return (self.ticks - self.ticks[0]) * float(self.time_base) if len(self.ticks) else np.zeros(0)


def demux(container: InputContainer, streams: Stream | list[Stream]) -> Iterator[Packet]:
    """Packets with content in file order; unreadable stretches are passed over."""
    bad = 0
    while bad < _MAX_BAD_READS:
        try:
            for packet in container.demux(streams):
                if packet.size:
                    bad = 0
                    yield packet
            return
        except (av.error.InvalidDataError, av.error.UndefinedError):
            bad += 1


def read_timeline(container: InputContainer, stream: Stream) -> Timeline:
    """Demux the whole clip once (10 minutes of 720p: well under a second) and note every frame's time."""
    shown, decoded, durations, keys = [], [], [], []
    hidden_possible = stream.codec_context.name == "vp8"
    for packet in demux(container, stream):
        if packet.is_keyframe:
            keys.append((packet.pts, packet.dts))
        if packet.is_discard or (hidden_possible and _is_hidden_vp8(packet)):
            continue  # decoded for others' sake, never shown: before an MP4's edit list, or a VP8 reference
        shown.append(packet.pts)
        decoded.append(packet.dts)
        durations.append(packet.duration or 0)
    # AVI stores no presentation times; what the demuxer makes up for it is wrong where frames are reordered
    by_shown = container.format.name != "avi" and None not in shown
    stamps = shown if by_shown else [stamp for stamp in decoded if stamp is not None]
    ticks = np.unique(np.array(stamps, np.int64))
    last = durations[int(np.argmax(stamps))] if stamps and len(stamps) == len(durations) else 0
    places = [(pts if by_shown else dts, pts if dts is None else dts) for pts, dts in keys]
    keys = np.array([place for place in places if None not in place], np.int64).reshape(-1, 2)
    seekable = by_shown or not stream.codec_context.reorder_depth
    return Timeline(ticks, keys, stream.time_base, by_shown, seekable, last)


def _is_hidden_vp8(packet: Packet) -> bool:
    """RFC 6386, 9.1: bit 4 of a VP8 frame's first byte is show_frame."""
    return not bytes(packet)[0] >> 4 & 1
