"""Colour transfers: what is known of each in closed form."""

import cv2
import numpy as np
import pytest

from semblance.errors import InputError
from semblance.faces.transfer import (
    least_movement,
    moments,
    moved_along,
    rotations,
    same_covariance,
    same_spread,
    slices,
    to_lab,
    transfer,
)

KINDS = ("rct", "lct", "mkl", "idt", "sot", "mix")


def picture(seed, low, high, size=48):
    """Smooth random colours (size, size, 3) within low..high, correlated between channels."""
    chance = np.random.default_rng(seed)
    coarse = cv2.resize(chance.random((9, 9, 3)).astype(np.float32), (size, size), interpolation=cv2.INTER_LINEAR)
    mixed = coarse @ np.array([[0.7, 0.2, 0.1], [0.3, 0.6, 0.1], [0.0, 0.3, 0.7]], np.float32)
    return (low + (high - low) * mixed).astype(np.float32)


@pytest.fixture
def own():
    return picture(1, 0.2, 0.6)


@pytest.fixture
def wanted():
    return picture(2, np.array([0.5, 0.3, 0.2]), np.array([0.9, 0.6, 0.4]), size=40)


def samples(pixels):
    return pixels.reshape(-1, 3)


def far(x, y, directions=64):
    """Sliced Wasserstein distance of two sets of colours."""
    chance = np.random.default_rng(9)
    at = np.linspace(0, 1, 200)
    gaps = []
    for direction in chance.normal(size=(directions, x.shape[1])):
        direction /= np.linalg.norm(direction)
        gaps.append(np.abs(np.quantile(x @ direction, at) - np.quantile(y @ direction, at)).mean())
    return np.mean(gaps)


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_in_its_own_colours_is_itself(kind, own):
    assert np.abs(transfer(own, own, kind) - own).max() < 2e-3


@pytest.mark.parametrize("kind", KINDS)
def test_every_transfer_brings_the_colours_nearer(kind, own, wanted):
    found = transfer(own, wanted, kind)
    assert found.shape == own.shape and found.dtype == np.float32 and found.min() >= 0 and found.max() <= 1
    before, after = far(samples(own), samples(wanted)), far(samples(found), samples(wanted))
    assert after < (0.5 if kind != "idt" else 0.7) * before  # idt goes 1 - (1 - 1/20)^20 = 64 % of the way


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_picture(kind, own, wanted):
    assert np.array_equal(transfer(own, wanted, kind, seed=3), transfer(own, wanted, kind, seed=3))


@pytest.mark.parametrize("kind", KINDS)
def test_what_lies_outside_of_the_masks_does_not_count(kind, own, wanted):
    mask, lent = np.zeros((48, 48), np.float32), np.zeros((40, 40), np.float32)
    mask[8:40, 8:40], lent[4:30, 4:30] = 1, 1
    other, stranger = own.copy(), wanted.copy()
    other[mask == 0], stranger[lent == 0] = (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)
    first = transfer(own, wanted, kind, mask, lent)
    second = transfer(other, stranger, kind, mask, lent)
    assert np.abs(first - second)[mask > 0].max() < 1e-4
    # and it is the transfer of what lies inside: black all around, as DeepFaceLab counts it, would darken it
    assert far(first[mask > 0], wanted[lent > 0]) < far(own[mask > 0], wanted[lent > 0])


def test_rct_moves_mean_and_deviation_in_lab(own, wanted):
    found = to_lab(transfer(own, wanted, "rct"))
    goal = samples(to_lab(wanted))
    assert np.allclose(samples(found).mean(0), goal.mean(0), atol=0.5)
    assert np.allclose(samples(found).std(0), goal.std(0), atol=0.5)
    x = np.array([[1.0, 5.0], [3.0, 5.0]])
    change = same_spread(moments(x, ridge=0), moments(np.array([[10.0, 2.0], [20.0, 4.0]]), ridge=0))
    assert np.allclose(change(x), [[10, 3], [20, 3]])


@pytest.mark.parametrize("way", [same_covariance, least_movement])
def test_linear_maps_reach_mean_and_covariance(way, own, wanted):
    own, wanted = samples(own), samples(wanted)
    found = way(moments(own), moments(wanted))(own)
    assert np.allclose(found.mean(0), wanted.mean(0), atol=1e-3)
    assert np.allclose(np.cov(found.T), np.cov(wanted.T), atol=1e-3)


