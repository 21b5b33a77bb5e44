"""faceswap-GAN: the published counts, its losses in closed form, its schedule to the row, and what moves when."""

import copy

import numpy as np
import pytest
import torch

from semblance.models import Moment, load_model_file
from semblance.nn.attention import Norm, SelfAttention, upscale_shuffle

module = load_model_file("swap_gan")
PAPER, TINY = module.PRESETS["paper"], module.PRESETS["tiny"]
PARTS = {"faces": ("encoder", "source", "target"), "judges": ("judge_source", "judge_target")}


def make_batch(count=2, size=64, seed=0):
    chance = torch.Generator().manual_seed(seed)
    names = [f"{side}{end}" for side in module.SIDES for end in ("", "_truth")]
    batch = {name: torch.rand(count, 3, size, size, generator=chance) for name in names}
    return batch | {f"{side}_eyes": torch.rand(count, 1, size, size, generator=chance) for side in module.SIDES}


def make_net(config=TINY):
    torch.manual_seed(0)
    return module.Net(config)


@pytest.mark.parametrize(
    ("size", "encoder", "decoder", "judge"),
    [
        (64, 59_130_498, 6_300_918, 747_841),
        (128, 68_567_682, 6_490_297, 1_878_658),
        (256, 78_004_866, 6_679_676, 3_009_475),
    ],
)  # fmt: skip
def test_paper_has_the_published_counts(size, encoder, decoder, judge):
    """Without the norms, as published; each of them has a gain and a bias, whatever the channels."""
    with torch.device("meta"):
        net = module.Net(PAPER.changed(size=size))
    for part, wanted in ((net.encoder, encoder), (net.target, decoder), (net.judge_target, judge)):
        norms = sum(isinstance(layer, Norm) for layer in part.modules())
        assert sum(p.numel() for p in part.parameters()) == wanted + 2 * norms


def test_lite_has_half_the_channels_and_a_quarter_in_the_middle():
    with torch.device("meta"):
        net, large = (module.Net(PAPER.changed(capacity="lite", size=size)) for size in (64, 128))
    assert (net.encoder.squeeze.in_features, net.encoder.squeeze.out_features) == (4096, 1024)
    assert large.encoder.squeeze.out_features == 2048
    assert net.source.colours.in_channels == 32
    assert not any(isinstance(layer, torch.nn.PixelShuffle) for layer in net.modules())


def test_paper_keeps_the_published_numbers():
    assert (PAPER.size, PAPER.batch, PAPER.iterations, PAPER.betas) == (64, 8, 40_000, (0.5, 0.999))
    assert (PAPER.adversarial, PAPER.eyes, PAPER.edge, PAPER.decay) == (0.1, 30, 0.1, 1e-4)
    faces, judges = module.phases(make_net(), PAPER)
    assert (faces.learning_rate, judges.learning_rate) == (1e-4, 2e-4)


@pytest.mark.parametrize("size", [64, 128, 256])
@pytest.mark.parametrize("capacity", ["standard", "lite"])
def test_shapes(size, capacity):
    config = TINY.changed(size=size, capacity=capacity, width=16)
    net, crops = make_net(config), torch.rand(1, 3, size, size)
    with torch.inference_mode():
        code = net.encoder(crops)
        drawn = net(crops, crops)
        seen = torch.cat([crops, crops], 1)
        verdicts = net(seen, seen, "judge")
    assert code.shape[2:] == (8, 8)
    shapes = [x.shape[1:] for x in drawn]
    smaller = [(3, side, side) for side in (64, 128) if side < size for _ in range(2)]
    assert shapes == [(3, size, size)] * 2 + [(1, size, size)] * 2 + smaller
    assert all(v.shape == (1, 1, 8, 8) for v in verdicts)


@pytest.mark.parametrize("begins", [0.5, 0.9])
def test_masks_begin_as_open_as_asked(begins):
    assert (PAPER.mask, module.PRESETS["small"].mask) == (0.5, 0.9)
    with torch.inference_mode():
        for mask in make_net(TINY.changed(mask=begins))(*[torch.rand(4, 3, 64, 64)] * 2)[2:4]:
            assert mask.mean() == pytest.approx(begins, abs=0.1)


def test_norm_takes_channels_and_positions_together():
    x = torch.randn(2, 5, 6, 6) * torch.arange(1, 6).view(1, 5, 1, 1) + 3
    norm = Norm()
    assert sum(p.numel() for p in norm.parameters()) == 2
    y = norm(x)
    assert torch.allclose(y.mean((1, 2, 3)), torch.zeros(2), atol=1e-5)
    assert torch.allclose(y.var((1, 2, 3), correction=0), torch.ones(2), atol=1e-4)
    assert y[:, 4].std() > 2 * y[:, 0].std()  # not channel by channel


