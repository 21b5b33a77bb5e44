"""Textures steadied over time: noise goes, what moves stays."""

import cv2
import numpy as np
import pytest

from semblance.finish.steady_textures import steadied_texture

SIDE = 96
SKIN = cv2.GaussianBlur(np.random.default_rng(0).uniform(0.3, 0.7, (SIDE, SIDE, 3)).astype(np.float32), (0, 0), 3)


def noisy(seed, deviation=0.01):
    return SKIN + np.random.default_rng(seed).normal(0, deviation, SKIN.shape).astype(np.float32)


def test_what_does_not_change_stays_as_it_is():
    assert np.allclose(steadied_texture(dict.fromkeys(range(-2, 3), SKIN), 2), SKIN, atol=1e-6)
    assert steadied_texture({0: SKIN, 1: noisy(1)}, 0) is SKIN
    assert steadied_texture({0: SKIN}, 2) is SKIN


def test_five_frames_leave_about_half_of_their_noise():
    """Weights of a Gaussian of 1.5 frames over five frames: the square root of the sum of their squares is 0.49."""
    run = {away: noisy(away + 9) for away in range(-2, 3)}
    weights = np.exp(-((np.arange(-2, 3) / 1.5) ** 2) / 2)
    left = np.sqrt((weights**2).sum()) / weights.sum()
    assert (steadied_texture(run, 2) - SKIN).std() == pytest.approx(left * 0.01, rel=0.1)


def test_a_lid_that_falls_stays_in_its_frame():
    shut = SKIN.copy()
    shut[40:56, 20:44] = 0.1
    opened, closed = (dict.fromkeys(range(-2, 3), SKIN) | {0: each} for each in (SKIN, shut))
    kept = steadied_texture(closed, 2)
    assert np.abs(kept - shut).max() < 0.07 and np.abs(kept[46:50, 26:38] - 0.1).max() < 0.04
    beside = steadied_texture({**opened, 1: shut}, 2)
    assert np.abs(beside - SKIN)[46:50, 26:38].max() < 0.03


def test_pictures_of_another_size_and_far_frames_do_not_count():
    run = {0: SKIN, 1: np.ones((48, 48, 3), np.float32), 3: np.zeros_like(SKIN)}
    assert steadied_texture(run, 2) is SKIN
