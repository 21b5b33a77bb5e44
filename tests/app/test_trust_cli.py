"""verify, keys new and keys show on the command line: words, JSON, exit codes, one sentence for bad input."""

import json
import os
import re

import numpy as np
import pytest

from semblance.app.cli import main
from semblance.media.image import write_picture
from semblance.trust.claim import Claim
from semblance.trust.keys import open_identity
from semblance.trust.sign import sign


@pytest.fixture(autouse=True)
def desk(tmp_path, monkeypatch):
    """A folder to work in, with a home of its own."""
    monkeypatch.setenv("SEMBLANCE_HOME", str(tmp_path / "home"))
    (tmp_path / "desk").mkdir()
    monkeypatch.chdir(tmp_path / "desk")
    return tmp_path / "desk"


def called(arguments, capsys):
    """Exit code and what was told."""
    try:
        code = main(arguments.split())
    except SystemExit as end:
        code = end.code
    return code, capsys.readouterr()


def signed(path):
    write_picture(path, np.full((9, 9, 3), 70, np.uint8), {})
    sign(path, ".png", Claim("face swap", "created"), open_identity())
    return path


@pytest.mark.parametrize(
    ("verb", "flags"),
    [
        ("verify", ("--json", "Exit code")),
        ("keys new", ("--name", "--certificate", "--key", "--timestamp")),
        ("keys show", ("fingerprint",)),
    ],
)
def test_help_tells_the_options(verb, flags, capsys):
    code, told = called(f"{verb} --help", capsys)
    assert code == 0 and f"semblance {verb}" in told.out and all(re.search(rf"{flag}\b", told.out) for flag in flags)
    code, told = called("keys --help", capsys)
    assert re.findall(r"^  (keys \w+)  +\S", told.out, re.M) == ["keys new", "keys show"]


def test_verify_answers_in_words_json_and_exit_codes(desk, capsys):
    path = signed(desk / "a.png")
    code, told = called("verify a.png", capsys)
    assert code == 0 and told.out.startswith("a.png: signed by us, unchanged\n") and told.err == ""
    code, told = called("verify a.png --json", capsys)
    answer = json.loads(told.out)
    assert code == 0 and (answer["answer"], answer["holds"]) == ("ours", True)
    assert answer["manifest"]["claim"]["what"] == "face swap"
    code, told = called("verify .", capsys)
    assert code == 0 and "1 pictures" in told.out
    data = bytearray(path.read_bytes())
    data[-30] ^= 1
    path.write_bytes(data)
    code, told = called("verify a.png", capsys)
    assert code == 1 and "changed after signing" in told.out and told.err == ""
    assert called("verify . --json", capsys)[0] == 1
    write_picture(path, np.zeros((9, 9, 3), np.uint8), {})
    code, told = called("verify a.png --json", capsys)
    assert code == 4 and json.loads(told.out)["manifest"] is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("verify", "FILE|PATH|required"),
        ("verify nothing.mp4", "no file nothing.mp4"),
        ("verify empty.mp4", "0 bytes"),
        ("verify notes.txt", "no picture, clip or sound"),
        ("verify folder", "holds no pictures"),
        ("verfy a.png", "Did you mean 'verify'"),
        ("keys", "keys new, keys show"),
        ("keys neu", "Did you mean 'keys new'"),
        ("keys new --certificate notes.txt", "go together"),
        ("keys new --certificate notes.txt --key notes.txt", "no certificate in PEM form"),
        ("keys new --certificate no.pem --key no.key", "no file no.pem"),
        ("keys new --timestamp nonsense", "expected http"),
    ],
)
def test_bad_input_is_one_sentence_and_code_2(arguments, words, desk, capsys):
    (desk / "empty.mp4").touch()
    (desk / "folder").mkdir()
    (desk / "notes.txt").write_text("x" * 99)
    code, told = called(arguments, capsys)
    assert code == 2 and re.search(words, told.err) and "Traceback" not in told.err
    assert told.out == "" and not (desk.parent / "home").exists()
    if arguments != "verify":  # there the flag parser draws its own box
        assert len(told.err.splitlines()) == 1


def test_keys_are_shown_and_renewed(desk, capsys):
    code, told = called("keys show", capsys)
    assert code == 0 and "No signing identity yet" in told.out and not (desk.parent / "home").exists()
    code, told = called("keys new --name Studio", capsys)
    first = open_identity()
    assert code == 0 and first.fingerprint in told.out and "Studio" in told.out
    path = signed(desk / "a.png")
    code, told = called("keys new --name Next", capsys)
    assert code == 0 and "Next" in told.out and "1, known by their certificates" in told.out
    code, told = called("keys show", capsys)
    assert code == 0 and "Next" in told.out and f"{open_identity().key_file} (rights 600: yours only)" in told.out
    assert "PRIVATE" not in told.out
    code, told = called(f"verify {path.name}", capsys)
    assert code == 0 and "signed by us" in told.out and "Studio" in told.out


def test_a_key_that_others_can_read_is_told_with_the_remedy(capsys):
    key = open_identity().key_file
    key.chmod(0o644)
    code, told = called("keys show", capsys)
    assert code == 2 and told.err == f"The private key {key} can be read by others; close it with: chmod 600 {key}\n"
    os.chmod(key, 0o600)
    assert called("keys show", capsys)[0] == 0
