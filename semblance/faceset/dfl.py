"""DeepFaceLab's faces: JPEG files with metadata, and `faceset.pak` that holds many.

A JPEG's segment APP15 holds a pickled dictionary (DFLIMG/DFLJPG.py, 2021): face_type, landmarks (68, crop pixels),
source_filename, source_rect, source_landmarks (68, frame pixels), image_to_face_mat (2, 3), and masks, which have no
place in a faceset of ours. Keys that DeepFaceLab does not know stay in its files when it writes them anew.

A pak (samplelib/PackedFaceset.py) is: version 1, length of the pickle, the pickle (a list of dictionaries), one offset
more than there are faces, then the JPEGs; all numbers are 64 bits, little-endian, offsets count from the first JPEG.
The last offset is of no use: DeepFaceLab itself counts it from the file's beginning.
"""

from __future__ import annotations

import hashlib
import pickle
import struct
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from ..errors import FacesetError
from ..faces.align import umeyama
from ..media.image import decode_picture
from .foreign import KEY, ForeignFace, matrix_in, plain_name, points_in, read_record
from .plain_pickle import MOST_BYTES, read_plain

PAK = "faceset.pak"
_FACE_TYPES = {"half_face": 0, "midfull_face": 1, "full_face": 2, "whole_face": 4}  # facelib/FaceType.py
_SAMPLE_OF_A_FACE = 1  # samplelib/Sample.py, SampleType
_ENUMS = ("samplelib.Sample.SampleType", "facelib.FaceType.FaceType", "core.imagelib.SegIEPolys.SegIEPolyType")
_APP15, _LARGEST_SEGMENT = b"\xff\xef", 65533
_STANDALONE = {0x01, *range(0xD0, 0xD8)}  # JPEG markers without a length
_DRIFT = 0.02  # of the crop's side: how far landmarks may lie from where the matrix takes the frame's


class NoMetadata(ValueError):
    """A picture of somebody else's."""


def read_dfl(
    data: bytes, what: str, name: str, picture: Callable[[], np.ndarray], config: dict | None = None
) -> ForeignFace:
    """A face from the bytes of its JPEG.

    what: names the file in messages; picture: gives its pixels when called, so that they need not be kept till then;
    config: what a pak says of the face, for a JPEG without metadata of its own.
    Raises NoMetadata, ValueError where it is damaged, FacesetError where its metadata could run code.
    """
    facts = config or {}
    segment = _segment(data)
    if segment is not None:
        facts = read_plain(segment, what, _ENUMS)
        if not isinstance(facts, dict):
            raise ValueError("its metadata is no dictionary")
    elif config is None:
        raise NoMetadata("it carries no metadata of DeepFaceLab")
    crop_points = points_in(facts.get("landmarks"))
    matrix = matrix_in(facts.get("image_to_face_mat"))
    points = None if facts.get("source_landmarks") is None else points_in(facts["source_landmarks"])
    matrix, points = _agreed(crop_points, matrix, points, _side(data))
    return ForeignFace(
        name=plain_name(name),
        picture=picture,
        matrix=matrix,
        points=points,
        frame=plain_name(facts.get("source_filename")),
        sha256=hashlib.sha256(data).hexdigest(),
        record=read_record(facts.get(KEY), points),
    )


def _agreed(
    crop_points: np.ndarray, matrix: np.ndarray | None, points: np.ndarray | None, side: int
) -> tuple[np.ndarray, np.ndarray]:
    """Matrix and frame's points that tell the same; the crop is its own frame where one of them is not known."""
    if points is None and matrix is None:
        return np.eye(2, 3), crop_points
    if points is None:
        turned = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))[:2]
        return matrix, crop_points @ turned[:, :2].T + turned[:, 2]
    fits = matrix is not None and np.abs(points @ matrix[:, :2].T + matrix[:, 2] - crop_points).max() < _DRIFT * side
    return (matrix if fits else umeyama(points, crop_points)), points  # a picture that was resized, or an old matrix


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(marker, first byte, last byte + 1) of a JPEG's segments up to the picture; ValueError where it is cut short."""
    if data[:2] != b"\xff\xd8":
        raise NoMetadata("it is no JPEG")
    place = 2
    while place + 4 <= len(data):
        if data[place] != 0xFF:
            raise ValueError("it is a damaged JPEG")
        marker = data[place + 1]
        if marker in _STANDALONE or marker == 0xFF:
            place += 1 if marker == 0xFF else 2
            continue
        length = struct.unpack(">H", data[place + 2 : place + 4])[0]
        yield marker, place + 4, place + 2 + length
        if marker == 0xDA:
            return
        place += 2 + length
    raise ValueError("it is cut short")


def _segment(data: bytes) -> bytes | None:
    """What APP15 holds; None where there is none."""
    for marker, first, last in _segments(data):
        if marker == _APP15[1]:
            return data[first:last]
    return None


