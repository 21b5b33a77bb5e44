"""The published net to the parameter; its layers in closed form; losses, masks and a net that learns one picture."""

import numpy as np
import pytest
import torch

from semblance.errors import InputError
from semblance.models import load_model_file

module = load_model_file("mask_xseg")


def count(net):
    return sum(parameter.numel() for parameter in net.parameters())


def test_paper_has_the_published_count():
    with torch.device("meta"):
        net = module.Net(module.PRESETS["paper"])
        assert count(net) == 17_569_317
        assert net(torch.empty(2, 3, 256, 256, device="meta")).shape == (2, 1, 256, 256)
    assert net.squeeze.in_features == 4096 and net.squeeze.out_features == 512
    assert [up.convolution.out_channels for up in net.ups] == [32, 64, 128, 128, 128, 128]


def test_paper_keeps_the_published_numbers():
    config = module.PRESETS["paper"]
    phase = module.phases(module.Net(module.PRESETS["tiny"]), config)[0]
    assert (phase.optimiser, phase.moving, phase.learning_rate) == ("rmsprop", 0.3, 1e-4)
    assert (config.batch, config.schedule, config.overlap, config.size) == (4, "constant", 0, 256)
    assert module.PRESETS["small"].optimiser == "adam" and module.PRESETS["small"].schedule == "cosine"


def test_small_is_small_enough_to_ship():
    net = module.Net(module.PRESETS["small"])
    assert 5e5 < count(net) < 2e6 and 2 * count(net) < 4e6
    with torch.inference_mode():
        assert net(torch.rand(1, 3, 128, 128)).shape == (1, 1, 128, 128)


def test_response_of_known_maps():
    layer = module.Response(3)
    x = torch.tensor([[[[3.0, 4.0]], [[-2.0, -2.0]], [[0.0, 0.0]]]])
    with torch.no_grad():
        # root mean square of 3 and 4 is sqrt(12.5); a constant becomes its sign, and the threshold 0 cuts it
        assert torch.allclose(layer(x)[0, 0, 0], torch.tensor([3.0, 4.0]) / 12.5**0.5)
        assert torch.equal(layer(x)[0, 1:], torch.zeros(2, 1, 2))
        layer.gain.fill_(2)
        layer.bias.fill_(0.5)
        layer.threshold.fill_(-1.2)
        assert torch.allclose(layer(x)[0, 0, 0], torch.tensor([6.0, 8.0]) / 12.5**0.5 + 0.5)
        assert torch.allclose(layer(x)[0, 1, 0], torch.tensor([-1.2, -1.2]))  # 2 * -1 + 0.5 lies below
        assert torch.allclose(layer(x)[0, 2, 0], torch.tensor([0.5, 0.5]))


def test_a_negative_eps_counts_by_its_size():
    layer = module.Response(1)
    with torch.no_grad():
        layer.eps.fill_(-3.0)
        assert layer(torch.ones(1, 1, 2, 2)).mean().item() == pytest.approx(0.5)  # 1 / sqrt(1 + 3)


def test_gradients_of_a_response_are_those_of_its_formula():
    chance = torch.Generator().manual_seed(0)
    shapes = {"x": (2, 3, 5, 4), "gain": (1, 3, 1, 1), "bias": (1, 3, 1, 1), "threshold": (1, 3, 1, 1), "eps": (1,)}
    values = [torch.randn(shape, generator=chance, dtype=torch.double) for shape in shapes.values()]
    for value in values:
        value.requires_grad_()

    def written_out(x, gain, bias, threshold, eps):
        power = x.square().mean((2, 3), keepdim=True)
        return torch.maximum(gain * x / torch.sqrt(power + eps.abs()) + bias, threshold)

    pull = torch.randn(shapes["x"], generator=chance, dtype=torch.double)
    own, plain = module.Responding.apply(*values), written_out(*values)
    assert torch.allclose(own, plain)
    for one, other in zip(*(torch.autograd.grad((made * pull).sum(), values) for made in (own, plain)), strict=True):
        assert torch.allclose(one, other)


@pytest.mark.parametrize("taps", [2, 3, 4])
def test_blurred_pooling_keeps_a_constant_and_spreads_an_impulse(taps):
    pool = module.BlurPool(taps)
    assert torch.allclose(pool(torch.full((1, 2, 8, 8), 0.7)), torch.full((1, 2, 4, 4), 0.7))
    impulse = torch.zeros(1, 1, 8, 8)
    impulse[..., 4, 4] = 1
    line = {2: [0, 0, 0.5, 0], 3: [0, 0, 0.5, 0], 4: [0, 1 / 8, 3 / 8, 0]}[taps]
    expected = torch.tensor(line)[:, None] * torch.tensor(line)
    assert torch.allclose(pool(impulse)[0, 0], expected)


