"""Curation drops what was damaged on purpose, says why, and can be undone."""

import shutil
import time

import cv2
import numpy as np
import pytest

from semblance.errors import InputError, MediaError
from semblance.faceset.curate import CurateOptions, curate, near_duplicates, reasons
from semblance.faceset.extract import extract
from semblance.faceset.store import PICTURES, open_faceset
from semblance.media.image import write_picture
from semblance.media.probe import probe
from semblance.media.read import read_frames

DAMAGE = {
    "blurred": lambda p: cv2.GaussianBlur(p, (0, 0), 6),
    "too dark": lambda p: (p * 0.08).astype(np.uint8),
    "tinted": lambda p: np.clip(p * [0.45, 0.8, 1.5], 0, 255).astype(np.uint8),
    "small": lambda p: cv2.resize(p, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA),
}


@pytest.fixture(scope="module")
def damaged(grid, tmp_path_factory):
    """Sixty good pictures of one person, three each with known damage, three of somebody else, one twice."""
    folder = tmp_path_factory.mktemp("pictures")
    frames = [frame.pixels for frame in read_frames(probe(grid / "sbia1a.mpg"))]
    for n in range(60):
        write_picture(folder / f"good{n:02d}.png", frames[n], {})
    for name, damage in DAMAGE.items():
        for n in range(3):
            write_picture(folder / f"{name.replace(' ', '_')}{n}.png", damage(frames[60 + n]), {})
    write_picture(folder / "twin.png", frames[10], {})
    for n, frame in enumerate(list(read_frames(probe(grid / "bbaf2n.mpg")))[::30]):
        write_picture(folder / f"other{n}.png", frame.pixels, {})
    out = tmp_path_factory.mktemp("curate") / "set"
    extract([folder], out)
    names = sorted(path.stem for path in folder.iterdir())
    return out, names


@pytest.fixture
def copy(damaged, tmp_path):
    shutil.copytree(damaged[0], tmp_path / "set")
    return tmp_path / "set", damaged[1]


def _rows_of(faceset, names, start):
    """Rows whose picture's name begins so; a picture's number is its place in natural order."""
    order = sorted(names)
    return faceset.table[[order[index].startswith(start) for index in faceset.table["index"]]]


@pytest.mark.parametrize("reason", ["too dark", "tinted", "small", "blurred"])
def test_damaged_faces_are_dropped_with_their_reason(copy, reason):
    folder, names = copy
    rows = _rows_of(curate(folder), names, reason.replace(" ", "_"))
    assert len(rows) >= 2, "extraction lost the damaged faces"
    assert not rows["kept"].any()
    assert rows["reason"].str.startswith(reason).all(), set(rows["reason"])


def test_other_people_are_dropped(copy):
    folder, names = copy
    rows = _rows_of(curate(folder), names, "other")
    assert len(rows) == 3 and set(rows["reason"]) == {"another person"}


def test_the_other_person_can_be_asked_for(copy):
    folder, names = copy
    number = _rows_of(open_faceset(folder), names, "other")["person"].iloc[0]
    kept = curate(folder, CurateOptions(person=str(number))).kept
    assert len(kept) == 3 and all(sorted(names)[index].startswith("other") for index in kept["index"])
    with pytest.raises(InputError, match="no person 9"):
        curate(folder, CurateOptions(person="9"))


def test_good_faces_stay_and_one_of_two_twins(copy):
    folder, names = copy
    faceset = curate(folder)
    good = _rows_of(faceset, names, "good")
    assert good["kept"].mean() > 0.9
    twins = [good[good["index"] == sorted(names).index("good10")], _rows_of(faceset, names, "twin")]
    assert sum(int(rows["kept"].sum()) for rows in twins) == 1


def test_undo_keeps_all(copy):
    folder, _ = copy
    before = open_faceset(folder).table
    assert reasons(curate(folder))
    undone = curate(folder, undo=True)
    assert undone.table["kept"].all() and (undone.table["reason"] == "").all()
    assert open_faceset(folder).table.equals(before)


def test_a_limit_keeps_the_widest_spread(copy):
    folder, _ = copy
    whole, fewer = curate(folder).kept, curate(folder, CurateOptions(at_most=20)).kept
    assert len(fewer) == 20
    assert fewer["yaw"].max() - fewer["yaw"].min() >= 0.9 * (whole["yaw"].max() - whole["yaw"].min())


def test_curating_twice_changes_nothing(copy):
    folder, _ = copy
    once = curate(folder).table
    assert curate(folder).table.equals(once)


def test_where_person_0_was_deleted_the_one_seen_most_stays(copy):
    folder, names = copy
    faceset = open_faceset(folder)
    others = set(_rows_of(faceset, names, "other")["name"])
    for name in set(faceset.table["name"]) - others:
        (folder / PICTURES / name).unlink()
    others = _rows_of(curate(folder), names, "other")
    assert len(others) == 3 and others["kept"].all()


def test_a_number_that_is_no_decimal_is_a_files_name(copy):
    with pytest.raises(MediaError, match="no file ²"):
        curate(copy[0], CurateOptions(person="²"))


def _some_faces(count, noise, seed=0):
    """Copies of a few pictures with as much noise as makes some of them twins and some not."""
    chance = np.random.default_rng(seed)
    pictures = chance.integers(40, 200, (5, 32, 32))
    for _ in range(count):
        picture = pictures[chance.integers(5)] + chance.normal(0, chance.uniform(0, noise), (32, 32)).round()
        yield picture.clip(0, 255).astype(np.uint8), np.full(956, chance.integers(3) * 0.4, np.float32)


def test_block_means_change_no_answer():
    faces = list(_some_faces(120, 3.0))
    kept, expected = [], []
    for grey, points in faces:
        expected.append(
            any(
                np.abs(grey.astype(float) - other).mean() < 1.5 and np.abs(points - shape).mean() < 1.5
                for other, shape in kept
            )
        )
        if not expected[-1]:
            kept.append((grey, points))
    assert list(near_duplicates(faces, len(faces), 1.5)) == expected
    assert 20 < sum(expected) < 100


def test_thousands_of_unlike_faces_are_compared_in_seconds():
    chance = np.random.default_rng(0)
    small = [cv2.resize(chance.integers(0, 256, (5, 5), np.uint8), (32, 32)) for _ in range(4000)]
    began = time.process_time()
    assert not any(near_duplicates(((picture, np.zeros(956)) for picture in small), len(small), 0.6))
    assert time.process_time() - began < 3, "each was compared with each, pixel by pixel"
