"""DeepFaceLab's way of augmenting: ranges, repeatability, what moves with what."""

import cv2
import numpy as np
import pytest

from semblance.faceset.augment import middle, move_planes, pick
from semblance.faceset.warp import CUT, WarpOptions, apply, draw, even_yaw, shift_hue, truth_matrices

STILL = WarpOptions(rotation=0, zoom=0, shift=0, flip=(0, 0), warp=False)
SIZE, COVERAGE = 64, 0.8


@pytest.fixture(scope="module")
def crops():
    """Four smooth random pictures (4, 100, 100, 3)."""
    chance = np.random.default_rng(3)
    coarse = chance.integers(0, 256, (4, 10, 10, 3), np.uint8)
    return np.stack([cv2.resize(image, (100, 100), interpolation=cv2.INTER_CUBIC) for image in coarse])


def test_draws_keep_their_ranges_and_fill_them():
    draws = draw(0, np.arange(2000), WarpOptions(hue=0.1, flip=(0.0, 0.4)), side=1)
    for values, low, high in (
        (draws.turn, -10, 10), (draws.zoom, 1 / 1.15, 1.15), (draws.shift, -0.05, 0.05),
        (draws.nodes, -0.24, 0.24), (draws.face, 0, 1),
    ):  # fmt: skip
        span = high - low
        assert low <= values.min() < low + 0.02 * span and high - 0.02 * span < values.max() <= high
    assert draws.nodes.std() == pytest.approx(0.24 * 0.954 / CUT, rel=0.02)  # normal, cut at 2.5 deviations
    assert draws.flip.mean() == pytest.approx(0.4, abs=0.04)
    assert [np.mean(draws.cells == cells) for cells in (2, 4, 8)] == pytest.approx([1 / 3] * 3, abs=0.04)
    assert not draws.hue.any()  # the source's only
    source = draw(0, np.arange(2000), WarpOptions(hue=0.1))
    assert not source.flip.any()
    assert np.abs(source.hue).max(0) == pytest.approx([18, 0.05, 0.05], rel=0.02)


def test_sample_k_does_not_depend_on_the_batch():
    whole, part = draw(7, np.arange(10), WarpOptions()), draw(7, np.arange(4, 6), WarpOptions())
    for name in ("face", "turn", "nodes", "cells", "transfer_seed"):
        assert np.array_equal(getattr(whole, name)[4:6], getattr(part, name))
    assert not np.array_equal(whole.turn, draw(7, np.arange(10), WarpOptions(), side=1).turn)


def test_nothing_drawn_gives_the_middle_of_the_crop(crops):
    draws = draw(0, np.arange(6), STILL)
    bent, truth = apply(crops, draws, SIZE, COVERAGE)
    assert np.array_equal(bent, truth)
    expected = middle(crops, SIZE, COVERAGE)[pick(draws.face, 4)]
    assert np.abs(truth.astype(int) - expected).mean() < 1  # cubic here, linear there


def test_the_truth_knows_nothing_of_the_warp(crops):
    options = WarpOptions(flip=(0.5, 0.5))
    numbers = np.arange(12)
    _, truth = apply(crops, draw(1, numbers, options), SIZE, COVERAGE)
    bent, straight = apply(crops, draw(1, numbers, options.changed(warp=False)), SIZE, COVERAGE)
    assert np.array_equal(truth, straight) and np.array_equal(bent, straight)


def test_the_rim_of_a_straight_picture_stays_and_its_inside_moves(crops):
    draws = draw(2, np.arange(9), STILL.changed(warp=True))
    bent, truth = apply(crops, draws, SIZE, COVERAGE)
    gap = np.abs(bent.astype(int) - truth)
    assert gap[:, 16:48, 16:48].mean() > 3 * gap[:, [0, -1]].mean()
    assert (gap[:, 16:48, 16:48].mean((1, 2, 3)) > 0.5).all()


