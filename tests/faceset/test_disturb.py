"""Pairs for masks: nothing asked for is the identity, pictures and masks move together, chance is a sample's own."""

import cv2
import numpy as np
import pytest

from semblance.faceset.disturb import VIEW, DisturbOptions, apply, draw, plain
from semblance.faceset.masked import MaskedCrops
from semblance.faceset.spoil import Circle, inside, jpeg, levels, recolour, resampled, sharpen_or_blur
from semblance.models import load_model_file

STILL = DisturbOptions(
    rotation=0, zoom_in=1, zoom_out=1, shift=0, flip=0, warp=0, background=0, flare=0, spoil=0, noise=0, thing=0
)
TINY = load_model_file("mask_xseg").PRESETS["tiny"]


def discs(count=3, side=90):
    """Grey discs on black, masks the same."""
    masks = np.zeros((count, side, side), np.uint8)
    for k, mask in enumerate(masks):
        cv2.circle(mask, (side // 2 + 4 * k, side // 2), side // 4, 255, -1, cv2.LINE_AA)
    return np.repeat(masks[..., None] // 2, 3, 3), masks


def test_nothing_asked_for_changes_nothing_but_colours():
    shelf = discs()
    for number in range(4):
        drawn = draw(1, number)
        drawn.chance["colour_circle"][:] = 0, 0, 0, 0  # a small one in the corner
        picture, mask = apply([shelf], drawn, 64, STILL)
        row = int(drawn.chance["row"][0] * 3)
        assert np.abs(picture.astype(int) - plain(shelf[0][row], 64))[16:].max() <= 4
        assert np.abs(mask.astype(int) - plain(shelf[1][row], 64)).max() <= 12  # OpenCV samples at 1 / 32 of a pixel


def test_the_plain_view_is_the_middle():
    ramp = np.broadcast_to(np.arange(140, dtype=np.uint8)[None, :, None], (140, 140, 3)).copy()
    shown = plain(ramp, 100)  # 140 = VIEW * 100: pixel for pixel
    assert VIEW == 1.4 and np.array_equal(shown[0, :, 0], np.arange(20, 120))


def test_pictures_and_masks_move_together():
    """A disc as bright as its mask stays so wherever it goes."""
    moved = STILL.changed(rotation=10, zoom_in=1.3, zoom_out=0.75, shift=0.08, flip=0.5, warp=1)
    places = []
    for number in range(6):
        drawn = draw(2, number)
        drawn.chance["colour_circle"][:] = 0, 0, 0, 0
        picture, mask = apply([discs()], drawn, 64, moved)
        assert np.abs(picture[16:, :, 0].astype(int) - mask[16:] // 2).max() <= 2
        places.append(cv2.moments(mask)["m10"] / mask.sum())
    assert np.ptp(places) > 2


def test_what_is_behind_a_face_changes_and_its_mask_does_not():
    options = STILL.changed(background=1)
    pictures = np.stack([np.full((90, 90, 3), 40, np.uint8), np.full((90, 90, 3), 220, np.uint8)])
    masks = np.zeros((2, 90, 90), np.uint8)
    masks[:, 30:60, 30:60] = 255
    for number in range(8):
        drawn = draw(3, number)
        drawn.chance["colour_circle"][:] = 0, 0, 0, 0
        drawn.chance["row"][:], drawn.chance["other"][:] = 0.1, 0.9
        picture, mask = apply([(pictures, masks)], drawn, 64, options)
        assert np.array_equal(mask, plain(masks[0], 64))
        assert np.abs(picture[28:36, 28:36].astype(int) - 40).max() <= 1 and picture[50:].mean() > 55


def test_a_thing_takes_its_place_out_of_the_mask():
    options = STILL.changed(thing=1)
    pictures, masks = np.full((1, 90, 90, 3), 128, np.uint8), np.full((1, 90, 90), 255, np.uint8)
    shares = [(apply([(pictures, masks)], draw(4, number), 64, options)[1] < 128).mean() for number in range(24)]
    assert 0.02 < np.mean(shares) < 0.4 and max(shares) < 0.8


@pytest.mark.parametrize("batch", [1, 3, 6])
def test_a_sample_is_the_same_whatever_the_batch(batch):
    material = MaskedCrops([discs(), discs(5)])
    whole = next(material.batches(TINY, 7, 0, 12, 0, 1))
    made = material.batches(TINY, 7, 0, batch, 0, 1)
    parts = [next(made) for _ in range(12 // batch)]
    for name, value in whole.items():
        assert value.dtype == np.uint8 and np.array_equal(value, np.concatenate([part[name] for part in parts]))
    later = next(material.batches(TINY, 7, 5, 4, 0, 1))
    shared = [next(material.batches(TINY, 7, 0, 12, rank, 2)) for rank in range(2)]
    for name, value in whole.items():
        assert np.array_equal(value[5:9], later[name])
        assert np.array_equal(value, np.concatenate([part[name] for part in shared]))
    assert not np.array_equal(whole["picture"], next(material.batches(TINY, 8, 0, 12, 0, 1))["picture"])


def test_folders_are_drawn_from_equally_often_whatever_their_size():
    white = np.full((1, 90, 90, 3), 255, np.uint8), np.full((1, 90, 90), 255, np.uint8)
    black = np.zeros((50, 90, 90, 3), np.uint8), np.zeros((50, 90, 90), np.uint8)
    masks = next(MaskedCrops([white, black]).batches(TINY, 0, 0, 200, 0, 1))["mask"]
    assert 0.35 < (masks[:, 16, 16] > 128).mean() < 0.65


def test_examples_are_plain_and_of_every_folder():
    material = MaskedCrops([discs(), discs(1)])
    shown = material.examples(TINY, 4)
    assert shown["picture"].shape == (4, 32, 32, 3) and shown["mask"].shape == (4, 32, 32)
    assert np.array_equal(shown["mask"][1], plain(discs(1)[1][0], 32))


def test_spoilt_pictures_stay_pictures_and_the_gentlest_change_nothing():
    rng = np.random.default_rng(0)
    picture = cv2.GaussianBlur(rng.random((64, 64, 3), np.float32), (0, 0), 3)
    for function in (recolour, levels, sharpen_or_blur, resampled):
        for _ in range(12):
            spoilt = function(picture, rng.random(8))
            assert spoilt.shape == picture.shape and spoilt.dtype == np.float32
            assert spoilt.min() >= 0 and spoilt.max() <= 1 + 1e-5
    assert np.allclose(recolour(picture, np.array([0.5, 0.5, 0.5, 0.5])), picture, atol=2e-3)
    assert np.allclose(resampled(picture, np.array([0, 0.2])), picture, atol=1e-6)


def test_jpeg_of_high_quality_keeps_a_picture_and_of_low_quality_makes_blocks():
    y, x = np.mgrid[0:64, 0:64] / 64
    picture = np.stack([x, y, 0.5 * (x + y)], -1).astype(np.float32)
    gaps = [np.abs(jpeg(picture, quality) - picture).mean() for quality in (100, 50, 10)]
    assert gaps[0] < 0.01 < gaps[2] and gaps == sorted(gaps)
    grey = np.full((32, 32, 3), 0.5, np.float32)
    assert np.allclose(jpeg(grey, 10), grey, atol=2e-3)


def test_a_circle_is_soft_and_one_in_five_is_everything():
    weights = Circle(np.array([0.5, 0.5, 0.2, 0.1]), 64).weights()[..., 0]
    assert weights[32, 32] == 1 and weights[0, 0] == 0 and 0 < weights[32, 51] < 1
    assert Circle(np.array([0.5, 0.5, 0.9, 0.1]), 64).weights().min() == 1
    black, white = np.zeros((64, 64, 3), np.float32), np.ones((64, 64, 3), np.float32)
    assert np.array_equal(inside(Circle(np.array([0.5, 0.5, 0.2, 0.1]), 64), black, white)[..., 0], weights)
