"""A faceset that was changed by hand is read for what is left of it, or refused in one sentence."""

import json

import numpy as np
import pandas as pd
import pytest

from semblance.errors import FacesetError
from semblance.faceset.curate import curate
from semblance.faceset.store import COLUMNS, FEWEST, OPTIONS, PICTURES, TABLE, check_enough, load_crops, open_faceset
from semblance.media.image import read_picture, write_picture

SIDE = 64


@pytest.fixture
def folder(tmp_path):
    """Twenty made-up faces, only as real as the store looks at them."""
    chance = np.random.default_rng(0)
    names = [f"{n:02d}.png" for n in range(FEWEST)]
    for name in names:
        write_picture(tmp_path / PICTURES / name, chance.integers(0, 256, (SIDE, SIDE, 3), np.uint8), {})
    table = pd.DataFrame({**dict.fromkeys(COLUMNS, 0), "name": names, "kept": True, "reason": ""})
    table.to_parquet(tmp_path / TABLE)
    (tmp_path / OPTIONS).write_text(json.dumps({"clips": ["a"], "size": SIDE, "coverage": "face"}))
    return tmp_path


def test_crops_are_the_pictures(folder):
    crops = load_crops(open_faceset(folder))
    assert crops.shape == (FEWEST, SIDE, SIDE, 3) and crops.dtype == np.uint8
    assert np.array_equal(crops[3], read_picture(folder / PICTURES / "03.png"))


def test_crops_can_be_shrunk_but_not_grown(folder):
    faceset = open_faceset(folder)
    whole, half = load_crops(faceset), load_crops(faceset, SIDE // 2)
    blocks = whole.reshape(FEWEST, SIDE // 2, 2, SIDE // 2, 2, 3).mean((2, 4))
    assert np.abs(half - blocks).max() <= 0.5
    assert np.array_equal(load_crops(faceset, 1000), whole)


def test_a_picture_of_another_size_is_named(folder):
    write_picture(folder / PICTURES / "07.png", np.zeros((SIDE, SIDE + 1, 3), np.uint8), {})
    with pytest.raises(FacesetError, match=r"07\.png is 65x64"):
        load_crops(open_faceset(folder))


def test_too_few_are_told_without_reading_them(folder):
    check_enough(open_faceset(folder))
    (folder / PICTURES / "00.png").unlink()
    (folder / PICTURES / "01.png").write_bytes(b"not looked at")
    with pytest.raises(FacesetError, match="19 faces, training needs at least 20"):
        check_enough(open_faceset(folder))


def test_a_faceset_without_pictures_is_told_and_keeps_its_table(folder):
    before = (folder / TABLE).read_bytes()
    for path in (folder / PICTURES).iterdir():
        path.unlink()
    with pytest.raises(FacesetError, match="no picture"):
        curate(folder, undo=True)
    assert (folder / TABLE).read_bytes() == before


@pytest.mark.parametrize("column", ["person", "landmarks", "name"])
def test_a_table_that_lacks_a_column_is_told(folder, column):
    pd.read_parquet(folder / TABLE).drop(columns=column).to_parquet(folder / TABLE)
    with pytest.raises(FacesetError, match="extract the faceset again"):
        open_faceset(folder)


@pytest.mark.parametrize("text", ["{}", "[]", '{"clips": [], "size": "large", "coverage": "face"}', "{"])
def test_options_that_say_too_little_are_told(folder, text):
    (folder / OPTIONS).write_text(text)
    with pytest.raises(FacesetError, match=r"options\.json is missing or damaged"):
        load_crops(open_faceset(folder))
