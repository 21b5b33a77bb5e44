"""The published nets to the parameter; the light net in closed form; stages, ranker, and weights that ship."""

from itertools import pairwise

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from semblance.errors import InputError
from semblance.models import Moment, load_model_file
from semblance.training.device import open_fabric
from semblance.training.learner import build, restore, snapshot, step
from semblance.weights import load_base

module = load_model_file("restore_srgan")
TINY = module.PRESETS["tiny"]
SHIPPED = [name for name in ("small", "small_x4") if load_base("restore_srgan", name) is not None]


def count(net):
    return sum(parameter.numel() for parameter in net.parameters())


def batch_of(config, seed=0):
    """Stripes and squares, softened: there is something to sharpen."""
    chance = torch.Generator().manual_seed(seed)
    cells = torch.rand(4, 3, config.size // 4, config.size // 4, generator=chance)
    truth = cells.repeat_interleave(4, 2).repeat_interleave(4, 3).roll((1, 1), (2, 3))
    return {"picture": F.avg_pool2d(truth, config.scale), "truth": truth}


def test_paper_has_the_published_counts():
    with torch.device("meta"):
        net = module.Net(module.PRESETS["paper"])
        assert count(net.generator) == 1_549_462
        assert count(net.judge) == 23_565_505
        assert net.ranker is None
        coarse = torch.empty(2, 3, 24, 24, device="meta")
        assert net(coarse).shape == (2, 3, 96, 96)
        assert net(torch.empty(2, 3, 96, 96, device="meta"), "judge").shape == (2, 1)


def test_paper_keeps_the_published_numbers():
    config = module.PRESETS["paper"]
    assert (config.batch, config.size, config.learning_rate, config.betas) == (16, 96, 1e-4, (0.9, 0.999))
    assert (config.perceptual, config.adversarial, config.pixel, config.power) == (0.006, 1e-3, 0, 2)
    steps = [0, 0.99e6, 1.01e6, 1.09e6, 1.11e6]
    moments = [Moment(int(step * config.batch)) for step in steps]
    assert [module.is_adversarial(config, moment) for moment in moments] == [False, False, True, True, True]
    assert [module.learning_rate(config, moment) for moment in moments] == [1, 1, 1, 1, 0.1]
    assert module.Net(TINY.changed(scale=4)).generator.fold == 1


@pytest.mark.parametrize("preset", ["small", "small_x4"])
def test_small_is_small_enough_to_ship_and_takes_any_even_side(preset):
    config = module.PRESETS[preset]
    net = module.Net(config)
    assert 2 * count(net.generator) < 0.75e6  # bytes at 16 bits; both scales under 1.5 MB
    with torch.inference_mode():
        for side in (30, 128):
            face = module.restore(net, torch.rand(1, 3, side, side))
            assert face.shape == (1, 3, config.scale * side, config.scale * side)
            assert face.min() >= 0 and face.max() <= 1 and face.dtype == torch.float32


@pytest.mark.parametrize("scale", [2, 4])
def test_a_flat_picture_gains_nothing_and_twice_the_contrast_twice_the_detail(scale):
    torch.manual_seed(0)
    net = module.Net(TINY.changed(scale=scale))
    flat = torch.tensor([0.2, 0.5, 0.9]).view(1, 3, 1, 1).expand(1, 3, 16, 16)
    picture = 0.5 + 0.1 * torch.randn(1, 3, 16, 16)
    with torch.inference_mode():
        assert module.detail(net, flat).abs().max() < 1e-6
        once, lighter = module.detail(net, picture), module.detail(net, picture + 0.2)
        twice = module.detail(net, 2 * picture)
    assert once.abs().max() > 1e-3, "nothing to compare"
    assert torch.allclose(twice, 2 * once, atol=1e-5) and torch.allclose(lighter, once, atol=1e-5)


def test_detail_is_what_is_added_to_the_enlarged_picture():
    picture = torch.rand(1, 3, 16, 16)
    paper = module.Net(module.PRESETS["paper"].changed(size=32, width=8, blocks=1, judge=4)).eval()
    for net in (module.Net(TINY), paper):
        with torch.inference_mode():
            whole = module.enlarged(picture, net.scale) + module.detail(net, picture)
            assert torch.allclose(whole, net(picture), atol=1e-5)


@pytest.mark.parametrize("scale", [2, 4])
def test_twenty_steps_lower_every_loss(scale):
    config = TINY.changed(scale=scale, pretrain=0.5, rank=0.03, perceptual=0.02, learning_rate=3e-3, judge_rate=1)
    fabric = open_fabric("cpu", 1, "fp32")
    learner, batch = build(module, config, fabric, seed=1), batch_of(config)
    for share, names in ((0.0, {"pixel", "ranker"}), (0.6, {"pixel", "perceptual", "verdict", "rank", "judge"})):
        losses = [step(learner, fabric, dict(batch), Moment(1, share)) for _ in range(20)]
        assert losses[0].keys() == names
        assert losses[-1]["pixel"] < losses[0]["pixel"]
        if "ranker" in names:
            assert losses[-1]["ranker"] < 0.8 * losses[0]["ranker"]
        else:
            assert losses[-1]["perceptual"] < losses[0]["perceptual"]
            assert losses[-1]["judge"] < losses[0]["judge"]


def test_each_stage_moves_its_own_nets():
    config = TINY.changed(pretrain=0.5, rank=0.03)
    fabric = open_fabric("cpu", 1, "fp32")
    learner, batch = build(module, config, fabric, seed=1), batch_of(config)
    for share, moving in ((0.0, {"generator", "ranker"}), (0.6, {"generator", "judge"})):
        before = snapshot(learner)
        step(learner, fabric, dict(batch), Moment(1, share))
        after = snapshot(learner)
        moved = {name.split(".")[1] for name in before if name.startswith("net.") and "ranker" not in name
                 and not torch.equal(before[name], after[name])}  # fmt: skip
        # batch normalisation's running means would move with any picture: they must not, once it has learned
        ranker = [name for name in before if name.startswith("net.ranker")]
        if any(not torch.equal(before[name], after[name]) for name in ranker):
            moved.add("ranker")
        assert moved == moving


def test_the_second_stage_begins_once():
    config = TINY.changed(pretrain=0.75)
    net, shares = module.Net(config), np.linspace(0, 1, 21)
    moments = [Moment(int(1000 * share), float(share)) for share in shares]
    turns = [module.turn(net, net, config, *pair) for pair in pairwise(moments)]
    assert sum(turns) == 1 and moments[turns.index(True) + 1].share == pytest.approx(0.75)
    rates = [module.learning_rate(config, moment) for moment in moments]
    assert rates[0] == 1 and rates[14] < 0.1 and rates[15] == 1 and rates[-1] == pytest.approx(module.FLOOR)


def test_the_ranker_learns_the_order_of_softness():
    """On pictures it has not seen it scores the truth under the softened one, as the edges' deviation does."""
    config = TINY.changed(pretrain=1.0, rank=0.03, size=64, ranker=8)
    torch.manual_seed(3)
    net = module.Net(config)
    phase = module.phases(net, config)[2]
    assert phase.name == "ranker"
    optimiser = torch.optim.Adam(phase.parameters, 2e-3)
    for seed in range(30):
        batch = batch_of(config, seed)
        batch["made"] = batch["truth"]
        optimiser.zero_grad()
        sum(phase.losses(net, batch, Moment()).values()).backward()
        optimiser.step()
    batch = batch_of(config, 99)
    soft = module.enlarged(batch["picture"], config.scale).clamp(0, 1)
    with torch.inference_mode():
        sharp_scores, soft_scores = (net(x, "ranked") for x in (batch["truth"], soft))
        alone = net(batch["truth"][:1], "ranked")
    assert (sharp_scores < soft_scores).all()
    assert torch.allclose(alone, sharp_scores[:1], atol=1e-4), "a score depends on the batch"
    assert sharp_scores.abs().max() <= module.BOUND


def test_the_results_to_be_ordered():
    batch = batch_of(TINY)
    made = batch["truth"]
    cubic, crisp, own, too_much = module.methods(batch["picture"], made, 2)
    assert torch.equal(own, made) and torch.allclose(cubic, module.enlarged(batch["picture"], 2).clamp(0, 1))
    for plain, sharpened in ((cubic, crisp), (own, too_much)):
        assert sharpened.std() > plain.std() and sharpened.min() >= 0 and sharpened.max() <= 1
    flat = torch.full((1, 3, 8, 8), 0.3)
    assert torch.allclose(module.sharpened(flat), flat)


def test_a_saved_net_draws_the_same():
    config = TINY.changed(rank=0.03)
    fabric = open_fabric("cpu", 1, "fp32")
    learner, other = (build(module, config, fabric, seed) for seed in (1, 2))
    step(learner, fabric, batch_of(config), Moment())
    restore(other, snapshot(learner))
    picture = torch.rand(1, 3, 16, 16)
    with torch.inference_mode():
        assert torch.equal(learner.net(picture), other.net(picture))
        assert torch.equal(learner.net(picture, "judge"), other.net(picture, "judge"))


def test_a_preview_has_its_columns():
    columns = module.preview(module.Net(TINY).eval(), batch_of(TINY))
    assert list(columns) == ["coarse", "cubic", "restored", "truth"]
    assert {tuple(picture.shape) for picture in columns.values()} == {(4, 3, 32, 32)}


def test_sizes_that_cannot_be_are_refused():
    with pytest.raises(InputError, match="multiple of 16"):
        module.PRESETS["paper"].changed(size=72)


@pytest.mark.parametrize("preset", SHIPPED)
def test_the_shipped_net_keeps_constants_and_sharpens_an_edge(preset):
    config = module.PRESETS[preset]
    net = module.Net(config).eval()
    module.begin_with(
        net, {name: torch.from_numpy(value) for name, value in load_base("restore_srgan", preset).items()}
    )
    with torch.inference_mode():
        for level in (0.0, 0.31, 1.0):
            flat = torch.full((1, 3, 32, 32), level)
            assert 255 * (module.restore(net, flat) - level).abs().max() < 1  # level
        edge = torch.full((1, 3, 32, 32), 0.3)
        edge[..., 16:] = 0.7
        soft = F.conv2d(F.pad(edge, (1, 1, 0, 0), "replicate"), torch.full((3, 1, 1, 3), 1 / 3), groups=3)
        slopes = [x.diff(dim=3).abs().max() for x in (module.enlarged(soft, config.scale), module.restore(net, soft))]
    assert slopes[1] > 1.3 * slopes[0]
