"""Mask steps on discs and squares whose edges are known to a fraction of a pixel."""

import numpy as np
import pytest

from semblance.faces.mean_face import mean_face
from semblance.finish.masks import clip_to_crop, erode_edge, feather_edge, pad_sides, skin_between

SIDE = 256
Y, X = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2


def disc(radius):
    return (np.hypot(X, Y) <= radius).astype(np.float32)


def extent(mask):
    """x0, y0, x1, y1: where the mask passes one half, outer edges."""
    columns, rows = np.flatnonzero(mask.max(0) > 0.5), np.flatnonzero(mask.max(1) > 0.5)
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


@pytest.mark.parametrize("radius", [12.0, 5.5, 2.3, -4.0, -9.5])
def test_erosion_moves_the_edge_by_the_radius(radius):
    left = erode_edge(disc(80), radius)
    assert np.sqrt(left.sum() / np.pi) == pytest.approx(80 - radius, abs=0.6)


def test_erosion_of_nothing_and_of_too_little():
    assert not erode_edge(np.zeros((32, 32), np.float32), -5).any()
    assert not erode_edge(disc(6), 8).any()
    assert np.array_equal(erode_edge(disc(50), 0), disc(50))


def test_the_grid_border_is_an_edge():
    left = erode_edge(np.ones((64, 64), np.float32), 6)
    assert not left[:5].any() and not left[:, -5:].any() and left[8:-8, 8:-8].min() == 1


@pytest.mark.parametrize("width", [4, 10, 24, 60])
def test_feather_is_as_wide_as_asked(width):
    half_plane = (X < 0.0).astype(np.float32)
    row = feather_edge(half_plane, width)[SIDE // 2]
    x = X[SIDE // 2]
    inner = np.abs(x) < 45  # the grid's own border is feathered, too
    ramp = (row > 0.01) & (row < 0.99) & inner
    assert ramp.sum() == pytest.approx(0.9 * width, abs=0.08 * width + 1.5)
    assert row[x > width / 2 + 1].max() == 0
    assert row[inner & (x < -width / 2 - 1)].min() == 1
    assert row[SIDE // 2 - 1 : SIDE // 2 + 1].mean() == pytest.approx(0.5, abs=0.02)


def test_feather_on_the_coarse_grid_agrees_with_the_fine_one():
    from scipy.special import erf

    row = feather_edge((X < 0).astype(np.float32), 40)[SIDE // 2]
    x = X[SIDE // 2]
    exact = np.clip((0.5 - 0.5 * erf(x / 10 / np.sqrt(2)) - 0.0228) / (1 - 0.0456), 0, 1)
    near = np.abs(x) < 60
    assert np.abs(row - exact)[near].max() < 0.02


@pytest.mark.parametrize("amount", [20, -20])
@pytest.mark.parametrize("side, index, sign", [("left", 0, -1), ("top", 1, -1), ("right", 2, 1), ("bottom", 3, 1)])
def test_padding_moves_only_its_side(side, index, sign, amount):
    sides = {"top": 0, "bottom": 0, "left": 0, "right": 0} | {side: amount}
    moved = np.subtract(extent(pad_sides(disc(70), **sides)), extent(disc(70)))
    assert moved[index] == sign * amount
    # drawing in a side of a disc flattens what bulges beside it, never the side opposite
    assert moved[(index + 2) % 4] == 0
    assert np.abs(np.delete(moved, index)).max() <= 2


def test_nothing_is_left_within_the_rim_of_the_crop():
    left = clip_to_crop(np.ones((128, 128), np.float32), 10)
    assert not left[:9].any() and not left[-9:].any() and not left[:, :9].any() and not left[:, -9:].any()
    assert left[64, 12:-12].min() == 1 and left[12:-12, 64].min() == 1
    assert left[12, 12] == 0  # round corners
    assert np.allclose(left, left[::-1], atol=0.6) and left.sum() == pytest.approx(left[:, ::-1].sum(), rel=1e-3)


def test_a_feathered_crop_ends_at_the_crop_border():
    soft = feather_edge(clip_to_crop(np.ones((128, 128), np.float32), 12), 24)
    border = np.concatenate([soft[0], soft[-1], soft[:, 0], soft[:, -1]])
    assert border.max() < 0.02 and soft[64, 64] == 1


def test_a_rim_wider_than_the_crop_leaves_nothing():
    assert not clip_to_crop(np.ones((16, 16), np.float32), 9).any()


def test_between_the_features_is_skin():
    face = mean_face()[:, :2] * 300 + 256
    skin = skin_between(face, 512)
    for point in (159, 13, 105, 334, 2):  # lids, lips, both brows, under the nose
        x, y = face[point].astype(int)
        assert skin[y, x] < 0.1
    for point in (50, 280, 151, 199):  # cheeks, forehead, chin
        x, y = face[point].astype(int)
        assert skin[y, x] > 0.95
    assert skin.dtype == np.float32 and skin.min() >= 0 and skin.max() <= 1 + 1e-6
