"""Pickles are read as data: what Python and numpy write comes back equal, whatever could run code is refused."""

import os
import pickle
import sys
from enum import IntEnum
from types import ModuleType

import numpy as np
import pytest

from semblance.errors import FacesetError
from semblance.faceset.plain_pickle import read_plain

SHARED = [1, 2]
VALUES = {
    "none": None, "yes": True, "no": False, "int": -7, "large": 10**40, "real": 2.5, "text": "grün", "bytes": b"\0\xff",
    "no bytes": b"", "tuples": ((), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)), "set": {1, 2}, "empty": [[], {}, set()],
    "twice": [SHARED, SHARED], 3: "number as a key",
}  # fmt: skip
ARRAYS = [
    np.arange(6, dtype="<f4").reshape(2, 3), np.arange(6, dtype=">f8").reshape(3, 2), np.zeros((0, 2)),
    np.asfortranarray(np.arange(6).reshape(2, 3)), np.array([True, False]), np.array(3, np.uint8),
]  # fmt: skip


@pytest.mark.parametrize("protocol", range(6))
def test_plain_values_come_back_equal(protocol):
    assert read_plain(pickle.dumps(VALUES, protocol), "x") == VALUES
    assert read_plain(pickle.dumps(frozenset([1]), protocol), "x") == {1}
    assert read_plain(pickle.dumps(bytearray(b"ab"), protocol), "x") == b"ab"


@pytest.mark.parametrize("protocol", range(6))
def test_numpy_comes_back_as_arrays_of_the_same_type(protocol):
    scalars = [np.float32(0.1), np.int64(-5), np.bool_(True)]
    back = read_plain(pickle.dumps({"arrays": ARRAYS, "again": ARRAYS[0], "scalars": scalars}, protocol), "x")
    for array, one in zip([*ARRAYS, ARRAYS[0]], [*back["arrays"], back["again"]]):
        assert isinstance(one, np.ndarray) and one.dtype == array.dtype and np.array_equal(one, array)
    assert back["scalars"] == scalars


def test_the_names_that_numpy_2_writes_are_known():
    data = pickle.dumps(ARRAYS[0], 2).replace(b"numpy.core.multiarray", b"numpy._core.multiarray")
    assert np.array_equal(read_plain(data, "x"), ARRAYS[0])


class Calls:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("function", [os.system, eval, getattr, __import__, open, np.load, np.fromfile, type])
def test_a_call_is_refused_in_one_sentence_and_not_made(function, protocol, tmp_path):
    bait = tmp_path / "bait"
    data = pickle.dumps({"landmarks": [Calls(function, f"touch {bait}")]}, protocol)
    with pytest.raises(FacesetError, match=rf"a\.jpg: its metadata names '.*{function.__name__}'") as caught:
        read_plain(data, "a.jpg")
    assert "\n" not in str(caught.value) and not bait.exists()


@pytest.mark.parametrize(
    ("data", "met"),
    [
        (b"(S'ls'\nios\nsystem\n.", "INST"),
        (b"(cbuiltins\nset\n(lo.", "OBJ"),
        (b"P1\n.", "PERSID"),
        (b"\x80\x02U\x01aQ.", "BINPERSID"),
        (b"\x80\x02\x82\x01.", "EXT1"),
        (b"\x80\x02cbuiltins\nset\n)\x81.", "NEWOBJ"),
        (b"\x80\x05\x97.", "NEXT_BUFFER"),
        (b"\x80\x02]}X\x01\x00\x00\x00aK\x01sb.", "sets the inside of a list"),
    ],
)
def test_other_ways_to_reach_code_are_refused(data, met):
    with pytest.raises(FacesetError, match=met):
        read_plain(data, "x")


def test_a_record_that_is_allowed_becomes_a_tuple(monkeypatch):
    class FaceType(IntEnum):
        WHOLE_FACE = 4

        def __reduce_ex__(self, protocol):  # as Python 3.11.7 writes it; 3.11.2 goes by getattr
            return FaceType, (int(self),)

    FaceType.__module__, FaceType.__qualname__ = "facelib.FaceType", "FaceType"
    module = ModuleType("facelib.FaceType")
    module.FaceType = FaceType
    monkeypatch.setitem(sys.modules, "facelib", ModuleType("facelib"))
    monkeypatch.setitem(sys.modules, "facelib.FaceType", module)
    data = pickle.dumps({"face_type": FaceType.WHOLE_FACE}, 4)
    name = "facelib.FaceType.FaceType"
    assert read_plain(data, "x", (name,)) == {"face_type": (name, (4,))}
    with pytest.raises(FacesetError, match=name):
        read_plain(data, "x")


@pytest.mark.parametrize(
    "data",
    [
        b"", b"garbage", pickle.dumps(VALUES)[:-9], b"\x80\x04K\x01", b"t.", b"\x80\x04h\x07.", b"0.",
        b"\x80\x02cbuiltins\nset\n.", b"\x80\x02}]K\x01s.", b"\x80\x02cnumpy\ndtype\nX\x01\0\0\0O\x85R.",
        b"\x80\x02]]R.", b"\x80\x02K\x01K\x02a.",
    ],
)  # fmt: skip
def test_damaged_bytes_are_told_as_such(data):
    with pytest.raises(ValueError):
        read_plain(data, "x")


def test_an_array_whose_bytes_do_not_fill_its_shape_is_damaged():
    data = pickle.dumps(np.zeros((2, 3), np.float32), 4)
    wrong = data.replace(b"K\x02K\x03\x86", b"K\x09K\x63\x86")
    assert wrong != data
    with pytest.raises(ValueError):
        read_plain(wrong, "x")


def test_depth_and_growth_have_limits():
    deep = b"\x80\x02" + b"]" * 100 + b"a" * 99 + b"."
    with pytest.raises(FacesetError, match="nested too deeply"):
        read_plain(deep, "x")
    bomb = []
    for _ in range(30):  # 2^30 values in 30 lists
        bomb = [bomb, bomb]
    with pytest.raises(FacesetError, match="too deeply or too large"):
        read_plain(pickle.dumps(bomb), "x")
    circle: list = []
    circle.append(circle)
    with pytest.raises(FacesetError, match="too deeply"):
        read_plain(pickle.dumps(circle), "x")
