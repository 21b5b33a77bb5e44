"""SSIM and its relatives: closed forms, scikit-image's numbers, an independent dense sum."""

import numpy as np
import pytest
import torch

from semblance.errors import InputError
from semblance.nn.similarity import SCALES, dssim, ms_ssim, quick_ssim, saehd_structure


def flat(value, side=64):
    return torch.full((1, 3, side, side), value)


def scene(side=64):
    """A smooth picture and a noisy one, float32 (side, side), the same on every machine."""
    y, x = np.mgrid[:side, :side] / side
    one = 0.5 + 0.3 * np.sin(9 * x + 4 * y) * np.cos(7 * y)
    return one, one + 0.1 * np.random.default_rng(3).uniform(-1, 1, one.shape)


def tensor(picture):
    return torch.from_numpy(picture).float()[None, None]


@pytest.mark.parametrize("window", [5, 11, 22])
def test_dssim_of_flat_pictures_is_its_term_of_light(window):
    light = (2 * 0.3 * 0.7 + 1e-4) / (0.09 + 0.49 + 1e-4)
    assert dssim(flat(0.3), flat(0.7), window).item() == pytest.approx((1 - light) / 2, abs=1e-4)
    assert dssim(flat(0.3), flat(0.3), window).item() == pytest.approx(0, abs=1e-6)


def test_dssim_of_opposites_is_nearly_one():
    noise = torch.rand(1, 3, 32, 32)
    assert dssim(noise, 1 - noise).item() > 0.9
    assert quick_ssim(noise, 1 - noise).item() < -0.9


def test_ssim_is_scikit_images():
    """Its Gaussian of deviation 1.5 is 11 pixels wide (truncate 3.5); the mean over windows that lie wholly inside:

    structural_similarity(*scene(), data_range=1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
        full=True)[1][5:-5, 5:-5].mean()   # scikit-image 0.26
    structural_similarity(*scene(), data_range=1, win_size=7, use_sample_covariance=False,
        full=True)[1][3:-3, 3:-3][::2, ::2].mean()
    """
    one, other = (tensor(picture) for picture in scene())
    assert 1 - 2 * dssim(one, other, 11).item() == pytest.approx(0.5375931, abs=1e-5)
    assert quick_ssim(one, other).item() == pytest.approx(0.6325310, abs=1e-5)


@pytest.mark.parametrize("window", [4, 7, 22])
def test_any_window_keeps_its_deviation(window):
    """The same sum written out: deviation 1.5 whatever the window, whole windows only."""
    one, other = scene(32)
    at = np.arange(window) - (window - 1) / 2
    kernel = np.exp(-(at[:, None] ** 2 + at**2) / (2 * 1.5**2))
    kernel /= kernel.sum()

    def mean(picture):
        views = np.lib.stride_tricks.sliding_window_view(picture, (window, window))
        return (views * kernel).sum((-2, -1))

    a, b = mean(one), mean(other)
    spread = mean(one**2) - a**2 + mean(other**2) - b**2
    ssim = (2 * a * b + 1e-4) / (a**2 + b**2 + 1e-4) * (2 * (mean(one * other) - a * b) + 9e-4) / (spread + 9e-4)
    assert dssim(tensor(one), tensor(other), window).item() == pytest.approx((1 - ssim.mean()) / 2, abs=1e-5)


def test_a_map_weighs_windows():
    one, other = (tensor(picture) for picture in scene())
    weight = torch.ones(1, 1, 64, 64)
    whole = dssim(one, other, 11).item()
    assert dssim(one, other, 11, weight).item() == pytest.approx(whole, rel=1e-5)
    assert dssim(one, other, 11, weight / 4).item() == pytest.approx(whole / 4, rel=1e-5)
    spoilt = other.clone()
    spoilt[..., :20, :] = 0
    weight[..., :31, :] = 0  # no window that sees a spoilt row has weight
    assert dssim(spoilt, other, 11, weight).item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(("side", "windows"), [(64, [5]), (128, [11]), (256, [22, 11])])
def test_saehd_windows(side, windows):
    one, other = (tensor(picture) for picture in scene(side))
    wanted = sum(10 / len(windows) * dssim(one, other, window).item() for window in windows)
    assert saehd_structure(one, other).item() == pytest.approx(wanted, rel=1e-5)


def test_quick_ssim_in_closed_form():
    light = (2 * 0.3 * 0.7 + 1e-4) / (0.09 + 0.49 + 1e-4)
    assert quick_ssim(flat(0.3), flat(0.7)).item() == pytest.approx(light, abs=1e-3)
    assert quick_ssim(flat(0.3), flat(0.3)).item() == pytest.approx(1, abs=1e-6)


def test_ms_ssim_of_flat_pictures_is_the_light_of_its_coarsest_scale():
    light = (2 * 0.3 * 0.7 + 1e-4) / (0.09 + 0.49 + 1e-4)
    assert ms_ssim(flat(0.3, 176), flat(0.7, 176)).item() == pytest.approx(light ** SCALES[-1], rel=2e-3)
    assert ms_ssim(flat(0.3, 12), flat(0.7, 12)).item() == pytest.approx(light, rel=2e-3)


def test_ms_ssim_of_one_scale_is_ssim():
    one, other = (tensor(picture) for picture in scene(16))
    assert ms_ssim(one, other).item() == pytest.approx(1 - 2 * dssim(one, other, 11).item(), abs=1e-5)


def test_ms_ssim_multiplies_scikit_images_maps():
    """Two scales (side 32): structure at the first, SSIM at the second, weights to a sum of one."""
    one, other = (tensor(picture) for picture in scene(32))
    fine, coarse = SCALES[0] / sum(SCALES[:2]), SCALES[1] / sum(SCALES[:2])
    # light is nearly 1 in this scene: SSIM of the first scale stands for its structure
    first = 1 - 2 * dssim(one, other, 11).item()
    half = [torch.nn.functional.avg_pool2d(picture, 2) for picture in (one, other)]
    second = 1 - 2 * dssim(*half, 11).item()
    assert ms_ssim(one, other).item() == pytest.approx(first**fine * second**coarse, rel=2e-3)


def test_a_window_larger_than_the_picture_is_refused():
    for call in (lambda: dssim(flat(0.1, 8), flat(0.1, 8), 11), lambda: ms_ssim(flat(0.1, 8), flat(0.1, 8))):
        with pytest.raises(InputError, match="window of 11 pixels"):
            call()
    with pytest.raises(InputError, match="window of 0"):
        saehd_structure(flat(0.1, 8), flat(0.1, 8))
