"""Plates as they come: fades, black, cuts, doubled frames, heads upside down or half out of the frame, people crossing.

Each is made of real frames; either the right face is replaced, or it is said why not, and never a wrong one.
"""

from collections import Counter

import cv2
import numpy as np
import pytest
import torch

from semblance.create.exposure import Light, drawn_in_any_light, lights_of
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


@pytest.mark.parametrize("towards", [0, 255])
def test_a_fade_and_back_keeps_the_new_face(swapped, target, towards):
    """Down to a fifth of the contrast; in the black or white itself nobody is there."""
    shares = [1.0] * 4 + [1 - k / 12 for k in range(1, 12)] + [0.0] * 4 + [k / 12 for k in range(2, 12)]
    done = swapped([np.rint(frame * s + towards * (1 - s)).astype(np.uint8) for frame, s in zip(target, shares)])
    for (record, change), share in zip(done, shares):
        if share > 0.25:
            assert record.swapped == 1, (share, record.reason)
            # the change fades with the plate
            assert 20 * share < np.percentile(change[140:220, 140:220], 95) < 140 * share + 8
        if share == 0:
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


def test_a_face_in_an_unknown_light_is_shown_without_it():
    """A model that knows one picture only, and goes half of the way from what it is shown to it."""
    known = np.random.default_rng(0).uniform(0.2, 0.8, (16, 16, 3)).astype(np.float32)

    def draw(looks):
        shown = torch.from_numpy(np.stack(looks) / np.float32(255)).permute(0, 3, 1, 2)
        best = torch.from_numpy(known).permute(2, 0, 1)[None]
        again = (shown + best) / 2
        return [known] * len(looks), (again - shown).abs().mean((1, 2, 3)).numpy(), lights_of(shown, again)

    lights = [Light(), Light(0.25, 0.0), Light(0.3, 0.7), Light(0.5, 0.1), Light(0.1, 0.0)]
    looks = [np.rint(255 * light.within(known)).astype(np.uint8) for light in lights]
    drawn, errors = drawn_in_any_light(
        looks, draw, lambda look, light: light.without(look), lambda face, light: light.within(face)
    )
    for face, error, light in zip(drawn, errors, lights):
        assert np.abs(face - light.within(known)).mean() < 0.03
        assert error < 0.06


def test_a_light_is_read_off_two_pictures():
    again = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    shown = torch.stack([0.4 * again[0] + 0.5, again[1]])
    one, other = lights_of(shown, again)
    assert (one.scale, one.veil) == (pytest.approx(0.4, abs=1e-4), pytest.approx(0.5, abs=1e-4))
    assert other.is_known and not one.is_known
    both = one.over(Light(0.5, 0.2))
    dark = Light(0.9, -0.3).within(np.float32([[[0.1, 0.5, 0.9]]]))
    assert dark[0, 0] == pytest.approx([0, 0.15, 0.51])  # no light is less than none: it would come out as some
    assert (both.scale, both.veil) == (pytest.approx(0.2, abs=1e-4), pytest.approx(0.58, abs=1e-4))


def test_what_gets_worse_in_another_light_stays_as_it_was():
    def draw(looks):
        return list(looks), np.array([0.1 / look for look in looks]), [Light(0.5, 0.0)] * len(looks)

    drawn, errors = drawn_in_any_light(
        [1.0], draw, lambda look, light: look * light.scale**2, lambda face, light: face * 100
    )
    assert drawn == [1.0] and errors[0] == pytest.approx(0.1)