def test_of_both_linear_maps_mkl_moves_least(own, wanted):
    own, wanted = samples(own), samples(wanted)
    maps = [way(moments(own), moments(wanted)) for way in (least_movement, same_covariance)]
    moved = [np.square(change(own) - own).sum() for change in maps]
    assert moved[0] < moved[1]
    assert np.allclose(maps[0].matrix, maps[0].matrix.T) and np.linalg.eigvalsh(maps[0].matrix).min() > 0
    # between diagonal covariances both are the ratio of deviations
    flat = np.array([[1, 0], [-1, 0], [0, 2], [0, -2]]) / 10
    for way in (least_movement, same_covariance):
        assert np.allclose(way(moments(flat), moments(flat * [2, 3]))(flat), flat * [2, 3], atol=5e-3)


def test_moments_with_weights_are_those_of_samples_given_so_many_times():
    x, times = np.random.default_rng(0).normal(size=(50, 3)), np.arange(50) % 4
    found, repeated = moments(x, times), moments(np.repeat(x, times, 0))
    assert np.allclose(found.mean, repeated.mean) and np.allclose(found.covariance, repeated.covariance)


def along(x, wanted, weight=None, wanted_weight=None):
    """One channel, matched: (N,) and (M,) -> (N,)."""
    return moved_along(x[:, None], wanted[:, None], [np.ones((1, 1))], 1.0, weight, wanted_weight, bins=1024)[:, 0]


def test_a_matched_histogram_is_the_wanted_one():
    chance = np.random.default_rng(0)
    x, wanted = chance.normal(0.4, 0.1, 4000), chance.beta(2, 5, 3000)
    found = along(x, wanted)
    at = np.linspace(0.02, 0.98, 25)
    assert np.abs(np.quantile(found, at) - np.quantile(wanted, at)).max() < 1e-3
    assert np.array_equal(np.argsort(found, kind="stable")[[0, -1]], np.argsort(x, kind="stable")[[0, -1]])
    assert np.abs(along(x, x) - x).max() < 1e-5


def test_a_matched_histogram_agrees_with_sorting():
    """An independent way to the same map: ranks by order, values by the wanted quantile of that rank."""
    chance = np.random.default_rng(1)
    x, wanted = chance.beta(2, 3, 5000), chance.normal(0.6, 0.05, 4000)
    rank = np.empty(5000)
    rank[np.argsort(x)] = (np.arange(5000) + 0.5) / 5000
    known = np.quantile(wanted, rank, method="hazen")
    inner = (rank > 0.005) & (rank < 0.995)
    assert np.abs(along(x, wanted) - known)[inner].max() < 1e-3


def test_gaps_ties_and_flat_samples():
    steps = np.repeat([0.1, 0.8], 50)
    assert np.abs(along(steps, steps) - steps).max() < 1e-6
    assert np.abs(along(steps, steps / 2 + 0.3) - (steps / 2 + 0.3)).max() < 1e-6
    assert along(np.full(20, 0.3), np.linspace(0.5, 0.7, 20)) == pytest.approx(0.6, abs=1e-6)
    assert along(np.linspace(0.5, 0.7, 20), np.full(20, 0.3)) == pytest.approx(0.3, abs=1e-6)


def test_samples_of_no_weight_go_where_their_neighbours_go():
    x, wanted = np.linspace(0.2, 0.4, 1001), np.linspace(0.5, 0.9, 801)
    carried = np.array([0.25, 0.3333, 0.1, 0.6])  # two within, two beyond the ends: as far as the ends went
    weight = np.concatenate([np.ones(1001), np.zeros(4)])
    found = along(np.concatenate([x, carried]), wanted, weight)
    assert np.abs(found[:1001] - (2 * x + 0.1)).max() < 1e-3
    assert np.abs(found[1001:] - [0.6, 0.7666, 0.4, 1.1]).max() < 1e-3
    # and what of the wanted has no weight is not wanted
    heavy = np.concatenate([np.ones(801), np.zeros(500)])
    assert np.array_equal(along(x, np.concatenate([wanted, np.zeros(500)]), None, heavy), found[:1001])


def test_enough_rotations_reach_the_whole_distribution(own, wanted):
    own, wanted = samples(own), samples(wanted)
    found = moved_along(own, wanted, rotations(np.random.default_rng(0), 30), 1.0)
    assert far(found, wanted) < 0.05 * far(own, wanted)


def test_slices_lower_the_sliced_distance_step_by_step(own, wanted):
    own, wanted = samples(own), samples(wanted)
    turns = slices(np.random.default_rng(0), 30, 3)
    gaps = [far(moved_along(own, wanted, turns[:steps], 1 / 30), wanted) for steps in (0, 1, 3, 10)]
    assert gaps[0] > gaps[1] > gaps[2] > gaps[3]
    assert gaps[3] < 0.05 * gaps[0]


def test_an_empty_mask_changes_nothing(own, wanted):
    nothing = np.zeros((48, 48), np.float32)
    assert np.array_equal(transfer(own, wanted, "rct", nothing), own)
    with pytest.raises(InputError, match="no colour transfer 'abc'"):
        transfer(own, wanted, "abc")
