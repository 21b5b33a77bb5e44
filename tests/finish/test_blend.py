"""Blending and sharpening two small pictures."""

import cv2
import numpy as np
import pytest

from semblance.finish.blend import alpha_blend, seamless_clone
from semblance.finish.sharpen import sharpen

RNG = np.random.default_rng(0)
PLATE = RNG.integers(0, 256, (60, 80, 3), np.uint8)
FACE = RNG.integers(0, 256, (60, 80, 3), np.uint8)


def test_empty_mask_is_the_plate_and_full_mask_the_face():
    assert np.array_equal(alpha_blend(PLATE, FACE, np.zeros((60, 80), np.float32)), PLATE)
    assert np.array_equal(alpha_blend(PLATE, FACE, np.ones((60, 80), np.float32)), FACE)


def test_blend_is_the_weighted_mean():
    mask = RNG.uniform(0, 1, (60, 80)).astype(np.float32)
    exact = PLATE + mask[:, :, None] * (FACE.astype(np.float64) - PLATE)
    assert np.abs(alpha_blend(PLATE, FACE, mask) - exact).max() < 0.52


def test_clone_takes_the_tint_of_the_plate_and_keeps_the_detail_of_the_face():
    y, x = np.mgrid[:120, :100].astype(np.float32)
    mask = (np.hypot(x - 50, y - 60) < 38).astype(np.float32)
    detail = 12 * np.sin(x / 3)[:, :, None]
    plate = np.full((120, 100, 3), (180, 140, 120), np.uint8)
    face = np.clip(np.array((120, 120, 150)) + detail, 0, 255).astype(np.uint8)
    cloned = alpha_blend(plate, seamless_clone(plate, face, mask), mask)
    inside = np.hypot(x - 50, y - 60) < 30
    assert np.abs(cloned[inside].mean(0) - (180, 140, 120)).max() < 4
    kept = cloned[60, 25:75, 0].astype(float)
    assert np.corrcoef(kept, detail[60, 25:75, 0])[0, 1] > 0.97
    assert kept.std() == pytest.approx(detail[60, 25:75].std(), rel=0.15)


def test_clone_of_a_mask_over_the_border_or_too_small_is_whole():
    mask = np.zeros((60, 80), np.float32)
    mask[:, :40] = 1
    assert seamless_clone(PLATE, FACE, mask).shape == FACE.shape
    mask = np.zeros((60, 80), np.float32)
    mask[30:36, 40:46] = 1
    assert np.array_equal(seamless_clone(PLATE, FACE, mask), FACE)


def test_sharpening_steepens_an_edge_and_leaves_flat_ground():
    edge = cv2.GaussianBlur(np.repeat((np.arange(40) > 19)[None] * 0.5 + 0.25, 8, 0), (0, 0), 1)
    edge = np.repeat(edge[:, :, None], 3, 2).astype(np.float32)
    sharp = sharpen(edge, 1.5)
    assert np.diff(sharp[4, :, 0]).max() > 1.2 * np.diff(edge[4, :, 0]).max()
    assert np.abs(sharp[:, :8] - 0.25).max() < 1e-3
    assert np.array_equal(sharpen(edge, 0), edge)
