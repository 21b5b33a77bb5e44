"""The named things of a pickle, rebuilt as data: numpy's arrays, types and scalars, Python's bytes and sets.

name and arguments, as the pickle has them -> a value. Nothing is looked up or called by its name. Whatever does not
fit raises TypeError or ValueError.
"""

from __future__ import annotations

import re

import numpy as np

_NUMPY = {"numpy.core.multiarray", "numpy._core.multiarray", "numpy.core.numeric", "numpy._core.numeric", "numpy"}
_BUILTINS = {"builtins", "__builtin__"}


class Name(str):
    """A function or class that the pickle names; only ever text."""


class Dtype:
    """A numpy type that may still get its byte order."""

    def __init__(self, code: str) -> None:
        if not re.fullmatch("[biuf][1248]", code):
            raise TypeError
        self.dtype = np.dtype(code)


class Blank:
    """A numpy array before its contents are known, and the places of the memo that hold it."""

    def __init__(self) -> None:
        self.places: list[int] = []


def is_known(module: str, name: str) -> bool:
    """Whether `made` can rebuild what this name stands for, or it is one of its arguments."""
    if module in _NUMPY:
        return name in ("_reconstruct", "ndarray", "dtype", "scalar", "_frombuffer")
    return (module in _BUILTINS and name in ("set", "frozenset", "bytes", "bytearray")) or (
        (module, name) == ("_codecs", "encode")
    )


def made(name: str, arguments: tuple) -> object:
    """What a call of a known name would have made, made here."""
    if name == "_reconstruct":  # numpy's (ndarray, (0,), b"b"): the contents follow with BUILD
        if arguments[0] != "ndarray":
            raise TypeError
        return Blank()
    if name == "_frombuffer":
        return array_of(bytes_of(arguments[0]), arguments[1], arguments[2], arguments[3])
    if name == "dtype":
        return Dtype(as_kind(str, arguments[0]))
    if name == "scalar":
        return array_of(bytes_of(arguments[1]), arguments[0], (), "C")[()]
    if name in ("set", "frozenset"):
        return set(*(as_kind(list, argument) for argument in arguments))
    if name in ("bytes", "bytearray", "encode"):
        return bytes_of(arguments[0]) if arguments else b""
    raise TypeError


def array_of(raw: bytes, dtype: object, shape: tuple, order: str) -> np.ndarray:
    """Numbers from bytes; the shape must need just these bytes."""
    kind = as_kind(Dtype, dtype).dtype
    if kind.kind not in "biuf" or order not in ("C", "F"):
        raise TypeError
    shape = tuple(int(side) for side in shape)
    if len(shape) > 8 or any(side < 0 for side in shape):
        raise ValueError("an array without a sound shape is in its metadata")
    return np.frombuffer(raw, kind).reshape(shape, order=order).copy()


def bytes_of(value: object) -> bytes:
    """Python 2, and protocols 0 to 2 of Python 3, write bytes as text of the same numbers."""
    return value.encode("latin-1") if isinstance(value, str) else bytes(as_kind((bytes, bytearray), value))


def as_kind(kind: type | tuple, value: object):
    """value, if it is of that kind."""
    if not isinstance(value, kind):
        raise TypeError
    return value