def test_self_attention_begins_as_the_identity_and_then_reads_by_softmax():
    attention, x = SelfAttention(16), torch.randn(2, 16, 5, 7)
    assert torch.equal(attention(x), x)
    with torch.no_grad():
        attention.gate.fill_(0.3)
    f, g, h = (part(x).flatten(2) for part in (attention.key, attention.query, attention.value))
    weights = torch.softmax(g.transpose(1, 2) @ f, -1)
    wanted = x + 0.3 * (weights @ h.transpose(1, 2)).transpose(1, 2).reshape(x.shape)
    assert torch.allclose(attention(x), wanted, atol=1e-5)


def test_upscaling_begins_without_a_checkerboard():
    up = upscale_shuffle(6, 4)
    y = up(torch.randn(1, 6, 8, 8)).reshape(1, 4, 8, 2, 8, 2)
    assert torch.equal(y, y[:, :, :, :1, :, :1].expand_as(y))


def test_the_composite_of_an_open_mask_is_the_raw_face():
    face, crop = torch.rand(2, 3, 8, 8), torch.rand(2, 3, 8, 8)
    assert torch.equal(module.laid_over(face, torch.ones(2, 1, 8, 8), crop), face)
    assert torch.equal(module.laid_over(face, torch.zeros(2, 1, 8, 8), crop), crop)


def test_swap_laid_over_the_crop_is_the_composite_that_was_trained():
    net, batch = make_net(), make_batch()
    module.phases(net, TINY)[0].losses(net, batch, Moment())
    with torch.inference_mode():
        face, mask = module.swap(net, batch["target"], "target")
    raw, merged = batch["target_made"].chunk(2)
    assert torch.allclose(face, raw, atol=1e-5)
    assert torch.allclose(module.laid_over(face, mask, batch["target"]), merged, atol=1e-5)


def test_mask_terms_in_closed_form():
    flat = torch.full((2, 1, 8, 8), 0.3)
    assert module.mask_loss(flat, None).item() == pytest.approx(0.01 * 0.3)
    assert module.mask_loss(flat, 0.5).item() == pytest.approx(0.1 * 0.2)
    assert module.mask_loss(flat, 0.2).item() == 0
    ramp = torch.arange(8).div(10).expand(1, 1, 8, 8)  # rises by 0.1 across, not at all down
    assert module.mask_loss(ramp, 0.0).item() == pytest.approx(0.1 * 0.1)


@pytest.mark.parametrize("share", [0.0, 0.35, 0.7, 0.95])
def test_masks_can_be_held_open_in_every_stage(share):
    config = TINY.changed(hold=0.99, mask=0.5)
    net, batch = make_net(config), make_batch()
    found = module.phases(net, config)[0].losses(net, batch, Moment(share=share))["mask"].item()
    with torch.no_grad():
        masks = net(batch["source"], batch["target"])[2:4]
    wanted = sum(module.mask_loss(mask, 0.99) for mask in masks).item()
    assert found == pytest.approx(wanted, rel=1e-5) and found > 0.05


@pytest.mark.parametrize(("share", "seen"), [(1.0, "truth"), (0.0, "made")])
def test_judges_of_pure_batches_in_closed_form(share, seen):
    """At share 1 they see the truth twice and should say 1, at 0 raw face and composite and should say 0."""
    net, batch = make_net(), make_batch()
    module.phases(net, TINY)[0].losses(net, batch, Moment())
    wanted = 0
    for side in module.SIDES:
        judge, crop = getattr(net, f"judge_{side}"), batch[side]
        pictures = [batch[f"{side}_truth"]] * 2 if seen == "truth" else batch[f"{side}_made"].chunk(2)
        for picture in pictures:
            logits = judge(2 * torch.cat([picture, crop], 1) - 1)
            wanted = wanted + ((logits - share) ** 2).mean()
    assert module.judge_loss(net, batch, share).item() == pytest.approx(wanted.item(), rel=1e-5)


