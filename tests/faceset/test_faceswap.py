"""faceswap's files: what it reads of ours, what we read of its, and what is damaged."""

import pickle
import struct
import zlib
from ast import literal_eval

import numpy as np
import pytest

from semblance.errors import FacesetError
from semblance.faceset.dfl import NoMetadata
from semblance.faceset.faceswap import alignment_of, alignments_bytes, read_alignments, read_face, tags_of
from semblance.faceset.foreign_align import faceswap_matrix
from semblance.media.image import encode_picture
from tests.faceset.foreign_files import faceswap_face

POINTS = np.random.default_rng(0).uniform(40, 200, (68, 2))
PICTURE = np.full((64, 64, 3), 90, np.uint8)


def read(data):
    return read_face(data, "a.png", "a.png", lambda: PICTURE)


def test_a_face_comes_back_with_its_matrix():
    face = read(faceswap_face(np.zeros((200, 300, 3), np.uint8), POINTS, "clip_000007.png"))
    assert np.allclose(face.points, POINTS, atol=1e-4) and face.frame_size == (200, 300)
    assert face.frame == "clip_000007.png" and np.allclose(face.matrix, faceswap_matrix(face.points, 256))


def test_our_chunk_is_what_its_strict_reader_takes():
    """Newer versions refuse any key that their records do not have, and every version takes the first iTXt chunk."""
    tags = tags_of(alignment_of(POINTS), "a_0.png", 0, "a.png", True, (200, 300))
    data = encode_picture(PICTURE, ".png", {**tags, "semblance": "{}", "comment": "footage"})
    place = data.index(b"iTXt")
    length = struct.unpack(">I", data[place - 4 : place])[0]
    keyword, rest = data[place + 4 : place + 4 + length].split(b"\0", 1)
    facts = literal_eval(rest[4:].decode())
    assert keyword == b"faceswap" and set(facts) == {"alignments", "source"}
    assert set(facts["alignments"]) == {"x", "y", "w", "h", "landmarks_xy", "mask", "identity"}
    assert set(facts["source"]) == {
        "alignments_version", "original_filename", "face_index", "source_filename", "source_is_video",
        "source_frame_dims",
    }  # fmt: skip
    assert facts["source"]["source_frame_dims"] == (200, 300) and np.allclose(read(data).points, POINTS)


def test_alignments_come_back_older_forms_too(tmp_path):
    path = tmp_path / "alignments.fsa"
    faces = {"a_000001.mp4": [alignment_of(POINTS), alignment_of(POINTS + 5)], "a_000002.mp4": []}
    path.write_bytes(alignments_bytes(faces))
    found = read_alignments(path)
    assert [(face.name, face.frame) for face in found] == [
        ("a_000001_0.png", "a_000001.mp4"), ("a_000001_1.png", "a_000001.mp4"),
    ]  # fmt: skip
    assert np.allclose(found[1].points, POINTS + 5) and found[0].picture is None
    for old in (
        {"a.png": [{"landmarksXY": POINTS.tolist()}]},
        {"__meta__": {"version": 2.1}, "__data__": {"a.png": {"faces": [{"landmarks_xy": POINTS.astype("f4")}]}}},
    ):
        path.write_bytes(zlib.compress(pickle.dumps(old)))
        assert np.allclose(read_alignments(path)[0].points, POINTS, atol=1e-4)


def test_damaged_alignments_are_one_sentence(tmp_path):
    path = tmp_path / "alignments.fsa"
    whole = alignments_bytes({"a.png": [alignment_of(POINTS)]})
    for data in (b"", b"text", whole[:-9], zlib.compress(b"text"), zlib.compress(pickle.dumps([1])),
                 zlib.compress(pickle.dumps({"a": {"faces": [{"landmarks_xy": [1]}]}}))):  # fmt: skip
        path.write_bytes(data)
        with pytest.raises(FacesetError, match="no alignments file") as caught:
            read_alignments(path)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "{}", "[]", "__import__('os')", "{'alignments': {}, 'source': {}}", "{'alignments': 1, 'source': 2}",
        "{'alignments': {'landmarks_xy': [[1, 2]]}, 'source': {}}", "{",
    ],
)  # fmt: skip
def test_senseless_metadata_is_a_value_error(text):
    with pytest.raises(ValueError):
        read(encode_picture(PICTURE, ".png", {"faceswap": text}))


def test_pictures_of_others():
    with pytest.raises(NoMetadata):
        read(encode_picture(PICTURE, ".png", {"comment": "x"}))
