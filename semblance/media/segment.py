"""A segment: frames of one pixel format in a Matroska file whose times are frame indices, one a millisecond."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av

from ..errors import InputError
from ..types import ClipInfo
from .encode import usual_priority
from .join import INDEX_BASE
from .tags import pack_tags


class Segment:
    """Encodes frames of rising index into one file; opens its encoder with the first, which tells the pixel format.

    encoder: FFmpeg's name of it, with its settings; codec: ours, for messages.
    """

    def __init__(
        self, path: Path, info: ClipInfo, codec: str, encoder: str, settings: dict[str, str], tags: dict[str, str]
    ) -> None:
        self._path, self._info, self._codec, self._tags = path, info, codec, tags
        self._encoder, self._settings = encoder, settings
        self._container: av.container.OutputContainer | None = None
        self._stream: av.VideoStream | None = None
        self._last = -1

    def expect(self, index: int) -> None:
        """Raises ValueError unless frame `index` comes after those that were written."""
        if index <= self._last:
            raise ValueError(f"frame {index} after frame {self._last}: frames go in by rising index")

    def write(self, native: av.VideoFrame, index: int) -> None:
        """Encode a frame. Raises InputError for a size the codec cannot hold."""
        self.expect(index)
        self._last = index
        if self._container is None:
            self._open(native)
        native.pts, native.time_base = index, self._stream.codec_context.time_base
        native.pict_type = 0  # the encoder places its own key frames
        self._mux(self._stream.encode(native))

    def close(self, whole: bool) -> None:
        """Flush the encoder (unless the segment is to be thrown away) and close the file."""
        if self._container is None:
            self._path.touch()  # a stretch without any readable frame is an empty segment
            return
        try:
            if whole:
                self._mux(self._stream.encode(None))
        finally:
            self._container.close()

    def _open(self, first: av.VideoFrame) -> None:
        self._container = av.open(str(self._path), "w", format="matroska")
        self._container.metadata["comment"] = pack_tags(self._tags)
        self._stream = self._container.add_stream(self._encoder, rate=self._info.rate, options=self._settings)
        self._stream.width, self._stream.height = first.width, first.height
        self._stream.pix_fmt = first.format.name
        context = self._stream.codec_context
        context.time_base = 1 / Fraction(self._info.rate)
        context.sample_aspect_ratio = self._info.pixel_aspect
        context.color_range, context.colorspace = first.color_range, first.colorspace
        context.color_primaries, context.color_trc = first.color_primaries, first.color_trc
        try:
            context.open()
        except (av.error.FFmpegError, ValueError):
            raise InputError(
                f"{self._codec} cannot hold pictures of {first.width}x{first.height}; choose --codec ffv1."
            ) from None
        if context.name == "libsvtav1":
            usual_priority()

    def _mux(self, packets: Sequence[av.Packet]) -> None:
        for packet in packets:
            packet.time_base = INDEX_BASE  # from here on a millisecond stands for a frame
            self._container.mux(packet)
