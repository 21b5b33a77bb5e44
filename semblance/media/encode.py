"""Which encoder, at what quality and speed, in which pixel format, in which container.

EncodeOptions -> the settings that the segment writer opens an encoder with.
"""

from __future__ import annotations

import os
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
from av.codec.codec import find_best_pix_fmt_of_list
from pydantic import Field

from ..errors import InputError
from ..options import Options
from ..types import ClipInfo

MADE = "made"  # the container of a clip that no file holds yet
Codec = Literal["h264", "hevc", "av1", "vp9", "ffv1", "png"]
Speed = Literal["fast", "medium", "slow"]

CONTAINERS = {
    "h264": (".mp4", ".mov", ".mkv", ".avi"),
    "hevc": (".mp4", ".mov", ".mkv"),
    "av1": (".mp4", ".mkv", ".webm"),
    "vp9": (".mp4", ".mkv", ".webm"),
    "ffv1": (".mkv", ".avi"),
    "prores": (".mov",),  # of layers with alpha only (alpha_video.py)
    "png": ("",),
}
_ENCODERS = {"h264": "libx264", "hevc": "libx265", "av1": "libsvtav1", "vp9": "libvpx-vp9", "ffv1": "ffv1"}
_NAMES = {"libaom-av1": "av1", "libdav1d": "av1", "libvpx-vp9": "vp9"}

# A swap's result is footage to go on working with: what the swap left alone stays within 45 dB of the plate (RGB, on
# two grainy 360 x 288 clips, `measure`). Files come to one to two times the plate's size. The encoders' scales differ;
# each was measured. x264's customary 18 comes to 41.5 dB and smooths grain, and seams, away.
_QUALITY = {"h264": 10, "hevc": 5, "av1": 2, "vp9": 6}
_WORST = {"h264": 51, "hevc": 51, "av1": 63, "vp9": 63}

# "fast" leaves most of a 2-core machine to the networks at 720p: 9 ms of CPU a frame for h264, 13 for av1 and vp9
_SPEEDS = {
    "h264": {"fast": "ultrafast", "medium": "fast", "slow": "slow"},
    "hevc": {"fast": "ultrafast", "medium": "fast", "slow": "medium"},
    "av1": {"fast": "10", "medium": "8", "slow": "5"},
    "vp9": {"fast": "7", "medium": "4", "slow": "2"},
}
# ultrafast alone makes files a third larger: it searches motion to the whole pixel only. superfast with the same search
# takes twice the time, for files a seventh smaller where footage is smooth and no smaller where it is grainy
_X264_FAST = {"x264-params": "me=hex:subme=2:8x8dct=1:no-deblock=0:scenecut=40"}


class EncodeOptions(Options):
    """How the finished clip is encoded."""

    codec: Codec = "h264"
    """h264 plays everywhere; hevc, av1 and vp9 are smaller and slower; ffv1 is lossless; png writes a folder of pictures (without sound)."""  # noqa: E501
    quality: int | None = Field(default=None, ge=0, le=63)
    """Constant quality, lower is better: 0 to 51 for h264 and hevc, 0 to 63 for av1 and vp9; none for ffv1 and png. Default: visually lossless."""  # noqa: E501
    speed: Speed = "fast"
    """How much time the encoder may take: a slower one makes a smaller file of the same quality."""


def made_clip(width: int, height: int, rate: Fraction, frames: int, what: str) -> ClipInfo:
    """What a clip that is drawn, not filmed over a plate, says of itself; `what` names it in messages."""
    return ClipInfo(Path(what), MADE, "", width, height, Fraction(rate), frames, float(frames / rate), "rgb24")


def check_encode(options: EncodeOptions, info: ClipInfo, out: Path) -> None:
    """Raises InputError, before any work, if the codec does not fit the plate, the suffix of `out` or the quality."""
    check_container(options.codec, out)
    check_aspect(options.codec, info, out)
    worst = _WORST.get(options.codec)
    if options.quality is not None and worst is None:
        raise InputError(f"{options.codec} is lossless and takes no --quality; leave it out.")
    if options.quality is not None and options.quality > worst:
        raise InputError(f"--quality {options.quality} is out of range for {options.codec}; the highest is {worst}.")


def check_container(codec: str, out: Path) -> None:
    """Raises InputError, naming suffixes that fit, if a file called `out` cannot hold `codec`."""
    fitting = CONTAINERS[codec]
    if Path(out).suffix.lower() in fitting:
        return
    if codec == "png":
        raise InputError(f"{out} cannot hold a PNG sequence; name a folder without a suffix.")
    raise InputError(f"{out} cannot hold {codec}; name a file that ends in {' or '.join(fitting)}.")


