"""What a clip is, before any work on it: path -> ClipInfo, or one sentence on why it cannot be used."""

from __future__ import annotations

from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream

from ..errors import MediaError
from ..types import AudioInfo, ClipInfo
from .colour import MATRICES, PRIMARIES, RANGES, TRANSFERS
from .folder import FOLDER_RATE, probe_folder
from .native import clockwise_turn
from .opening import open_clip, picture_stream
from .timeline import demux

_SAMPLE = 240  # frames looked at to tell a variable rate
_JITTER = 0.0012  # seconds: Matroska rounds times to milliseconds, which does not make a rate variable


def probe(path: Path) -> ClipInfo:
    """Size, rate, colour, rotation and sound of a clip or folder of pictures (decodes one frame).

    Raises MediaError: no such file, empty, not a video, cut short, no pictures inside.
    """
    path = Path(path)
    if path.is_dir():
        return probe_folder(path)
    with open_clip(path) as container:
        stream = picture_stream(container, path)
        native = _first_frame(container, stream, path)
        turn = clockwise_turn(native)
        width, height = (native.height, native.width) if turn in (90, 270) else (native.width, native.height)
        aspect = stream.sample_aspect_ratio or Fraction(1)
        rate = stream.average_rate or stream.guessed_rate or FOLDER_RATE
        duration = _duration(container, stream)
        return ClipInfo(
            path=path,
            container=container.format.name,
            codec=stream.codec_context.codec.canonical_name,
            width=width,
            height=height,
            rate=rate,
            frames=stream.frames or (round(duration * rate) if duration else None),
            duration=duration,
            pixel_format=native.format.name,
            pixel_aspect=1 / aspect if turn in (90, 270) else aspect,
            rotation=turn,
            colour_range=RANGES.get(native.color_range, "unspecified"),
            colour_matrix=MATRICES.get(native.colorspace, "unspecified"),
            colour_primaries=PRIMARIES.get(native.color_primaries, "unspecified"),
            colour_transfer=TRANSFERS.get(native.color_trc, "unspecified"),
            audio=tuple(_sound(track) for track in container.streams.audio if track.codec_context),
            variable_rate=_is_variable(path),
            interlaced=bool(native.interlaced_frame),
        )


def _first_frame(container: InputContainer, stream: VideoStream, path: Path) -> av.VideoFrame:
    stream.thread_count = 1  # one frame is wanted: threads would first take in several packets
    for packet in demux(container, stream):
        try:
            for native in packet.decode():
                return native
        except av.error.FFmpegError:
            continue
    for native in stream.decode(None):
        return native
    raise MediaError(f"{path} is cut short or damaged: not one of its pictures can be decoded; copy it again.")


def _duration(container: InputContainer, stream: VideoStream) -> float | None:
    if stream.duration:
        return float(stream.duration * stream.time_base)
    return container.duration / av.time_base if container.duration else None


def _is_variable(path: Path) -> bool:
    with open_clip(path) as container:
        stream = picture_stream(container, path)
        packets = [p for p in islice(demux(container, stream), _SAMPLE) if not p.is_discard]
        stamps = [p.pts if p.pts is not None else p.dts for p in packets]
        if len(stamps) < 3 or None in stamps:
            return False
        # the last few may wait for packets that lie beyond the sample
        steps = np.diff(np.unique(stamps)[: -8 if len(packets) == _SAMPLE else None]) * float(stream.time_base)
    # a broken writer may give all frames one time
    return bool(len(steps) and steps.max() - steps.min() > 2 * _JITTER)


def _sound(track: av.audio.stream.AudioStream) -> AudioInfo:
    duration = float(track.duration * track.time_base) if track.duration else None
    return AudioInfo(track.codec_context.codec.canonical_name, track.rate or 0, track.channels or 0, duration)
