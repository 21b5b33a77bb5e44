"""The contact sheet: as many people as asked for, all different, labelled, and nothing where it cannot be drawn."""

import numpy as np
import pytest

from semblance.create import people_sheet as drawing
from semblance.create.film import SEEDS
from semblance.create.people_sheet import people_sheet
from semblance.errors import InputError, ModelError, OutputError, Stopped
from semblance.media.image import read_picture, read_tags
from semblance.runs import StopSignal
from semblance.trust.publish import LABEL, publish_picture
from tests.create.swapping import StopAt

SIZE, LINE, CAPTION = 64, 4, 20


def tiles_of(sheet, count):
    """The pictures, without lines and captions."""
    pitch = SIZE + CAPTION + LINE, SIZE + LINE
    corners = [(LINE + k // 6 * pitch[0], LINE + k % 6 * pitch[1]) for k in range(count)]
    return [sheet[y : y + SIZE, x : x + SIZE].astype(int) for y, x in corners]


@pytest.fixture(scope="module")
def unmarked():
    """Each sheet's pixels by its name, before it gets a watermark of its own and is written as usual."""
    seen = {}

    def publish(path, pixels, claim):
        seen[path.name] = pixels.copy()
        publish_picture(path, pixels, claim)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawing, "publish_picture", publish)
        yield seen


@pytest.fixture(scope="module")
def sheet(unmarked, tmp_path_factory):
    return people_sheet(tmp_path_factory.mktemp("sheet") / "new" / "people.png", 7, seed=3, size=SIZE, body="builtin")


def test_seven_people_in_rows_of_six_all_different(sheet, unmarked):
    pixels = read_picture(sheet)
    assert pixels.shape == (2 * (SIZE + CAPTION + LINE) + LINE, 6 * (SIZE + LINE) + LINE, 3)
    tiles = tiles_of(pixels, 7)
    gaps = [np.abs(a - b).mean() for k, a in enumerate(tiles) for b in tiles[:k]]
    assert min(gaps) > 5 and min(tile.std() for tile in tiles) > 15
    assert tiles_of(unmarked[sheet.name], 12)[7].std((0, 1)).max() == 0, "there is somebody in the eighth place"


def test_it_is_labelled(sheet):
    tags = read_tags(sheet)
    assert all(tags[key] == value for key, value in LABEL.items()) and "do not exist" in tags["what"]


def test_the_same_seed_draws_the_same_people_and_fewer_are_the_first_of_more(sheet, unmarked, tmp_path):
    again = people_sheet(tmp_path / "again.png", 2, seed=3, size=SIZE, body="builtin")
    other = people_sheet(tmp_path / "other.png", 2, seed=4, size=SIZE, body="builtin")
    before, after, else_ = (tiles_of(unmarked[path.name], 2) for path in (sheet, again, other))
    assert np.array_equal(before, after)
    assert all(np.abs(a - b).mean() > 5 for a, b in zip(before, else_))


@pytest.mark.parametrize(
    ("out", "values", "error", "words"),
    [
        ("a.png", {"people": 0}, InputError, "1 to 1000"),
        ("a.png", {"people": 1001}, InputError, "1 to 1000"),
        ("a.png", {"size": 17}, InputError, "64 to 1024"),
        ("a.png", {"seed": -1}, InputError, "seed"),
        ("a.png", {"seed": SEEDS}, InputError, "seed"),
        ("a.png", {"body": "nobody.npz"}, ModelError, "no head at"),
        ("a.bmp", {}, InputError, ".png or .jpg"),
        ("a", {}, InputError, ".png or .jpg"),
        ("there.png", {}, OutputError, "exists already"),
        ("folder.png", {}, OutputError, "is a folder"),
    ],
)
def test_what_cannot_be_is_refused_before_anybody_is_drawn(out, values, error, words, tmp_path):
    (tmp_path / "there.png").write_text("precious")
    (tmp_path / "folder.png").mkdir()
    told = StopAt(10**9, StopSignal())
    with pytest.raises(error, match=words):
        people_sheet(tmp_path / out, **{"size": SIZE, "body": "builtin", **values}, progress=told)
    assert told.left == 10**9 and (tmp_path / "there.png").read_text() == "precious"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder.png", "there.png"]


def test_a_stop_leaves_nothing(tmp_path):
    told = StopAt(1, StopSignal())
    with pytest.raises(Stopped, match="Nothing was written"):
        people_sheet(tmp_path / "a.jpg", 3, size=SIZE, body="builtin", progress=told, stop=told.stop_signal)
    assert list(tmp_path.iterdir()) == []