def test_generator_losses_in_closed_form():
    """Against the formulas written down plainly, pictures in -1..1."""
    net, batch = make_net(), make_batch()
    found = module.phases(net, TINY)[0].losses(net, batch, Moment())
    eyes = edges = verdict = mask = 0
    for side in module.SIDES:
        d, x, e = (2 * batch[side] - 1, 2 * batch[f"{side}_truth"] - 1, batch[f"{side}_eyes"])
        face, a = module.swap(net, batch[side], side)
        y = 2 * face - 1
        f = a * y + (1 - a) * d
        assert found[side].item() == pytest.approx((y - x).abs().mean().item(), rel=1e-5)
        eyes += 30 * (e * (y - x).abs()).mean()
        for step in ((1, 0), (0, 1)):
            h, w = step
            across = [(p[..., h : 63 + h, w : 63 + w] - p[..., :-1, :-1]).abs() for p in (y, x)]
            gap = (across[0] - across[1]).abs()
            edges += 0.1 * gap.mean()
            eyes += 30 * (e[..., :-1, :-1] * gap).mean()
            mask += 0.1 * (a[..., h : 63 + h, w : 63 + w] - a[..., :-1, :-1]).abs().mean()
        mask += 0.01 * a.mean()
        for picture in (f, y):
            verdict += 0.1 * ((getattr(net, f"judge_{side}")(torch.cat([picture, d], 1)) - 1) ** 2).mean()
    convs = 0
    for part in (net.encoder, net.encoder, net.source, net.target):
        convs += sum((m.weight**2).sum() for m in part.modules() if isinstance(m, torch.nn.Conv2d))
    wanted = {"eyes": eyes, "edges": edges, "verdict": verdict, "mask": mask, "decay": 1e-4 * convs}
    for name, value in wanted.items():
        assert found[name].item() == pytest.approx(value.item(), rel=1e-4), name
    assert found.keys() == {*module.SIDES, *wanted}


def test_smaller_faces_are_compared_with_smaller_truths():
    config = TINY.changed(size=128)
    net, batch = make_net(config), make_batch(1, 128)
    found = module.phases(net, config)[0].losses(net, batch, Moment())
    with torch.no_grad():
        smaller = net(batch["source"], batch["target"])[4:]
    halved = [torch.nn.functional.avg_pool2d(batch[f"{side}_truth"], 2) for side in module.SIDES]
    wanted = sum(2 * (a - b).abs().mean() for a, b in zip(smaller, halved))
    assert found["smaller"].item() == pytest.approx(wanted.item(), rel=1e-5)


def test_cyclic_loss_goes_through_the_other_and_back():
    net, batch = make_net(), make_batch()
    source, target = batch["source_truth"], batch["target_truth"]
    wanted = 0
    for crop, there, back in ((source, "target", "source"), (target, "source", "target")):
        other, mask = module.swap(net, crop, there)
        again, mask_again = module.swap(net, other, back)
        wanted = wanted + 2 * (again - crop).abs().mean() + 0.1 * (mask_again - mask).abs().mean()
    assert module.cyclic_loss(net, source, target).item() == pytest.approx(wanted.item(), rel=1e-4)
    found = module.phases(net, TINY.changed(cyclic=10))[0].losses(net, batch, Moment())
    assert found["cyclic"].item() == pytest.approx(10 * wanted.item(), rel=1e-4)


def test_the_matched_face_is_the_target_drawn_as_the_source():
    net, batch = make_net(), make_batch()
    found = module.phases(net, TINY.changed(match=2))[0].losses(net, batch, Moment())
    face, _ = module.swap(net, batch["target"], "source")
    assert found["match"].item() == pytest.approx(4 * (face - batch["source_truth"]).abs().mean().item(), rel=1e-4)


def test_the_recogniser_looks_on_from_a_fifth_of_the_run():
    config = TINY.changed(perceptual=PAPER.perceptual)
    net, batch = make_net(config), make_batch()
    phase = module.phases(net, config)[0]
    assert "perceptual" not in phase.losses(net, batch, Moment(100, 0.19))
    loss = phase.losses(net, batch, Moment(100, 0.2))["perceptual"]
    loss.backward()
    assert loss > 0 and net.source.colours.weight.grad.abs().sum() > 0
    same = {**batch, "source_truth": batch["source_truth"].flip(0)}
    assert phase.losses(net, same, Moment(100, 0.2))["perceptual"] != loss


# share from which it holds (150 iterations early), recogniser, hinge, factor, iteration
TABLE = [
    (0, False, None, 1, 0), (1 / 5, True, None, 1, 8_000), (3 / 10, True, 0.5, 1, 12_000),
    (2 / 5, True, 0.2, 1, 16_000), (1 / 2, True, 0.4, 1, 20_000), (2 / 3, True, None, 0.3, 26_667),
    (4 / 5, True, 0.1, 0.3, 32_000), (9 / 10, True, None, 0.1, 36_000),
]  # fmt: skip


