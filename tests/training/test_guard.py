"""Illness and the course of the learning rate, in closed form."""

import math

import pytest

from semblance.training.guard import illness, learning_rate_factor


def test_numbers_that_are_not_finite_are_ill_at_once():
    assert "nan" in illness(math.nan, [])
    assert "inf" in illness(math.inf, [0.1] * 20)


def test_a_spike_is_told_from_noise_and_from_a_beginning():
    recent = [0.1, 0.12] * 10
    assert illness(0.2, recent) is None
    assert "leapt to 0.9" in illness(0.9, recent)
    assert illness(0.9, recent[:5]) is None


def test_cosine_rises_falls_and_ends_at_its_floor():
    factor = [learning_rate_factor(share / 1000, "cosine") for share in range(1001)]
    assert factor[20] == pytest.approx(1) and max(factor) <= 1
    assert factor[:21] == sorted(factor[:21]) and factor[20:] == sorted(factor[20:], reverse=True)
    assert factor[510] == pytest.approx(0.51, abs=0.001)
    assert factor[-1] == pytest.approx(0.02)
    assert learning_rate_factor(0.7, "constant") == 1
