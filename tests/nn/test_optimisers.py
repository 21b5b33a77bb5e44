"""Optimisers against their formulas in numpy, the share of weights that moves, and going on after a restart."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from semblance.errors import InputError
from semblance.nn.optimisers import PORTION, cosine_dropout_factor, make_optimiser

KINDS = ["adam", "adabelief", "rmsprop"]
SLOPES = np.array([[0.5, -2.0, 0.0], [0.1, 1.0, 0.0], [-0.3, 4.0, 1e-3]], np.float32)  # three steps, three weights


def moved(kind, betas, epsilon, start, rate=0.01):
    """The weights after each of the three steps."""
    weight = nn.Parameter(torch.tensor(start))
    optimiser = make_optimiser(kind, [weight], rate, betas, epsilon)
    found = []
    for slope in SLOPES:
        weight.grad = torch.tensor(slope)
        optimiser.step()
        found.append(weight.detach().numpy().copy())
    return np.array(found)


def test_adabelief_by_hand():
    """No bias correction, the new mean in the variance, epsilon outside of the root."""
    weight, mean, variance = np.array([1.0, 2.0, 3.0]), np.zeros(3), np.zeros(3)
    wanted = []
    for slope in SLOPES.astype(np.float64):
        mean = 0.9 * mean + 0.1 * slope
        variance = 0.999 * variance + 0.001 * (slope - mean) ** 2
        weight = weight - 0.01 * mean / (np.sqrt(variance) + 1e-6)
        wanted.append(weight)
    found = moved("adabelief", (0.9, 0.999), 1e-6, [1.0, 2.0, 3.0])
    assert np.allclose(found, wanted, rtol=1e-5)
    # the first step is 0.1 / (0.9 sqrt(0.001)) learning rates long, whatever the slope
    assert 1 - found[0, 0] == pytest.approx(0.01 * 0.1 / (0.9 * 0.001**0.5), rel=1e-3)
    assert found[1, 2] == 3  # no slope yet: 0 / (0 + epsilon)


def test_rmsprop_by_hand():
    weight, squares = np.array([1.0, 2.0, 3.0]), np.zeros(3)
    wanted = []
    for slope in SLOPES.astype(np.float64):
        squares = 0.9 * squares + 0.1 * slope**2
        weight = weight - 0.01 * slope / (np.sqrt(squares) + 1e-6)
        wanted.append(weight)
    assert np.allclose(moved("rmsprop", (0.0, 0.9), 1e-6, [1.0, 2.0, 3.0]), wanted, rtol=1e-5)


def test_adam_by_hand():
    weight, mean, squares = np.array([1.0, 2.0, 3.0]), np.zeros(3), np.zeros(3)
    wanted = []
    for step, slope in enumerate(SLOPES.astype(np.float64), 1):
        mean, squares = 0.5 * mean + 0.5 * slope, 0.999 * squares + 0.001 * slope**2
        weight = weight - 0.01 * mean / (1 - 0.5**step) / (np.sqrt(squares / (1 - 0.999**step)) + 1e-7)
        wanted.append(weight)
    assert np.allclose(moved("adam", (0.5, 0.999), 1e-7, [1.0, 2.0, 3.0]), wanted, rtol=1e-5)


def shapes():
    """More than one portion, slices that do not divide, a channels-last kernel, a lone number, a weight at rest."""
    chance = torch.Generator().manual_seed(2)
    weights = [
        torch.randn(700, 500, generator=chance),
        torch.randn(33, 20, 3, 3, generator=chance).to(memory_format=torch.channels_last),
        torch.randn((), generator=chance),
        torch.randn(7, generator=chance),
        torch.randn(40_001, generator=chance),
    ]
    assert sum(w.numel() for w in weights) > PORTION
    parameters = [nn.Parameter(w) for w in weights]
    for number, parameter in enumerate(parameters):
        # autograd lays a gradient out as its weight lies; torch's fused Adam counts on it
        parameter.grad = None if number == 3 else torch.empty_like(parameter).normal_(generator=chance)
    return parameters


@pytest.mark.parametrize("kind", KINDS)
def test_portions_change_nothing(kind):
    """Every weight goes as it would alone, whatever its shape and memory format."""
    together, alone = shapes(), shapes()
    optimiser = make_optimiser(kind, together, 0.01, (0.9, 0.99), 1e-6)
    for _ in range(2):
        optimiser.step()
    for parameter, number in zip(alone, range(5)):
        if parameter.grad is None:
            assert torch.equal(together[number], parameter)
            continue
        flat = nn.Parameter(parameter.detach().reshape(-1).clone())
        flat.grad = parameter.grad.reshape(-1)
        lone = make_optimiser(kind, [flat], 0.01, (0.9, 0.99), 1e-6)
        for _ in range(2):
            lone.step()
        assert torch.allclose(together[number].reshape(-1), flat, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_keep_moves_its_share_and_those_as_far_as_ever(kind):
    free, partly = shapes(), shapes()
    start = [w.detach().clone() for w in free]
    make_optimiser(kind, free, 0.01, (0.9, 0.99), 1e-6).step()
    optimiser = make_optimiser(kind, partly, 0.01, (0.9, 0.99), 1e-6, keep=0.3)
    optimiser.step()
    masks = [w.detach() != s for w, s in zip(partly, start)]
    for number in (0, 1, 4):
        share = masks[number].float().mean().item()
        count = start[number].numel()
        assert abs(share - 0.3) < 5 * (0.21 / count) ** 0.5
        assert torch.allclose(partly[number][masks[number]], free[number][masks[number]], atol=1e-6)
    before = [w.detach().clone() for w in partly]
    optimiser.step()
    again = partly[0].detach() != before[0]
    both = (again & masks[0]).float().mean().item()
    assert both == pytest.approx(0.09, abs=0.005)  # drawn afresh, independent of the first draw
    neighbours = (masks[0][:, 1:] & masks[0][:, :-1]).float().mean().item()
    assert neighbours == pytest.approx(0.09, abs=0.005)


@pytest.mark.parametrize("kind", KINDS)
def test_draws_come_from_the_seed(kind):
    def after(seed):
        weights = shapes()
        make_optimiser(kind, weights, 0.01, (0.9, 0.99), 1e-6, 0.3, seed).step()
        return weights[0].detach()

    assert torch.equal(after(1), after(1))
    assert not torch.equal(after(1), after(2))
    assert not torch.equal(after(0), after(2**32))  # torch's own seed has 32 bits


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("keep", [1.0, 0.3])
def test_a_restart_goes_on_with_the_same_step(kind, keep):
    """State as the training loop stores it: tensors by the parameter's number, brought back into a fresh optimiser."""

    def build(parameters):
        return make_optimiser(kind, parameters, 0.01, (0.9, 0.99), 1e-6, keep, seed=4)

    weights = shapes()
    optimiser = build(weights)
    for _ in range(3):
        optimiser.step()
    stored = {
        (number, name): value.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
        for number, state in optimiser.state_dict()["state"].items()
        for name, value in state.items()
    }
    fresh = [nn.Parameter(w.detach().clone()) for w in weights]
    resumed = build(fresh)
    state = {}
    for (number, name), value in stored.items():
        like = fresh[number]
        state.setdefault(number, {})[name] = (
            torch.empty_like(like).copy_(value) if value.shape == like.shape else value.clone()
        )
    resumed.load_state_dict({"state": state, "param_groups": resumed.state_dict()["param_groups"]})
    for old, new in zip(weights, fresh):
        new.grad = old.grad
    optimiser.step(), resumed.step()
    assert all(torch.equal(a, b) for a, b in zip(weights, fresh))
    copied = copy.deepcopy(optimiser.state_dict())
    assert all(isinstance(v, torch.Tensor) for s in copied["state"].values() for v in s.values())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("keep", [1.0, 0.3])
