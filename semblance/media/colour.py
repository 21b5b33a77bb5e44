"""Between a decoder's own pixel formats and RGB, by the clip's own matrix and range.

av.VideoFrame <-> (H, W, 3) uint8 RGB. Where a clip does not name its matrix, BT.709 is assumed from 720 lines on and
BT.601 below, as players do; the same guess is made when pixels go back, so that a wrong guess cancels out.
"""

from __future__ import annotations

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation

RANGES = {0: "unspecified", 1: "tv", 2: "pc"}
MATRICES = {0: "gbr", 1: "bt709", 2: "unspecified", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m",
            8: "ycgco", 9: "bt2020nc", 10: "bt2020c"}  # fmt: skip
PRIMARIES = {1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "film", 9: "bt2020",
             10: "smpte428", 11: "smpte431", 12: "smpte432", 22: "ebu3213"}  # fmt: skip
TRANSFERS = {1: "bt709", 4: "gamma22", 5: "gamma28", 6: "smpte170m", 7: "smpte240m", 8: "linear", 9: "log100",
             10: "log316", 11: "iec61966-2-4", 12: "bt1361e", 13: "iec61966-2-1", 14: "bt2020-10", 15: "bt2020-12",
             16: "smpte2084", 17: "smpte428", 18: "arib-std-b67"}  # fmt: skip
_HD_LINES = 720
_SCALER = {1: Colorspace.ITU709, 4: Colorspace.FCC, 5: Colorspace.ITU601, 6: Colorspace.ITU601,
           7: Colorspace.SMPTE240M, 9: Colorspace.BT2020, 10: Colorspace.BT2020}  # fmt: skip
_EXACT = Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT


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
    if native.format.components[0].bits > 8 and not native.format.is_rgb:
        return _shallow_rgb(native)
    return native.to_ndarray(
        format="rgb24",
        src_colorspace=matrix_of(native),
        src_color_range=range_of(native),
        dst_color_range=ColorRange.JPEG,
        threads=1,
    )


def _shallow_rgb(native: av.VideoFrame) -> np.ndarray:
    """to_rgb for deep samples, by way of planes: straight to packed RGB the scaler takes a short cut that is up to 2.5
    levels too dark, and slower."""
    planar = native.reformat(
        format="gbrp",
        src_colorspace=matrix_of(native),
        src_color_range=range_of(native),
        dst_color_range=ColorRange.JPEG,
        interpolation=_EXACT,
        threads=1,
    )
    green, blue, red = planes_of(planar)
    return cv2.merge([red, green, blue])


def from_rgb(pixels: np.ndarray, format: str, matrix: Colorspace, range: ColorRange) -> av.VideoFrame:
    """(H, W, 3) uint8 RGB as a frame of pixel format `format`."""
    return av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24").reformat(
        format=format,
        dst_colorspace=matrix,
        src_color_range=ColorRange.JPEG,
        dst_color_range=range,
        threads=1,
    )


def planes_of(native: av.VideoFrame) -> list[np.ndarray]:
    """Views (h, w) or (h, w, 4) onto each plane's samples, without the padding of its lines."""
    views = []
    for plane, component in zip(native.planes, native.format.components):
        kind = np.dtype(np.uint8) if component.bits <= 8 else np.dtype(np.uint16)
        if not native.format.is_planar and len(native.format.components) > 1:  # packed: bgr0
            lines = np.frombuffer(plane, kind).reshape(plane.height, plane.line_size)
            views.append(lines[:, : 4 * plane.width].reshape(plane.height, plane.width, 4))
            continue
        lines = np.frombuffer(plane, kind).reshape(plane.height, plane.line_size // kind.itemsize)
        views.append(lines[:, : plane.width])
    return views
