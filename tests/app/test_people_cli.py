"""Verbs of two words on the command line: help, typos, one sentence for bad input, and a film from end to end."""

import re
import signal
import subprocess
import sys
import time

import pytest

from semblance.app.cli import VERBS, main, usage
from semblance.app.verbs import _MAKERS
from semblance.measures.truth import open_truth

COMMAND = [sys.executable, "-m", "semblance.app.cli"]
FILM = "people film --out f --size 64 --seconds 0.08 --people 1 --body builtin"


def called(arguments, capsys):
    """Exit code and what was told."""
    try:
        code = main(arguments)
    except SystemExit as end:  # the flag parser's own
        code = end.code
    return code, capsys.readouterr()


def test_every_verb_of_the_table_can_be_called():
    assert set(VERBS) == set(_MAKERS)


@pytest.mark.parametrize(
    ("verb", "flags"),
    [
        ("demo", ("--out", "--quick", "--seed", "--minutes", "--body")),
        ("measure", ("--target", "--source", "--truth", "--limit", "--json")),
        ("people film", ("--out", "--people", "--seconds", "--speech", "--text", "--occluders", "--same-performance")),
        ("people sheet", ("--out", "--people", "--seed", "--size", "--body")),
        ("people fit", ("--out", "--body")),
    ],
)
def test_help_tells_the_options(verb, flags, capsys):
    code, told = called([*verb.split(), "--help"], capsys)
    assert code == 0 and f"semblance {verb}" in told.out and told.err == ""
    assert all(re.search(rf"{flag}\b", told.out) for flag in flags)


def test_help_of_the_family_tells_its_verbs_only(capsys):
    for asked in ("--help", "-h", "help"):
        code, told = called(["people", asked], capsys)
        assert code == 0 and told.err == ""
        shown = re.findall(r"^  (\w+(?: \w+)?)  +\S", told.out, re.M)
        assert shown == ["people film", "people sheet", "people fit"]
    assert all(verb in usage() for verb in VERBS)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("people flim", "no verb 'people flim'. Did you mean 'people film'?"),
        ("peopel film --out f", "no verb 'peopel film'. Did you mean 'people film'?"),
        ("people-sheet", "Did you mean 'people sheet'?"),
        ("people", "people film, people fit, people sheet"),
        ("mesure", "Did you mean 'measure'?"),
        (f"{FILM} --people 0", "people"),
        (f"{FILM} --seconds -1", "seconds"),
        (f"{FILM} --seconds nan", "seconds"),
        (f"{FILM} --size 17", "size"),
        (f"{FILM} --size 65", "size"),
        (f"{FILM} --rate 0", "rate"),
        (f"{FILM} --seed -1", "seed"),
        (f"{FILM} --text hello", "--speech"),
        (f"{FILM} --body nobody", "no head at nobody"),
        (f"{FILM} --body mine", "mine cannot be read as the ICT head"),
        (f"{FILM} --body mine/notes.txt", "notes.txt cannot be read as the ICT head"),
        (f"{FILM} --out mine", "already holds something else"),
        (f"{FILM} --out new/../mine", "already holds something else"),
        (f"{FILM} --out mine/notes.txt", "is a file"),
        (f"{FILM} --out mine/notes.txt/f", "cannot be made"),
        ("people sheet --people 0", "1 to 1000"),
        ("people sheet --seed -1", "seed"),
        ("people sheet --out sheet.bmp", ".png or .jpg"),
        ("people sheet --out mine", ".png or .jpg"),
        ("people fit", "No clips"),
        ("people fit a.mp4 --body builtin", "one of the two"),
        ("people fit --body nobody", "no head at nobody"),
        ("demo --out f --seed -1", "seed"),
        ("demo --out f --minutes 0 --body builtin", "minutes"),
        ("demo --out f --minutes nan --body builtin", "minutes"),
        ("demo --out mine --body builtin", "already holds something else"),
        ("demo --out f --body nobody", "no head at nobody"),
        ("measure mine/notes.txt --target mine/notes.txt", "notes.txt"),
    ],
)
def test_bad_input_is_one_sentence_code_2_and_nothing_left(arguments, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("x")
    code, told = called(arguments.split(), capsys)
    assert code == 2, told
    sentences = told.err.splitlines()
    assert len(sentences) == 1 and words in sentences[0] and told.out == "", told
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")}
    assert left - {"new"} == {"mine", "mine/notes.txt"}


def test_a_film_from_end_to_end_and_once_more(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert called(FILM.split(), capsys)[0] == 0
    code, told = called(FILM.split(), capsys)
    assert code == 0 and "1 clips, 2 frames, all of it was there already" in told.out and "sheet.png" in told.out
    assert open_truth(tmp_path / "f" / "person-1.mp4").frames == 2
    code, told = called([*FILM.split(), "--seed", "1"], capsys)
    assert code == 2 and "already holds something else" in told.err


def test_ctrl_c_ends_at_a_safe_point_and_the_same_command_goes_on(tmp_path):
    out = tmp_path / "f"
    command = [*COMMAND, *f"people film --out {out} --size 64 --seconds 0.8 --people 2 --body builtin".split()]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not list(out.glob(".person-2.*")) and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130 and "person-2.mp4 was not finished" in told and "Traceback" not in told
    assert sorted(path.suffix for path in out.iterdir()) == [".c2pa", ".json", ".mkv", ".mp4", ".parquet"]
    again = subprocess.run(command, capture_output=True, text=True)
    assert again.returncode == 0 and "2 clips, 40 frames" in again.stdout, again.stderr
    assert open_truth(out / "person-2.mp4").frames == 20
