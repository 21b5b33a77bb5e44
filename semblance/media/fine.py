"""Sixteen bits a channel, for plates that are deeper than eight: between a decoder's frame and RGB without rounding on
the way that could be seen as bands.

av.VideoFrame <-> (H, W, 3) uint16 RGB, 0..65535. Only chroma goes through the scaler, to full size and back; the matrix
is worked out in floats from the standards' own luma weights (ITU-R BT.601, BT.709, BT.2020, SMPTE 240M, FCC), for the
scaler's is off by up to two of 1023 levels.
"""

from __future__ import annotations

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from ..types import Frame
from .colour import matrix_of, planes_of, range_of

WHITE = 65535
_STEP = 257  # from 8 bits to 16: 255 becomes 65535
# what red and blue weigh in luma; ITU601 stands for the other names of the same weights, too
_WEIGHTS = {
    Colorspace.ITU709: (0.2126, 0.0722),
    Colorspace.ITU601: (0.299, 0.114),
    Colorspace.BT2020: (0.2627, 0.0593),
    Colorspace.SMPTE240M: (0.212, 0.087),
    Colorspace.FCC: (0.30, 0.11),
}


def is_deep(format: av.VideoFormat | str) -> bool:
    """Whether a pixel format holds whole numbers of more than eight bits."""
    format = av.VideoFormat(format) if isinstance(format, str) else format
    return not format.has_palette and 8 < format.components[0].bits <= 16 and "f16" not in format.name


def fine_pixels(frame: Frame) -> np.ndarray:
    """(H, W, 3) uint16 RGB of a frame: from its own samples where there are such."""
    if frame.native is None or not _is_planar(frame.native.format):
        return deepened(frame.pixels)
    return fine_rgb(frame.native)


def deepened(pixels: np.ndarray) -> np.ndarray:
    """uint8 -> uint16 of the same colours; uint16 as it is."""
    return pixels if pixels.dtype == np.uint16 else pixels.astype(np.uint16) * np.uint16(_STEP)


def shallowed(pixels: np.ndarray) -> np.ndarray:
    """uint16 -> the nearest uint8; uint8 as it is."""
    if pixels.dtype == np.uint8:
        return pixels
    return ((pixels.astype(np.uint32) + _STEP // 2) // _STEP).astype(np.uint8)


def fine_rgb(native: av.VideoFrame) -> np.ndarray:
    """(H, W, 3) uint16 RGB of a decoder's frame, YUV, grey or RGB of 8 to 16 bits; colours beyond white are cut off."""
    bits = native.format.components[0].bits
    if native.format.is_rgb:
        planar = native.reformat(format="gbrp" if bits == 8 else f"gbrp{bits}le", threads=1)
        green, blue, red = planes_of(planar)
        return _rounded(cv2.merge([red, green, blue]) * np.float32(WHITE / ((1 << bits) - 1)))
    matrix, range = matrix_of(native), range_of(native)
    planes = planes_of(_with_chroma_as(_full_chroma(bits), native, matrix, range))[:3]
    if len(planes) == 1:  # grey
        planes += [np.full_like(planes[0], 1 << (bits - 1))] * 2
    samples = cv2.merge([plane.astype(np.float32) for plane in planes])
    return _rounded(cv2.transform(samples, WHITE * _to_rgb(matrix, range, bits)))


def from_fine_rgb(pixels: np.ndarray, format: str, matrix: Colorspace, range: ColorRange) -> av.VideoFrame:
    """(H, W, 3) uint16 RGB as a frame of a planar pixel format of 8 to 16 bits."""
    kind = av.VideoFormat(format)
    bits = kind.components[0].bits
    top = (1 << bits) - 1
    height, width = pixels.shape[:2]
    if kind.is_rgb:
        made = av.VideoFrame(width, height, "gbrp" if bits == 8 else f"gbrp{bits}le")
        samples = pixels[..., [1, 2, 0]] * np.float32(top / WHITE)
    else:
        made = av.VideoFrame(width, height, format if len(kind.components) == 1 else _full_chroma(bits))
        forth = _to_rgb(matrix, range, bits)
        back = np.linalg.inv(forth[:, :3])
        back = np.column_stack([back / WHITE, -back @ forth[:, 3]])
        samples = cv2.transform(pixels.astype(np.float32), back)
    for plane, values in zip(planes_of(made), cv2.split(samples)):
        plane[...] = np.clip(np.rint(values), 0, top)
    return made.reformat(format=format, threads=1) if kind.is_rgb else _with_chroma_as(format, made, matrix, range)


def _is_planar(format: av.VideoFormat) -> bool:
    """Whether fine_rgb reads it: whole numbers of up to 16 bits, no palette."""
    return not format.has_palette and (format.components[0].bits == 8 or is_deep(format))


def _full_chroma(bits: int) -> str:
    return "yuv444p" if bits == 8 else f"yuv444p{bits}le"


def _with_chroma_as(format: str, native: av.VideoFrame, matrix: Colorspace, range: ColorRange) -> av.VideoFrame:
    """The frame in a format of the same depth; grey stays grey. Luma is only copied."""
    if native.format.name == format or len(native.format.components) == 1:
        return native
    return native.reformat(
        format=format,
        src_colorspace=matrix,
        dst_colorspace=matrix,
        src_color_range=range,
        dst_color_range=range,
        threads=1,
    )


def _to_rgb(matrix: Colorspace, range: ColorRange, bits: int) -> np.ndarray:
    """(3, 4): from samples Y, Cb, Cr to R, G, B 0..1."""
    red, blue = _WEIGHTS[matrix]
    green = 1 - red - blue
    linear = np.array(
        [
            [1, 0, 2 * (1 - red)],
            [1, -2 * blue * (1 - blue) / green, -2 * red * (1 - red) / green],
            [1, 2 * (1 - blue), 0],
        ]
    )
    unit = 1 << (bits - 8)
    if range == ColorRange.JPEG:
        black, spans = 0, np.full(3, (1 << bits) - 1)
    else:
        black, spans = 16 * unit, np.array([219, 224, 224]) * unit
    linear = linear / spans
    return np.column_stack([linear, -linear @ [black, 128 * unit, 128 * unit]])


def _rounded(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, WHITE).astype(np.uint16)
