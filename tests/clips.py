"""Synthesises small clips for tests: a moving coloured pattern and sine tones, with all that real clips do to a reader.

parameters -> a file. Frame k's pattern is known (`pattern`), so that a test can tell which frame it got.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

ENCODERS = {".mp4": "libx264", ".mov": "libx264", ".mkv": "libx264", ".webm": "libvpx-vp9", ".avi": "mpeg4",
            ".mpg": "mpeg1video", ".gif": "gif"}  # fmt: skip
_SOUND = {".webm": "libopus", ".mpg": "mp2", ".avi": "libmp3lame"}


@dataclass(frozen=True)
class Track:
    """A sine tone: frequency in Hz, codec (None: the container's usual), seconds by which it starts late."""

    tone: float = 440.0
    codec: str | None = None
    delay: float = 0.0
    language: str = "eng"


def pattern(index: int, width: int, height: int, noise: float = 0.0) -> np.ndarray:
    """(H, W, 3) uint8: frame `index`. A smooth gradient drifts sideways; the middle's grey tells the index."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    red = 128 + 60 * np.sin((x + 3 * index) / 17)
    green = 128 + 60 * np.cos((y + 2 * index) / 23)
    blue = 128 + 60 * np.sin((x + y - index) / 31)
    pixels = np.stack([red, green, blue], axis=-1)
    if noise:
        grain = np.random.default_rng(index).standard_normal((height // 2 + 1, width // 2 + 1)).astype(np.float32)
        pixels += noise * cv2.resize(grain, (width, height))[..., None]
    h, w = height // 4, width // 4
    pixels[h : height - h, w : width - w] = level(index)
    return np.clip(pixels, 0, 255).astype(np.uint8)


def level(index: int) -> int:
    """The grey of frame `index`'s middle."""
    return 40 + 7 * (index * 7 % 24)


def index_of(pixels: np.ndarray, count: int) -> int:
    """Which of `count` frames (at most 24) these pixels show, by the grey of their middle."""
    h, w = pixels.shape[0], pixels.shape[1]
    middle = float(pixels[3 * h // 8 : 5 * h // 8 + 1, 3 * w // 8 : 5 * w // 8 + 1].mean())
    return int(np.argmin([abs(level(k) - middle) for k in range(count)]))


def make_clip(
    path: Path,
    size: tuple[int, int] = (96, 64),
    frames: int = 24,
    rate: Fraction | int = 25,
    codec: str | None = None,
    pixel_format: str = "yuv420p",
    rotation: int = 0,
    stamps: Sequence[int] | None = None,
    time_base: Fraction | None = None,
    aspect: Fraction | None = None,
    full_range: bool = False,
    matrix: int | None = None,
    sound: Sequence[Track] = (),
    noise: float = 0.0,
    settings: dict[str, str] | None = None,
    pictures: Sequence[np.ndarray] | None = None,
) -> Path:
    """Write a clip.

    rotation: degrees clockwise by which a player turns it; stamps: presentation ticks in time_base for a variable rate;
    aspect: width / height of a pixel; matrix: AVCOL_SPC number (1: BT.709, 6: BT.601, 9: BT.2020);
    pictures: (H, W, 3) uint8 RGB to show instead of the pattern.
    """
    path, rate = Path(path), Fraction(rate)
    width, height = size
    with av.open(str(path), "w", format="vob" if path.suffix == ".mpg" and codec == "mpeg2video" else None) as out:
        stream = out.add_stream(codec or ENCODERS[path.suffix], rate=rate, options=settings or {})
        stream.width, stream.height, stream.pix_fmt = width, height, pixel_format
        context = stream.codec_context
        context.time_base = time_base or 1 / rate
        stream.time_base = context.time_base
        context.bit_rate = 8_000_000  # for the encoders that know no constant quality
        if aspect:
            context.sample_aspect_ratio = aspect
        if full_range:
            context.color_range = 2
        if matrix:
            context.colorspace = context.color_primaries = context.color_trc = matrix
        if rotation:
            stream.set_display_rotation(-rotation)
        tracks = [(track, _add_track(out, track, path.suffix)) for track in sound]
        for k in range(frames):
            pixels = pictures[k] if pictures is not None else pattern(k, width, height, noise)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels)).reformat(
                format=pixel_format,
                dst_colorspace={1: "itu709", 9: "bt2020"}.get(matrix, "itu601"),
                src_color_range=2,
                dst_color_range=2 if full_range else 1,
            )
            frame.pts, frame.time_base = stamps[k] if stamps else k, context.time_base
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
        seconds = float((stamps[-1] if stamps else frames) * context.time_base)
        for track, target in tracks:
            _write_tone(out, target, track, seconds)
    return path


def _add_track(out: av.container.OutputContainer, track: Track, suffix: str) -> av.AudioStream:
    stream = out.add_stream(track.codec or _SOUND.get(suffix, "aac"), rate=48000, layout="stereo")
    stream.metadata["language"] = track.language
    return stream


def _write_tone(out: av.container.OutputContainer, stream: av.AudioStream, track: Track, seconds: float) -> None:
    count = int(48000 * seconds)
    wave = (0.3 * np.sin(2 * np.pi * track.tone * np.arange(count) / 48000)).astype(np.float32)
    frame = av.AudioFrame.from_ndarray(np.stack([wave, wave]), format="fltp", layout="stereo")
    frame.sample_rate = 48000
    frame.pts, frame.time_base = int(48000 * track.delay), Fraction(1, 48000)
    context = stream.codec_context
    context.open(strict=False)
    resampler = av.AudioResampler(context.format, context.layout, context.rate, context.frame_size or None)
    for piece in [*resampler.resample(frame), *resampler.resample(None), None]:
        out.mux(stream.encode(piece))


def packets_of(path: Path, kind: str = "audio", track: int = 0) -> list[bytes]:
    """The bytes of every packet of one track, in file order."""
    with av.open(str(path)) as container:
        stream = getattr(container.streams, kind)[track]
        return [bytes(packet) for packet in container.demux(stream) if packet.size]


def break_packet(path: Path, number: int) -> None:
    """Overwrite the `number`-th picture packet with zeros, as a bad disk would."""
    with av.open(str(path)) as container:
        packets = [p for p in container.demux(container.streams.video[0]) if p.size]
        start, size = bytes(packets[number])[:24], packets[number].size
    data = bytearray(path.read_bytes())
    place = data.index(start)
    data[place : place + size] = bytes(size)
    path.write_bytes(data)
