"""Joins segments into a clip without encoding: each packet gets the time at which the plate shows its frame.

segments + the plate's times and sound -> one file. Times are laid on the plate's own ticks, so they come out exact;
decoding times are the presentation times moved back by the encoder's reordering depth, so they rise strictly.
"""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.bitstream import BitStreamFilterContext
from av.container import OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from ..errors import InputError, MediaError
from ..runs import new_folder, written_whole
from ..types import ClipInfo, Wave
from .encode import MADE, check_aspect, check_container, codec_named
from .folder import FOLDER, pictures_in
from .opening import open_clip, picture_stream
from .read import timeline_of
from .sound import add_sound, add_wave, sound_packets, wave_packets
from .tags import pack_tags
from .timeline import demux

Check = Callable[[Path], None]
INDEX_BASE = Fraction(1, 1000)  # a segment's clock: frame index counted in milliseconds
_FINEST = 1_000_000  # ticks a second; what MP4 can hold in 32 bits for more than an hour
_EVEN = 0.001  # seconds by which frames may miss a fixed rate and still count as evenly spaced


def join_segments(
    segments: Sequence[Path],
    out: Path,
    info: ClipInfo,
    times: np.ndarray,
    tags: dict[str, str],
    check: Check | None = None,
    wave: Wave | None = None,
) -> None:
    """Join `segments` into `out`, whole or not at all.

    info: the plate, whose sound is copied and whose last frame's duration is kept; times (N,): its frame_times. Where
    no plate was (media.encode.made_clip): wave, if any, is the sound.
    check is called with the finished file before it is moved to `out`, and may raise to keep it from there.
    Folders of PNGs are joined into a folder, without sound. Raises InputError for a suffix that cannot hold the codec,
    MediaError for segments that do not fit together, OutputError.
    """
    out = Path(out)
    if segments and all(Path(segment).is_dir() for segment in segments):
        _join_folders(segments, out, check)
        return
    segments = [Path(segment) for segment in segments if Path(segment).stat().st_size]
    if not segments:
        raise MediaError(f"Nothing can be joined into {out}: no frame of {info.path} could be read.")
    order = np.concatenate([_frame_order(segment) for segment in segments])
    if len(np.unique(order)) != len(order) or order.max() >= len(times):
        raise MediaError(f"The segments of {out} do not fit together; remove them and run again.")
    with written_whole(out) as temporary:
        _join_into(temporary, segments, order, out, info, times, tags, wave)
        if check:
            check(temporary)


def _join_into(
    temporary: Path,
    segments: Sequence[Path],
    order: np.ndarray,
    out: Path,
    info: ClipInfo,
    times: np.ndarray,
    tags: dict[str, str],
    wave: Wave | None,
) -> None:
    with ExitStack() as stack:
        first = stack.enter_context(open_clip(segments[0]))
        template = picture_stream(first, segments[0])
        codec = codec_named(template.codec_context.codec.canonical_name)
        check_container(codec, out)
        check_aspect(codec, info, out)
        options = {"movflags": "+faststart"} if out.suffix.lower() in (".mp4", ".mov") else {}
        target = stack.enter_context(av.open(str(temporary), "w", options=options))
        target.metadata["comment"] = pack_tags(tags)
        _mux_all(target, template, segments, order, info, times, out.suffix.lower(), wave, stack)


def _mux_all(
    target: OutputContainer,
    template: VideoStream,
    segments: Sequence[Path],
    order: np.ndarray,
    info: ClipInfo,
    times: np.ndarray,
    suffix: str,
    wave: Wave | None,
    stack: ExitStack,
) -> None:
    stream = target.add_stream_from_template(template, opaque=True)  # remuxing needs no encoder
    if template.codec_context.name == "prores":  # else MOV takes it for the kind without alpha
        stream.codec_context.codec_tag = template.codec_context.codec_tag
    stamps = _avi_stamps if suffix == ".avi" else _stamps
    base, shown, decoded, durations = stamps(order, info, times)
    stream.codec_context.sample_aspect_ratio = info.pixel_aspect  # MP4's own field, for codecs that have none
    stream.time_base = base  # a wish: the muxer may settle on another one
    pictures = _picture_packets(segments, stream, template, base, zip(shown, decoded, durations), suffix)
    sound: Iterator[tuple[float, Packet]] = iter(())
    if wave is not None:
        sound = wave_packets(wave, add_wave(target, wave, suffix))
    elif info.audio:
        plate = stack.enter_context(open_clip(info.path))
        timeline = timeline_of(info.path)
        tracks = add_sound(plate, target, suffix)
        sound = sound_packets(plate, tracks, int(timeline.ticks[0]) * timeline.time_base)
    for packet in _merged(pictures, sound):
        target.mux(packet)


