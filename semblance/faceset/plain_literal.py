"""Text of a Python literal -> plain values; what faceswap writes into its PNG files.

A small reader of our own: text from strangers is neither evaluated nor given to Python's parser, which deep nesting can
bring down.
"""

from __future__ import annotations

import re
from ast import literal_eval

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>b?'(?:[^'\\\n]|\\.)*'|b?"(?:[^"\\\n]|\\.)*")
      | (?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?)
      | (?P<word>[A-Za-z]+)
      | (?P<sign>[][{}(),:])
    )""",
    re.X,
)
_WORDS = {"None": None, "True": True, "False": False, "nan": float("nan"), "inf": float("inf")}
_CLOSING = {"[": "]", "(": ")", "{": "}"}
_DEEPEST = 32
_LONGEST_NUMBER = 400


def read_literal(text: str) -> object:
    """The value; ValueError for anything but None, True, False, numbers, text, bytes, lists, tuples and dicts."""
    tokens = _tokens(text)
    value = _value(tokens, _next(tokens), 0)
    if next(tokens, None) is not None:
        raise ValueError("more than one value in its metadata")
    return value


def _tokens(text: str):
    """(kind, token) by turns."""
    place, end = 0, len(text.rstrip())
    while place < end:
        found = _TOKEN.match(text, place)
        if not found:
            raise ValueError("its metadata is damaged")
        yield found.lastgroup, found[found.lastgroup]
        place = found.end()


def _value(tokens, token: tuple[str, str], depth: int) -> object:
    kind, word = token
    if kind == "text":
        return _text(word)
    if kind == "number":
        if len(word) > _LONGEST_NUMBER:
            raise ValueError("a number is too long in its metadata")
        return float(word) if re.search(r"[.eE]", word) else int(word)
    if kind == "word" and word in _WORDS:
        return _WORDS[word]
    if word not in _CLOSING or depth == _DEEPEST:
        raise ValueError(f"'{word[:20]}' in its metadata")
    return _container(tokens, word, depth + 1)


def _container(tokens, opening: str, depth: int) -> object:
    """What stands between a bracket and its closing one."""
    keys, values, commas = [], [], 0
    while (token := _next(tokens)) != ("sign", _CLOSING[opening]):
        value = _value(tokens, token, depth)
        if opening == "{":
            if _next(tokens) != ("sign", ":"):
                raise ValueError("its metadata is damaged")
            keys.append(value)
            value = _value(tokens, _next(tokens), depth)
        values.append(value)
        token = _next(tokens)
        if token == ("sign", _CLOSING[opening]):
            break
        if token != ("sign", ","):
            raise ValueError("its metadata is damaged")
        commas += 1
    if opening == "{":
        try:
            return dict(zip(keys, values))
        except TypeError:
            raise ValueError("its metadata is damaged") from None
    if opening == "(":
        return values[0] if len(values) == 1 and not commas else tuple(values)
    return values


def _text(word: str) -> str | bytes:
    try:
        return literal_eval(word)  # a single string by itself, as the pattern has it
    except SyntaxError:
        raise ValueError("a text is damaged in its metadata") from None


def _next(tokens) -> tuple[str, str]:
    token = next(tokens, None)
    if token is None:
        raise ValueError("its metadata is cut short")
    return token
