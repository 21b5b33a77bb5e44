"""Colour match: the whole way takes over the statistics, none changes nothing; chance is the sample's own."""

import numpy as np
import pytest

from semblance.faceset.colour_match import RIM, apply, draw, match_colours

SIDE = 64
INNER = slice(round(RIM * SIDE), SIDE - round(RIM * SIDE))


def noise(mean, deviation, seed=0):
    chance = np.random.default_rng(seed)
    picture = chance.normal(mean, deviation, (SIDE, SIDE, 3))
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def statistics(picture):
    middle = picture[INNER, INNER].reshape(-1, 3).astype(float)
    return np.stack([middle.mean(0), middle.std(0)])


def test_the_whole_way_takes_over_mean_and_deviation():
    crop, like = noise((90, 120, 140), 10), noise((150, 110, 80), 20, seed=1)
    assert statistics(match_colours(crop, like)) == pytest.approx(statistics(like), abs=0.5)
    half = match_colours(crop, like, share=0.5)
    assert statistics(half) == pytest.approx((statistics(crop) + statistics(like)) / 2, abs=0.5)


def test_no_way_changes_nothing_and_xyz_is_undone():
    crop, like = noise((90, 120, 140), 10), noise((150, 110, 80), 20, seed=1)
    assert np.array_equal(match_colours(crop, like, share=0), crop)
    assert np.abs(match_colours(crop, like, share=0, xyz=True).astype(int) - crop).max() <= 3  # rounding
    assert statistics(match_colours(crop, like, xyz=True))[0] == pytest.approx(statistics(like)[0], abs=6)


def test_only_the_middle_counts():
    crop, like = noise(120, 10), noise(120, 10)
    like[: INNER.start] = 255
    assert np.array_equal(match_colours(crop, like), crop)


def test_what_would_leave_the_range_is_scaled_not_clipped():
    dark = noise(20, 5)
    dark[0, 0] = 255
    made = match_colours(dark, noise(200, 20, seed=1))
    assert (made.max(), made[INNER, INNER].max() < 255) == (255, True)
    assert len(np.unique(made)) > 20


def test_a_flat_crop_survives():
    flat = np.full((SIDE, SIDE, 3), 100, np.uint8)
    assert (match_colours(flat, noise(150, 20)) > 140).all()


def test_draws_depend_on_seed_side_and_number_alone():
    whole, part = draw(7, np.arange(400)), draw(7, np.arange(100, 110))
    assert np.array_equal(whole.share[100:110], part.share) and np.array_equal(whole.on[100:110], part.on)
    assert not np.array_equal(whole.share, draw(7, np.arange(400), side=1).share)
    assert not np.array_equal(whole.share, draw(8, np.arange(400)).share)
    assert 0.4 < whole.on.mean() < 0.6 and 0.4 < whole.xyz.mean() < 0.6
    assert not draw(7, np.arange(50), chance=0).on.any()


def test_apply_leaves_what_was_not_drawn():
    crops = np.stack([noise(90, 10, seed=n) for n in range(12)])
    pool = np.stack([noise(200, 20, seed=50)])
    draws = draw(3, np.arange(12))
    made = apply(crops, draws, pool)
    changed = (made != crops).any((1, 2, 3))
    assert draws.on.any() and not draws.on.all()
    assert np.array_equal(changed, draws.on)
