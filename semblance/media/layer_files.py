"""Layers for compositing, a file a frame: EXR with everything in one file and in linear light, or 16-bit TIFF and PNG
in the plate's own curve.

Layer -> FOLDER/face/face.000001.exr, or FOLDER/face/face.000001.tiff and FOLDER/uv/uv.000001.tiff; 000001 is frame 0.
All are as large as the plate and lie on it pixel by pixel; an EXR holds only the rectangle around the face (its data
window). EXR multiplies colour by alpha, as its standard asks for (OpenEXR, "Technical Introduction", Premultiplied vs.
Un-premultiplied Color Channels); PNG must not (PNG, third edition, 12.3), and TIFF says that it does not (tag 338).
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Literal

import numpy as np
import OpenEXR
import tifffile
from pydantic import Field

from ..errors import InputError
from ..options import Options
from ..types import ClipInfo, Layer
from .fine import WHITE
from .image import encode_picture
from .tags import pack_tags
from .transfer import check_curve, to_linear

Format = Literal["exr", "tiff", "png"]
FACE, UV = "face", "uv"
# CIE x and y of red, green, blue and white (ITU-R BT.709, BT.601, BT.2020; SMPTE RP 431-2, EG 432-1)
_PRIMARIES = {
    "bt709": (0.640, 0.330, 0.300, 0.600, 0.150, 0.060, 0.3127, 0.3290),
    "bt470bg": (0.640, 0.330, 0.290, 0.600, 0.150, 0.060, 0.3127, 0.3290),
    "smpte170m": (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, 0.3127, 0.3290),
    "bt2020": (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, 0.3127, 0.3290),
    "smpte431": (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.3140, 0.3510),
    "smpte432": (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.3127, 0.3290),
}
_DEFLATE = 1  # zlib's fastest level: most of a frame is empty


class LayerOptions(Options):
    """In what kind of files the layers are handed over."""

    format: Format = "exr"
    """exr: everything in one file a frame, linear light, colour multiplied by alpha; tiff, png: 16 bits in the plate's
    own curve, straight alpha, and the UV map in files of its own."""
    video: Literal["none", "prores", "ffv1"] = "none"
    """The face with its alpha as a clip as well: ProRes 4444 (face.mov) or lossless FFV1 (face.mkv)."""
    uv: Literal["auto", "mesh", "crop", "none"] = Field("auto")
    """What the UV map tells of each pixel: its place on the face mesh's texture (mesh; for models that work in mesh
    space) or in an upright square around the face (crop); auto: mesh where the model has one."""


def numbered(kind: str, index: int, format: str) -> str:
    """The name of a frame's file in its folder."""
    return f"{kind}.{index + 1:06d}.{format}"


class LayerFiles:
    """Writes the layers of a stretch of frames into a folder, by rising index; a frame that is left out gets an empty
    one, for programs that read sequences do not bear a gap. uv: with the UV map. Raises InputError for a plate whose
    curve EXR cannot keep."""

    def __init__(
        self, folder: Path, info: ClipInfo, format: Format, uv: bool, tags: dict[str, str], frames: range
    ) -> None:
        self._folder, self._info, self._format, self._uv, self._tags = folder, info, format, uv, tags
        self._next, self._stop = frames.start, frames.stop
        self._curve = check_curve(info, "choose --format tiff, which keeps it") if format == "exr" else ""
        for kind in (FACE, *([UV] if uv and format != "exr" else [])):
            (folder / kind).mkdir()

    def write(self, index: int, layer: Layer | None) -> None:
        """A frame's layer; None: an empty one."""
        self._fill(index)
        self._write(index, layer)
        self._next = index + 1

    def close(self) -> None:
        """Fill up what is missing at the end."""
        self._fill(self._stop)

    def _fill(self, stop: int) -> None:
        for index in range(self._next, stop):
            self._write(index, None)

    def _write(self, index: int, layer: Layer | None) -> None:
        if self._format == "exr":
            layer = layer or Layer(0, 0, np.zeros((1, 1, 3), np.uint16), np.zeros((1, 1), np.float32), None)
            self._write_exr(self._folder / FACE / numbered(FACE, index, "exr"), layer)
            return
        self._write_picture(FACE, index, straight(layer, self._info))
        if self._uv:
            canvas = np.zeros((self._info.height, self._info.width, 3), np.uint16)
            if layer is not None and layer.uv is not None:
                layer.of(canvas)[...] = np.rint(layer.uv * WHITE)
            self._write_picture(UV, index, canvas)

    def _write_picture(self, kind: str, index: int, pixels: np.ndarray) -> None:
        path = self._folder / kind / numbered(kind, index, self._format)
        if self._format == "png":
            path.write_bytes(encode_picture(pixels, ".png", self._tags))
            return
        tifffile.imwrite(
            path, pixels, photometric="rgb", extrasamples=["unassalpha"] * (pixels.shape[2] - 3), compression="zlib",
            compressionargs={"level": _DEFLATE}, description=pack_tags(self._tags), metadata=None,
            software=self._tags.get("software", ""),
        )  # fmt: skip

    def _write_exr(self, path: Path, layer: Layer) -> None:
        info, (height, width) = self._info, layer.mask.shape
        light, mask = to_linear(layer.face, self._curve), layer.mask[..., None]
        channels = {
            "RGBA": np.concatenate([light * mask, mask], 2).astype(np.float16),
            "face": light.astype(np.float16),
        }
        if self._uv:
            uv = np.zeros((height, width, 3), np.float32) if layer.uv is None else layer.uv
            channels["uv"] = np.ascontiguousarray(uv, np.float32)
        header = {
            "type": OpenEXR.scanlineimage,
            "compression": OpenEXR.ZIP_COMPRESSION,
            "displayWindow": _window(0, 0, info.width, info.height),
            "dataWindow": _window(layer.x, layer.y, width, height),
            "pixelAspectRatio": float(info.pixel_aspect),
            "framesPerSecond": Fraction(info.rate),
            "chromaticities": _PRIMARIES.get(info.colour_primaries, _PRIMARIES["bt709"]),
            "comments": pack_tags(self._tags),
            **self._tags,
            "plateCurve": self._curve,
            "alpha": "RGB is multiplied by A; face.RGB is not, and is whole beyond the mask",
        }
        with OpenEXR.File(header, channels, 1) as file:
            file.write(str(path))


def straight(layer: Layer | None, info: ClipInfo) -> np.ndarray:
    """(H, W, 4) uint16: the layer at the plate's size, colour not multiplied by alpha; empty where it is not."""
    canvas = np.zeros((info.height, info.width, 4), np.uint16)
    if layer is not None:
        part = layer.of(canvas)
        part[..., :3] = layer.face
        part[..., 3] = np.rint(layer.mask * WHITE)
    return canvas


def _window(x: int, y: int, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Both corners, inside."""
    return np.array([x, y], np.int32), np.array([x + width - 1, y + height - 1], np.int32)


def check_layers(options: LayerOptions, info: ClipInfo) -> None:
    """Raises InputError, before any work, for a plate that these files cannot hold."""
    if options.format == "exr":
        check_curve(info, "choose --format tiff, which keeps it")
    if options.video == "ffv1" and info.pixel_aspect != 1:
        raise InputError(
            f"An FFV1 clip cannot keep the plate's pixel aspect {info.pixel_aspect}; choose --video prores."
        )
