"""Masks steadied over time: specks go, edges stay, thin things that pass are told apart by how long they are there."""

import numpy as np

from semblance.finish.steady_masks import steadied_mask


def square(x, side=6, size=32):
    mask = np.ones((size, size), np.float32)
    mask[10 : 10 + side, x : x + side] = 0
    return mask


def test_a_still_mask_stays_as_it_is():
    assert np.array_equal(steadied_mask({-1: square(5), 0: square(5), 1: square(5)}, 1), square(5))


def test_a_speck_of_one_frame_goes_and_a_hole_of_one_frame_is_filled():
    nothing = np.ones((32, 32), np.float32)
    assert np.array_equal(steadied_mask({-1: nothing, 0: square(5), 1: nothing}, 1), nothing)
    assert np.array_equal(steadied_mask({-1: square(5), 0: nothing, 1: square(5)}, 1), square(5))


def test_a_moving_edge_stays_where_it_is():
    run = {away: square(12 + 2 * away, side=8) for away in range(-2, 3)}
    assert np.array_equal(steadied_mask(run, 1), square(12, side=8))
    assert np.array_equal(steadied_mask(run, 2), square(12, side=8))


def test_at_an_end_only_as_many_count_as_there_are_on_both_sides():
    run = {0: square(5), 1: square(9), 2: square(13)}
    assert steadied_mask(run, 2) is run[0]
    run[-1] = square(1)
    assert np.array_equal(steadied_mask(run, 4), steadied_mask({a: run[a] for a in (-1, 0, 1)}, 1))
    assert steadied_mask(run, 0) is run[0]
