"""Bytes of a pickle -> plain values, without ever running what is in it.

A pickle is a small program: its opcodes push values and may call any function by name. This reader walks the opcodes
(`pickletools.genops`, which only splits bytes) and builds None, bool, int, float, str, bytes, list, tuple, dict and set
itself. Of named things it knows the few by which numpy writes arrays and Python writes bytes and sets; they are
recognised by their name and rebuilt here as data, nothing is imported or called. A class that the caller names as a
harmless record (an enum of a faceset) becomes the tuple (name, arguments). All else is refused.
"""

from __future__ import annotations

import pickletools
from collections.abc import Collection

import numpy as np

from ..errors import FacesetError
from .plain_values import Blank, Dtype, Name, array_of, as_kind, bytes_of, is_known, made

MOST_BYTES = 1 << 30  # a packed faceset of 100,000 faces has about 150 MB of metadata
_MOST_SHARED = 4  # values that one opcode may stand for, all in all: lists that hold each other grow without end
_DEEPEST = 32  # DeepFaceLab and faceswap nest eight deep
_MARK = object()
_PLAIN = (type(None), bool, int, float, str, bytes, np.ndarray, np.generic)


def read_plain(data: bytes, what: str, records: Collection[str] = ()) -> object:
    """The one value that a pickle holds.

    what    : names the file in messages
    records : dotted names of classes that become (name, arguments)
    Raises FacesetError for what could run code or is too large, ValueError for bytes that are damaged or cut short.
    """
    if len(data) > MOST_BYTES:
        raise FacesetError(f"{what}: its metadata has {len(data) >> 20} MB; at most {MOST_BYTES >> 20} MB are read.")
    try:
        value, opcodes = _Machine(what, frozenset(records)).run(data)
    except (IndexError, KeyError, TypeError, AttributeError, OverflowError, UnicodeError) as error:
        raise ValueError(f"{type(error).__name__} in its metadata") from None
    _check_plain(value, what, _MOST_SHARED * opcodes)
    return value


