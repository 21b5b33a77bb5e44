"""Between a decoder's own pixel formats and RGB, by the clip's own matrix and range.

av.VideoFrame <-> (H, W, 3) uint8 RGB. Where a clip does not name its matrix, BT.709 is assumed from 720 lines on and
BT.601 below, as players do; the same guess is made when pixels go back, so that a wrong guess cancels out.
"""

from __future__ import annotations

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

RANGES = {0: "unspecified", 1: "tv", 2: "pc"}
MATRICES = {0: "gbr", 1: "bt709", 2: "unspecified", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m",
            8: "ycgco", 9: "bt2020nc", 10: "bt2020c"}  # fmt: skip
_HD_LINES = 720
_SCALER = {1: Colorspace.ITU709, 4: Colorspace.FCC, 5: Colorspace.ITU601, 6: Colorspace.ITU601,
           7: Colorspace.SMPTE240M, 9: Colorspace.BT2020, 10: Colorspace.BT2020}  # fmt: skip


def matrix_of(native: av.VideoFrame) -> Colorspace:
    """The matrix to convert with."""
    guess = Colorspace.ITU709 if native.height >= _HD_LINES else Colorspace.ITU601
    return _SCALER.get(native.colorspace, guess)


def range_of(native: av.VideoFrame) -> ColorRange:
    """The range to convert with: full where the frame or its format says so, else limited."""
    full = native.color_range == ColorRange.JPEG or native.format.name.startswith("yuvj") or native.format.is_rgb
    return ColorRange.JPEG if full else ColorRange.MPEG


def to_rgb(native: av.VideoFrame) -> np.ndarray:
    """(H, W, 3) uint8 RGB of a decoder's frame (720p 4:2:0: a third of a millisecond)."""
    return native.to_ndarray(
        format="rgb24",
        src_colorspace=matrix_of(native),
        src_color_range=range_of(native),
        dst_color_range=ColorRange.JPEG,
        threads=1,
    )


def from_rgb(pixels: np.ndarray, format: str, matrix: Colorspace, range: ColorRange) -> av.VideoFrame:
    """(H, W, 3) uint8 RGB as a frame of pixel format `format`."""
    return av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24").reformat(
        format=format,
        dst_colorspace=matrix,
        src_color_range=ColorRange.JPEG,
        dst_color_range=range,
        threads=1,
    )
