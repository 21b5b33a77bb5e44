"""Overlap, and how much of a cover is left out, of masks whose answers are known."""

import numpy as np
import pytest

from semblance.measures.masks import score_masks


def test_known_masks():
    truth, cover, drawn = np.zeros((3, 1, 4, 8), np.float32)
    truth[..., :4], cover[..., 4:6] = 1, 1
    drawn[..., 1:5] = 1  # a column of face missed, a column of cover taken for face
    score = score_masks(drawn, truth, cover)
    assert score.overlap == score.pooled == pytest.approx(3 / 5)
    assert score.left_out == pytest.approx(1 / 2) and score.kept == pytest.approx(3 / 4) and score.pictures == 1


def test_nothing_against_nothing_is_perfect_and_no_cover_is_no_number():
    nothing = np.zeros((2, 4, 4), np.float32)
    score = score_masks(nothing, nothing, nothing)
    assert score.overlap == 1 and np.isnan(score.left_out)


def test_overlap_is_the_mean_of_pictures_and_pooled_is_of_pixels():
    truth = np.zeros((2, 4, 4), np.float32)
    truth[0], truth[1, 0, 0] = 1, 1
    drawn = truth.copy()
    drawn[1, 0, 0] = 0
    score = score_masks(drawn, truth, np.zeros_like(truth))
    assert score.overlap == 0.5 and score.pooled == pytest.approx(16 / 17)
