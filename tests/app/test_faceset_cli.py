"""`faceset import` and `faceset export` on the command line: help, bad input in a sentence, there and back, Ctrl-C."""

import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from semblance import extract, film_people
from semblance.app.cli import main
from semblance.create.film import FilmOptions
from semblance.faceset.extract import ExtractOptions
from semblance.faceset.store import open_faceset
from semblance.media.image import write_picture

COMMAND = [sys.executable, "-m", "semblance.app.cli"]


def called(arguments, capsys):
    """Exit code and what was told."""
    try:
        code = main(arguments)
    except SystemExit as end:  # the flag parser's own
        code = end.code
    return code, capsys.readouterr()


@pytest.fixture(scope="module")
def faces(tmp_path_factory) -> Path:
    """A faceset of one person who does not exist."""
    folder = tmp_path_factory.mktemp("cli")
    film_people(folder / "film", FilmOptions(people=1, seconds=0.12, size=192, body="builtin"))
    return extract([folder / "film" / "person-1.mp4"], folder / "faces", ExtractOptions(size=96)).folder


@pytest.mark.parametrize(
    ("verb", "flags"),
    [
        ("faceset import", ("--out", "--frames", "--size", "--coverage")),
        ("faceset export", ("--out", "--to", "--face-type", "--size", "--crops-only")),
    ],
)
def test_help_tells_the_options(verb, flags, capsys):
    code, told = called([*verb.split(), "--help"], capsys)
    assert code == 0 and f"semblance {verb}" in told.out and told.err == ""
    assert all(re.search(rf"{flag}\b", told.out) for flag in flags)


def test_help_of_the_family_tells_its_verbs_only(capsys):
    code, told = called(["faceset", "--help"], capsys)
    assert code == 0 and re.findall(r"^  (\w+ \w+) +\S", told.out, re.M) == ["faceset import", "faceset export"]


@pytest.mark.parametrize("to", ["dfl", "pak", "faceswap"])
def test_there_and_back(faces, to, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code, told = called(["faceset", "export", str(faces), "--out", "theirs", "--to", to], capsys)
    assert code == 0 and told.out == "theirs: 3 faces\n"
    code, told = called(["faceset", "import", "theirs", "--out", "ours"], capsys)
    assert code == 0 and "ours: 3 faces of 1 person, 3 kept, 1 source(s)" in told.out
    was, now = open_faceset(faces).table, open_faceset(Path("ours")).table
    assert np.array_equal(np.stack(was["landmarks"].to_list()), np.stack(now["landmarks"].to_list()))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("faceset imprt x --out o", "Did you mean 'faceset import'?"),
        ("faceset import nothing --out o", "no file or folder"),
        ("faceset import mine --out o", "holds no pictures"),
        ("faceset import plain --out o", "semblance extract plain --out FACESET"),
        ("faceset import mine/notes.txt --out o", "no faceset of another tool"),
        ("faceset import plain --out mine", "exists already"),
        ("faceset import plain --out o --size 7", "size"),
        ("faceset import plain --out o --frames nowhere", "no folder"),
        ("faceset export mine --out o --to dfl", "not a faceset"),
        ("faceset export mine --out o --to dfl --size 9999", "size"),
    ],
)
def test_bad_input_is_one_sentence_code_2_and_nothing_left(arguments, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("x")
    write_picture(tmp_path / "plain" / "a.png", np.zeros((64, 64, 3), np.uint8), {})
    code, told = called(arguments.split(), capsys)
    assert code == 2 and told.out == "", told
    sentences = [line for line in told.err.splitlines() if not re.match(r"\w+: \d+ ", line)]  # stages tell their rate
    assert len(sentences) == 1 and words in sentences[0], told.err
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")}
    assert left == {"mine", "mine/notes.txt", "plain", "plain/a.png"}


def test_ctrl_c_leaves_nothing_and_the_same_command_begins_anew(faces, tmp_path):
    many = tmp_path / "theirs"
    assert main(["faceset", "export", str(faces), "--out", str(many), "--to", "dfl"]) == 0
    for n in range(300):
        shutil.copy(next(many.glob("*_0.jpg")), many / f"copy{n:04d}.jpg")
    command = [*COMMAND, "faceset", "import", str(many), "--out", str(tmp_path / "ours")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(".ours.*/faces/*.png")) and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130 and "Nothing was kept" in told and "Traceback" not in told
    assert [path.name for path in tmp_path.iterdir()] == ["theirs"]
