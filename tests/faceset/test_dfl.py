"""DeepFaceLab's files: what it reads of ours, what we read of its, and what is damaged."""

import pickle
import struct
from itertools import pairwise

import numpy as np
import pytest

from semblance.errors import FacesetError
from semblance.faceset.dfl import NoMetadata, config_of, facts_of, read_dfl, read_pak, with_metadata, write_pak
from semblance.faceset.plain_pickle import read_plain
from semblance.media.image import encode_picture, read_picture, read_tags
from tests.faceset.foreign_files import dfl_face, embedded

POINTS = np.random.default_rng(0).uniform(40, 200, (68, 2))
MATRIX = np.array([[0.5, -0.1, 7.0], [0.1, 0.5, -3.0]])
JPEG = encode_picture(np.full((64, 64, 3), 90, np.uint8), ".jpg", {"comment": "footage"})


def picture():
    raise AssertionError("no picture was asked for")


def read(data, config=None):
    return read_dfl(data, "a.jpg", "a.jpg", picture, config)


def test_metadata_comes_back_and_the_picture_stays_one(tmp_path):
    crop_points = POINTS @ MATRIX[:, :2].T + MATRIX[:, 2]
    facts = facts_of("whole_face", POINTS, crop_points, MATRIX, "00001.png")
    data = with_metadata(JPEG, facts)
    face = read(data)
    assert np.allclose(face.points, POINTS) and np.allclose(face.matrix, MATRIX) and face.frame == "00001.png"
    (tmp_path / "a.jpg").write_bytes(data)
    assert read_picture(tmp_path / "a.jpg").shape == (64, 64, 3)
    assert read_tags(tmp_path / "a.jpg") == {"comment": "footage"}
    # as DeepFaceLab walks it: APP0 with JFIF first, APP15 as one segment, a plain dictionary in it
    assert data[2:4] == b"\xff\xe0" and data[6:10] == b"JFIF"
    place = data.index(b"\xff\xef")
    length = struct.unpack(">H", data[place + 2 : place + 4])[0]
    assert read_plain(data[place + 4 : place + 2 + length], "our own bytes") == facts


def test_its_own_numpy_metadata_is_read():
    frame = np.zeros((256, 256, 3), np.uint8)
    points = np.random.default_rng(1).uniform(60, 190, (68, 2))
    face = read(dfl_face(frame, points, "C:\\work\\..\\00007.png"))
    assert np.array_equal(face.points, points) and face.frame == "00007.png" and face.record is None


def test_a_picture_that_was_resized_keeps_its_place():
    crop_points = POINTS @ MATRIX[:, :2].T + MATRIX[:, 2]
    facts = facts_of("whole_face", POINTS, crop_points * 2, MATRIX, "1.png")  # the matrix was left as it was
    assert np.allclose(read(with_metadata(JPEG, facts)).matrix, MATRIX * 2)


def test_without_a_matrix_the_crop_is_its_own_frame():
    face = read(with_metadata(JPEG, {"landmarks": POINTS.tolist()}))
    assert np.array_equal(face.matrix, np.eye(2, 3)) and np.array_equal(face.points, POINTS)
    facts = {"landmarks": (POINTS @ MATRIX[:, :2].T + MATRIX[:, 2]).tolist(), "image_to_face_mat": MATRIX.tolist()}
    assert np.allclose(read(with_metadata(JPEG, facts)).points, POINTS)


@pytest.mark.parametrize(
    "facts",
    [
        [], {}, {"landmarks": None}, {"landmarks": [[1, 2]] * 67}, {"landmarks": [[1, float("nan")]] * 68},
        {"landmarks": "x"}, {"landmarks": [[1, 1e9]] * 68},
        {"landmarks": POINTS, "image_to_face_mat": np.zeros((2, 3))},
        {"landmarks": POINTS, "image_to_face_mat": "x"}, {"landmarks": POINTS, "source_landmarks": [[]]},
    ],
)  # fmt: skip
def test_senseless_metadata_is_a_value_error(facts):
    with pytest.raises(ValueError):
        read(embedded(JPEG, pickle.dumps(facts)))


def test_pictures_of_others_and_damaged_ones():
    with pytest.raises(NoMetadata):
        read(JPEG)
    with pytest.raises(NoMetadata):
        read(b"\x89PNG\r\n\x1a\n")
    for data in (b"\xff\xd8", JPEG[:30], b"\xff\xd8\xff", embedded(JPEG, pickle.dumps({"landmarks": POINTS})[:-30])):
        with pytest.raises(ValueError):
            read(data)


def test_a_pak_comes_back_and_a_cut_one_gives_what_is_whole(tmp_path):
    facts = [facts_of("full_face", POINTS + n, POINTS + n, np.eye(2, 3), f"{n}.png") for n in range(4)]
    jpegs = [with_metadata(JPEG, one) for one in facts]
    path = tmp_path / "faceset.pak"
    write_pak(path, [config_of(f"{n}.jpg", one, 64) for n, one in enumerate(facts)], iter(jpegs))
    faces = [give() for give in read_pak(path)]
    assert [face.name for face in faces] == [f"{n}.jpg" for n in range(4)]
    assert all(np.array_equal(face.points, POINTS + n) for n, face in enumerate(faces))
    assert faces[2].picture().shape == (64, 64, 3)
    whole = path.read_bytes()
    path.write_bytes(whole[: -len(jpegs[0]) - 20])
    given = read_pak(path)
    assert [given[n]().frame for n in range(2)] == ["0.png", "1.png"]
    for n in (2, 3):
        with pytest.raises(ValueError, match="cut short"):
            given[n]()
    for length in (0, 10, 16, 200, len(whole) - 4 * len(jpegs[0]) - 8):
        path.write_bytes(whole[:length])
        with pytest.raises(FacesetError, match=r"faceset\.pak"):
            read_pak(path)


def test_what_deepfacelab_reads_of_a_pak(tmp_path):
    """Its reader, step by step: every offset but the last is used as it stands, the last face reads to the end."""
    facts = facts_of("whole_face", POINTS, POINTS, np.eye(2, 3), "1.png")
    jpegs = [with_metadata(JPEG, facts)] * 3
    write_pak(tmp_path / "p", [config_of("1.jpg", facts, 64)] * 3, iter(jpegs))
    data = (tmp_path / "p").read_bytes()
    version, length = struct.unpack("<QQ", data[:16])
    configs = read_plain(data[16 : 16 + length], "our own bytes")
    offsets = struct.unpack("<4Q", data[16 + length : 48 + length])
    start = 48 + length
    assert version == 1 and [data[start + a : start + b] for a, b in pairwise(offsets)] == jpegs
    assert configs[0]["face_type"] == 4 and configs[0]["shape"] == (64, 64, 3) and configs[0]["sample_type"] == 1
    assert np.array(configs[0]["landmarks"]).shape == (68, 2)