def test_every_stage_up_sees_the_one_down():
    """Without its skips the net knows only its code, in which two pictures that differ in one pixel are all but one."""
    config = module.PRESETS["tiny"]
    torch.manual_seed(0)
    net = module.Net(config).eval()
    with torch.inference_mode():
        net.expand.weight.zero_()
        picture = torch.rand(1, 3, 32, 32)
        other = picture.clone()
        other[..., 5, 5] += 0.5
        moved = (net(picture) - net(other)).abs()[0, 0]
    assert moved[4:8, 4:8].max() > 5 * moved[24:, 24:].max()


def test_losses_of_known_masks():
    class Fixed(torch.nn.Module):
        def forward(self, x):
            return torch.where(torch.arange(4) < 2, 30.0, -30.0).expand(1, 1, 4, 4)

    truth = torch.zeros(1, 1, 4, 4)
    truth[..., :3] = 1  # drawn 2 columns of 3: overlap 2 / 3, and a quarter of the pixels is wrong by 30 nats
    found = module.losses(Fixed(), {"picture": torch.zeros(1, 3, 4, 4), "mask": truth}, overlap=2.0)
    assert found["overlap"].item() == pytest.approx(2 / 3, abs=1e-3)
    assert found["entropy"].item() == pytest.approx(30 / 4, abs=1e-3)
    assert "overlap" not in module.losses(Fixed(), {"picture": torch.zeros(1, 3, 4, 4), "mask": truth})
    nothing = torch.zeros(2, 1, 4, 4)
    assert torch.allclose(module.soft_overlap(nothing, nothing), torch.ones(2))


def test_thin_lines_over_a_face_count_more_and_what_is_wide_does_not():
    class Fixed(torch.nn.Module):
        def forward(self, x):
            return torch.full((1, 1, 32, 32), 2.0)

    truth = torch.ones(1, 1, 32, 32)
    truth[..., 8:10, :] = 0  # a rim, two pixels wide
    truth[..., 16:26, :] = 0  # an arm
    lines = module.thin_lines(truth)
    assert lines[0, 0, 8:10].min() == 1 and lines.sum() == 2 * 32
    # of an edge's half pixels only the rim's count
    soft = truth.clone()
    soft[..., 10, :] = 0.5
    assert module.thin_lines(soft).sum() == 2.5 * 32

    once = {name: value.item() for name, value in losses_of(Fixed(), truth, 0.0).items()}
    more = {name: value.item() for name, value in losses_of(Fixed(), truth, 3.0).items()}
    wrong = np.log1p(np.exp(2.0)) * 2 / 32  # of two rows among 32
    assert more["entropy"] - once["entropy"] == pytest.approx(3 * wrong, rel=1e-4)


def losses_of(net, truth, thin):
    return module.losses(net, {"picture": truth.expand(-1, 3, -1, -1), "mask": truth}, thin=thin)


def test_faint_answers_are_nothing():
    class Fixed(torch.nn.Module):
        def forward(self, x):
            return torch.logit(torch.tensor([0.05, 0.5])).reshape(1, 1, 1, 2)

    assert torch.allclose(module.mask(Fixed(), None), torch.tensor([[[[0.0, 0.5]]]]))


def test_twenty_steps_lower_the_loss_and_a_white_mask_is_learned():
    config = module.PRESETS["tiny"]
    torch.manual_seed(0)
    net = module.Net(config)
    chance = torch.Generator().manual_seed(1)
    batch = {"picture": torch.rand(4, 3, 32, 32, generator=chance), "mask": torch.ones(4, 1, 32, 32)}
    (phase,) = module.phases(net, config)
    optimiser = torch.optim.Adam(phase.parameters, phase.learning_rate, phase.betas)
    values = []
    for _ in range(20):
        optimiser.zero_grad()
        loss = sum(phase.losses(net, batch, None).values())
        loss.backward()
        optimiser.step()
        values.append(loss.item())
    assert values[-1] < 0.3 * values[0]
    with torch.inference_mode():
        assert module.mask(net, batch["picture"]).min() > 0.5
        columns = module.preview(net, batch)
    assert list(columns) == ["picture", "wanted", "drawn", "face alone"]
    assert torch.allclose(columns["face alone"], batch["picture"] * columns["drawn"])


def test_sizes_that_cannot_be_are_refused():
    with pytest.raises(InputError, match="multiple of 64"):
        module.PRESETS["paper"].changed(size=96)
    with pytest.raises(InputError, match="as many stages"):
        module.PRESETS["paper"].changed(depths=(2, 2))
