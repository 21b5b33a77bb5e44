"""Verdicts in closed form."""

import math

import numpy as np
import pytest
import torch

from semblance.nn.adversarial import blended, draw_share, judged


def test_least_squares():
    logits = torch.tensor([[1.0, 3.0], [0.0, 0.5]])
    assert judged(logits, 1).tolist() == [2.0, 0.625]
    assert judged(logits, 0).tolist() == [5.0, 0.125]
    assert judged(logits[:, 0], 0.25).tolist() == [0.5625, 0.0625]  # logits (B,) are not averaged over samples


def test_cross_entropy_does_not_saturate():
    logits = torch.tensor([[0.0], [-30.0], [30.0]], requires_grad=True)
    found = judged(logits, 1, "cross_entropy")
    assert found.tolist() == pytest.approx([math.log(2), 30, 0], abs=1e-5)
    found.sum().backward()
    assert logits.grad.flatten().tolist() == pytest.approx([-0.5, -1, 0], abs=1e-5)
    assert judged(logits, 0, "cross_entropy").tolist() == pytest.approx([math.log(2), 0, 30], abs=1e-5)


def test_a_discriminator_that_names_the_share_pays_nothing():
    share = draw_share(np.random.default_rng(1))
    real, made = torch.ones(2, 6, 4, 4), torch.zeros(2, 6, 4, 4)
    blend = blended(real, made, share)
    assert judged(blend, share).max() < 1e-12
    assert judged(blend, 1 - share).min() > 0.01


def test_shares_are_drawn_near_the_ends():
    chance = np.random.default_rng(0)
    shares = np.array([draw_share(chance) for _ in range(2000)])
    assert shares.min() >= 0 and shares.max() <= 1
    assert shares.mean() == pytest.approx(0.5, abs=0.03)
    assert shares.var() == pytest.approx(0.25 / 1.4, abs=0.01)  # Beta(a, a): 1 / (4 (2a + 1))
    assert draw_share(np.random.default_rng(5)) == draw_share(np.random.default_rng(5))