def _side(data: bytes) -> int:
    """The picture's height in pixels."""
    for marker, first, _ in _segments(data):
        if marker in (0xC0, 0xC1, 0xC2):
            return struct.unpack(">H", data[first + 1 : first + 3])[0]
    raise ValueError("it is a damaged JPEG")


def with_metadata(jpeg: bytes, facts: dict) -> bytes:
    """A JPEG with the dictionary in APP15, behind its first segment as DeepFaceLab puts it."""
    body = pickle.dumps(facts, 4)  # the protocol of Python 3.6, which DeepFaceLab runs on
    assert len(body) <= _LARGEST_SEGMENT, len(body)
    end = next(_segments(jpeg))[2]
    return jpeg[:end] + _APP15 + struct.pack(">H", len(body) + 2) + body + jpeg[end:]


def facts_of(face_type: str, points: np.ndarray, crop_points: np.ndarray, matrix: np.ndarray, frame: str) -> dict:
    """The dictionary of a face; points, matrix: frame pixels, and frame -> crop pixels."""
    low, high = points.min(0), points.max(0)
    return {
        "face_type": face_type,
        "landmarks": crop_points.tolist(),
        "source_filename": frame,
        "source_rect": [int(value) for value in (*low, *high)],
        "source_landmarks": points.tolist(),
        "image_to_face_mat": np.asarray(matrix).tolist(),
    }


def config_of(name: str, facts: dict, size: int) -> dict:
    """What a pak says of a face with these facts."""
    return {
        "sample_type": _SAMPLE_OF_A_FACE, "filename": name, "face_type": _FACE_TYPES[facts["face_type"]],
        "shape": (size, size, 3), "landmarks": facts["landmarks"], "seg_ie_polys": {"polys": []}, "xseg_mask": None,
        "xseg_mask_compressed": None, "eyebrows_expand_mod": 1.0, "source_filename": facts["source_filename"],
        "person_name": None,
    }  # fmt: skip


def write_pak(path: Path, configs: Sequence[dict], jpegs: Iterator[bytes]) -> None:
    """Write a pak; as many JPEGs as configs. OSError where that fails."""
    body = pickle.dumps(list(configs), 4)
    offsets = [0]
    with open(path, "wb") as file:
        file.write(struct.pack("<QQ", 1, len(body)) + body)
        table = file.tell()
        file.write(bytes(8 * (len(configs) + 1)))
        for jpeg in jpegs:
            file.write(jpeg)
            offsets.append(offsets[-1] + len(jpeg))
        file.seek(table)
        file.write(struct.pack(f"<{len(offsets)}Q", *offsets))


def read_pak(path: Path) -> list[Callable[[], ForeignFace]]:
    """A function for each face that a pak lists; called, it gives the face or raises as read_dfl does.

    Raises FacesetError where the list itself is damaged, cut short, or could run code.
    """
    size = path.stat().st_size
    with open(path, "rb") as file:
        head = file.read(16)
        version, length = struct.unpack("<QQ", head) if len(head) == 16 else (0, 0)
        if version != 1:
            raise FacesetError(f"{path} is no packed faceset of DeepFaceLab, or of a newer version; unpack it there.")
        if length > min(size, MOST_BYTES):
            raise FacesetError(f"{path} is damaged or cut short: not even its list of faces is whole; copy it again.")
        try:
            configs = read_plain(file.read(length), str(path), _ENUMS)
            offsets = struct.unpack(f"<{len(configs) + 1}Q", file.read(8 * len(configs) + 8))
        except (ValueError, TypeError, struct.error):
            raise FacesetError(
                f"{path} is damaged or cut short: not even its list of faces is whole; copy it again."
            ) from None
        start = file.tell()
    if not isinstance(configs, list):
        raise FacesetError(f"{path} is damaged: it holds no list of faces.")
    ends = [start + offset for offset in offsets[1:-1]] + [size]
    return [
        partial(_face_in_pak, path, start + begin, end, config) for begin, end, config in zip(offsets, ends, configs)
    ]


def _face_in_pak(path: Path, begin: int, end: int, config: object) -> ForeignFace:
    if not isinstance(config, dict):
        raise ValueError("its entry is damaged")
    person, name = plain_name(config.get("person_name")), plain_name(config.get("filename"))
    data, what = _bytes_in_pak(path, begin, end), f"{path}, {name}"
    picture = partial(_picture_in_pak, path, begin, end, what)
    return read_dfl(data, what, f"{person}_{name}" if person else name, picture, config)


def _bytes_in_pak(path: Path, begin: int, end: int) -> bytes:
    data = b""
    if begin < end <= path.stat().st_size:
        with open(path, "rb") as file:
            file.seek(begin)
            data = file.read(end - begin)
    if not data.endswith(b"\xff\xd9"):  # the end of a JPEG
        raise ValueError("its picture is cut short")
    return data


def _picture_in_pak(path: Path, begin: int, end: int, what: str) -> np.ndarray:
    return decode_picture(_bytes_in_pak(path, begin, end), what)
