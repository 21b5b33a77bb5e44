"""Writes a clip in segments, which are joined without encoding again.

Frames (with patches laid over them) -> segment files -> one clip with the plate's sound and timing. A long job that is
interrupted keeps its whole segments; since a segment depends on nothing but its own frames, the clip comes out frame
for frame as if it had never stopped. A segment is a Matroska file whose times are frame indices, one a millisecond.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from ..runs import new_folder, written_whole
from ..types import ClipInfo, Frame, Patch
from .colour import from_rgb, matrix_of, range_of
from .encode import EncodeOptions, check_container, check_encode, choose_format, encoder_settings
from .fine import deepened, fine_pixels, from_fine_rgb, is_deep, shallowed
from .image import encode_picture
from .join import Check, join_segments
from .native import copy_frame, copy_tags, lay_patches, paste, planes_of
from .segment import Segment

__all__ = ["EncodeOptions", "SegmentWriter", "check_container", "check_encode", "join_segments", "open_segment"]

_UNTOLD = (0, 2)  # of primaries and transfer: reserved, unspecified
_BT709 = 1  # matrix, primaries and transfer of frames that come as RGB: AVCOL_SPC_, _PRI_ and _TRC_BT709


class Alter(Protocol):
    """Changes the samples of a frame in place, just before they are encoded."""

    def luma(self, plane: np.ndarray, bits: int, patches: Sequence[Patch]) -> None:
        """plane (H, W) uint8, or uint16 of so many bits; patches: what was laid over the plate."""
        ...

    def rgb(self, pixels: np.ndarray, patches: Sequence[Patch]) -> None:
        """pixels (H, W, 3) uint8 or uint16; patches: what was laid over the plate."""
        ...


class SegmentWriter:
    """Encodes frames of rising index into one file, in the plate's pixel format where the codec takes it."""

    def __init__(
        self, path: Path, info: ClipInfo, options: EncodeOptions, tags: dict[str, str], alter: Alter | None = None
    ):
        self._info, self._options, self._alter = info, options, alter
        self._segment = Segment(path, info, options.codec, *encoder_settings(options), tags)

    def write(self, frame: Frame, patches: Sequence[Patch] = ()) -> None:
        """Encode the frame with the patches laid over it. Raises InputError for a size the codec cannot hold."""
        self._segment.expect(frame.index)
        format = choose_format(self._options.codec, _format_of(frame), self._info.width, self._info.height)
        self._segment.write(_written(frame, patches, format, self._alter), frame.index)

    def close(self, whole: bool) -> None:
        """Flush the encoder (unless the segment is to be thrown away) and close the file."""
        self._segment.close(whole)


class PictureFolderWriter:
    """Writes frames as numbered PNGs (000001.png is frame 0), each with the tags; 8 bits a channel, or 16 where the
    plate is deeper than that."""

    def __init__(self, folder: Path, tags: dict[str, str], alter: Alter | None = None):
        self._folder, self._tags, self._alter = folder, tags, alter

    def write(self, frame: Frame, patches: Sequence[Patch] = ()) -> None:
        """Write the frame with the patches laid over it."""
        pixels = _picture(frame, patches)
        if self._alter:
            self._alter.rgb(pixels, patches)
        data = encode_picture(pixels, ".png", self._tags)
        (self._folder / f"{frame.index + 1:06d}.png").write_bytes(data)


@contextmanager
def open_segment(
    path: Path,
    info: ClipInfo,
    options: EncodeOptions,
    tags: dict[str, str],
    check: Check | None = None,
    alter: Alter | None = None,
) -> Iterator[SegmentWriter | PictureFolderWriter]:
    """A writer of one segment at `path` (a folder for the codec png), there whole or not at all.

    Each frame is written as its `native` with the patches laid over in the plate's own pixel format; a plate turned by
    a flag is written upright without the flag. Frames without native, or of a format that the codec does not take, are
    converted; RGB frames become BT.709, limited range. check is called with the finished segment before it is moved to
    `path`, and may raise to keep it from there; alter changes each frame, patches and all, just before it is encoded.
    Raises InputError, OutputError.
    """
    path = Path(path)
    if options.codec == "png":
        with new_folder(path, "segment") as folder:
            yield PictureFolderWriter(folder, tags, alter)
            if check:
                check(folder)
        return
    with written_whole(path) as temporary:
        writer = SegmentWriter(temporary, info, options, tags, alter)
        whole = False
        try:
            yield writer
            whole = True
        finally:
            writer.close(whole)
        if check:
            check(temporary)


def _format_of(frame: Frame) -> str:
    return "rgb24" if frame.native is None else frame.native.format.name


def _written(frame: Frame, patches: Sequence[Patch], format: str, alter: Alter | None) -> av.VideoFrame:
    """The frame to encode, in pixel format `format`; a copy, never the decoder's own."""
    native = frame.native
    if native is None or native.format.is_rgb or native.format.has_palette:
        return _from_picture(frame, patches, format, alter)
    if native.format.name != format:
        converted = native.reformat(
            format=format,
            src_colorspace=matrix_of(native),
            dst_colorspace=matrix_of(native),
            src_color_range=range_of(native),
            dst_color_range=range_of(native),
            threads=1,
        )
        if converted is native:  # yuvj420p and yuv420p of full range are one and the same to the scaler
            converted = copy_frame(native)
        copy_tags(native, converted)
        native = converted
    written = lay_patches(native, frame.pixels, patches) if patches else copy_frame(native)
    if alter:
        alter.luma(planes_of(written)[0], written.format.components[0].bits, patches)
    return written


def _picture(frame: Frame, patches: Sequence[Patch]) -> np.ndarray:
    """The frame's RGB with the patches laid over it, in the plate's depth."""
    deep = frame.native is not None and is_deep(frame.native.format)
    return paste(fine_pixels(frame) if deep else frame.pixels, patches)


def _from_picture(frame: Frame, patches: Sequence[Patch], format: str, alter: Alter | None) -> av.VideoFrame:
    rgb = av.VideoFormat(format).is_rgb
    range = ColorRange.JPEG if rgb else ColorRange.MPEG
    pixels = _picture(frame, patches)
    if alter:
        alter.rgb(pixels, patches)
    if is_deep(format):
        native = from_fine_rgb(deepened(pixels), format, Colorspace.ITU709, range)
    else:
        native = from_rgb(shallowed(pixels), format, Colorspace.ITU709, range)
    native.color_range, native.colorspace = range, 0 if rgb else _BT709
    told = (frame.native.color_primaries, frame.native.color_trc) if frame.native is not None else (0, 0)
    native.color_primaries, native.color_trc = (tag if tag not in _UNTOLD else _BT709 for tag in told)
    return native
