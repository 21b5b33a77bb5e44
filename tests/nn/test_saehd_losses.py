"""What SAEHD lowers: each term in closed form, each option switches what it says, each phase moves its own weights."""

import pytest
import torch

from semblance.models import Moment, load_model_file
from semblance.nn.saehd_losses import (
    background_loss,
    face_style_loss,
    features_loss,
    mask_loss,
    picture_loss,
    steps_squared,
    style_place,
)
from semblance.nn.similarity import dssim

DF, LIAE = load_model_file("swap_df"), load_model_file("swap_liae")
BOTH = pytest.mark.parametrize("module", [DF, LIAE], ids=["df", "liae"])
PLAIN = {"source", "source_mask", "target", "target_mask"}


@pytest.fixture
def batch():
    """Two rows of 32 pixels: smooth pictures, a disc as mask, two spots as features."""
    made = {}
    at = torch.arange(32) - 15.5
    disc = (at[:, None] ** 2 + at**2 < 12**2).float().expand(2, 1, -1, -1)
    for side in ("source", "target"):
        coarse = torch.rand(2, 3, 5, 5)
        made[f"{side}_truth"] = torch.nn.functional.interpolate(coarse, (32, 32), mode="bilinear")
        made[side] = made[f"{side}_truth"].roll(1, 3)
        made[f"{side}_mask"] = disc
        made[f"{side}_features"] = torch.zeros(2, 1, 32, 32)
        made[f"{side}_features"][..., 10:14, 8:12] = 1
    return made


def built(module, **values):
    torch.manual_seed(0)
    config = module.PRESETS["tiny"].changed(**values)
    net = module.Net(config)
    return net, config, module.phases(net, config)


def losses_of(module, batch, **values):
    net, _, phases = built(module, **values)
    return phases[0].losses(net, dict(batch), Moment())


@BOTH
def test_terms_appear_with_their_options(module, batch):
    assert losses_of(module, batch).keys() == PLAIN
    assert losses_of(module, batch, masked_training=False).keys() == PLAIN  # masks are learned all the same
    for values, added in (
        ({"eyes_mouth_priority": True}, {"source_features", "target_features"}),
        ({"face_style": 1.0}, {"face_style"}),
        ({"background_style": 1.0}, {"background_style"}),
        ({"match": 1.0}, {"match"}),
        ({"gan_power": 0.1}, {"gan", "smoothness", "surroundings"}),
        ({"gan_power": 0.1, "masked_training": False}, {"gan"}),
    ):
        assert losses_of(module, batch, **values).keys() == PLAIN | added, values
    if module is DF:
        assert losses_of(module, batch, true_face=0.01).keys() == PLAIN | {"true_face"}


@BOTH
def test_with_masked_training_nothing_outside_of_the_feathered_mask_counts(module, batch):
    noisy = dict(batch)
    noisy["source_truth"] = batch["source_truth"].clone()
    noisy["source_truth"][..., :2, :] = 1 - noisy["source_truth"][..., :2, :]  # the disc begins at row 4
    clean, other = (losses_of(module, b)["source"] for b in (batch, noisy))
    assert torch.equal(clean, other)
    clean, other = (losses_of(module, b, masked_training=False)["source"] for b in (batch, noisy))
    assert not torch.isclose(clean, other, rtol=1e-3)


@BOTH
def test_blurring_outside_of_the_mask_changes_the_truth(module, batch):
    noisy = dict(batch)
    noisy["target_truth"] = torch.where(batch["target_mask"] > 0, batch["target_truth"], torch.rand(2, 3, 32, 32))
    values = {"masked_training": False}
    sharp = losses_of(module, noisy, **values)["target"]
    smooth = losses_of(module, noisy, **values, blur_outside_mask=True)["target"]
    assert smooth < sharp


def test_picture_loss_in_closed_form(batch):
    truth = batch["source_truth"]
    assert picture_loss(truth, truth, None) == pytest.approx(0, abs=1e-5)
    face = truth + 0.1
    expected = (10 * dssim(face, truth, int(32 / 11.6))).mean() + 10 * 0.01
    assert picture_loss(face, truth, None) == pytest.approx(expected.item(), rel=1e-4)
    nothing = torch.zeros(2, 1, 32, 32)
    assert picture_loss(face, truth, nothing) == pytest.approx(0, abs=1e-5)


def test_from_256_pixels_on_two_windows_share_the_weight():
    truth, face = torch.rand(1, 3, 256, 256), torch.rand(1, 3, 256, 256)
    expected = 5 * dssim(face, truth, 22) + 5 * dssim(face, truth, 11) + 10 * ((face - truth) ** 2).mean()
    assert picture_loss(face, truth, None) == pytest.approx(expected.item(), rel=1e-4)
    expected = 10 * dssim(face[..., :128, :128], truth[..., :128, :128], 11)
    found = picture_loss(face[..., :128, :128], truth[..., :128, :128], None)
    assert found - 10 * ((face - truth)[..., :128, :128] ** 2).mean() == pytest.approx(expected.item(), rel=1e-4)


def test_mask_and_features_in_closed_form(batch):
    mask = batch["source_mask"]
    assert mask_loss(mask * 0.5, mask) == pytest.approx(10 * 0.25 * mask.mean().item(), rel=1e-5)
    truth, features = batch["source_truth"], batch["source_features"]
    assert features_loss(truth - 0.1, truth, features) == pytest.approx(300 * 0.1 * features.mean().item(), rel=1e-4)


