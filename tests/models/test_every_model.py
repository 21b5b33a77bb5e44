"""What every model file must do at its tiny preset; a new file is tested the day it lands."""

import pytest
import torch

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
    planes = {f"{name}_{kind}": disc for name in sides for kind in getattr(module, "PLANES", ())}
    return module, config, net, batch | planes


def test_has_its_presets(model):
    module = model[0]
    assert {"tiny", "small", "paper"} <= module.PRESETS.keys()
    assert all(isinstance(config, module.Config) for config in module.PRESETS.values())


def test_gradients_are_finite_and_reach_every_weight(model):
    module, config, net, batch = model
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
        faces = {to: module.swap(net, batch["target"], to)[0] for to in ("source", "target")}
        again = net(batch["source"], batch["target"])
        columns = module.preview(net, batch)
    for face in faces.values():
        assert face.shape == batch["target"].shape and face.dtype == torch.float32
        assert face.min() >= 0 and face.max() <= 1
    assert torch.allclose(faces["target"], again[1], atol=1e-5)
    assert not torch.allclose(faces["source"], faces["target"], atol=1e-3)
    assert list(columns)[:5] == ["source", "source rebuilt", "target", "target rebuilt", "target as source"]
    masks = [module.swap(net, batch["target"], to)[1] for to in ("source", "target")]
    for mask in masks:
        assert (mask is not None) == getattr(module, "DRAWS_MASK", False)
        assert mask is None or (mask.shape == (2, 1, *face.shape[2:]) and mask.min() >= 0 and mask.max() <= 1)
    assert torch.equal(columns["target as source"], module.swap(net, batch["target"], "source")[0])
