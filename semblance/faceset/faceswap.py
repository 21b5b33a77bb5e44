"""faceswap's faces: PNG files with metadata, and `alignments.fsa` that lists the faces of each frame.

A PNG's chunk iTXt "faceswap" holds a Python literal (lib/image.py, lib/align/objects.py, 2.x): "alignments" with the
box x, y, w, h, landmarks_xy (68, frame pixels), mask, identity; "source" with version, file names, number of the face
in its frame and the frame's size. Newer versions refuse keys that they do not know, so our record travels in a chunk of
its own behind theirs, which they pass over.

An fsa is a zlib-compressed pickle: {"__meta__": {"version": 2.4}, "__data__": {frame: {"faces": [...], "video_meta"}}}.
"""

from __future__ import annotations

import hashlib
import pickle
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..errors import FacesetError, MediaError
from ..media.image import png_tags
from .dfl import NoMetadata
from .foreign import KEY, ForeignFace, plain_name, points_in, read_record
from .foreign_align import faceswap_matrix
from .plain_literal import read_literal
from .plain_pickle import MOST_BYTES, read_plain

ALIGNMENTS = "alignments.fsa"
CHUNK = "faceswap"
_VERSION = 2.4
_LONGEST = 8 << 20  # letters of metadata: masks of 256 pixels, written as text, stay far below


def read_face(data: bytes, what: str, name: str, picture: Callable[[], np.ndarray]) -> ForeignFace:
    """A face from the bytes of its PNG; what: names the file in messages; picture: gives its pixels.

    Raises NoMetadata, and ValueError where it is damaged.
    """
    try:
        tags = png_tags(data, what)
    except MediaError:
        raise ValueError("it is a damaged PNG") from None
    if CHUNK not in tags:
        raise NoMetadata("it carries no metadata of faceswap")
    if len(tags[CHUNK]) > _LONGEST:
        raise ValueError("its metadata is too long")
    facts = read_literal(tags[CHUNK])
    try:
        points = points_in(facts["alignments"]["landmarks_xy"])
        source = facts["source"]
        legacy = float(source["alignments_version"]) < 2
        frame, size = plain_name(source["source_filename"]), _size_in(source.get("source_frame_dims"))
    except (KeyError, TypeError, AttributeError):
        raise ValueError("its metadata lacks what faceswap writes") from None
    side = struct.unpack(">I", data[20:24])[0]  # the height stands behind width in the header, which comes first
    return ForeignFace(
        name=plain_name(name),
        picture=picture,
        matrix=faceswap_matrix(points, side, "legacy" if legacy else "head"),
        points=points,
        frame=frame,
        sha256=hashlib.sha256(data).hexdigest(),
        record=read_record(tags.get(KEY), points),
        frame_size=size,
    )


def _size_in(value: object) -> tuple[int, int] | None:
    """(height, width) of a frame; None where it is not told."""
    if isinstance(value, (list, tuple)) and len(value) >= 2 and all(isinstance(side, int) for side in value[:2]):
        return (value[0], value[1]) if min(value[:2]) > 0 else None
    return None


def read_alignments(path: Path) -> list[ForeignFace]:
    """The faces of an fsa, which have no pictures. Raises FacesetError where it is damaged or could run code."""
    damaged = FacesetError(f"{path} is no alignments file of faceswap, or damaged; copy it again.")
    unpacker = zlib.decompressobj()
    try:
        data = unpacker.decompress(path.read_bytes(), MOST_BYTES)
        if not unpacker.eof:
            raise damaged
        content = read_plain(data, str(path))
        frames = content.get("__data__", content)
        return [face for frame, entry in frames.items() for face in _faces_of(frame, entry)]
    except (zlib.error, ValueError, AttributeError, KeyError, TypeError):
        raise damaged from None


def _faces_of(frame: str, entry: dict | list) -> list[ForeignFace]:
    """The faces of one frame; before version 2 there was a list without a name for it, and another key."""
    frame, found = plain_name(frame), []
    for number, face in enumerate(entry if isinstance(entry, list) else entry["faces"]):
        points = points_in(face["landmarks_xy"] if "landmarks_xy" in face else face["landmarksXY"])
        digest = hashlib.sha256(points.tobytes()).hexdigest()
        found.append(ForeignFace(f"{Path(frame).stem}_{number}.png", None, None, points, frame, digest))
    return found


def alignment_of(points: np.ndarray) -> dict:
    """What a face's alignment says; points (68, 2) frame pixels."""
    low, high = np.floor(points.min(0)), np.ceil(points.max(0))
    return {
        "x": int(low[0]), "y": int(low[1]), "w": int(high[0] - low[0]), "h": int(high[1] - low[1]),
        "landmarks_xy": points.tolist(), "mask": {}, "identity": {},
    }  # fmt: skip


def tags_of(
    alignment: dict, name: str, number: int, frame: str, is_video: bool, size: tuple[int, int]
) -> dict[str, str]:
    """The chunk that faceswap reads from a face's PNG; it must stand before all other text.

    number: of the face in its frame; size: (height, width) of the frame
    """
    source = {
        "alignments_version": _VERSION, "original_filename": name, "face_index": number, "source_filename": frame,
        "source_is_video": is_video, "source_frame_dims": tuple(size),
    }  # fmt: skip
    return {CHUNK: str({"alignments": alignment, "source": source})}


def alignments_bytes(frames: dict[str, list[dict]]) -> bytes:
    """An fsa's bytes; frames: name of the frame's file -> the alignments of its faces."""
    entries = {name: {"faces": faces, "video_meta": {}} for name, faces in frames.items()}
    return zlib.compress(pickle.dumps({"__meta__": {"version": _VERSION}, "__data__": entries}, 4))