def _frame_order(segment: Path) -> np.ndarray:
    """Frame indices in decoding order."""
    with open_clip(segment) as container:
        return np.array([packet.pts for packet in demux(container, picture_stream(container, segment))], np.int64)


def _stamps(order: np.ndarray, info: ClipInfo, times: np.ndarray) -> tuple[Fraction, list[int], list[int], list[int]]:
    """time_base, and per packet in decoding order: presentation, decoding tick and duration."""
    if info.container in (FOLDER, MADE):
        base, last = 1 / Fraction(info.rate), 1
    else:
        timeline = timeline_of(info.path)
        base = Fraction(1, timeline.time_base.denominator)
        last = round(timeline.last_duration * timeline.time_base / base)
    if base.denominator > _FINEST:
        base, last = Fraction(1, _FINEST), round(last * base * _FINEST)
    ticks = np.round(times * float(1 / base)).astype(np.int64)
    steps = np.diff(ticks)
    usual = max(1, round(1 / (info.rate * base)) if not len(steps) else int(np.median(steps)))
    sorted_order = np.sort(order)
    shown = ticks[order]
    in_time = ticks[sorted_order]
    ranks = np.searchsorted(sorted_order, order)
    depth = int((np.arange(len(order)) - ranks).max())
    before = in_time[0] - usual * np.arange(depth, 0, -1)
    decoded = np.concatenate([before, in_time])[: len(order)]
    # a frame is shown until the next one that is there; the last as long as the plate's last
    ends = np.append(in_time[1:], max(ticks[-1] + (last or usual), in_time[-1] + 1))
    durations = (ends - in_time)[ranks]
    return base, shown.tolist(), decoded.tolist(), durations.tolist()


def _avi_stamps(
    order: np.ndarray, info: ClipInfo, times: np.ndarray
) -> tuple[Fraction, list[int], list[int], list[int]]:
    """AVI has no clock but the count of its frames."""
    rate = Fraction(info.rate)
    if np.abs(times - np.arange(len(times)) / float(rate)).max() > max(_EVEN, 0.1 / float(rate)):
        raise InputError("AVI cannot hold a variable frame rate; name a file that ends in .mp4 or .mkv.")
    slots = np.sort(order).tolist()
    return 1 / rate, slots, slots, [1] * len(slots)


def _picture_packets(
    segments: Sequence[Path],
    stream: VideoStream,
    template: VideoStream,
    base: Fraction,
    stamps: Iterator[tuple[int, int, int]],
    suffix: str,
) -> Iterator[tuple[float, Packet]]:
    """Every segment's packets in order, with their decoding time in seconds; headers must agree."""
    header = template.codec_context.extradata
    # AVI carries H.264 with start codes, as broadcast does; the other containers with lengths
    annex_b = suffix == ".avi" and template.codec_context.codec.canonical_name == "h264"
    for segment in segments:
        with open_clip(segment) as container:
            source = picture_stream(container, segment)
            if source.codec_context.extradata != header:
                raise MediaError(f"{segment} was written with other settings than {segments[0]}; remove it, run again.")
            bitstream = BitStreamFilterContext("h264_mp4toannexb", source) if annex_b else None
            for raw in demux(container, source):
                packet = bitstream.filter(raw)[0] if bitstream else raw
                shown, decoded, duration = next(stamps)
                packet.stream = stream
                packet.time_base = base
                packet.pts, packet.dts, packet.duration = shown, decoded, duration
                yield decoded * float(base), packet


def _merged(pictures: Iterator[tuple[float, Packet]], sound: Iterator[tuple[float, Packet]]) -> Iterator[Packet]:
    """Both by time, so that the muxer need not hold back much."""
    nothing = (math.inf, None)
    picture, tone = next(pictures, nothing), next(sound, nothing)
    while picture[1] is not None or tone[1] is not None:
        if picture[1] is not None and picture[0] <= tone[0]:
            yield picture[1]
            picture = next(pictures, nothing)
        else:
            yield tone[1]
            tone = next(sound, nothing)


def _join_folders(segments: Sequence[Path], out: Path, check: Check | None) -> None:
    check_container("png", out)
    with new_folder(out, "folder") as folder:
        for segment in segments:
            for picture in pictures_in(Path(segment)):
                try:
                    os.link(picture, folder / picture.name)  # no second copy of gigabytes
                except OSError:
                    shutil.copy2(picture, folder / picture.name)
        if check:
            check(folder)