def test_a_lattice_of_two_cells_is_a_tent(crops):
    """One inner node: the middle moves by the offset drawn, halfway out by half of it. A ramp shows by how much."""
    across = np.tile(np.arange(100, dtype=np.float32) * 2, (100, 1))
    ramp = np.repeat(across[..., None], 3, 2).astype(np.uint8)[None]
    draws = draw(0, np.arange(1), STILL.changed(warp=True))
    draws.cells[:], draws.nodes[:] = 2, 0
    draws.nodes[0, 0, 0, 0] = 0.2  # of a cell: 0.2 * 80 / 2 = 8 stored pixels, 16 grey levels
    bent, truth = apply(ramp, draws, 65, COVERAGE)
    found = bent[0, ..., 0].astype(int) - truth[0, ..., 0]
    assert found[32, 32] == pytest.approx(16, abs=1)
    assert found[32, 16] == pytest.approx(8, abs=1) and found[16, 16] == pytest.approx(4, abs=1)
    assert np.abs(found[32, [0, -1]]).max() <= 1


def test_the_lattice_turns_with_the_picture(crops):
    """Bent first and moved then: turning a bent picture gives the input that is drawn with a turn."""
    draws = draw(5, np.arange(3), STILL.changed(warp=True))
    straight, _ = apply(crops, draws, 80, 0.8)
    draws.turn[:] = 20.0
    turned, _ = apply(crops, draws, 80, 0.8)
    matrix = cv2.getRotationMatrix2D((39.5, 39.5), 20.0, 1.0)
    for one, other in zip(straight, turned, strict=True):
        expected = cv2.warpAffine(one, matrix, (80, 80), flags=cv2.INTER_CUBIC)
        middle_part = slice(20, 60)
        assert np.abs(expected.astype(int) - other)[middle_part, middle_part].mean() < 1.5


def test_planes_move_as_the_truth_and_are_empty_beyond_the_crop(crops):
    options = WarpOptions(rotation=30, shift=0.3, zoom=0.15, flip=(0.5, 0.5))
    draws = draw(3, np.arange(10), options)
    _, truth = apply(crops, draws, SIZE, 1.0)
    matrices = truth_matrices(draws, SIZE, 100, 1.0)
    chosen = pick(draws.face, 4)
    grey = move_planes(crops[..., 0], chosen, matrices, SIZE)
    inside = move_planes(np.full((4, 100, 100), 255, np.uint8), chosen, matrices, SIZE)
    assert (inside == 0).any()
    assert np.abs(grey.astype(int) - truth[..., 0])[inside == 255].mean() < 1
    assert not grey[inside == 0].any()


def test_uniform_yaw_shows_every_direction_as_often():
    yaw = np.concatenate([np.zeros(95), np.full(4, 40.0), [-80.0]])
    draws = even_yaw(draw(0, np.arange(3000), WarpOptions()), yaw)
    rows = pick(draws.face, 100)
    shares = [np.mean(yaw[rows] == angle) for angle in (0.0, 40.0, -80.0)]
    assert shares == pytest.approx([1 / 3] * 3, abs=0.04)
    assert len(np.unique(rows[yaw[rows] == 0])) == 95 and len(np.unique(rows[yaw[rows] == 40])) == 4


def test_hue_turns_a_third_of_the_circle_from_red_to_green():
    image = np.zeros((2, 2, 3), np.uint8)
    image[..., 0] = 200
    shift_hue(image, np.array([120.0, 0.0, 0.0]))
    assert (image == [0, 200, 0]).all()
    shift_hue(image, np.array([0.0, -0.5, 0.2]))
    assert np.abs(image.astype(int) - [126, 251, 126]).max() <= 1


def test_hue_changes_the_input_only(crops):
    bent, truth = apply(crops, draw(0, np.arange(4), STILL.changed(hue=0.3)), SIZE, COVERAGE)
    _, plain = apply(crops, draw(0, np.arange(4), STILL), SIZE, COVERAGE)
    assert np.array_equal(truth, plain) and np.abs(bent.astype(int) - truth).mean() > 2


def test_a_transfer_recolours_input_and_truth_of_the_source(crops):
    lent = np.full((2, 100, 100, 3), (200, 60, 60), np.uint8)
    draws = draw(0, np.arange(4), STILL.changed(transfer="rct"))
    bent, truth = apply(crops, draws, SIZE, COVERAGE, lent)
    assert np.abs(truth.reshape(-1, 3).mean(0) - (200, 60, 60)).max() < 6
    assert np.array_equal(bent, truth)
    _, plain = apply(crops, draw(0, np.arange(4), STILL.changed(transfer="rct"), side=1), SIZE, COVERAGE, lent)
    assert np.abs(plain.reshape(-1, 3).mean(0) - (200, 60, 60)).max() > 30
