"""Flicker and jitter of known size."""

import numpy as np
import pytest

from semblance.measures.flicker import alternation, restlessness
from semblance.measures.jitter import landmark_jitter


def test_alternation_reads_its_own_amplitude():
    time = np.arange(40)
    swing = alternation(100 + 2.0 * (-1.0) ** time)
    assert np.isnan(swing[[0, -1]]).all() and np.allclose(swing[1:-1], 2)
    assert np.allclose(alternation(3.0 * time)[1:-1], 0)  # a fade is no flicker


def test_a_missing_frame_spoils_only_its_neighbours():
    series = np.zeros(10)
    series[4] = np.nan
    assert np.flatnonzero(np.isnan(alternation(series))).tolist() == [0, 3, 4, 5, 9]
    assert np.isnan(alternation(np.zeros(2))).all()


def test_restlessness_of_pictures_is_that_of_their_pixels():
    ground = np.random.default_rng(1).uniform(0, 200, (20, 20))
    mask = np.zeros((20, 20), bool)
    mask[5:15, 5:15] = True
    assert restlessness(ground + 2, ground - 2, ground + 2, mask) == pytest.approx(2)
    assert restlessness(ground, ground + 3, ground + 6, mask) == pytest.approx(0)
    outside = np.where(mask, 0, 50)
    assert restlessness(ground + outside, ground, ground + outside, mask) == 0
    assert np.isnan(restlessness(ground, ground, ground, np.zeros_like(mask)))


@pytest.mark.parametrize("deviation", [0.2, 0.58])
def test_noise_of_landmarks_reads_sqrt_six_times_its_deviation(deviation):
    chance = np.random.default_rng(2)
    drift = np.arange(200)[:, None, None] * np.array([0.7, -0.2])
    points = chance.uniform(0, 100, (1, 60, 2)) + drift + deviation * chance.standard_normal((200, 60, 2))
    jitter = landmark_jitter(points)
    assert np.isnan(jitter[[0, -1]]).all()
    assert np.nanmean(jitter) == pytest.approx(np.sqrt(6) * deviation, rel=0.02)


def test_uniform_noise_of_a_pixel_reads_1_41():
    points = np.random.default_rng(3).uniform(-1, 1, (200, 60, 2))
    assert np.nanmean(landmark_jitter(points)) == pytest.approx(1.41, abs=0.03)
