"""Eyes shut in mesh space: a lid covers, it does not squeeze."""

import numpy as np
import pytest

from semblance.faces.expression import SIZE, lid_gaps, with_lids_shut
from semblance.faceset.lids import _LASHES, _LEFT, _eyes, _under_lid, closings, shut_eyes

SIDE = 256


def face(level=150):
    return np.full((1, SIDE, SIDE, 3), level, np.uint8)


def with_gradient():
    """Each eye runs from 100 at its upper lid to 200 at its lower one."""
    picture = face()
    for eye in _eyes(SIDE):
        picture[0, eye.rows, eye.columns] = (100 + 100 * eye.down)[:, None]
    return picture


def test_half_shut_shows_the_lower_half_in_the_dark_between_lid_and_lashes():
    picture = with_gradient()
    shut = shut_eyes(picture, np.array([[0.5, 0.0]]), np.ones((1, 2)))[0]
    right, left = _eyes(SIDE)
    inner = right.share > 0.99
    lower = 0.5 + 0.5 * right.down
    clear = (100 + 100 * lower) * _under_lid(right.down) / _under_lid(lower)
    lashes = 100 + 100 * 0.1 * _LASHES  # a tenth of those right under the lid are darker
    share = np.interp(0.5, *_LEFT)
    assert 0.4 < share < 0.6
    wanted = share * clear + (1 - share) * lashes
    apart = np.abs(shut[right.rows, right.columns, 0] - wanted)[inner]
    assert np.median(apart) < 2 and np.percentile(apart, 95) < 12  # columns' heights are whole texels
    assert np.array_equal(shut[left.rows, left.columns], picture[0, left.rows, left.columns])


def test_nothing_but_the_eyes_changes_and_the_given_picture_stays():
    picture = np.random.default_rng(0).integers(0, 256, (1, SIDE, SIDE, 3), np.uint8)
    before = picture.copy()
    shut = shut_eyes(picture, np.full((1, 2), 0.7), np.ones((1, 2)))
    outside = np.ones((SIDE, SIDE), bool)
    for eye in _eyes(SIDE):
        outside[eye.rows, eye.columns] = False
    assert np.array_equal(picture, before)
    assert np.array_equal(shut[0][outside], picture[0][outside]) and not np.array_equal(shut, picture)
    assert shut_eyes(picture, np.zeros((1, 2)), np.ones((1, 2))) is picture


def test_of_shut_eyes_only_lashes_are_left():
    picture = face(120)
    for eye in _eyes(SIDE):
        white = 40 + 200 * (eye.down > 0.25)  # lashes over the white of the eye
        picture[0, eye.rows, eye.columns] = white[:, None]
    right, _ = _eyes(SIDE)
    middle = right.share > 0.9
    open_yet, half, shut = (
        shut_eyes(picture, np.full((1, 2), share), np.ones((1, 2)))[0][right.rows, right.columns, 0][middle].mean()
        for share in (0.1, 0.5, 0.95)
    )
    assert shut < 60 < half < 150 < open_yet


def test_eyes_shut_as_far_as_the_others_against_what_is_usual_for_each():
    own, other = np.array([[0.10, 0.10]]), np.array([[0.03, 0.12]])
    found = closings(own, np.array([0.10, 0.10]), other, np.array([0.06, 0.12]))
    assert found[0] == pytest.approx([(0.5 - 0.12) / 0.88, 0])  # half of the usual, less what is noise; as usual
    blink = closings(np.array([[0.0, 0.0]]), np.array([0.1, 0.1]), other, np.array([0.06, 0.12]))
    assert (blink == 0).all()  # what is shut is not shut again


def test_the_numbers_of_an_expression_follow_the_lids():
    found = np.random.default_rng(1).uniform(1, 2, (3, SIZE)).astype(np.float32)
    shut = with_lids_shut(found, np.array([[0.5, 0], [1, 1], [0, 0]], np.float32))
    assert lid_gaps(shut) == pytest.approx(lid_gaps(found) * [[0.5, 1], [0, 0], [1, 1]], abs=1e-6)
    assert (shut[1, 5:7] > found[1, 5:7]).all() and np.array_equal(shut[2], found[2])  # brows stand higher over lids
    others = [k for k in range(SIZE) if k not in (3, 4, 5, 6)]
    assert np.array_equal(shut[:, others], found[:, others])
