"""Fitted transfers: what is known of each in closed form, and what may not count."""

import numpy as np
import pytest

from semblance.finish.colour import apply_colour, as_light, as_shown, into, out_of
from semblance.finish.fit_colours import fit_colours

TRANSFERS = ("lab", "mean", "lct", "mkl", "idt", "sot", "hist", "mix")
LINEAR = ("lab", "mean", "lct", "mkl")
EVERYTHING = np.ones((64, 64), np.float32)


def skin(seed, mean=(0.6, 0.45, 0.4), spread=0.06):
    """Uniform variation about a mean colour, channels correlated, all of it well inside the gamut, no outliers."""
    even = np.random.default_rng(seed).uniform(-1, 1, (64, 64, 3))
    mixed = even @ np.array([[0.8, 0.5, 0.4], [0.3, 0.7, 0.2], [0.1, 0.2, 0.6]])
    return (np.asarray(mean) + spread * mixed).astype(np.float32)


def samples(pixels, space="rgb"):
    return into(space, pixels).reshape(-1, 3).astype(np.float64)


def transferred(transfer, own, wanted, mask=EVERYTHING, linear=False):
    return apply_colour(own, fit_colours(transfer, own, wanted, mask, linear))


OWN, WANTED = skin(1, spread=0.05), skin(2, mean=(0.5, 0.4, 0.42), spread=0.07)


@pytest.mark.parametrize("linear", [False, True])
@pytest.mark.parametrize("transfer", LINEAR)
def test_linear_transfers_reach_the_moments_of_their_space(transfer, linear):
    space, unit = ("lab", 100) if transfer == "lab" else ("light" if linear else "rgb", 1)
    moved = samples(transferred(transfer, OWN, WANTED, linear=linear), space) / unit
    goal = samples(WANTED, space) / unit
    assert np.abs(moved.mean(0) - goal.mean(0)).max() < 1e-3
    assert np.abs(moved.std(0) - goal.std(0)).max() < 1e-3
    if transfer in ("lct", "mkl"):
        assert np.abs(np.cov(moved.T) - np.cov(goal.T)).max() < 5e-5  # variances are about 3e-3


def test_mkl_is_the_gradient_of_a_convex_function_and_lct_is_not():
    """Of all linear maps to one covariance only the optimal one is symmetric with positive eigenvalues."""
    other = (WANTED - 0.4) @ np.float32([[0.6, 0, 0.3], [0.4, 0.8, 0], [0, 0.2, 0.7]]) + 0.4
    mkl, lct = (fit_colours(way, OWN, other, EVERYTHING).numbers[:, :3] for way in ("mkl", "lct"))
    assert np.allclose(mkl, mkl.T, atol=1e-6) and np.linalg.eigvalsh(mkl).min() > 0
    assert np.abs(lct - lct.T).max() > 0.01


def test_mkl_agrees_with_its_formula_by_another_way():
    """The geometric mean of inv(A) and B by Cholesky and a generalised root, instead of eigenvectors of A."""
    own, wanted = samples(OWN), samples(WANTED)
    a, b = np.cov(own.T), np.cov(wanted.T)
    lower = np.linalg.cholesky(a)
    values, vectors = np.linalg.eigh(lower.T @ b @ lower)
    back = np.linalg.inv(lower)
    known = back.T @ (vectors * np.sqrt(values) @ vectors.T) @ back
    assert np.abs(fit_colours("mkl", OWN, WANTED, EVERYTHING).numbers[:, :3] - known).max() < 0.02
    # where no pixel stands out at all, to the last digits: the corners of a cube, stretched
    corners = 0.5 + 0.1 * np.stack(np.meshgrid([-1, 1], [-1, 1], [-1, 1]), -1).reshape(8, 3)
    own = corners[np.arange(64 * 64) % 8].reshape(64, 64, 3).astype(np.float32)
    stretch = np.array([[1.2, 0.1, 0], [0.1, 0.9, 0.05], [0, 0.05, 1.1]], np.float32)
    wanted = (own - 0.5) @ stretch + 0.45
    found = fit_colours("mkl", own, wanted.astype(np.float32), EVERYTHING).numbers
    assert np.abs(found[:, :3] - stretch).max() < 1e-3
    assert np.abs(found[:, :3] @ np.full(3, 0.5) + found[:, 3] - 0.45).max() < 1e-3


@pytest.mark.parametrize("linear", [False, True])
def test_hist_makes_each_channel_the_wanted_one(linear):
    moved, goal = samples(transferred("hist", OWN, WANTED, linear=linear)), samples(WANTED)
    at = np.linspace(0.01, 0.99, 99)
    assert np.abs(np.quantile(moved, at, 0) - np.quantile(goal, at, 0)).max() < 2e-3
    assert np.abs(np.quantile(moved, at, 0) - np.quantile(goal, at, 0)).mean() < 1e-3


def gaps(x, y, directions=40):
    """Mean distance of the quantiles of two sets of colours along random directions: (directions,)."""
    at = np.linspace(0.01, 0.99, 99)
    along = np.random.default_rng(9).normal(size=(directions, 3))
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    return np.array([np.abs(np.quantile(x @ a, at) - np.quantile(y @ a, at)).mean() for a in along])


@pytest.mark.parametrize("linear", [False, True])
@pytest.mark.parametrize("transfer", ["idt", "sot"])
def test_distributions_agree_along_every_direction(transfer, linear):
    own = OWN.copy()
    own[..., 0] += 1.5 * (own[..., 0] - 0.6) ** 2 + 0.4 * (own[..., 1] - 0.45)  # no linear map undoes this
    moved = samples(transferred(transfer, own, WANTED, linear=linear))
    after = gaps(moved, samples(WANTED))
    assert after.mean() < 1.5e-3 and after.max() < 4e-3
    assert gaps(samples(own), samples(WANTED)).mean() > 0.03


