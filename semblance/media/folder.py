"""A folder of pictures as a clip: sorted as a person counts (2 before 10), 25 frames a second, one size.

folder -> ClipInfo; ClipInfo -> Frames.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from ..errors import MediaError
from ..types import ClipInfo, Frame
from .fine import shallowed
from .image import read_deep_picture, read_picture
from .opening import STILLS

FOLDER = "folder"  # the container of a sequence of pictures
FOLDER_RATE = Fraction(25)
_DEEP = "rgb48le"  # of pictures with 16 bits a channel


def pictures_in(folder: Path, kinds: tuple[str, ...] = STILLS) -> list[Path]:
    """The pictures directly inside, hidden ones left out, in natural order; kinds: suffixes that count."""
    found = (p for p in folder.iterdir() if p.suffix.lower() in kinds and p.name[0] != "." and p.is_file())
    return sorted(found, key=lambda p: [int(part) if part.isdigit() else part for part in _split(p.name)])


def probe_folder(folder: Path) -> ClipInfo:
    """ClipInfo of a folder of pictures; raises MediaError if there are none."""
    pictures = pictures_in(folder)
    if not pictures:
        raise MediaError(f"{folder} holds no pictures ({', '.join(STILLS)}); name a clip or a folder of pictures.")
    height, width = read_picture(pictures[0]).shape[:2]
    deep = read_deep_picture(pictures[0]) is not None
    return ClipInfo(
        path=folder,
        container=FOLDER,
        codec=pictures[0].suffix.lower().lstrip("."),
        width=width,
        height=height,
        rate=FOLDER_RATE,
        frames=len(pictures),
        duration=float(len(pictures) / FOLDER_RATE),
        pixel_format=_DEEP if deep else "rgb24",
        colour_range="pc",
        colour_matrix="gbr",
    )


def read_folder(info: ClipInfo, start: int, stop: int | None) -> Iterator[Frame]:
    """The pictures [start, stop) as frames; raises MediaError at one of another size."""
    for index, path in list(enumerate(pictures_in(info.path)))[start:stop]:
        deep = read_deep_picture(path) if info.pixel_format == _DEEP else None
        pixels = read_picture(path) if deep is None else shallowed(deep)
        if pixels.shape != (info.height, info.width, 3):
            size = f"{pixels.shape[1]}x{pixels.shape[0]}"
            raise MediaError(
                f"{path} is {size}, but the folder's first picture is {info.width}x{info.height}; "
                "the pictures of a folder need one size."
            )
        native = None if deep is None else av.VideoFrame.from_ndarray(np.ascontiguousarray(deep), format=_DEEP)
        yield Frame(index, float(index / info.rate), pixels, native)


def _split(name: str) -> list[str]:
    """Digits and the rest by turns, always text first, so that parts compare like with like."""
    return re.split(r"(\d+)", name.lower())
