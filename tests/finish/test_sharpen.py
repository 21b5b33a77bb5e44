"""Sharpening by its formula."""

import cv2
import numpy as np
import pytest

from semblance.finish.sharpen import sharpen

STEP = np.full((60, 60, 3), 0.3, np.float32)
STEP[:, 30:] = 0.6


@pytest.mark.parametrize("radius", [0.6, 1.0, 2.5])
def test_gaussian_adds_what_a_blur_takes_away(radius):
    blurred = cv2.GaussianBlur(STEP, (0, 0), radius, borderType=cv2.BORDER_REPLICATE)
    assert np.allclose(sharpen(STEP, 0.7, radius=radius), np.clip(STEP + 0.7 * (STEP - blurred), 0, 1), atol=1e-6)


@pytest.mark.parametrize(("radius", "side"), [(0.8, 3), (1.4, 5), (2.0, 7), (4.0, 13)])
def test_a_box_is_a_mean_over_a_square_that_deviates_by_the_radius(radius, side):
    """A mean over n pixels deviates by sqrt((n^2 - 1) / 12)."""
    assert np.sqrt((side**2 - 1) / 12) == pytest.approx(radius, rel=0.07)
    mean = cv2.blur(STEP, (side, side), borderType=cv2.BORDER_REPLICATE)
    assert np.allclose(sharpen(STEP, 1.0, "box", radius), np.clip(2 * STEP - mean, 0, 1), atol=1e-6)


def test_unsharp_leaves_grain_alone_and_raises_edges():
    grainy = STEP + np.random.default_rng(0).normal(0, 1 / 255 / 2, STEP.shape).astype(np.float32)
    plain, masked = (sharpen(grainy, 2.0, kind) for kind in ("gaussian", "unsharp"))
    assert np.array_equal(masked[:, :20], grainy[:, :20])
    assert plain[:, :20].std() > 1.5 * grainy[:, :20].std()
    assert masked[:, 30].mean() == pytest.approx(plain[:, 30].mean(), abs=0.01)


@pytest.mark.parametrize("kind", ["gaussian", "box", "unsharp"])
def test_nothing_is_nothing_and_no_value_leaves_its_range(kind):
    assert np.allclose(sharpen(STEP, 0.0, kind), STEP, atol=1e-6)
    hard = sharpen((STEP > 0.5).astype(np.float32), 3.0, kind)
    assert hard.min() == 0 and hard.max() == 1
