"""A clip's sound as samples: path -> (samples,) mono float32 -1..1 at the rate asked for."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer

from .opening import open_clip, picture_stream
from .timeline import demux


def read_wave(path: Path, rate: int, seconds: float) -> np.ndarray | None:
    """The first track's first `seconds`, counted from the clip's first picture; None: a clip (or folder) without sound.

    Sound that starts late begins with zeros; what lies before the first picture is left out. Raises MediaError.
    """
    path = Path(path)
    if path.is_dir():
        return None
    with open_clip(path) as container:
        tracks = [track for track in container.streams.audio if track.codec_context]
        if not tracks:
            return None
        pictures = picture_stream(container, path)
        zero = float((pictures.start_time or 0) * pictures.time_base)
        return _decoded(container, tracks[0], rate, round(seconds * rate), zero)


def _decoded(container: InputContainer, track: AudioStream, rate: int, count: int, zero: float) -> np.ndarray | None:
    """`count` samples from `zero` seconds of the container's clock on; None where nothing can be decoded."""
    resampler = av.AudioResampler("fltp", None, rate)
    pieces: list[np.ndarray] = []
    start, length = None, 0  # place of the first sample, samples so far
    for packet in demux(container, track):
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            continue  # a broken packet is a gap of some milliseconds
        for frame in frames:
            if start is None:
                start = round((float(frame.pts * frame.time_base) - zero) * rate) if frame.pts is not None else 0
            new = _mono(resampler, frame)
            pieces.append(new)
            length += len(new)
        if start is not None and start + length >= count:
            break
    if start is None:
        return None
    wave = np.concatenate([np.zeros(max(start, 0), np.float32), *pieces, _mono(resampler, None)])
    return wave[max(-start, 0) :][:count]


def _mono(resampler: av.AudioResampler, frame: av.AudioFrame | None) -> np.ndarray:
    """What the resampler gives for a frame, None: its rest; the mean of the channels."""
    parts = [part.to_ndarray().mean(0, dtype=np.float32) for part in resampler.resample(frame)]
    return np.concatenate([np.zeros(0, np.float32), *parts])