def test_style_losses_in_closed_form():
    place = torch.ones(1, 1, 64, 64)
    dark, light = torch.full((1, 3, 64, 64), 0.4), torch.full((1, 3, 64, 64), 0.6)
    assert face_style_loss(dark, dark, place, 1.0) == 0
    one, four = face_style_loss(dark, light, place, 1.0), face_style_loss(dark, light, place, 4.0)
    assert one > 0 and four == pytest.approx(4 * one.item())
    # without an edge to blur over, the mean difference 0.2 squared times 100; the edge takes some of it
    assert 0.5 * 100 * 0.04 < one < 100 * 0.04
    assert background_loss(dark, light, place, 5.0) == pytest.approx(0, abs=1e-6)
    expected = 10 * 0.05 * (dssim(dark, light, 5).item() + 0.04)
    assert background_loss(dark, light, 0 * place, 5.0) == pytest.approx(expected, rel=1e-4)
    assert not style_place(place.requires_grad_(), place).requires_grad


def test_smoothness_counts_rows_and_columns():
    picture = torch.zeros(1, 3, 8, 8)
    picture[:, :, 4:] = 0.5  # one edge across eight columns
    assert steps_squared(picture).item() == pytest.approx(3 * 8 * 0.25)
    assert steps_squared(picture.transpose(2, 3)).item() == pytest.approx(3 * 8 * 0.25)


@pytest.mark.parametrize("option", ["face_style", "background_style"])
@BOTH
def test_style_reaches_the_decoder_only(module, option, batch):
    net, _, phases = built(module, **{option: 10.0})
    phases[0].losses(net, dict(batch), Moment())[option].backward()
    touched = {name.partition(".")[0] for name, p in net.named_parameters() if p.grad is not None and p.grad.any()}
    assert touched == ({"source"} if module is DF else {"decoder"})


def test_match_reaches_the_encoder(batch):
    net, _, phases = built(DF, match=1.0)
    phases[0].losses(net, dict(batch), Moment())["match"].backward()
    assert all(p.grad.any() for p in net.encoder.parameters())
    assert all(p.grad is None for p in net.target.parameters())


def moved_by(phase, phases, net, batch):
    """Names of the parts of a net whose weights one step of a phase changes; as the loop takes it."""
    before = {name: p.detach().clone() for name, p in net.named_parameters()}
    for other in phases:
        for parameter in other.parameters:
            parameter.requires_grad_(other is phase)
    optimiser = torch.optim.SGD(phase.parameters, 0.1)
    net.zero_grad()
    sum(phase.losses(net, batch, Moment()).values()).backward()
    optimiser.step()
    return {name.partition(".")[0] for name, p in net.named_parameters() if not torch.equal(p, before[name])}


def test_every_phase_moves_its_own_weights_only(batch):
    net, _, phases = built(DF, gan_power=0.1, true_face=0.01)
    assert [phase.name for phase in phases] == ["faces", "code_judge", "face_judge"]
    own = {"encoder", "inter", "source", "target"}, {"code_judge"}, {"face_judge"}
    for phase, parts in zip(phases, own, strict=True):
        assert moved_by(phase, phases, net, batch) == parts
    assert {id(p) for phase in phases for p in phase.parameters} == {id(p) for p in net.parameters()}


@BOTH
def test_a_discriminator_learns_to_tell(module, batch):
    # unmasked: what is black in both cannot be told apart
    net, _, phases = built(module, gan_power=0.1, masked_training=False)
    phases[0].losses(net, batch, Moment())
    optimiser = torch.optim.Adam(phases[-1].parameters, 5e-3)
    values = []
    for _ in range(20):
        optimiser.zero_grad()
        loss = phases[-1].losses(net, batch, Moment())["face_judge"]
        loss.backward()
        optimiser.step()
        values.append(loss.item())
    assert values[0] == pytest.approx(2 * 0.69, abs=0.5)  # two answers, each at chance
    assert values[-1] < 0.7 * values[0]


def test_the_generator_pulls_both_codes_together(batch):
    """True face: fooling the code discriminator brings source codes nearer to what it takes for a target's."""
    net, _, phases = built(DF, true_face=1.0)
    losses = phases[0].losses(net, batch, Moment())
    before = losses["true_face"]
    before.backward()
    assert all(p.grad is None or not p.grad.any() for p in (*net.source.parameters(), *net.target.parameters()))
    with torch.no_grad():
        for p in (*net.encoder.parameters(), *net.inter.parameters()):
            p -= 0.05 * p.grad
    assert phases[0].losses(net, dict(batch), Moment())["true_face"] < before


def test_without_warp_the_shared_inter_of_liae_stands_still(batch):
    net, _, phases = built(LIAE, random_warp=False)
    assert moved_by(phases[0], phases, net, batch) == {"encoder", "inter_own", "decoder"}
    net, _, phases = built(LIAE)
    assert moved_by(phases[0], phases, net, batch) == {"encoder", "inter_shared", "inter_own", "decoder"}


def test_optimisers_are_told_what_the_options_say():
    for values, expected in (
        ({"optimiser": "adabelief"}, ("adabelief", 1.0, False, 0.0)),
        ({"optimiser": "rmsprop", "clip": 1.0}, ("rmsprop", 1.0, False, 1.0)),
        ({"lr_dropout": True}, ("adabelief", 0.3, True, 0.0)),
    ):
        phase = built(DF, **values)[2][0]
        assert (phase.optimiser, phase.moving, phase.swings, phase.clip) == expected
        assert phase.epsilon == 1e-6 and phase.betas[1] == (0.9 if phase.optimiser == "rmsprop" else 0.999)
