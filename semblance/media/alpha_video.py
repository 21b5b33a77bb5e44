"""The layers as a clip with alpha, straight: ProRes 4444, which every compositing program reads, or lossless FFV1.

Layer -> a segment, to be joined with the plate's times (join.py).
"""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from ..types import ClipInfo, Layer
from .colour import MATRICES, PRIMARIES, TRANSFERS, planes_of
from .fine import WHITE, from_fine_rgb
from .layer_files import straight
from .segment import Segment

SUFFIXES = {"prores": ".mov", "ffv1": ".mkv"}
# profile 4 is 4444; its alpha has 16 bits, of which FFmpeg's encoder takes ten
_PRORES = "prores_ks", {"profile": "4", "alpha_bits": "16", "vendor": "apl0"}
_FFV1 = "ffv1", {"level": "3", "slicecrc": "1", "g": "1"}
_BT709, _GBR = 1, 0
_MATRIX = {"bt2020nc": Colorspace.BT2020, "bt2020c": Colorspace.BT2020, "smpte240m": Colorspace.SMPTE240M,
           "bt470bg": Colorspace.ITU601, "smpte170m": Colorspace.ITU601}  # fmt: skip


class AlphaVideo:
    """Encodes layers of rising frame index; a frame without a face is wholly transparent."""

    def __init__(self, path: Path, info: ClipInfo, codec: str, tags: dict[str, str]) -> None:
        self._info, self._codec = info, codec
        self._segment = Segment(path, info, codec, *(_PRORES if codec == "prores" else _FFV1), tags)

    def write(self, index: int, layer: Layer | None) -> None:
        """Encode a frame's layer. Raises InputError for a size the codec cannot hold."""
        picture = straight(layer, self._info)
        native = self._yuv(picture) if self._codec == "prores" else _rgb(picture)
        native.color_primaries = _code(PRIMARIES, self._info.colour_primaries)
        native.color_trc = _code(TRANSFERS, self._info.colour_transfer)
        self._segment.write(native, index)

    def close(self, whole: bool) -> None:
        """Flush the encoder (unless the segment is to be thrown away) and close the file."""
        self._segment.close(whole)

    def _yuv(self, picture: np.ndarray) -> av.VideoFrame:
        """Ten bits of limited range, by the plate's matrix."""
        matrix = _MATRIX.get(self._info.colour_matrix, Colorspace.ITU709)
        opaque = from_fine_rgb(np.ascontiguousarray(picture[..., :3]), "yuv444p10le", matrix, ColorRange.MPEG)
        native = av.VideoFrame(opaque.width, opaque.height, "yuva444p10le")
        for target, source in zip(planes_of(native), planes_of(opaque)):
            target[...] = source
        planes_of(native)[3][...] = np.rint(picture[..., 3] * np.float32(1023 / WHITE))
        native.color_range = ColorRange.MPEG
        native.colorspace = _code(MATRICES, self._info.colour_matrix) if matrix != Colorspace.ITU709 else _BT709
        return native


def _rgb(picture: np.ndarray) -> av.VideoFrame:
    """All sixteen bits."""
    native = av.VideoFrame(picture.shape[1], picture.shape[0], "gbrap16le")
    for target, channel in zip(planes_of(native), (1, 2, 0, 3)):
        target[...] = picture[..., channel]
    native.color_range, native.colorspace = ColorRange.JPEG, _GBR
    return native


def _code(names: dict[int, str], name: str) -> int:
    """FFmpeg's number of a tag; BT.709's for one that is not told."""
    return next((number for number, known in names.items() if known == name and known != "unspecified"), _BT709)
