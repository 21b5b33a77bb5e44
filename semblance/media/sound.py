"""Sound for the new clip: the plate's, packet for packet where the container can hold it, else encoded anew; or a wave.

plate's audio streams, or a Wave -> (seconds, packet) ready to be muxed, offset to the picture as it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet

from ..types import Wave
from .timeline import demux

# what every player of the container knows
_ENCODERS = {".mp4": "aac", ".mov": "aac", ".mkv": "libopus", ".webm": "libopus", ".avi": "libmp3lame"}
_BITS_PER_SECOND = 192_000  # transparent for stereo in each of the three


@dataclass
class SoundTrack:
    """One track on its way from the plate into the new clip."""

    source: AudioStream
    target: AudioStream
    copied: bool
    before_zero: bool  # the container can hold what an encoder's start-up puts before the first picture
    next_tick: int | None = None  # the earliest decoding time the target still takes
    resampler: av.AudioResampler | None = field(default=None, repr=False)


def add_sound(plate: InputContainer, out: OutputContainer, suffix: str) -> list[SoundTrack]:
    """Add a track to `out` for each of the plate's that can be read; language and role are kept."""
    tracks = []
    for source in plate.streams.audio:
        if source.codec_context is None or not source.rate:
            continue
        copied = source.codec_context.codec.canonical_name in out.supported_codecs
        if copied:
            target = out.add_stream_from_template(source)
            target.time_base = source.time_base
        else:
            encoder = _ENCODERS[suffix]
            rate = 48000 if encoder == "libopus" else source.rate
            target = out.add_stream(encoder, rate=rate, layout=source.layout.name)
            target.codec_context.bit_rate = _BITS_PER_SECOND
        target.metadata.update({key: value for key, value in source.metadata.items() if key in ("language", "title")})
        target.disposition = source.disposition
        tracks.append(SoundTrack(source, target, copied, suffix != ".avi"))
    return tracks


def sound_packets(plate: InputContainer, tracks: list[SoundTrack], start: Fraction) -> Iterator[tuple[float, Packet]]:
    """Packets of all tracks in the plate's file order, with their time in seconds from `start`, the picture's first."""
    by_stream = {track.source.index: track for track in tracks}
    for packet in demux(plate, [track.source for track in tracks]) if tracks else ():
        track = by_stream[packet.stream_index]
        yield from _copy(packet, track, start) if track.copied else _encode(packet, track, start)
    for track in tracks:
        if not track.copied:
            yield from _encode(None, track, start)


def add_wave(out: OutputContainer, wave: Wave, suffix: str) -> AudioStream:
    """Add a track to `out` for sound that is no file's."""
    encoder = _ENCODERS[suffix]
    layout = "mono" if len(wave.samples) == 1 else "stereo"
    stream = out.add_stream(encoder, rate=48000 if encoder == "libopus" else wave.rate, layout=layout)
    stream.codec_context.bit_rate = _BITS_PER_SECOND
    return stream


def wave_packets(wave: Wave, stream: AudioStream) -> Iterator[tuple[float, Packet]]:
    """The wave's packets for the track that add_wave made, with their time in seconds; it begins with the picture."""
    context = stream.codec_context
    context.open(strict=False)
    resampler = av.AudioResampler(context.format, context.layout, context.rate, context.frame_size or None)
    step = wave.rate  # a second at a time
    for start in range(0, wave.samples.shape[1], step):
        piece = np.ascontiguousarray(wave.samples[:, start : start + step], np.float32)
        frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout=context.layout.name)
        frame.sample_rate, frame.pts, frame.time_base = wave.rate, start, Fraction(1, wave.rate)
        yield from _timed(stream, resampler.resample(frame))
    yield from _timed(stream, [*resampler.resample(None), None])


def _timed(stream: AudioStream, frames: list[av.AudioFrame | None]) -> Iterator[tuple[float, Packet]]:
    for frame in frames:
        for packet in stream.encode(frame):
            yield float((packet.pts or 0) * packet.time_base), packet


def _copy(packet: Packet, track: SoundTrack, start: Fraction) -> Iterator[tuple[float, Packet]]:
    base = track.source.time_base
    shift = round(start / base)
    stamp = packet.pts if packet.pts is not None else packet.dts
    if stamp is None and track.next_tick is None:
        return  # before the track's first known time there is no place to put it
    tick = track.next_tick if stamp is None else stamp - shift
    if track.next_tick is not None:
        tick = max(tick, track.next_tick)
    track.next_tick = tick + 1
    if tick < 0 and not track.before_zero:
        return
    packet.stream = track.target
    packet.pts = packet.dts = tick
    packet.time_base = base
    yield float(tick * base), packet


def _encode(packet: Packet | None, track: SoundTrack, start: Fraction) -> Iterator[tuple[float, Packet]]:
    context = track.target.codec_context
    try:
        frames = track.source.decode(packet)
    except av.error.EOFError:
        frames = []
    except av.error.FFmpegError:
        return  # a broken packet is a gap of some milliseconds
    if track.resampler is None:
        context.open(strict=False)
        track.resampler = av.AudioResampler(context.format, context.layout, context.rate, context.frame_size or None)
    for frame in frames:
        if frame.pts is not None:
            frame.pts -= round(start / frame.time_base)
        yield from _timed(track.target, track.resampler.resample(frame))
    if packet is None:
        yield from _timed(track.target, [*track.resampler.resample(None), None])
