"""PSNR, SSIM and MS-SSIM against closed values, and against scikit-image's where that is there."""

import cv2
import numpy as np
import pytest

from semblance.measures.fidelity import PSNR_CAP, ms_ssim, psnr, ssim

C1, C2 = 6.5025, 58.5225  # (0.01 * 255)^2, (0.03 * 255)^2


@pytest.fixture(scope="module")
def scene():
    noise = np.random.default_rng(0).standard_normal((256, 256)).astype(np.float32)
    return np.clip(128 + 300 * cv2.GaussianBlur(noise, (0, 0), 3), 0, 255)


def everywhere(picture):
    return np.ones(picture.shape[:2], bool)


def test_psnr_of_known_noise():
    chance = np.random.default_rng(1)
    plain = np.full((200, 200, 3), 128.0)
    noisy = plain + 8 * chance.standard_normal(plain.shape)
    assert psnr(noisy, plain, everywhere(plain)) == pytest.approx(20 * np.log10(255 / 8), abs=0.05)
    assert psnr(plain, plain, everywhere(plain)) == PSNR_CAP
    left = np.indices((200, 200))[1] < 100
    half = np.where(left[..., None], noisy, plain)
    assert psnr(half, plain, ~left) == PSNR_CAP
    assert psnr(half, plain, left) == pytest.approx(30.07, abs=0.1)
    assert np.isnan(psnr(plain, plain, np.zeros((200, 200), bool)))


def test_ssim_of_flat_pictures_is_its_term_of_light():
    one, other = np.full((64, 64), 100.0), np.full((64, 64), 150.0)
    wanted = (2 * 100 * 150 + C1) / (100**2 + 150**2 + C1)
    assert ssim(one, other, everywhere(one)) == pytest.approx(wanted, abs=1e-6)
    assert ms_ssim(one, other, everywhere(one)) < 1


def test_ssim_of_a_faded_picture_is_known(scene):
    """Contrast halved about a mean of 0: the light is equal, structure (s^2 + C2) / (1.25 s^2 + C2) everywhere."""
    chance = np.random.default_rng(4)
    checks = np.where(np.indices((64, 64)).sum(0) % 2, 20.0, -20.0)
    assert ssim(checks / 2, checks, everywhere(checks)) == pytest.approx((400 + C2) / (500 + C2), abs=2e-3)
    assert ssim(scene, scene, everywhere(scene)) == pytest.approx(1)
    assert ssim(scene, 255 - scene, everywhere(scene)) < 0
    other = chance.uniform(0, 255, scene.shape)
    assert abs(ssim(scene, other, everywhere(scene))) < 0.1


def test_worse_is_less(scene):
    values = [
        [measure(cv2.GaussianBlur(scene, (0, 0), s), scene, everywhere(scene)) for s in (1, 2, 4)]
        for measure in (ssim, ms_ssim)
    ]
    for one, two, three in values:
        assert 1 > one > two > three > 0
    assert all(ms > plain for plain, ms in zip(*values))  # coarse scales forgive blur


def test_ms_ssim_of_one_scale_is_ssim():
    chance = np.random.default_rng(2)
    one, other = chance.uniform(0, 255, (16, 16)), chance.uniform(0, 255, (16, 16))
    other = 0.5 * one + 0.5 * other
    assert ms_ssim(one, other, everywhere(one)) == pytest.approx(max(ssim(one, other, everywhere(one)), 0), abs=1e-5)


def test_ssim_agrees_with_scikit_image(scene):
    metrics = pytest.importorskip("skimage.metrics")
    noisy = scene + 12 * np.random.default_rng(3).standard_normal(scene.shape).astype(np.float32)
    _, full = metrics.structural_similarity(
        noisy.astype(np.float64), scene.astype(np.float64), data_range=255, gaussian_weights=True, sigma=1.5,
        use_sample_covariance=False, full=True,
    )  # fmt: skip
    inner = np.zeros(scene.shape, bool)
    inner[8:-8, 8:-8] = True
    assert ssim(noisy, scene, inner) == pytest.approx(full[inner].mean(), abs=1e-5)