def check_aspect(codec: str, info: ClipInfo, out: Path) -> None:
    """Raises InputError if the plate's pixels are not square and neither codec nor container could say so.

    H.264 and HEVC carry the pixel aspect themselves, MP4 and MOV have a field; PyAV gives no way to tell it to the
    others.
    """
    if info.pixel_aspect == 1 or codec in ("h264", "hevc") or Path(out).suffix.lower() in (".mp4", ".mov"):
        return
    raise InputError(
        f"{out} cannot keep the plate's pixel aspect {info.pixel_aspect} with {codec}; choose --codec h264 or hevc."
    )


def codec_named(name: str) -> str:
    """Our name of a codec from its decoder's name."""
    return _NAMES.get(name, name)


def encoder_settings(options: EncodeOptions) -> tuple[str, dict[str, str]]:
    """Encoder's name and its settings."""
    codec, speed = options.codec, _SPEEDS.get(options.codec, {}).get(options.speed, "")
    quality = str(_QUALITY.get(codec) if options.quality is None else options.quality)
    deadline = "realtime" if options.speed == "fast" else "good"
    settings = {
        "h264": {"crf": quality, "preset": speed, **(_X264_FAST if options.speed == "fast" else {})},
        "hevc": {"crf": quality, "preset": speed, "x265-params": "log-level=error:open-gop=0"},
        "av1": {"crf": quality, "preset": speed},
        "vp9": {"crf": quality, "b": "0", "deadline": deadline, "cpu-used": speed, "row-mt": "1"},
        # version 3, in slices with checksums: cores share a frame, and damage shows
        "ffv1": {"level": "3", "slicecrc": "1", "g": "1"},
    }[codec]
    if codec == "av1":
        os.environ.setdefault("SVT_LOG", "1")  # the one way to keep this library from writing on the terminal
    return _ENCODERS[codec], settings


def usual_priority() -> None:
    """Take back the real-time priority that SVT-AV1, where root runs it, gives its threads and the one that opened it:
    everything else on the machine would wait for them, and the caller's thread would keep it for good."""
    if not hasattr(os, "sched_setscheduler"):
        return
    for thread in os.listdir("/proc/self/task"):
        with suppress(OSError):  # it has just ended
            if os.sched_getscheduler(int(thread)) != os.SCHED_OTHER:
                os.sched_setscheduler(int(thread), os.SCHED_OTHER, os.sched_param(0))


def choose_format(codec: str, native: str, width: int, height: int) -> str:
    """The pixel format to encode in: the plate's own if the encoder takes it, else the one that loses least.

    H.264 and HEVC cannot hold an odd width or height with halved chroma. The size is never changed: such clips are
    written with full chroma (4:4:4), which desktop players show and some phones and browsers do not.
    """
    native = native.replace("yuvj", "yuv")  # the range is told by its own tag
    if codec != "ffv1":
        native = native.replace("gray", "yuv420p")  # encoders that know grey at all make files that few players show
    formats = [f for f in av.codec.Codec(_ENCODERS[codec], "w").video_formats if _usable(f)]
    if codec in ("h264", "hevc"):
        formats = [f for f in formats if _fits(f, width, height)]
    names = [f.name for f in formats if f.name.startswith(("yuv", "gray", "gbrp", "bgr0"))]
    if native in names:
        return native
    source = av.VideoFormat(native)
    if source.is_rgb or source.has_palette:
        deep = ["yuv420p10le", "yuv444p10le"] if source.components[0].bits > 8 else []
        wanted = [*deep, "yuv420p", "yuv444p"] if codec != "ffv1" else ["gbrp16le"] if deep else ["bgr0"]
        return next(name for name in wanted if name in names)
    return find_best_pix_fmt_of_list([n for n in names if n.startswith("yuv")], native)[0].name


def _usable(format: av.VideoFormat) -> bool:
    alpha = format.name.startswith(("yuva", "gbrap"))
    float_or_big = format.name.endswith(("be", "f16le", "f32le"))
    return not alpha and not float_or_big and "yuvj" not in format.name


def _fits(format: av.VideoFormat, width: int, height: int) -> bool:
    return (width % 2 == 0 or format.chroma_width(2) == 2) and (height % 2 == 0 or format.chroma_height(2) == 2)
