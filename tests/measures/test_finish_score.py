"""The score of a merge: closed forms."""

import pytest

from semblance.measures.finish_score import PARTS, finish_score, parts_of
from semblance.measures.grades import METRICS

UNSEEN = {"seam": 0, "seam, worst part": 0, "double edges": 0, "sharpness": 1, "flicker": 1, "brightness flicker": 0,
          "identity to source": 0}  # fmt: skip


def test_an_unseen_swap_scores_nothing_and_each_fault_its_weight():
    assert set(PARTS) == set(UNSEEN) <= set(METRICS)
    assert finish_score(UNSEEN) == 0
    for name, part in PARTS.items():
        assert finish_score({**UNSEEN, name: part.one}) == pytest.approx(part.weight)
        assert parts_of({**UNSEEN, name: part.one})[name] == pytest.approx(part.weight)


def test_too_soft_and_too_sharp_are_alike_but_calm_is_no_fault():
    assert finish_score({"sharpness": 2.0}) == pytest.approx(finish_score({"sharpness": 0.5}))
    assert finish_score({"sharpness": 2.0}) > 2
    assert finish_score({"sharpness": 1.04}) == 0
    assert finish_score({"flicker": 0.5}) == 0 < finish_score({"flicker": 1.1})


def test_worse_is_never_scored_better():
    for name, part in PARTS.items():
        worse = [part.best + (part.one - part.best) * k for k in (0, 0.5, 1, 2, 5)]
        scores = [finish_score({name: value}) for value in worse]
        assert scores == sorted(scores) and scores[-1] > scores[1]


def test_who_it_is_weighs_more_than_a_step_and_nearer_than_one_clip_to_itself_gains_nothing():
    assert finish_score({"identity to source": 0.2}) == finish_score({"identity to source": 0.25}) == 0
    near, far = {"seam": 6.5, "identity to source": 0.30}, {"seam": 4.5, "identity to source": 0.34}
    assert finish_score(near) < finish_score(far)


def test_what_could_not_be_measured_does_not_count():
    assert finish_score({"seam": 2.3, "flicker": float("nan")}) == pytest.approx(1.0)
    assert str(finish_score({})) == "nan"