class _Machine:
    """A stack, a memo, and one method for each kind of opcode."""

    def __init__(self, what: str, records: frozenset[str]) -> None:
        self.what, self.records = what, records
        self.stack: list = []
        self.memo: dict[int, object] = {}

    def run(self, data: bytes) -> tuple[object, int]:
        """The value, and how many opcodes made it."""
        for count, (opcode, argument, _) in enumerate(pickletools.genops(data), 1):
            name = opcode.name
            if name in _PUSHES:
                self.stack.append(argument)
            elif name in _FIXED:
                self.stack.append(_FIXED[name]())
            elif name in _TUPLES:
                self.stack.append(tuple(self._pop(_TUPLES[name])))
            elif name in _IGNORED:
                continue
            elif name == "STOP":
                return self.stack.pop(), count
            else:
                method = getattr(self, f"_do_{name.lower()}", None)
                if method is None:
                    raise self._refusal(f"uses '{name}'")
                method(argument)
        raise ValueError("its metadata is cut short")

    def _refusal(self, met: str) -> FacesetError:
        return FacesetError(
            f"{self.what}: its metadata {met}, which could run a program on your machine; it was refused and nothing "
            "was run."
        )

    def _pop(self, count: int) -> list:
        if count > len(self.stack):
            raise IndexError
        values = self.stack[len(self.stack) - count :]
        del self.stack[len(self.stack) - count :]
        return values

    def _marked(self) -> list:
        """All values above the last mark, which goes too."""
        for place in range(len(self.stack) - 1, -1, -1):
            if self.stack[place] is _MARK:
                values = self.stack[place + 1 :]
                del self.stack[place:]
                return values
        raise IndexError

    # the memo

    def _do_memoize(self, _) -> None:
        self._do_put(len(self.memo))

    def _do_put(self, place: int) -> None:
        value = self.stack[-1]
        self.memo[place] = value
        if isinstance(value, Blank):
            value.places.append(place)

    _do_binput = _do_long_binput = _do_put

    def _do_get(self, place: int) -> None:
        self.stack.append(self.memo[place])

    _do_binget = _do_long_binget = _do_get

    # the stack

    def _do_pop(self, _) -> None:
        self.stack.pop()

    def _do_pop_mark(self, _) -> None:
        self._marked()

    def _do_dup(self, _) -> None:
        self.stack.append(self.stack[-1])

    # containers

    def _do_tuple(self, _) -> None:
        self.stack.append(tuple(self._marked()))

    def _do_list(self, _) -> None:
        self.stack.append(self._marked())

    def _do_append(self, _) -> None:
        value = self.stack.pop()
        as_kind(list, self.stack[-1]).append(value)

    def _do_appends(self, _) -> None:
        values = self._marked()
        as_kind(list, self.stack[-1]).extend(values)

    def _do_dict(self, _) -> None:
        self.stack.append(_pairs(self._marked()))

    def _do_setitem(self, _) -> None:
        pair = self._pop(2)
        as_kind(dict, self.stack[-1]).update(_pairs(pair))

    def _do_setitems(self, _) -> None:
        values = self._marked()
        as_kind(dict, self.stack[-1]).update(_pairs(values))

    def _do_additems(self, _) -> None:
        values = self._marked()
        as_kind(set, self.stack[-1]).update(values)

    def _do_frozenset(self, _) -> None:
        self.stack.append(set(self._marked()))

    def _do_bytearray8(self, value: bytearray) -> None:
        self.stack.append(bytes(value))

    # named things

    def _do_global(self, name: str) -> None:
        self._push_name(*name.split(" ", 1))  # genops joins module and name with a space

    def _do_stack_global(self, _) -> None:
        self._push_name(*self._pop(2))

    def _push_name(self, module: str, name: str) -> None:
        dotted = f"{as_kind(str, module)}.{as_kind(str, name)}"
        if dotted in self.records:
            self.stack.append(Name(dotted))
        elif is_known(module, name):
            self.stack.append(Name(name))
        else:
            raise self._refusal(f"names '{dotted}'")

    def _do_reduce(self, _) -> None:
        name, arguments = self._pop(2)
        arguments = as_kind(tuple, arguments)
        if not isinstance(name, Name):
            raise TypeError
        self.stack.append((str(name), arguments) if name in self.records else made(name, arguments))

    def _do_build(self, _) -> None:
        built, state = self._pop(2)
        if isinstance(built, Dtype):
            built.dtype = built.dtype.newbyteorder(as_kind(str, state[1]))
            self.stack.append(built)
        elif isinstance(built, Blank):
            _, shape, dtype, by_columns, raw = state
            array = array_of(bytes_of(raw), dtype, shape, "F" if by_columns else "C")
            for place in built.places:
                self.memo[place] = array
            self.stack.append(array)
        else:
            raise self._refusal(f"sets the inside of a {type(built).__name__}")


_PUSHES = {
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT",
    "STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8",
    "SHORT_BINBYTES", "BINBYTES", "BINBYTES8",
}  # fmt: skip
_FIXED = {
    "NONE": lambda: None, "NEWTRUE": lambda: True, "NEWFALSE": lambda: False,
    "EMPTY_LIST": list, "EMPTY_TUPLE": tuple, "EMPTY_DICT": dict, "EMPTY_SET": set, "MARK": lambda: _MARK,
}  # fmt: skip
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_IGNORED = {"PROTO", "FRAME"}


def _pairs(values: list) -> dict:
    if len(values) % 2:
        raise IndexError
    return dict(zip(values[::2], values[1::2]))


def _check_plain(value: object, what: str, most: int) -> None:
    """Raises FacesetError unless all within is plain, not too deep, and not too much."""
    open_values, seen = [(value, 0)], 0
    while open_values:
        value, depth = open_values.pop()
        seen += 1
        if seen > most or depth > _DEEPEST:
            raise FacesetError(
                f"{what}: its metadata is nested too deeply or too large; it was not made by these tools."
            )
        if isinstance(value, (list, tuple, set)):
            open_values.extend((part, depth + 1) for part in value)
        elif isinstance(value, dict):
            open_values.extend((part, depth + 1) for pair in value.items() for part in pair)
        elif not isinstance(value, _PLAIN) or isinstance(value, Name):
            raise ValueError("its metadata holds an unfinished value")
