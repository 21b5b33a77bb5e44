"""Single pictures: files -> (H, W, 3) uint8 RGB, and back with tags.

Any common format is read; PNG and JPEG are written. Tags become PNG text chunks, or a JPEG comment.
"""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import OpenEXR
from PIL import Image, ImageOps

from ..errors import InputError, MediaError
from ..runs import written_whole
from .opening import open_clip
from .tags import pack_tags, unpack_tags

_PNG_HEAD = b"\x89PNG\r\n\x1a\n"
EXR_HEAD = b"v/1\x01"
_TIFF_HEADS, _DESCRIPTION = (b"II*\0", b"MM\0*"), 270
_PNG_LEVEL = 1  # zlib's fastest: a 256x256 crop in about a millisecond, some 10 % larger than at the default level
_JPEG_QUALITY = 95


def read_picture(path: Path) -> np.ndarray:
    """(H, W, 3) uint8 RGB, upright (EXIF). 16-bit and float pictures are scaled to 8 bits, alpha is dropped, grey is
    repeated. Raises MediaError if `path` is missing, empty or no picture."""
    path = Path(path)
    if not path.exists():
        raise MediaError(f"There is no file {path}; check the name.")
    if path.is_file() and path.stat().st_size == 0:
        raise MediaError(f"{path} is empty (0 bytes); copy or export it again.")
    return _decoded(path, str(path))


def read_deep_picture(path: Path) -> np.ndarray | None:
    """(H, W, 3) uint16 RGB of a PNG or TIFF with 16 bits a channel, grey repeated, alpha dropped; None for any other
    file, and for one that cannot be read."""
    path = Path(path)
    if path.suffix.lower() not in _DEEP or (path.suffix.lower() == ".png" and not _is_deep_png(path)):
        return None
    found = cv2.imread(str(path), cv2.IMREAD_ANYDEPTH | cv2.IMREAD_COLOR)
    return None if found is None or found.dtype != np.uint16 else found[..., ::-1]


def _is_deep_png(path: Path) -> bool:
    """By its header, so that a picture of 8 bits is not decoded twice."""
    with suppress(OSError), path.open("rb") as file:
        return file.read(25)[24:] == b"\x10"
    return False


def decode_picture(data: bytes, what: str) -> np.ndarray:
    """read_picture for the bytes of a file; `what` names it in messages. Raises MediaError."""
    return _decoded(BytesIO(data), what)


def _decoded(file: Path | BytesIO, what: str) -> np.ndarray:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(file) as picture:
                upright = ImageOps.exif_transpose(picture)
                return _to_rgb(upright)
    except (OSError, ValueError, SyntaxError, struct.error, zlib.error):
        raise MediaError(
            f"{what} is not a picture that can be read, or is damaged; expected PNG, JPEG, WebP..."
        ) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise MediaError(
            f"{what} is larger than {Image.MAX_IMAGE_PIXELS / 1e6:.0f} megapixels; scale it down."
        ) from None


def _to_rgb(picture: Image.Image) -> np.ndarray:
    if picture.mode.startswith("I") or picture.mode == "F":
        samples = np.asarray(picture).astype(np.float64)
        top = 65535.0 if picture.mode.startswith("I") else max(float(samples.max(initial=1.0)), 1.0)
        grey = np.clip(samples / top * 255, 0, 255).round().astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    return np.array(picture.convert("RGB"))


_SUFFIXES = (".png", ".jpg", ".jpeg")
_DEEP = (".png", ".tif", ".tiff")


def check_picture(suffix: str) -> None:
    """Raises InputError, before any work, for a suffix that no picture is written with."""
    if suffix.lower() not in _SUFFIXES:
        raise InputError(f"Pictures cannot be written as '{suffix}'; use .png or .jpg.")


def encode_picture(pixels: np.ndarray, suffix: str, tags: dict[str, str]) -> bytes:
    """The bytes of a PNG (.png) or JPEG (.jpg, .jpeg) file with its tags; raises InputError for other suffixes.

    pixels (H, W, 3) uint8 RGB; for PNG also (H, W), (H, W, 4) with straight alpha, and uint16.
    """
    check_picture(suffix)
    bgr = pixels
    if pixels.ndim == 3:
        order = cv2.COLOR_RGB2BGR if pixels.shape[2] == 3 else cv2.COLOR_RGBA2BGRA
        bgr = cv2.cvtColor(np.ascontiguousarray(pixels), order)
    if suffix.lower() == ".png":
        data = cv2.imencode(".png", bgr, [cv2.IMWRITE_PNG_COMPRESSION, _PNG_LEVEL])[1].tobytes()
        end_of_header = len(_PNG_HEAD) + 25  # IHDR: length, name, 13 bytes, checksum
        return data[:end_of_header] + b"".join(map(_text_chunk, tags, tags.values())) + data[end_of_header:]
    data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1].tobytes()
    end_of_header = 4 + struct.unpack(">H", data[4:6])[0]  # after the JFIF segment
    comment = pack_tags(tags).encode()
    segment = b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment if tags else b""
    return data[:end_of_header] + segment + data[end_of_header:]