@pytest.mark.parametrize("transfer", ["idt", "sot"])
def test_between_gaussians_the_whole_distribution_is_the_linear_way(transfer):
    """The optimal way between two Gaussians is mkl's: the same grain, stretched by known numbers, comes back."""
    grain = np.random.default_rng(3).normal(size=(64, 64, 3)) * 0.04
    own = (0.5 + grain).astype(np.float32)
    wanted = (np.array([0.55, 0.45, 0.5]) + grain * [1.4, 1.0, 0.8]).astype(np.float32)
    moved = samples(transferred(transfer, own, wanted))
    assert np.abs(moved.mean(0) - samples(wanted).mean(0)).max() < 1e-3
    assert np.abs(moved.std(0) - samples(wanted).std(0)).max() < 1e-3
    assert np.abs(moved - samples(wanted)).mean() < 1e-3


def test_mix_takes_light_by_moments_and_tint_by_distribution():
    moved = samples(transferred("mix", OWN, WANTED), "lab")
    goal = samples(WANTED, "lab")
    assert np.abs(moved[:, 0].mean() - goal[:, 0].mean()) < 0.1 and np.abs(moved[:, 0].std() - goal[:, 0].std()) < 0.1
    at = np.linspace(0.02, 0.98, 49)
    for a in [(1, 0), (0, 1), (0.6, 0.8), (0.8, -0.6)]:
        gap = np.quantile(moved[:, 1:] @ a, at) - np.quantile(goal[:, 1:] @ a, at)
        assert np.abs(gap).mean() < 0.2


@pytest.mark.parametrize("transfer", TRANSFERS)
def test_own_colours_change_nothing(transfer):
    assert np.abs(transferred(transfer, OWN, OWN) - OWN).max() < (2e-3 if transfer != "mix" else 4e-3)


@pytest.mark.parametrize("transfer", TRANSFERS)
@pytest.mark.parametrize("linear", [False, True])
def test_a_gain_of_light_is_found_by_all(transfer, linear):
    """A shadow takes half of the light away; a face under it has its own colours back, to a level or two of 255."""
    dim = as_shown(0.5 * as_light(OWN))
    found = transferred(transfer, dim, OWN, linear=linear)
    assert np.abs(found - OWN).mean() < 0.004
    if linear and transfer in ("mean", "lct", "mkl"):
        assert np.abs(found - OWN).max() < 1e-3  # where light is what is scaled, nothing is left


@pytest.mark.parametrize("transfer", TRANSFERS)
def test_what_lies_outside_the_mask_does_not_count(transfer):
    mask = np.zeros((64, 64), np.float32)
    mask[10:50, 10:50] = 1
    own, wanted = OWN.copy(), WANTED.copy()
    own[mask == 0], wanted[mask == 0] = (0, 1, 0), (0, 0, 1)
    inside, outside = (fit_colours(transfer, *pair, mask).numbers for pair in ((OWN, WANTED), (own, wanted)))
    assert np.array_equal(inside, outside)


@pytest.mark.parametrize("transfer", TRANSFERS)
def test_a_tenth_of_the_face_covered_hardly_moves_the_colours(transfer):
    glove = WANTED.copy()
    glove[:7] = (0.05, 0.2, 0.7)  # 11 % of the mask
    free, covered = (into("lab", transferred(transfer, OWN, wanted)) for wanted in (WANTED, glove))
    assert np.linalg.norm(free.mean((0, 1)) - covered.mean((0, 1))) < 1.0
    assert np.linalg.norm(into("lab", WANTED).mean((0, 1)) - into("lab", glove).mean((0, 1))) > 8


@pytest.mark.parametrize("transfer", TRANSFERS)
def test_flat_faces_are_stretched_by_two_at_most(transfer):
    flat, lively = skin(7, spread=0.004), skin(8, spread=0.1)
    deviations = [samples(x, "lab").std(0) for x in (transferred(transfer, flat, lively), flat)]
    assert (deviations[0] < 2.3 * deviations[1]).all()


@pytest.mark.parametrize("transfer", TRANSFERS)
def test_one_colour_becomes_the_wanted_mean(transfer):
    plain = np.full((64, 64, 3), 0.3, np.float32)
    found = transferred(transfer, plain, np.full((64, 64, 3), 0.6, np.float32))
    assert np.abs(found - 0.6).max() < 3e-3
    assert np.abs(transferred(transfer, plain, WANTED).mean((0, 1)) - WANTED.mean((0, 1))).max() < 0.01


@pytest.mark.parametrize("transfer", TRANSFERS)
def test_an_empty_mask_has_no_colours(transfer):
    assert fit_colours(transfer, OWN, WANTED, 0 * EVERYTHING) is None


@pytest.mark.parametrize("transfer", TRANSFERS)
def test_a_fit_is_the_same_every_time(transfer):
    assert np.array_equal(*(fit_colours(transfer, OWN, WANTED, EVERYTHING).numbers for _ in range(2)))


@pytest.mark.parametrize("transfer", ["idt", "sot", "hist", "mix"])
def test_tables_keep_the_order_of_shades(transfer):
    """Darker stays darker: along the face's own shades no table folds back."""
    ramp = OWN.mean((0, 1)) + np.linspace(-0.12, 0.12, 97)[:, None] * np.ones(3)
    found = apply_colour(ramp[None].astype(np.float32), fit_colours(transfer, OWN, WANTED, EVERYTHING))
    assert np.diff(out_of("rgb", found)[0].sum(1)).min() > 0
