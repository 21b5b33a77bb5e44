"""Every pixel loss: nothing for equal pictures, the known value for a known change, gradients without holes."""

import pytest
import torch

from semblance.errors import InputError
from semblance.nn.losses import edges, frequencies, l1, l2, laplacian, style, total_variation
from semblance.nn.similarity import dssim, ms_ssim, quick_ssim, saehd_structure

WEIGHTED = [l1, l2, edges, laplacian, frequencies]
PAIRS = [
    *WEIGHTED,
    style,
    dssim,
    saehd_structure,
    lambda a, b: 1 - ms_ssim(a, b),
    lambda a, b: 1 - quick_ssim(a, b),
]


@pytest.mark.parametrize("loss", PAIRS)
def test_equal_pictures_cost_nothing_and_worse_ones_more(loss, pictures):
    noisy, truth = pictures
    assert loss(truth, truth).shape == (2,)
    assert loss(truth, truth).abs().max() < 2e-6
    little, much = loss(noisy, truth)  # the second sample is three times as noisy
    assert much > 1.5 * little > 0


@pytest.mark.parametrize("loss", PAIRS)
def test_each_sample_by_itself(loss, pictures):
    noisy, truth = pictures
    alone = torch.cat([loss(noisy[i : i + 1], truth[i : i + 1]) for i in range(2)])
    assert torch.allclose(loss(noisy, truth), alone, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("loss", PAIRS)
@pytest.mark.parametrize("flat", [False, True])
def test_gradients_have_no_holes(loss, flat, pictures):
    noisy, truth = (torch.full_like(p, 0.5) for p in pictures) if flat else pictures
    face = noisy.clone().requires_grad_()
    loss(face, truth).sum().backward()
    assert torch.isfinite(face.grad).all()
    assert flat or face.grad.abs().max() > 0


@pytest.mark.parametrize("loss", PAIRS)
def test_autocast_changes_nothing(loss, pictures):
    with torch.autocast("cpu", torch.bfloat16):
        found = loss(*pictures)
    assert found.dtype == torch.float32
    assert torch.allclose(found, loss(*pictures), rtol=1e-5)
    half = tuple(p.bfloat16() for p in pictures)
    assert loss(*half).dtype == torch.float32


@pytest.mark.parametrize("loss", PAIRS)
def test_unequal_shapes_are_refused(loss, pictures):
    with pytest.raises(InputError, match="one shape"):
        loss(pictures[0], pictures[1][:, :1])


@pytest.mark.parametrize("loss", WEIGHTED)
def test_a_weight_map_multiplies(loss, pictures):
    noisy, truth = pictures
    ones = torch.ones(2, 1, 48, 48)
    power = 2 if loss is frequencies else 1  # it weighs the pictures, whose error is squared
    assert torch.allclose(loss(noisy, truth, ones), loss(noisy, truth))
    assert torch.allclose(loss(noisy, truth, 0.5 * ones), 0.5**power * loss(noisy, truth), rtol=1e-4)
    with pytest.raises(InputError) if loss is not frequencies else pytest.raises(RuntimeError):
        loss(noisy, truth, torch.ones(2, 48, 47))


@pytest.mark.parametrize("loss", [l1, l2, frequencies])
def test_what_the_map_hides_does_not_count(loss, pictures):
    _, truth = pictures
    spoilt, mask = truth.clone(), torch.ones(2, 1, 48, 48)
    spoilt[..., :24], mask[..., :24] = 0, 0
    assert loss(spoilt, truth, mask).max() == 0 < loss(spoilt, truth).min()


def test_offsets_in_closed_form():
    """A flat offset of 0.1: means know it whole, edges and bands not at all but for the pyramid's last."""
    truth = torch.rand(2, 3, 32, 32)
    face = truth + 0.1
    assert l1(face, truth).tolist() == pytest.approx([0.1] * 2, abs=1e-6)
    assert l2(face, truth).tolist() == pytest.approx([0.01] * 2, abs=1e-6)
    assert edges(face, truth).max() < 1e-6
    assert laplacian(face, truth).tolist() == pytest.approx([0.1] * 2, abs=1e-5)
    # one frequency, amplitude 0.1 * sqrt(32 * 32), weight 1; mean over 32 * 32 of its square
    assert frequencies(face, truth).tolist() == pytest.approx([0.01] * 2, rel=1e-3)
    assert total_variation(torch.full((2, 1, 8, 8), 0.3)).tolist() == [0, 0]


def test_edges_of_a_ramp():
    """Slope 0.1 down against slope 0.3 across: |0.1 - 0| down and |0 - 0.3| across; a turned slope is the same edge."""
    down, across = torch.meshgrid(torch.arange(9.0), torch.arange(9.0), indexing="ij")
    face, truth = 0.1 * down[None, None], 0.3 * across[None, None]
    assert edges(face, truth).item() == pytest.approx(0.4, abs=1e-5)
    assert edges(-face, face).item() == pytest.approx(0, abs=1e-6)
    assert total_variation(face + truth).item() == pytest.approx(0.4, abs=1e-5)
    corner = torch.zeros(1, 1, 9, 9)
    corner[..., 0, 0], corner[..., 8, 8] = 1, 1  # the last row and column have no slope
    assert edges(face, truth, corner).item() == pytest.approx(0.4 / 64, abs=1e-6)


def test_focal_frequency_weighs_the_worst():
    """Two cosines of amplitude a and a / 2: four peaks, weights 1 and 1 / 2, error a^2 / 4 each times H W."""
    x = torch.arange(32) / 32 * 2 * torch.pi
    a = 0.2
    difference = (a * torch.cos(3 * x) + a / 2 * torch.cos(7 * x)).expand(1, 1, 32, 32)
    found = frequencies(difference, torch.zeros_like(difference)).item()
    assert found == pytest.approx(2 * a**2 / 4 + 2 * 0.5 * (a / 2) ** 2 / 4, rel=1e-3)
    plain = frequencies(difference, torch.zeros_like(difference), focus=0).item()
    assert plain == pytest.approx((difference**2).mean().item(), rel=1e-4)  # Parseval


def test_the_pyramid_hears_each_band():
    """Fine checks are gone after the first blur: the error stays in the finest band."""
    checks = torch.where(torch.arange(32)[:, None] + torch.arange(32) & 1 == 1, 0.1, -0.1)[None, None]
    zero = torch.zeros_like(checks)
    inner = torch.zeros_like(checks)
    inner[..., 8:24, 8:24] = 1
    assert laplacian(checks, zero, inner).item() == pytest.approx(0.1 / 4, rel=5e-3)
    assert laplacian(checks[..., :6, :6], zero[..., :6, :6]).item() == pytest.approx(0.1)  # too small for a band


def test_style_of_flat_pictures():
    """Blur (sigma 8, 33 taps) of a flat picture is that picture times a known one; means differ by its mean."""
    from semblance.nn.blur import gaussian

    one, other = torch.full((1, 3, 64, 64), 0.6), torch.full((1, 3, 64, 64), 0.4)
    shade = gaussian(torch.ones(1, 1, 64, 64), 8)
    wanted = (0.2 * shade.mean()) ** 2 + (0.2 * shade.std(correction=0)) ** 2
    assert style(one, other).item() == pytest.approx(wanted.item(), rel=1e-2)
