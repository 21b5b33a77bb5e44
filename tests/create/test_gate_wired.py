"""Whatever brings pictures in or lets them out stands behind the content gate, and leaves nothing where it refuses."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

import semblance
from semblance.create.film import FilmOptions, film_people
from semblance.errors import Refused
from semblance.faceset.exporting import export_faceset
from semblance.media.image import write_picture


def refusing(*_):
    raise Refused("the gate said no")


@pytest.fixture
def shut(monkeypatch):
    for room in ("extract", "bring_in", "merge_sheet"):
        monkeypatch.setattr(importlib.import_module(f"semblance.create.{room}"), "check_content", refusing)
    monkeypatch.setattr("semblance.trust.leaving.installed_net", lambda: refusing)


def test_no_faceset_comes_of_what_is_refused(shut, tmp_path):
    write_picture(tmp_path / "in" / "1.png", np.zeros((64, 64, 3), np.uint8), {})
    with pytest.raises(Refused, match="the gate"):
        semblance.extract([tmp_path / "in"], tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]


def test_nor_of_another_tools_faces(grid, facesets, shut, tmp_path):
    export_faceset(facesets["source"], tmp_path / "dfl", "dfl")
    with pytest.raises(Refused, match="the gate"):
        semblance.import_faceset(tmp_path / "dfl", tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dfl"]


def test_no_plate_is_changed_that_is_refused(shut, run, plate, tmp_path):
    with pytest.raises(Refused, match="the gate"):
        semblance.swap(plate, run, tmp_path / "out.mp4")
    assert list(tmp_path.iterdir()) == []


def test_no_film_leaves_that_is_refused(shut, tmp_path):
    with pytest.raises(Refused, match="the gate"):
        film_people(tmp_path / "film", FilmOptions(people=1, seconds=0.2, size=64, body="builtin"))
    assert not list((tmp_path / "film").glob("*.m*")) and not list((tmp_path / "film").glob(".*"))
