"""Optimisers, learning rates and snapshots, as phases ask for them."""

import pytest
import torch

from semblance.models import Moment, load_model_file
from semblance.nn.optimisers import AdaBelief, Adam, RmsProp
from semblance.training.device import open_fabric
from semblance.training.learner import build, restore, set_learning_rate, snapshot, step

DF = load_model_file("swap_df")


def built(**values):
    config = DF.PRESETS["tiny"].changed(**values)
    return build(DF, config, open_fabric("cpu", 1, "fp32"), seed=3)


@pytest.fixture(scope="module")
def batch():
    chance = torch.Generator().manual_seed(0)
    made = {side + kind: torch.rand(2, 3, 32, 32, generator=chance)
            for side in ("source", "target") for kind in ("", "_truth")}  # fmt: skip
    planes = torch.zeros(2, 1, 32, 32)
    planes[..., 8:24, 8:24] = 1
    return made | {f"{side}_{kind}": planes for side in ("source", "target") for kind in ("mask", "features")}


def test_every_phase_gets_the_optimiser_it_asks_for():
    for name, kind in (("adabelief", AdaBelief), ("rmsprop", RmsProp), ("adam", Adam)):
        learner = built(optimiser=name, gan_power=0.1, true_face=0.1, lr_dropout=True)
        assert [type(optimiser) for optimiser in learner.optimisers] == [kind] * 3
        assert all(optimiser.param_groups[0]["keep"] == 0.3 for optimiser in learner.optimisers)
        # each draws apart from the others
        assert len({optimiser.param_groups[0]["seed"] for optimiser in learner.optimisers}) == 3


def test_with_lr_dropout_the_rate_swings_to_zero_every_500_steps():
    learner = built(lr_dropout=True, learning_rate=1e-3)
    rates = []
    for steps in (0, 125, 250, 500, 750):
        set_learning_rate(learner, 0.5, steps)
        rates.append(learner.optimisers[0].param_groups[0]["lr"])
    assert rates == pytest.approx([5e-4, 2.5e-4, 0, 5e-4, 0], abs=1e-9)
    steady = built(learning_rate=1e-3)
    set_learning_rate(steady, 0.5, 250)
    assert steady.optimisers[0].param_groups[0]["lr"] == 5e-4


def test_at_a_rate_of_zero_nothing_moves(batch):
    learner = built(lr_dropout=True)
    before = [p.detach().clone() for p in learner.net.parameters()]
    set_learning_rate(learner, 1.0, 250)
    step(learner, open_fabric("cpu", 1, "fp32"), dict(batch), Moment())
    assert all(torch.equal(a, b) for a, b in zip(before, learner.net.parameters(), strict=True))


def test_with_lr_dropout_three_weights_in_ten_move(batch):
    learner = built(lr_dropout=True)
    before = [p.detach().clone() for p in learner.net.parameters()]
    step(learner, open_fabric("cpu", 1, "fp32"), dict(batch), Moment())
    moved = torch.cat([(a != b).flatten() for a, b in zip(before, learner.net.parameters(), strict=True)])
    assert moved.float().mean().item() == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize("kind", ["adabelief", "rmsprop", "adam"])
def test_a_snapshot_goes_on_as_if_nothing_had_happened(kind, batch):
    values = {"optimiser": kind, "lr_dropout": True, "gan_power": 0.1, "true_face": 0.01, "clip": 1.0}
    fabric = open_fabric("cpu", 1, "fp32")
    first, second = built(**values), built(**values)
    for _ in range(3):
        step(first, fabric, dict(batch), Moment())
    restore(second, snapshot(first))
    for learner in (first, second):
        for _ in range(2):
            step(learner, fabric, dict(batch), Moment())
    for one, other in zip(first.net.parameters(), second.net.parameters(), strict=True):
        assert torch.allclose(one, other, atol=1e-7)