def test_it_learns(kind, keep):
    net = nn.Linear(8, 1)
    x = torch.randn(64, 8)
    y = x @ torch.arange(8.0)[:, None]
    optimiser = make_optimiser(kind, net.parameters(), 0.05, (0.9, 0.99), 1e-6, keep)
    first = ((net(x) - y) ** 2).mean().item()
    for _ in range(300):
        optimiser.zero_grad()
        loss = ((net(x) - y) ** 2).mean()
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.1 * first


def test_keep_may_be_switched_on_later():
    weights = shapes()
    optimiser = make_optimiser("adam", weights, 0.01, (0.9, 0.99), 1e-6)
    optimiser.step()
    optimiser.param_groups[0]["keep"] = 0.3
    before = weights[0].detach().clone()
    optimiser.step()
    assert (weights[0].detach() != before).float().mean().item() == pytest.approx(0.3, abs=0.01)


def test_cosine_factor():
    assert [cosine_dropout_factor(i) for i in (0, 125, 250, 375, 500)] == pytest.approx([1, 0.5, 0, 0.5, 1])


def test_nonsense_is_refused():
    weight = nn.Parameter(torch.zeros(3))
    with pytest.raises(InputError, match="adabelief"):
        make_optimiser("adabelieve", [weight], 0.1, (0.9, 0.999), 1e-6)
    for keep in (0, 1.5):
        with pytest.raises(InputError, match="share of weights"):
            make_optimiser("adam", [weight], 0.1, (0.9, 0.999), 1e-6, keep)
