"""The verbs `consent ...` from clip to ledger: who may be entered, what is told, and what a look-up then grants."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from semblance import film_people
from semblance.app.cli import main
from semblance.create import consent as verb
from semblance.create.consent import consent_add, sightings
from semblance.create.film import FilmOptions
from semblance.errors import Refused
from semblance.media.probe import probe
from semblance.media.read import read_frames
from semblance.runs import Progress, StopSignal, hash_of
from semblance.trust.consent import look_up
from semblance.trust.ledger import check_export, open_ledger
from tests.clips import make_clip

FRAMES = 3


@pytest.fixture(scope="module")
def clips(tmp_path_factory) -> Path:
    """anna.mp4 and bert.mp4, two people who don't exist, and clips cut together from them."""
    folder = tmp_path_factory.mktemp("clips")
    film_people(folder / "film", FilmOptions(people=2, seconds=FRAMES / 25, size=160, body="builtin", seed=7))
    anna, bert = ([frame.pixels for frame in read_frames(probe(folder / "film" / f"person-{k}.mp4"))] for k in (1, 2))
    empty = [np.full((160, 160, 3), 90, np.uint8)] * 4
    small = [np.pad(picture[::4, ::4], ((0, 120), (0, 120), (0, 0))) for picture in bert]
    cuts = {
        "anna": anna,
        "anna again": anna[::-1],
        "bert": bert,
        "both": [np.hstack(pair) for pair in zip(anna, bert)],
        "twins": [np.hstack([picture, picture]) for picture in anna],
        "bert for two frames": [*anna, *bert[:2], *anna],
        "bert for one frame": [*anna, bert[0], *anna],
        "bert beside her for one frame": [*(np.hstack([p, 0 * p]) for p in anna * 2), np.hstack([anna[0], bert[0]])],
        "nobody": empty,
        "bert far away": [np.hstack([a, b]) for a, b in zip(anna, small)],
    }
    for name, pictures in cuts.items():
        height, width = pictures[0].shape[:2]
        make_clip(folder / f"{name}.mp4", (width, height), len(pictures), pictures=pictures)
    return folder


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("SEMBLANCE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def called(arguments: list[str], capsys) -> tuple[int, str, str]:
    """Exit code, standard output and standard error."""
    try:
        code = main(["consent", *map(str, arguments)])
    except SystemExit as end:  # the flag parser's own
        code = end.code
    told = capsys.readouterr()
    return code, told.out, told.err


def added(clips: Path, name: str = "anna", person: str = "Anna Example", **words) -> str:
    """The id of a new entry."""
    return consent_add(person, [clips / f"{name}.mp4"], "I agree.", **words).consent.id


def face(clip: Path) -> np.ndarray:
    return np.stack([sighting.vector for sighting in sightings(clip, Progress(), StopSignal())])


def test_a_consent_from_clip_to_export(clips, home, tmp_path, capsys):
    paper = tmp_path / "paper.pdf"
    paper.write_text("signed")
    until = str(date.today() + timedelta(days=30))
    code, out, _ = called(
        ["add", "--person", "Anna Example", "--clip", clips / "anna.mp4", "--clip", clips / "anna again.mp4",
         "--statement", "My face may be used.", "--scope", "face,voice", "--project", "North Sea", "--expires", until,
         "--evidence", paper], capsys,
    )  # fmt: skip
    entry = out.split(":")[0]
    assert code == 0
    assert out.startswith(f"{entry}: Anna Example consents to face and voice, for project 'North Sea', until {until}")

    code, out, _ = called(["list"], capsys)
    head, row = out.splitlines()
    assert head.split() == ["id", "person", "scope", "project", "until", "state"]
    assert re.split("  +", row) == [entry, "Anna Example", "face,voice", "North Sea", until, "in force"]

    code, out, _ = called(["revoke", entry.lower(), "--reason", "changed my mind"], capsys)
    assert code == 0 and out == f"{entry}: revoked; nothing new can be made by it.\n"
    code, out, _ = called(["show", entry], capsys)
    assert code == 0 and "changed my mind" in out and "My face may be used." in out

    code, out, _ = called(["show", entry, "--json"], capsys)
    told = json.loads(out)
    assert [clip["sha256"] for clip in told["clips"]] == [hash_of(clips / f"{n}.mp4") for n in ("anna", "anna again")]
    assert told["evidence"] == {"name": "paper.pdf", "sha256": hash_of(paper)}
    assert [event["kind"] for event in told["history"]] == ["added", "revoked"] and told["state"].startswith("revoked")

    code, out, _ = called(["export", "--out", tmp_path / "kept.json"], capsys)
    assert code == 0 and "2 events" in out and check_export(tmp_path / "kept.json") == 2
    code, out, _ = called(["export"], capsys)
    assert json.loads(out) == json.loads((tmp_path / "kept.json").read_text())
    code, out, _ = called(["list", "--json"], capsys)
    assert [one["id"] for one in json.loads(out)] == [entry]


def test_the_person_is_found_again_in_another_clip_and_another_person_is_not(clips, home):
    entry = added(clips)
    with open_ledger() as ledger:
        assert look_up(ledger, face(clips / "anna again.mp4"), ["a.mp4"]).id == entry
        with pytest.raises(Refused, match="Nobody"):
            look_up(ledger, face(clips / "bert.mp4"), ["b.mp4"])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("both", "shows 2 people (the second at 0.0 s); give a clip of the one person or cut it"),
        ("bert for two frames", "shows 2 people (the second at 0.1 s)"),
        ("bert beside her for one frame", "shows 2 people (the second at 0.2 s)"),
        ("twins", "shows 2 people (the second at 0.0 s)"),
        ("nobody", "shows no face"),
    ],
)
def test_a_clip_that_is_not_of_one_person_is_refused(clips, home, name, words, capsys):
    code, out, err = called(
        ["add", "--person", "A", "--clip", clips / f"{name}.mp4", "--statement", "I agree."], capsys
    )
    assert code == 2 and out == "" and words in err.splitlines()[-1]
    assert not home.exists()


