"""Multi-band blending of small pictures, by known answers."""

import cv2
import numpy as np
import pytest

from semblance.finish.bands import band_blend, room

RNG = np.random.default_rng(0)
PLATE = RNG.integers(0, 256, (90, 113, 3), np.uint8)
FACE = RNG.integers(0, 256, (90, 113, 3), np.uint8)


@pytest.mark.parametrize("levels", [None, 0, 1, 2.5, 4])
def test_empty_mask_is_the_plate_and_full_mask_the_face(levels):
    assert np.array_equal(band_blend(PLATE, FACE, np.zeros((90, 113), np.float32), levels), PLATE)
    assert np.array_equal(band_blend(PLATE, FACE, np.ones((90, 113), np.float32), levels), FACE)


@pytest.mark.parametrize("levels", [0, 1, 2.5, 4])
def test_equal_pictures_come_back(levels):
    mask = cv2.GaussianBlur(RNG.uniform(0, 1, (90, 113)).astype(np.float32), (0, 0), 5)
    assert np.array_equal(band_blend(PLATE, PLATE.copy(), mask, levels), PLATE)


def edge(levels, at=200, size=400):
    """How much of a face brighter throughout is seen across the edge of a hard mask, 0..1."""
    mask = np.zeros((64, size), np.float32)
    mask[:, at:] = 1
    plate = np.full((64, size, 3), 30, np.uint8)
    return (band_blend(plate, plate + 200, mask, levels)[32, :, 0] - 30.0) / 200


def test_a_coarser_band_has_a_wider_edge_within_the_mask():
    widths, middles = [], []
    for levels in (1, 2, 3, 4):
        seen = edge(levels)
        assert not seen[:200].any() and np.all(np.diff(seen) > -0.01)
        first, middle, last = (np.interp(share, seen[200:], np.arange(200)) for share in (0.15, 0.5, 0.95))
        widths.append(last - first)
        middles.append(middle)
        assert seen[200] < 0.2  # the step that is left
    assert np.allclose(np.divide(widths[1:], widths[:-1]), 2, rtol=0.2)
    assert np.allclose(middles, [2, 4, 8, 16], rtol=0.3)


def test_fine_detail_changes_over_in_a_narrow_edge():
    """A chessboard in the face, and a face that is brighter: the one is whole where the other has just begun."""
    y, x = np.mgrid[:64, :400]
    board = np.repeat((20 * ((x + y) % 2) - 10)[..., None], 3, 2)
    mask = (x >= 200).astype(np.float32)
    plate = np.full((64, 400, 3), 60, np.uint8)
    out = band_blend(plate, (160 + board).astype(np.uint8), mask, 4)[..., 0].astype(float)
    contrast = np.abs(np.diff(out, axis=0))[30, 200:] / 20
    level = (out[30] + out[31])[200:] / 2 - 60
    assert contrast[5] > 0.8 and level[5] < 35
    assert contrast[60] == pytest.approx(1, abs=0.06) and level[60] == pytest.approx(100, abs=2)


def test_a_face_that_grows_does_not_jump_to_another_number_of_bands():
    middles = [np.interp(0.5, edge(levels)[200:], np.arange(200)) for levels in np.arange(2, 4.01, 0.125)]
    assert np.diff(middles).max() < 2.5 and np.diff(middles).min() > -0.5
    assert room(np.ones((8, 8), np.float32)) == 0
    wide = room(np.ones((200, 200), np.float32))
    assert room(np.ones((400, 400), np.float32)) == pytest.approx(wide + 1)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (3, 2), (17, 16)])
def test_pictures_of_any_size(shape):
    plate, face = np.zeros((*shape, 3), np.uint8), np.full((*shape, 3), 255, np.uint8)
    assert np.array_equal(band_blend(plate, face, np.ones(shape, np.float32)), face)


def test_what_lies_outside_the_mask_does_not_shine_into_the_face():
    mask = cv2.GaussianBlur(np.pad(np.ones((50, 60), np.float32), ((20, 20), (27, 26))), (0, 0), 2)
    mask[mask < 0.02] = 0
    plate, face = PLATE.copy(), FACE.copy()
    plate[mask == 0], face[mask == 0] = 255, 0
    outs = [band_blend(*pair, mask, 3)[mask > 0].astype(int) for pair in ((PLATE, FACE), (plate, face))]
    assert np.abs(outs[0] - outs[1]).max() <= 1