def write_picture(
    path: Path, pixels: np.ndarray, tags: dict[str, str], check: Callable[[Path], None] | None = None
) -> None:
    """Write (H, W, 3) uint8 RGB as PNG or JPEG by suffix, whole or not at all. Raises InputError, OutputError.

    check is called with the finished file before it is moved to `path`, and may raise to keep it from there.
    """
    path = Path(path)
    data = encode_picture(pixels, path.suffix, tags)
    with written_whole(path) as temporary:
        temporary.write_bytes(data)
        if check:
            check(temporary)


def read_tags(path: Path) -> dict[str, str]:
    """The tags that a picture or clip was written with; {} if it carries none. Raises MediaError if unreadable."""
    path = Path(path)
    head = b""
    if path.is_file():
        with open(path, "rb") as file:
            head = file.read(4)
    if head[:2] == _PNG_HEAD[:2]:
        return png_tags(path.read_bytes(), str(path))
    if head[:2] == b"\xff\xd8":
        return _jpeg_tags(path.read_bytes())
    if head == EXR_HEAD:
        return _exr_tags(path)
    if head in _TIFF_HEADS:
        return _tiff_tags(path)
    with open_clip(path) as container:
        fields = {key.lower(): value for key, value in container.metadata.items()}
    return unpack_tags(fields.get("comment", ""))


def _text_chunk(key: str, value: str) -> bytes:
    """PNG (third edition) 11.3.3.4: an iTXt chunk, uncompressed UTF-8; its keyword is Latin-1, 1 to 79 bytes."""
    if not 1 <= len(key.encode("latin-1", "replace")) <= 79:
        raise InputError(f"A picture's tag needs a name of 1 to 79 letters, not '{key}'.")
    body = b"iTXt" + key.encode("latin-1", "replace") + b"\0\0\0\0\0" + value.encode()
    return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))


def png_tags(data: bytes, what: str) -> dict[str, str]:
    """The text chunks (iTXt) before the pixels of a PNG's bytes; `what` names it in messages. Raises MediaError."""
    tags, place = {}, len(_PNG_HEAD)
    try:
        while (name := data[place + 4 : place + 8]) not in (b"IDAT", b"IEND", b""):
            length = struct.unpack(">I", data[place : place + 4])[0]
            body = data[place + 8 : place + 8 + length]
            if name == b"iTXt":
                key, _, rest = body.partition(b"\0")
                tags[key.decode("latin-1")] = rest[2:].split(b"\0", 2)[2].decode()
            place += length + 12
    except (struct.error, IndexError, UnicodeDecodeError):
        raise MediaError(f"{what} is a damaged PNG; copy or export it again.") from None
    return tags


def _exr_tags(path: Path) -> dict[str, str]:
    try:
        with OpenEXR.File(str(path), header_only=True) as file:
            return unpack_tags(str(file.header().get("comments", "")))
    except (RuntimeError, ValueError, TypeError):
        raise MediaError(f"{path} is a damaged EXR; copy or export it again.") from None


def _tiff_tags(path: Path) -> dict[str, str]:
    """What the first picture's description (tag 270) says."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a damaged file is told by an error
            with Image.open(path) as picture:
                return unpack_tags(str(picture.tag_v2.get(_DESCRIPTION, "")))
    except (OSError, ValueError, SyntaxError, TypeError, AttributeError, struct.error):
        raise MediaError(f"{path} is a damaged TIFF; copy or export it again.") from None


def _jpeg_tags(data: bytes) -> dict[str, str]:
    place = 2
    while place + 4 <= len(data) and data[place] == 0xFF and data[place + 1] != 0xDA:
        length = struct.unpack(">H", data[place + 2 : place + 4])[0]
        if data[place + 1] == 0xFE:
            return unpack_tags(data[place + 4 : place + 2 + length].decode("utf-8", "replace"))
        place += 2 + length
    return {}
