"""Choosing the merge: what is asked, what is kept, what is told, and that a choice can be repeated."""

from __future__ import annotations

import numpy as np
import pytest

from semblance import swap
from semblance.create.choose import choose_merge, descend, final, sharpened, told
from semblance.create.options import SwapOptions
from semblance.create.painter import Painter
from semblance.create.trial import Tried, attempt, choose_looks, draw_looks
from semblance.finish.merge_options import MergeOptions
from semblance.finish.plan import MergePlan, Shot, read_plan
from semblance.media.encode import EncodeOptions
from semblance.media.image import write_picture
from semblance.media.probe import probe
from semblance.models import load_swapper
from semblance.runs import Clock, Progress, StopSignal
from tests.create.swapping import pixels_of


class Heard(Progress):
    def __init__(self):
        self.lines = []

    def say(self, text):
        self.lines.append(text)


def tried(merge: MergeOptions, score: float) -> Tried:
    return Tried(merge, {"seam": score * 2.3}, score)


def test_questions_are_asked_in_order_and_only_plain_gains_count():
    asked = []

    def attempt_of(merge):
        asked.append(merge)
        score = 10.0
        score -= 3 * (merge.colour == "mkl") + 4 * (merge.blend == "bands") + 0.05 * (merge.sharpen == 1)
        return tried(merge, score + 5 * (merge.colour == "none"))

    questions = [[{"colour": "none"}, {"colour": "mkl"}], [{"blend": "bands"}], [{"sharpen": 1.0}], []]
    best = descend(tried(MergeOptions(), 10.0), questions, attempt_of)
    assert best.merge == MergeOptions(colour="mkl", blend="bands") and best.score == 3
    assert asked[2] == MergeOptions(colour="mkl", blend="bands"), "each with the answers so far"
    assert asked[3].sharpen == 1 and len(asked) == 4


def test_close_finalists_prove_themselves_on_other_frames():
    merges = [MergeOptions(erode=k) for k in range(5)]
    made = [tried(merge, score) for merge, score in zip(merges, (2.0, 2.05, 2.1, 3.0, 9.0))]
    asked = []

    def again(merge):
        asked.append(merge)
        return tried(merge, {0: 3.0, 1: 2.0, 2: 2.5, 3: 2.0}[int(merge.erode)])

    assert final(made[0], made, again).merge == merges[1] and len(asked) == 4 and merges[4] not in asked
    ahead = [tried(merges[0], 1.0), *made[1:]]
    assert final(ahead[0], ahead, again).merge == merges[0] and len(asked) == 4
    assert final(made[0], made[:1], again) is made[0]
    hardly = [tried(merges[0], 2.0), tried(merges[1], 1.95)]
    assert final(hardly[1], hardly, lambda merge: tried(merge, 2.0)) is hardly[0]


def test_a_soft_face_is_sharpened_to_the_plates_own_sharpness_and_no_other():
    asked = []

    def of(own: float, worth: float = 1.0):
        """A face whose detail is `own` of the plate's, and grows by twice the amount."""

        def attempt_of(merge):
            asked.append(merge.sharpen)
            sharpness = (own * (1 + 2 * merge.sharpen)) ** 2
            return Tried(merge, {"sharpness": sharpness}, 1 + worth * abs(np.log(sharpness)))

        return attempt_of

    for own, amount, tries in ((0.5, 0.5, [0.3, 0.5]), (0.625, 0.3, [0.3]), (0.1, 1.5, [0.3, 1.5]), (0.99, 0.0, [])):
        asked.clear()
        assert sharpened(of(own)(MergeOptions()), of(own)).merge.sharpen == amount
        assert asked[1:] == tries
    before = of(0.5, worth=-0.1)(MergeOptions())
    assert sharpened(before, of(0.5, worth=-0.1)) is before, "where it is not worth it, nothing is sharpened"


def test_the_choice_and_what_it_gains_are_told():
    usual, best = tried(MergeOptions(), 2.0), tried(MergeOptions(blend="bands", erode=0), 1.0)
    assert told(usual, best) == (
        "Merge: erode 0.0, blend bands (score 2.00 -> 1.00, 0 is unseen: 4.60 -> 2.30 dE at the edge)."
    )
    assert "the usual settings (score 2.00" in told(usual, usual)