@pytest.mark.parametrize("name", ["bert for one frame", "bert far away"])
def test_nothing_is_granted_for_who_is_seen_once_or_far_away(clips, home, name):
    entry = added(clips, name)
    with open_ledger() as ledger:
        assert look_up(ledger, face(clips / "anna.mp4"), ["a.mp4"]).id == entry
        with pytest.raises(Refused, match="Nobody"):
            look_up(ledger, face(clips / "bert.mp4"), ["b.mp4"])


def test_clips_of_two_people_are_no_one_persons(clips, home, capsys):
    both = [word for name in ("anna", "bert") for word in ("--clip", clips / f"{name}.mp4")]
    code, _, err = called(["add", "--person", "Anna", *both, "--statement", "I agree."], capsys)
    assert code == 2 and re.search(r"bert.mp4 shows another person than \S*anna.mp4", err)
    assert not home.exists()


def test_the_same_face_under_another_name_is_told(clips, home, capsys):
    first = added(clips)
    code, out, _ = called(
        ["add", "--person", "Ann Other", "--clip", clips / "anna.mp4", "--statement", "I agree."], capsys
    )
    assert code == 0 and f"under another name already: Anna Example ({first})" in out
    code, out, _ = called(["revoke", first], capsys)
    other = re.search(r"consent (\w{8}) of the same face is still in force", out).group(1)
    assert other != first and code == 0
    added(clips, "bert", "Bert Example")
    told = consent_add("anna  example", [clips / "anna.mp4"], "I agree again.").warnings
    assert len(told) == 1 and "Ann Other" in told[0] and "Anna" not in told[0] and "Bert" not in told[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("add --person A --statement x --clip none.mp4", "no clip at none.mp4"),
        ("add --person A --statement x --clip notes.txt", "notes.txt"),
        ("add --person A --statement x --clip mine", "mine holds no pictures"),
        ("add --person A --statement x --clip notes.txt --evidence none.pdf", "none.pdf is no file"),
        ("add --person A --statement x --clip notes.txt --evidence mine", "mine is no file"),
        ("add --person A --statement x --clip notes.txt --scope fase", "Did you mean 'face'?"),
        ("add --person A --statement x --clip notes.txt --expires 2020-01-01", "past"),
        ("add --person A --statement x --clip notes.txt --expires soon", "no date"),
        ("show AAAAAAAA", "no consent 'AAAAAAAA'"),
        ("revoke AAAAAAAA", "no consent ledger at"),
        ("export --out notes.txt", "exists already"),
        ("lsit", "Did you mean 'consent list'?"),
    ],
)
def test_bad_input_is_one_sentence_code_2_and_nothing_left(arguments, words, home, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "notes.txt").write_text("x")
    code, out, err = called(arguments.split(), capsys)
    assert code == 2 and out == "" and words in err and len(err.splitlines()) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"mine", "notes.txt"}


def test_a_damaged_ledger_is_told_before_any_clip_is_looked_at(clips, home, capsys, monkeypatch):
    home.mkdir()
    (home / "consent.db").write_text("Dear diary, " * 1000)
    monkeypatch.setattr(verb, "sightings", None)  # not to be called
    verbs = (["add", "--person", "A", "--clip", clips / "anna.mp4", "--statement", "x"], ["list"], ["export"])
    for arguments in (*verbs, ["show", "AAAAAAAA"], ["revoke", "AAAAAAAA"]):
        code, out, err = called(arguments, capsys)
        assert code == 2 and out == "" and "consent.db is damaged" in err and len(err.splitlines()) == 1
    assert (home / "consent.db").read_text() == "Dear diary, " * 1000


def test_an_empty_ledger_is_told_and_not_made(home, capsys):
    code, out, _ = called(["list"], capsys)
    assert code == 0 and "No consent is in the ledger yet" in out and not home.exists()


def test_real_people_are_told_apart(grid, home, monkeypatch):
    monkeypatch.setattr(verb, "LOOKS", 8)
    clips = sorted(grid.glob("*.mpg"))[:3]
    ids = [consent_add(clip.stem, [clip], "I agree.").consent.id for clip in clips[:2]]
    monkeypatch.setattr(verb, "LOOKS", 5)  # other frames
    with open_ledger() as ledger:
        assert [look_up(ledger, face(clip), [clip]).id for clip in clips[:2]] == ids
        with pytest.raises(Refused, match="Nobody"):
            look_up(ledger, face(clips[2]), [clips[2]])
