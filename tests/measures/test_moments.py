"""Where a figure jumps: found where one was put, nowhere else, and drawn there."""

from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest

from semblance.create.curves import curves
from semblance.measures.moments import TRACKS, Moment, all_jumps, jumps, tracks_of

FRAMES = list(range(100, 200))


def steady(seed=0, level=3.0, spread=0.4):
    return level + spread * np.random.default_rng(seed).normal(size=100)


@pytest.mark.parametrize("seed", range(20))
def test_a_steady_figure_does_not_jump(seed):
    assert jumps(steady(seed), FRAMES, "seam") == []


def test_a_jump_is_told_with_its_frame_and_size():
    values = steady()
    values[40] = 9.0
    (found,) = jumps(values, FRAMES, "seam")
    assert (found.frame, found.name, found.value) == (140, "seam", 9.0)
    assert found.usual == pytest.approx(3.0, abs=0.2)
    assert found.size == pytest.approx((9 - found.usual) / 0.4, rel=0.25)
    assert found.told() == f"#140  seam 9.0 dE (usual {found.usual:.1f})"


def test_of_a_jump_that_lasts_the_highest_frame_tells_and_two_apart_are_two():
    values = steady()
    values[40:44] = 8.0, 10.0, 9.0, 8.5
    values[70] = 9.0
    assert [found.frame for found in jumps(values, FRAMES, "seam")] == [141, 170]


def test_only_the_bad_side_counts():
    values = steady(level=40.0)
    values[10], values[20] = 60.0, 20.0
    assert [found.frame for found in jumps(values, FRAMES, "background")] == [120]


def test_what_is_too_little_to_be_seen_is_no_jump():
    values = np.full(100, 2.0)
    values[50] = 2.0 + 0.9 * TRACKS["seam"].seen
    assert jumps(values, FRAMES, "seam") == []
    values[50] = 2.0 + 1.1 * TRACKS["seam"].seen
    assert [found.frame for found in jumps(values, FRAMES, "seam")] == [150]


def test_what_could_not_be_had_is_passed_over():
    values = steady()
    values[:60] = np.nan
    values[80] = 12.0
    assert [found.frame for found in jumps(values, FRAMES, "seam")] == [180]
    assert jumps(np.full(100, np.nan), FRAMES, "seam") == []


class _Comparison:
    """What a Comparison says, of 100 frames in which one mouth opens too far and one frame flashes."""

    frames = FRAMES

    def series(self, name):
        values = {"sharpness": 1 + 0 * steady(), "restless": steady(1, 1, 0.01), "restless plate": steady(2, 1, 0.01)}
        found = values.get(name, 40 + 0 * steady())
        if name == "brightness":
            found = steady(3, 0, 0.02)
            found[30] += 8
        return found

    def poses(self, side):
        return np.zeros((100, 3))

    def openings(self, side):
        found = np.zeros((100, 2))
        if side == "result":
            found[60, 0] = 0.05
        return found


def test_all_of_them_the_plainest_first():
    found = all_jumps(_Comparison())
    assert {(moment.frame, moment.name) for moment in found} == {(160, "mouth"), (130, "brightness")}
    assert found == sorted(found, key=lambda moment: -moment.size)
    assert set(tracks_of(_Comparison())) == set(TRACKS)
    mouth = next(moment for moment in found if moment.name == "mouth")
    assert mouth.value == pytest.approx(5.0)  # percent of the face's height


def test_curves_are_whole_xml_with_a_ring_on_each_jump_and_a_gap_where_nothing_is():
    values = steady()
    values[50:55] = np.nan
    moment = Moment(120, "seam", float(values[20]), 3.0, 9.0)
    svg = ElementTree.fromstring(curves({"seam": values, "eyes": np.full(100, np.nan)}, FRAMES, [moment], "a < b"))
    space = "{http://www.w3.org/2000/svg}"
    lines = svg.findall(f"{space}polyline")
    assert [len(line.get("points").split()) for line in lines] == [50, 45]
    assert len(svg.findall(f"{space}circle")) == 1
    assert "#120" in [text.text for text in svg.findall(f"{space}text")]
    still = SimpleNamespace(values=np.full(100, 2.0))
    assert "nan" not in curves({"seam": still.values}, FRAMES, [], "still")
