"""Blur against its own definition; soft masks and blurred-out backgrounds in closed form."""

import math

import pytest
import torch

from semblance.nn.blur import blurred_out, feathered, filtered, gaussian, gaussian_kernel


@pytest.mark.parametrize(("sigma", "size"), [(0.25, 3), (1, 5), (2.0, 9), (2.3, 9), (8, 33)])
def test_a_point_becomes_the_kernel(sigma, size):
    """max(3, int(4 sigma)) made odd; weights exp(-x^2 / 2 sigma^2) over their sum."""
    point = torch.zeros(1, 1, 41, 41)
    point[..., 20, 20] = 1
    reach = size // 2
    wanted = [math.exp(-(x**2) / (2 * sigma**2)) for x in range(-reach, reach + 1)]
    wanted = torch.tensor(wanted) / sum(wanted)
    found = gaussian(point, sigma)[0, 0]
    assert torch.allclose(found[20 - reach : 21 + reach, 20 - reach : 21 + reach], torch.outer(wanted, wanted))
    assert found.sum() == pytest.approx(1, abs=1e-6)


def test_beyond_the_edge_lies_zero():
    corner = gaussian(torch.ones(1, 1, 32, 32), 2.0)[0, 0]
    assert corner[16, 16] == pytest.approx(1, abs=1e-6)
    half = gaussian_kernel(9, 2.0)[4:].sum().item()
    assert corner[0, 0] == pytest.approx(half**2, abs=1e-6)


def test_samples_and_channels_do_not_mix():
    x = torch.rand(3, 2, 12, 12)
    kernel = gaussian_kernel(4, 1.5)
    dense = torch.nn.functional.conv2d(x.reshape(6, 1, 12, 12), torch.outer(kernel, kernel)[None, None])
    assert torch.allclose(filtered(x, kernel), dense.view(3, 2, 9, 9), atol=1e-6)
    assert torch.allclose(filtered(x.contiguous(memory_format=torch.channels_last), kernel), filtered(x, kernel))


def test_a_feathered_mask_is_whole_inside_and_half_gone_beyond_its_edge():
    mask = torch.zeros(1, 1, 128, 128)
    mask[..., :, 64:] = 1
    soft = feathered(mask)[0, 0, 64]  # sigma 4
    assert torch.allclose(soft[64:120], torch.ones(56), atol=1e-5)
    assert soft[:56].abs().max() == 0
    kernel = gaussian_kernel(17, 4)
    assert soft[60] == pytest.approx(2 * kernel[12:].sum().item(), abs=1e-6)
    assert (soft[1:64] >= soft[:63] - 1e-6).all()


def test_blurred_out_keeps_the_face_and_hides_its_edge():
    picture = torch.full((1, 3, 128, 128), 0.2)
    mask = torch.zeros(1, 1, 128, 128)
    mask[..., 32:96, 32:96] = 1
    picture[..., 32:96, 32:96] = 0.9
    found = blurred_out(picture, mask)
    assert torch.allclose(found[..., 32:96, 32:96], picture[..., 32:96, 32:96])
    # the face's light must not leak out; away from the border, whose zero padding darkens, a flat ground stays flat
    assert torch.allclose(found[..., 4:32, 4:124], torch.full((1, 3, 28, 120), 0.2), atol=1e-5)
    assert blurred_out(picture, torch.ones(1, 1, 128, 128)).equal(picture)
    assert blurred_out(picture, torch.zeros(1, 1, 128, 128))[..., 64, 64].mean() == pytest.approx(0.9, abs=1e-5)


def test_whole_numbers_under_autocast():
    x = torch.rand(1, 3, 32, 32)
    with torch.autocast("cpu", torch.bfloat16):
        found = gaussian(x, 2.0)
    assert found.dtype == torch.float32
    assert torch.equal(found, gaussian(x, 2.0))
