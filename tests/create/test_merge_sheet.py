"""The sheet of merge settings: rows, columns, figures, labels, and what it refuses."""

from __future__ import annotations

import pytest

from semblance import merge_sheet
from semblance.create.merge_sheet import SETTINGS
from semblance.errors import InputError, Refused
from semblance.media.image import read_picture
from semblance.runs import Progress
from semblance.trust.manifest import read_manifest

TWO = {"own": "sharpen = 1.0\n", "faint": "opacity = 0.3\n"}


def saved(folder, **texts):
    for name, text in texts.items():
        (folder / f"{name}.toml").write_text(text)
    return [folder / f"{name}.toml" for name in texts]


def test_a_column_for_each_file_and_a_row_for_each_frame(run, plate, tmp_path):
    made = merge_sheet(plate, run, tmp_path / "s.png", saved(tmp_path, **TWO), frames=2, side=96)
    assert list(made.scores) == ["own", "faint"] and len(made.frames) == 2
    assert made.scores["faint"] != made.scores["own"]
    height, width = read_picture(made.out).shape[:2]
    assert width == 3 * (96 + 4) + 4 and height > 2 * (96 + 20)
    told = read_manifest(made.out)
    assert told.state == "ours" and told.claim.what == "face swap" and told.claim.consent
    assert "own" in made.summary() and "--merge FILE.toml" in made.summary()


def test_without_files_the_usual_and_others_are_tried(run, plate, tmp_path):
    class Heard(Progress):
        notes: tuple = ()

        def advance(self, count=1, note=""):
            self.notes += (note,) * bool(note)

    heard = Heard()
    made = merge_sheet(plate, run, tmp_path / "s.png", frames=1, side=64, progress=heard)
    assert list(made.scores) == list(SETTINGS) and heard.notes[-len(SETTINGS) :] == tuple(SETTINGS)


def test_what_cannot_be_is_one_sentence_and_leaves_nothing(run, plate, tmp_path, monkeypatch):
    files = saved(tmp_path, wrong="shapren = 1\n")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(InputError, match=r"there is no setting 'shapren'.*'sharpen'"):
        merge_sheet(plate, run, tmp_path / "s.png", files)
    with pytest.raises(InputError, match=r"cannot be written as '\.gif'"):
        merge_sheet(plate, run, tmp_path / "s.gif")
    monkeypatch.setattr("semblance.create.merge_sheet.check_content", _refuse)
    with pytest.raises(Refused):
        merge_sheet(plate, run, tmp_path / "s.png")
    assert sorted(tmp_path.iterdir()) == before


def _refuse(*_):
    raise Refused("the gate said no")
