"""The edges' deviation in closed form, and what it prefers."""

import pytest
import torch
import torch.nn.functional as F

from semblance.errors import InputError
from semblance.nn.gradients import FAINT, gradient_deviation


def test_known_pictures():
    """A step beside nothing: where the window sees it the gradient is one, and the similarity FAINT / (1 + FAINT)."""
    flat, step = torch.zeros(1, 1, 20, 24), torch.zeros(1, 1, 20, 24)
    step[..., 12:] = 1  # between columns 5 and 6 of the halved picture: two of its ten windows across see it
    share = torch.tensor(2 / 10)
    low = FAINT / (1 + FAINT)
    expected = (share * (1 - share)).sqrt() * (1 - low)
    assert gradient_deviation(step, flat).item() == pytest.approx(expected.item(), abs=1e-4)
    assert gradient_deviation(step, step).item() < 1e-6


def test_brightness_costs_nothing_softness_and_false_edges_do():
    torch.manual_seed(0)
    truth = torch.rand(2, 3, 12, 12).repeat_interleave(4, 2).repeat_interleave(4, 3) * 0.8
    soft = F.avg_pool2d(F.pad(truth, (2,) * 4, "replicate"), 5, 1)
    noisy = truth + 0.1 * torch.randn_like(truth)
    brighter, *worse = (gradient_deviation(x, truth) for x in (truth + 0.1, soft, noisy))
    assert brighter.max() < 1e-5 and all(x.shape == (2,) and x.min() > 0.03 for x in worse)


def test_gradients_are_finite_where_nothing_changes():
    flat = torch.full((1, 3, 16, 16), 0.5, requires_grad=True)
    gradient_deviation(flat, torch.rand(1, 3, 16, 16)).sum().backward()
    assert torch.isfinite(flat.grad).all()
    with pytest.raises(InputError, match="one shape"):
        gradient_deviation(flat, torch.rand(1, 3, 8, 8))
