"""What every model file must do at its tiny preset; a new file is tested the day it lands."""

import pytest
import torch

from semblance.faces.expression import SIZE as EXPRESSION
from semblance.models import Moment, list_models, load_model_file


@pytest.fixture(params=list_models())
def model(request):
    """(model file, tiny config, net, batch of two)."""
    module = load_model_file(request.param)
    config = module.PRESETS["tiny"]
    torch.manual_seed(0)
    net = module.Net(config)
    sides = ("source", "target")
    batch = {name + kind: torch.rand(2, 3, config.size, config.size) for name in sides for kind in ("", "_truth")}
    disc = torch.linspace(-1, 1, config.size).square()
    disc = (disc[:, None] + disc < 0.7).float().expand(2, 1, -1, -1)
    batch |= {f"{name}_{kind}": disc for name in sides for kind in getattr(module, "PLANES", ())}
    if getattr(module, "SPACE", "crop") == "mesh":
        for name in sides:
            batch[f"{name}_seen"] = torch.ones(2, 1, config.size, config.size)
            batch[f"{name}_expression"] = torch.randn(2, EXPRESSION)
    if request.param.startswith("mask_"):
        batch = masked(config.size)
    if request.param.startswith("restore_"):
        batch = coarse_and_sharp(config)
    return module, config, net, batch


def masked(size):
    """Each face's mask is one half of its picture, and brighter."""
    mask = torch.zeros(2, 1, size, size)
    mask[0, :, : size // 2], mask[1, :, :, size // 2 :] = 1, 1
    return {"picture": (torch.rand(2, 3, size, size) + mask) / 2, "mask": mask}


def coarse_and_sharp(config):
    """Blocks of random colours, and what averaging leaves of them."""
    truth = torch.rand(2, 3, config.size // 4, config.size // 4).repeat_interleave(4, 2).repeat_interleave(4, 3)
    shifted = truth.roll((1, 1), (2, 3))  # or averaging would keep every block
    return {"picture": torch.nn.functional.avg_pool2d(shifted, config.scale), "truth": shifted}


def swap(module, net, batch, to="source"):
    """The target's faces of a batch through a model of either space: face and mask."""
    told = [batch["target_expression"]] if getattr(module, "SPACE", "crop") == "mesh" else []
    return module.swap(net, batch["target"], *told, to)


def test_has_its_presets(model):
    module = model[0]
    published = set() if module.__name__.endswith("swap_mesh") else {"paper"}  # that one is ours
    assert {"tiny", "small"} | published <= module.PRESETS.keys()
    assert all(isinstance(config, module.Config) for config in module.PRESETS.values())


def test_gradients_are_finite_and_reach_every_weight(model):
    module, config, net, batch = model
    for name, parameter in net.named_parameters():
        if name.endswith("gate"):  # self-attention's: it begins shut, and what lies behind it has no gradient
            torch.nn.init.constant_(parameter, 0.5)
    phases = module.phases(net, config)
    assert {id(p) for phase in phases for p in phase.parameters} == {id(p) for p in net.parameters()}
    for phase in phases:
        losses = phase.losses(net, batch, Moment())
        assert all(value.ndim == 0 and torch.isfinite(value) for value in losses.values())
        sum(losses.values()).backward()
        for parameter in phase.parameters:
            assert torch.isfinite(parameter.grad).all()
            assert parameter.grad.abs().sum() > 0


def test_twenty_steps_lower_the_loss(model):
    module, config, net, batch = model
    for phase in module.phases(net, config):
        optimiser = torch.optim.Adam(phase.parameters, phase.learning_rate, phase.betas, phase.epsilon)
        values = []
        for _ in range(20):
            optimiser.zero_grad()
            loss = sum(phase.losses(net, batch, Moment()).values())
            loss.backward()
            optimiser.step()
            values.append(loss.item())
        assert values[-1] < 0.95 * values[0]


def test_a_config_survives_its_json(model):
    module = model[0]
    for config in module.PRESETS.values():
        assert module.Config.from_json(config.to_json()) == config


def test_swap_has_the_shape_and_range_of_a_picture(model):
    module, _, net, batch = model
    if not module.__name__.rpartition(".")[2].startswith("swap_"):
        pytest.skip("swaps no faces")
    with torch.inference_mode():
        drawn = {to: swap(module, net, batch, to) for to in ("source", "target")}
        faces, masks = ({to: pair[k] for to, pair in drawn.items()} for k in (0, 1))
        columns = module.preview(net, batch)
    for face in faces.values():
        assert face.shape == batch["target"].shape and face.dtype == torch.float32
        assert face.min() >= 0 and face.max() <= 1
    assert not torch.allclose(faces["source"], faces["target"], atol=1e-3)
    assert list(columns)[:5] == ["source", "source rebuilt", "target", "target rebuilt", "target as source"]
    for mask in masks.values():
        assert (mask is not None) == getattr(module, "DRAWS_MASK", False)
        assert mask is None or (mask.shape == (2, 1, *face.shape[2:]) and mask.min() >= 0 and mask.max() <= 1)
    assert torch.equal(columns["target as source"], faces["source"])
