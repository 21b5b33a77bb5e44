"""Files appear whole or not at all, and a place that cannot be written is one sentence."""

import os
import subprocess
import sys

import pytest

from semblance.errors import Busy, InputError, OutputError
from semblance.runs import (
    append_json_line,
    beside,
    new_folder,
    only_one,
    read_json_lines,
    refuse_existing,
    write_text,
    written_whole,
)


def test_a_file_that_fails_in_the_middle_leaves_the_old_one(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(RuntimeError), written_whole(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["a.txt"]


def test_a_place_below_a_file_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="Cannot write") as caught:
        write_text(tmp_path / "file" / "a.txt", "x")
    assert "\n" not in str(caught.value)


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    with pytest.raises(RuntimeError), new_folder(tmp_path / "out", "folder") as folder:
        (folder / "a").write_text("x")
        raise RuntimeError
    assert os.listdir(tmp_path) == []
    with new_folder(tmp_path / "out", "folder") as folder:
        (folder / "a").write_text("x")
    assert (tmp_path / "out" / "a").read_text() == "x"
    with pytest.raises(OutputError, match="exists already"):
        refuse_existing(tmp_path / "out", "folder")


def test_a_line_cut_short_by_a_kill_is_skipped(tmp_path):
    path = tmp_path / "stats.jsonl"
    append_json_line(path, {"a": 1})
    with open(path, "a") as file:
        file.write('{"a": 2, "b')
    assert read_json_lines(path) == [{"a": 1}]
    assert read_json_lines(tmp_path / "none.jsonl") == []


def test_a_place_without_a_name_is_refused(tmp_path):
    assert beside(tmp_path / "c.mp4", ".work").name == "c.mp4.work"
    with pytest.raises(InputError, match="names no file"):
        beside(tmp_path.__class__("."), ".work")


_HOLDS = """
import sys, time
from pathlib import Path
from semblance.runs import only_one
with only_one(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_folder_is_worked_in_by_one_command_and_a_killed_one_lets_go(tmp_path):
    other = subprocess.Popen([sys.executable, "-c", _HOLDS, str(tmp_path)], stdout=subprocess.PIPE)
    try:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(Busy, match="Another command is at work"), only_one(tmp_path):
            pass
    finally:
        other.kill()
        other.wait()
    with only_one(tmp_path), pytest.raises(Busy), only_one(tmp_path):
        pass
    assert not list(tmp_path.iterdir())