def test_a_decided_plan_keeps_what_shots_have_of_their_own():
    plan = MergePlan(MergeOptions(opacity=0.9), (Shot(0, 5, MergeOptions(opacity=0.9, erode=2)),), auto=True)
    made = plan.decided(MergeOptions(opacity=0.9, blend="bands"))
    assert made.shots[0].merge == MergeOptions(opacity=0.9, erode=2, blend="bands") and not made.auto
    assert plan.decided() == MergePlan(plan.whole, plan.shots)


@pytest.fixture(scope="module")
def artist(run) -> Painter:
    return Painter(*load_swapper(run), MergePlan(auto=True), SwapOptions())


def test_a_trial_measures_what_settings_do(artist, plate):
    info = probe(plate)
    indices = choose_looks(info, artist, 75, 2, Progress(), StopSignal())
    looks = draw_looks(info, artist, indices, Clock())
    assert [look.index for look in looks] == indices and [len(look.frames) for look in looks] == [3, 3]
    made = {
        name: attempt(looks, artist, merge, 1.0, Clock())
        for name, merge in {
            "usual": MergeOptions(),
            "again": MergeOptions(),
            "dark": MergeOptions(colour="none", brightness=-30),
            "nothing": MergeOptions(opacity=0.0),
        }.items()
    }
    assert made["usual"].figures == made["again"].figures, "one attempt leaves nothing behind for the next"
    assert made["dark"].figures["seam"] > 2 * made["usual"].figures["seam"]
    assert made["dark"].score > made["usual"].score
    assert np.isnan(made["nothing"].figures["identity to source"])
    assert len(made["usual"].pictures) == len(made["usual"].each) == 2
    gap = np.abs(made["usual"].pictures[0].astype(int) - looks[0].frames[1].frame.pixels).max(2)
    assert gap[100:250, 100:260].max() > 20 and gap[:40].max() == 0


def test_the_chosen_is_at_least_as_good_as_the_usual_and_what_is_set_stays(artist, plate):
    info, heard = probe(plate), Heard()
    painter = artist.following(MergePlan(MergeOptions(sharpen=0.7), auto=True))
    plan = choose_merge(info, painter, 75, heard, StopSignal())
    assert not plan.auto and plan.whole.sharpen == 0.7 and heard.lines[0].startswith("Merge: ")
    looks = draw_looks(info, artist, choose_looks(info, artist, 75, 2, Progress(), StopSignal()), Clock())
    scores = [attempt(looks, artist, merge, 1.0, Clock()).score for merge in (painter.plan.whole, plan.whole)]
    assert scores[1] <= scores[0]


def test_where_nobody_is_found_the_usual_settings_stay(artist, grid, tmp_path):
    write_picture(tmp_path / "000.png", np.full((120, 160, 3), 90, np.uint8), {})
    heard = Heard()
    assert choose_merge(probe(tmp_path), artist, 1, heard, StopSignal()) == artist.plan.decided()
    assert heard.lines == ["Merge: the usual settings; no frame was found to try others on."]


def test_a_choice_is_repeated_exactly_from_the_reports_file(trial, run, plate, tmp_path):
    lossless = EncodeOptions(codec="ffv1")
    first = swap(plate, run, tmp_path / "a.mkv", encode=lossless)
    plan = read_plan(first.report / "merge.toml")
    assert not plan.auto
    again = swap(plate, run, tmp_path / "b.mkv", plan, lossless)
    assert read_plan(again.report / "merge.toml") == plan
    # the watermark tells two files apart; beneath it they are the same
    assert np.abs(pixels_of(first.out).astype(int) - pixels_of(again.out)).mean() < 2.5
    assert not list(tmp_path.glob("*.partial"))


def test_shots_get_their_own_settings(run, plate, tmp_path):
    folder = tmp_path / "frames"
    for index, pixels in enumerate(pixels_of(plate)[:12]):
        write_picture(folder / f"{index:03d}.png", pixels, {})
    plan = MergePlan(MergeOptions(), (Shot(4, 7, MergeOptions(opacity=0.0)),))
    made = swap(folder, run, tmp_path / "o.mkv", plan, EncodeOptions(codec="ffv1"))
    assert made.swapped == 8 and made.skipped == {"nothing of the face is left by the mask": 4}
