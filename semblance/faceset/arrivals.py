"""What DeepFaceLab or faceswap left somewhere -> its faces, one by one; what cannot be read is passed over and named.

A folder holds JPEGs of DeepFaceLab or PNGs of faceswap, or a `faceset.pak`; a `.pak` or `.fsa` can be named itself.
No picture is decoded before it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..errors import InputError, MediaError
from ..media.folder import pictures_in
from ..media.image import read_picture
from .dfl import PAK, read_dfl, read_pak
from .faceswap import read_alignments, read_face
from .foreign import ForeignFace
from .store import TABLE

_LARGEST = 64 << 20  # bytes of one face's file: a crop of 1024 pixels as PNG has 3 MB


@dataclass(frozen=True)
class Arrivals:
    """kind: "dfl", "pak" or "faceswap"; faces: each gives a face when called, or raises ValueError; names for each."""

    place: Path
    kind: str
    names: tuple[str, ...]
    faces: tuple[Callable[[], ForeignFace], ...]


def arrivals_at(place: Path) -> Arrivals:
    """Raises InputError and MediaError for a place without faces, FacesetError for a damaged pak or fsa."""
    if not place.exists():
        raise MediaError(f"There is no file or folder {place}; check the name.")
    if (place / TABLE).is_file():
        raise InputError(f"{place} is a faceset already; give the faces of another tool.")
    if place.is_dir() and (place / PAK).is_file():
        place = place / PAK
    if place.is_dir():
        return _of_folder(place)
    if place.suffix.lower() == ".pak":
        faces = read_pak(place)
        return Arrivals(place, "pak", tuple(f"face {n + 1}" for n in range(len(faces))), tuple(faces))
    if place.suffix.lower() == ".fsa":
        found = read_alignments(place)
        return Arrivals(place, "faceswap", tuple(face.name for face in found), tuple(partial(_same, f) for f in found))
    raise InputError(f"{place} is no faceset of another tool; give a folder of faces, a .pak or a .fsa file.")


def _same(face: ForeignFace) -> ForeignFace:
    return face


def _of_folder(folder: Path) -> Arrivals:
    paths = [path for path in pictures_in(folder) if path.suffix.lower() in (".jpg", ".jpeg", ".png")]
    if not paths:
        raise MediaError(f"{folder} holds no pictures; give a folder of faces, a .pak or a .fsa file.")
    kind = "faceswap" if sum(path.suffix.lower() == ".png" for path in paths) * 2 > len(paths) else "dfl"
    return Arrivals(folder, kind, tuple(path.name for path in paths), tuple(partial(_of_file, path) for path in paths))


def _of_file(path: Path) -> ForeignFace:
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError("it is larger than a face's picture")
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(error.strerror or "it cannot be read") from None
    read = read_face if path.suffix.lower() == ".png" else read_dfl
    return read(data, str(path), path.name, partial(read_picture, path))