@pytest.mark.parametrize("row", range(8))
def test_schedule(row):
    share, recogniser, hinge, rate, iteration = TABLE[row]
    early = 150 / 40_000 if row else 0
    # by the share of a run with an end, and by the paper's own iterations, of 8 faces a side, without one
    for begun in (Moment(10, share - early + 1e-6), Moment(16 * (iteration - (149 if row else 0)))):
        number = module.stage_number(PAPER, begun)
        stage = module.STAGES[number]
        assert (number, stage.perceptual, stage.hinge, stage.rate) == (row, recogniser, hinge, rate)
        assert module.learning_rate(PAPER, begun) == rate
    if row:
        for before in (Moment(10, share - early - 1e-4), Moment(16 * (iteration - 152))):
            assert module.stage_number(PAPER, before) == row - 1
    else:
        assert module.stage_number(PAPER, Moment()) == 0


def test_after_its_end_the_schedule_stays_in_its_last_stage():
    assert module.stage_number(PAPER, Moment(10**9)) == module.stage_number(PAPER, Moment(5, 1.0)) == 7


def test_decoders_change_places_in_net_and_average_at_four_fifths():
    net = make_net()
    average = copy.deepcopy(net)
    with torch.no_grad():
        for parameter in average.parameters():
            parameter += 1
    kept = {name: value.clone() for name, value in net.state_dict().items()}
    kept_average = {name: value.clone() for name, value in average.state_dict().items()}
    turns = [module.turn(net, average, TINY, Moment(n, n / 1000), Moment(n + 1, (n + 1) / 1000)) for n in range(790)]
    assert sum(turns) == 5  # every change of stage but the last two
    assert all(torch.equal(value, kept[name]) for name, value in net.state_dict().items())
    assert module.turn(net, average, TINY, Moment(0, 0.79), Moment(1, 0.8))
    for now, before in ((net, kept), (average, kept_average)):
        for name, value in now.state_dict().items():
            part, _, rest = name.partition(".")
            other = {"source": "target", "target": "source"}.get(part, part)
            assert torch.equal(value, before[f"{other}.{rest}"]), name
    assert not torch.equal(kept["source.colours.weight"], kept["target.colours.weight"])
    assert not module.turn(net, average, TINY, Moment(0, 0.8), Moment(1, 0.85))
    again = {name: value.clone() for name, value in net.state_dict().items()}
    assert module.turn(net, average, TINY.changed(exchange=False), Moment(0, 0.79), Moment(1, 0.8))
    assert all(torch.equal(value, again[name]) for name, value in net.state_dict().items())


def test_shares_of_the_blend_are_of_the_step_alone():
    shares = np.array([module.mixup_share(Moment(16 * n)) for n in range(300)])
    assert np.array_equal(shares, [module.mixup_share(Moment(16 * n, 0.5)) for n in range(300)])
    assert ((shares < 0.1) | (shares > 0.9)).mean() > 0.5  # Beta(0.2, 0.2): mostly near the ends
    assert not np.array_equal(shares, [module.perceptual_share(Moment(16 * n)) for n in range(300)])


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_twenty_steps_learn_and_each_phase_moves_its_own_weights(precision):
    net, batch = make_net(), make_batch(4)
    phases = module.phases(net, TINY)
    optimisers = [torch.optim.Adam(p.parameters, p.learning_rate, p.betas, p.epsilon) for p in phases]
    history = []
    for number in range(20):
        losses = {}
        for phase, optimiser in zip(phases, optimisers):
            before = {name: value.clone() for name, value in net.named_parameters()}
            for other in phases:
                for parameter in other.parameters:
                    parameter.requires_grad_(other is phase)
            with torch.autocast("cpu", precision, enabled=precision != torch.float32):
                found = phase.losses(net, batch, Moment(16 * number))
            optimiser.zero_grad()
            sum(found.values()).backward()
            assert all(torch.isfinite(p.grad).all() for p in phase.parameters)
            optimiser.step()
            losses |= {name: value.item() for name, value in found.items()}
            moved = {
                name.split(".")[0] for name, value in net.named_parameters() if not torch.equal(value, before[name])
            }
            assert moved == set(PARTS[phase.name])
        history.append(losses)
    faces = [losses["source"] + losses["target"] + losses["eyes"] for losses in history]
    assert np.isfinite([list(losses.values()) for losses in history]).all()
    assert faces[-1] < 0.9 * faces[0]
