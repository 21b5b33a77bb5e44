"""The mesh swapper: begins at the mean face, learns the rest, keeps people apart and detail in place."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from semblance.errors import InputError
from semblance.faces.expression import SIZE
from semblance.models import Moment, load_model_file

module = load_model_file("swap_mesh")
TINY = module.PRESETS["tiny"]


def people(seed=0):
    chance = np.random.default_rng(seed)
    side = 2 * TINY.size
    return SimpleNamespace(
        **{name: SimpleNamespace(mean=chance.integers(40, 220, (side, side, 3), np.uint8),
                                 rest=chance.normal(size=SIZE).astype(np.float32))
           for name in ("source", "target")}
    )  # fmt: skip


@pytest.fixture
def net():
    torch.manual_seed(0)
    net = module.Net(TINY)
    module.acquaint(net, people())
    return net


def batch(count=3):
    torch.manual_seed(1)
    made = {}
    for name in ("source", "target"):
        made[name] = torch.rand(count, 3, TINY.size, TINY.size)
        made[f"{name}_truth"] = made[name]
        made[f"{name}_seen"] = torch.ones(count, 1, TINY.size, TINY.size)
        made[f"{name}_expression"] = torch.randn(count, SIZE)
    return made


def test_before_it_has_learned_anything_it_draws_the_mean_face(net):
    made = batch()
    drawn, mask = module.swap(net, made["target"], made["target_expression"])
    assert mask is None
    assert (drawn - net.mean("source")).abs().max() < 0.08
    other, _ = module.swap(net, made["target"], made["target_expression"], "target")
    assert (other - net.mean("target")).abs().max() < 0.08


def test_what_never_changes_is_laid_on_at_twice_the_size(net):
    exactly = net.mean("source").expand(2, -1, -1, -1)
    fine = module.detailed(net, exactly)
    assert fine.shape == (2, 3, 2 * TINY.size, 2 * TINY.size)
    assert torch.allclose(fine[0], net.source_mean, atol=1e-6)
    brighter = module.detailed(net, exactly + 0.1)
    assert torch.allclose(brighter[0], (net.source_mean + 0.1).clamp(0, 1), atol=1e-5)


def test_the_encoder_sees_differences_from_the_own_mean_and_rest(net):
    made = batch()
    one = net.encode(made["source"], made["source_expression"], "source")
    moved = made["source"] - net.mean("source") + net.mean("target")
    rested = made["source_expression"] - net.source_rest + net.target_rest
    assert torch.allclose(one, net.encode(moved, rested, "target"), atol=1e-5)


def test_what_is_not_seen_counts_for_nothing(net):
    made = batch()
    (phase,) = module.phases(net, TINY)
    made["source_seen"][:, :, :, : TINY.size // 2] = 0
    before = phase.losses(net, made, Moment())
    made["source_truth"] = made["source_truth"].clone()
    made["source_truth"][:, :, :, : TINY.size // 2 - 8] = 0
    after = phase.losses(net, made, Moment())
    assert after["source"].item() == pytest.approx(before["source"].item(), rel=1e-4)
    assert after["target"].item() == pytest.approx(before["target"].item(), rel=1e-6)


def test_eyes_and_mouth_count_more_than_skin():
    weight = module.importance(64, 3.0)
    assert weight.max() == pytest.approx(4, abs=0.01) and weight[32, 32] == 1 and weight[0, 0] == 0
    assert (weight > 1.5).mean() == np.clip((weight > 1.5).mean(), 0.03, 0.25)


def test_the_running_average_has_the_people_too(net):
    names = {name for name, _ in net.named_buffers()}
    assert names == {"source_mean", "target_mean", "source_rest", "target_rest", "weight"}


@pytest.mark.parametrize("change", [{"size": 36}, {"decoder": (16,)}])
def test_a_size_that_does_not_fit_is_refused(change):
    with pytest.raises(InputError):
        TINY.changed(**change)
