"""Python literals are read without Python's parser: equal values, ValueError for all else."""

import pytest

from semblance.faceset.plain_literal import read_literal

VALUE = {
    "a": [1, -2.5, 1e-7, None, True, False], "one": (1,), "none": (), "mask": b"\x00\xff'\"\\",
    "text": "it's \"q\" ü\n",
    "deep": [{"x": ([],)}], "inf": float("inf"), 7: -3,
}  # fmt: skip


def test_what_str_writes_comes_back_equal():
    assert read_literal(str(VALUE)) == VALUE
    assert read_literal(" ( 1 ) ") == 1 and read_literal("[1, ]") == [1]


@pytest.mark.parametrize(
    "text",
    [
        "", "[", "[1", "'a", "1 2", "{1}", "[1,,2]", "{[1]: 2}", "{1: 2", "__import__('os')", "open('x')", "a.b", "1+1",
        "[" * 100_000, "(" * 33 + ")" * 33, "9" * 500, "b'\\xzz'", "f'{1}'", "['a' 'b']", "1\x00", "lambda: 1",
    ],
)  # fmt: skip
def test_all_else_is_a_value_error(text):
    with pytest.raises(ValueError):
        read_literal(text)
