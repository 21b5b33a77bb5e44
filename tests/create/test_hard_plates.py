"""Plates as they come: fades, black, cuts, doubled frames, heads upside down or half out of the frame, people crossing.

Each is made of real frames; either the right face is replaced, or it is said why not, and never a wrong one.
"""

from collections import Counter

import cv2
import numpy as np
import pytest

from semblance.create.exposure import drawn_in_any_light
from semblance.create.options import SwapOptions
from semblance.create.painter import Painter
from semblance.create.render import merged_frames
from semblance.finish.merge_options import MergeOptions
from semblance.finish.plan import MergePlan
from semblance.media.native import paste
from semblance.media.probe import probe
from semblance.media.read import read_frames
from semblance.models import load_swapper
from semblance.runs import Clock
from tests.clips import make_clip


@pytest.fixture(scope="module")
def target(plate):
    return [frame.pixels for frame in read_frames(probe(plate))]


@pytest.fixture(scope="module")
def stranger(grid):
    return [frame.pixels for frame in read_frames(probe(grid / "bbaf2n.mpg"))]


@pytest.fixture(scope="module")
def swapped(run, tmp_path_factory):
    """A function: pictures -> for each frame its record and how far each of its pixels changed, before encoding."""
    painter = Painter(*load_swapper(run), MergePlan(MergeOptions()), SwapOptions())

    def render(pictures):
        path = tmp_path_factory.mktemp("plates") / "plate.mp4"
        h, w = pictures[0].shape[:2]
        info = probe(make_clip(path, (w, h), len(pictures), settings={"crf": "10"}, pictures=pictures))
        with merged_frames(info, 0, len(pictures), painter, Clock()) as merged:
            return [
                (item.record, np.abs(paste(item.frame.pixels, item.patches).astype(int) - item.frame.pixels).max(2))
                for item in merged
            ]

    return render


def test_a_fade_to_black_and_back_keeps_the_new_face(swapped, target):
    """Down to a tenth of the light; in the black itself nobody is there."""
    light = [1.0] * 4 + [1 - k / 12 for k in range(1, 12)] + [0.0] * 4 + [k / 12 for k in range(2, 12)]
    done = swapped([np.rint(frame * level).astype(np.uint8) for frame, level in zip(target, light)])
    for (record, change), level in zip(done, light):
        if level > 0.2:
            assert record.swapped == 1, (level, record.reason)
            # the change fades with the plate
            assert 20 * level < np.percentile(change[140:220, 140:220], 95) < 140 * level + 4
        if level == 0:
            assert not record.swapped and not change.any() and record.reason == "no face was found"


def test_a_cut_to_somebody_else_and_back_within_the_frame(swapped, target, stranger):
    done = swapped([*target[:8], *stranger[:8], *target[8:16]])
    assert [record.swapped for record, _ in done] == [1] * 8 + [0] * 8 + [1] * 8
    assert all(not change.any() and record.reason == "another person" for record, change in done[8:16])


def test_a_face_upside_down_and_on_its_sides_is_found_as_it_lies(swapped, target):
    for turns in (2, 1, 3):
        turned = [np.ascontiguousarray(np.rot90(frame, turns)) for frame in target[:6]]
        plain, done = swapped(target[:6]), swapped(turned)
        assert [record.swapped for record, _ in done] == [1] * 6
        for (_, change), (_, upright) in zip(done, plain):
            back = np.rot90(change, -turns).astype(np.float32)
            agree = np.minimum(back, upright).sum() / np.maximum(back, upright).sum()
            assert agree > 0.6, "the new face lies elsewhere"


def test_doubled_frames_are_alike_and_a_still_stands_still(swapped, target):
    done = swapped([target[k // 2] for k in range(12)])
    assert all(record.swapped == 1 for record, _ in done)
    still = swapped([target[0]] * 8)
    spread = np.stack([change for _, change in still]).std(0)
    assert spread.max() < 6 and spread.mean() < 0.05


def test_a_face_that_leaves_the_frame(swapped, target):
    """Half of it is still replaced; when it is gone it is said so; no patch hangs about."""
    h, w = target[0].shape[:2]

    def moved(frame, by):
        return cv2.warpAffine(frame, np.float32([[1, 0, -by], [0, 1, 0]]), (w, h), borderMode=cv2.BORDER_REPLICATE)

    done = swapped([moved(frame, 14 * k) for k, frame in enumerate(target[:20])])
    assert all(record.swapped == 1 for record, _ in done[:9])
    for record, change in done:
        assert bool(record.swapped) == bool(change.any())
        if not record.swapped:
            assert record.reason
    assert not done[-1][0].swapped
    # what is changed goes with the face: its middle is 14 pixels further left in each frame
    for k in (2, 5):
        middle = np.average(np.arange(w), weights=done[k][1].sum(0))
        assert abs(np.average(np.arange(w), weights=done[0][1].sum(0)) - 14 * k - middle) < 6


def test_two_people_who_cross_keep_their_heads(swapped, target, stranger):
    """The target walks across in front of a stranger: only the target is replaced, wherever she is."""
    h, w = target[0].shape[:2]
    count, reach = 24, 2 * w - 240
    pictures, places = [], []
    for k in range(count):
        canvas = np.full((h, 2 * w, 3), 90, np.uint8)
        here, there = 20 + reach * k // count, 20 + reach - reach * k // count
        canvas[40:280, there : there + 180] = stranger[k][40:280, 90:270]
        canvas[40:280, here : here + 180] = target[k][40:280, 90:270]
        pictures.append(canvas)
        places.append(here)
    done = swapped(pictures)
    assert Counter(record.swapped for record, _ in done)[1] >= count - 2
    for (_, change), here in zip(done, places):
        own = change[:, here : here + 180].sum()
        assert own == change.sum(), "the stranger was touched"


def test_a_dark_face_is_shown_lighter_until_it_is_known():
    """A model that knows one brightness only, and goes half of the way towards what it is shown (by logarithms)."""

    def draw(looks):
        shown = np.array(looks)
        again = np.sqrt(shown)
        return [("face", 1.0)] * len(looks), np.abs(again - shown) + 0.01, again / shown

    drawn, errors = drawn_in_any_light(
        [1.0, 0.25, 0.01], draw, lambda look, gain: min(look * gain, 1.0), lambda face, gain: (face[0], 1 / gain)
    )
    assert drawn[0] == ("face", 1.0)
    assert drawn[1][1] == pytest.approx(0.25, rel=0.2)
    assert errors[1] < 0.1 and errors[0] == pytest.approx(0.01)
    assert drawn[2][1] < 0.05


def test_what_gets_worse_in_another_light_stays_as_it_was():
    def draw(looks):
        return list(looks), np.array([0.1 * look for look in looks]), np.full(len(looks), 2.0)

    drawn, errors = drawn_in_any_light([1.0], draw, lambda look, gain: look * gain, lambda face, gain: face / gain)
    assert drawn == [1.0] and errors[0] == pytest.approx(0.1)
