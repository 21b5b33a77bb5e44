"""Opens a clip and says in one sentence why it cannot be opened.

path -> an av container and its picture stream. Only formats that hold moving pictures in the file itself are let in:
playlists, which would make a clip reach for other files or addresses, and still pictures are not.
"""

from __future__ import annotations

from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from ..errors import MediaError

FORMATS = "mov,matroska,avi,mpeg,mpegts,mpegvideo,m4v,h264,hevc,gif,flv,asf,nut,ogg,mxf,ivf"
STILLS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
_ATTACHED_PICTURE = av.stream.Disposition.attached_pic


def open_clip(path: Path) -> InputContainer:
    """An open container; the caller closes it. Raises MediaError."""
    path = Path(path)
    if not path.exists():
        raise MediaError(f"There is no file {path}; check the name.")
    if path.is_dir():
        raise MediaError(f"{path} is a folder; name a clip or a folder of pictures.")
    if path.stat().st_size == 0:
        raise MediaError(f"{path} is empty (0 bytes); copy or export it again.")
    try:
        return av.open(str(path), options={"format_whitelist": FORMATS}, metadata_errors="replace")
    except PermissionError:
        raise MediaError(f"{path} may not be read; change its permissions.") from None
    except (av.error.FFmpegError, ValueError):
        raise MediaError(_why_unreadable(path)) from None


def picture_stream(container: InputContainer, path: Path) -> VideoStream:
    """The first stream of moving pictures, set up to decode on two threads. Raises MediaError if there is none."""
    streams = [s for s in container.streams.video if not s.disposition & _ATTACHED_PICTURE and s.codec_context]
    if not streams:
        raise MediaError(f"{path} holds no pictures, only sound or data; name a clip with a picture track.")
    stream = streams[0]
    stream.thread_type = "AUTO"
    stream.thread_count = 2  # more threads hold more frames in memory and take cores from the networks
    return stream


def _why_unreadable(path: Path) -> str:
    with open(path, "rb") as file:
        head = file.read(64)
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
        return f"{path} is cut short: an MP4 or MOV whose index is missing; copy or export it again."
    if head[:4] in (b"\x1aE\xdf\xa3", b"RIFF", b"GIF8") and path.suffix.lower() not in STILLS:
        return f"{path} is cut short or damaged: it begins as a clip, but holds no readable pictures; copy it again."
    if path.suffix.lower() in STILLS:
        return f"{path} is a still picture, not a video; name a clip or a folder of pictures."
    return f"{path} is not a video that Semblance can read; expected MP4, MOV, MKV, WebM, AVI, MPEG or GIF."
