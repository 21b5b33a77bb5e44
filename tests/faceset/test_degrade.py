"""Pairs for restorers: repeatable from a seed, nothing asked for is a plain average, each fault does what it says."""

import cv2
import numpy as np
import pytest

from semblance.errors import FacesetError, InputError
from semblance.faceset.degrade import DegradeOptions, Drawn, apply, degraded, draw, patch
from semblance.faceset.sharp import SharpFaces, load_sharp
from semblance.media.image import write_picture
from semblance.models import load_model_file
from semblance.runs import Progress

CLEAN = DegradeOptions(zooms=(1.0,), flip=0, blur=0, noisy=0, packed=0)
TINY = load_model_file("restore_srgan").PRESETS["tiny"]


def pictures(count=3, side=96):
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (count, side // 4, side // 4, 3), np.uint8)
    return [cv2.resize(picture, (side, side), interpolation=cv2.INTER_CUBIC) for picture in coarse]


def with_chance(**values):
    drawn = draw(0, 0)
    return Drawn(drawn.chance | {name: np.array(value, float) for name, value in values.items()}, drawn.noise)


def test_a_sample_is_its_seeds_and_its_numbers():
    options, shelf = DegradeOptions(), pictures()
    pairs = [apply(shelf, draw(seed, number), 32, 2, options) for seed, number in ((1, 5), (1, 5), (1, 6), (2, 5))]
    assert all(np.array_equal(*both) for both in zip(pairs[0], pairs[1]))
    assert not any(np.array_equal(pairs[0][0], pair[0]) for pair in pairs[2:])
    assert pairs[0][0].shape == (16, 16, 3) and pairs[0][1].shape == (32, 32, 3)


def test_nothing_asked_for_is_the_average_of_each_block():
    truth = pictures(1, 64)[0]
    for scale in (2, 4):
        coarse = degraded(truth, draw(0, 1), scale, CLEAN)
        blocks = truth.reshape(64 // scale, scale, 64 // scale, scale, 3).mean((1, 3))
        assert np.abs(coarse - blocks).max() <= 0.51


def test_stripes_finer_than_a_coarse_pixel_become_grey():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    assert np.abs(degraded(stripes, draw(0, 1), 2, CLEAN).astype(int) - 128).max() <= 1


def test_each_fault_does_what_it_says():
    edge = np.zeros((128, 128, 3), np.uint8)
    edge[:, 64:] = 200
    options = DegradeOptions(flip=0)
    still = {"noise": [1, 0, 0], "packed": [1, 0, 0, 0, 0]}
    soft = degraded(edge, with_chance(blur=[1, 1, 0], **still), 2, options).astype(float)[32, :, 0]
    slope = np.diff(soft) / 200
    place = np.arange(63) - 31
    spread = np.sqrt((slope * place**2).sum() - (slope * place).sum() ** 2)
    # the Gaussian's 0.9 coarse pixels, and the averaging's own box
    assert spread == pytest.approx(np.sqrt(0.9**2 + 1 / 12), abs=0.06)
    flat = np.full((128, 128, 3), 128, np.uint8)
    noisy = degraded(flat, with_chance(blur=[0, 0, 0], noise=[0, 1, 1], packed=[1, 0, 0, 0, 0]), 2, options)
    assert noisy.std() == pytest.approx(0.02 * 255, rel=0.05)
    busy = np.repeat(pictures(1, 128)[0][..., :1], 3, 2)  # grey: colour at half the size is lost at any quality
    errors = []
    for quality in (1.0, 0.0):
        packed = degraded(
            busy, with_chance(blur=[0, 0, 0], noise=[1, 0, 0], packed=[0, quality, 0.4, 0.7, 1]), 2, options
        )
        errors.append(np.abs(packed.astype(float) - degraded(busy, draw(0, 1), 2, CLEAN)).mean())
    assert 0 < errors[0] < 0.5 * errors[1]


@pytest.mark.parametrize("side", [32, 96, 100])
def test_any_size_can_be_compressed(side):
    drawn = with_chance(blur=[0, 0, 0], noise=[1, 0, 0], packed=[0, 0, 0.5, 0.9, 0])
    truth = pictures(1, side)[0]
    packed, plain = (degraded(truth, drawn, 4, options) for options in (DegradeOptions(), CLEAN))
    assert packed.shape == (side // 4, side // 4, 3) and 0 < np.abs(packed - plain.astype(float)).mean() < 60


def test_compression_leaves_the_picture_where_it_was():
    spot = np.zeros((128, 128, 3), np.uint8)
    cv2.circle(spot, (40, 90), 12, (220, 220, 220), -1)
    drawn = with_chance(blur=[0, 0, 0], noise=[1, 0, 0], packed=[0, 0.5, 0.3, 0.9, 0])
    moments = [cv2.moments(degraded(spot, d, 2, o)[..., 0]) for d, o in ((drawn, DegradeOptions()), (drawn, CLEAN))]
    centres = [(m["m10"] / m["m00"], m["m01"] / m["m00"]) for m in moments]
    assert np.abs(np.subtract(*centres)).max() < 0.3


def test_patches_are_parts_and_zooms_are_averages():
    ramp = np.broadcast_to(np.arange(96, dtype=np.uint8)[None, :, None], (96, 96, 3)).copy()
    plain = patch(ramp, with_chance(place=[0, 0, 0, 0], flip=[1]), 32, CLEAN)
    assert np.array_equal(plain[0, :, 0], np.arange(32))
    mirrored = patch(ramp, with_chance(place=[0, 0, 0, 0], flip=[0]), 32, CLEAN.changed(flip=0.5))
    assert np.array_equal(mirrored[0, :, 0], np.arange(32)[::-1])
    half = patch(ramp, with_chance(place=[0, 1 - 1e-9, 0, 1 - 1e-9], flip=[1]), 32, CLEAN.changed(zooms=(0.5,)))
    assert np.abs(half[0, :, 0] - (np.arange(32, 96, 2) + 0.5)).max() <= 0.51
    large = patch(ramp, draw(0, 0), 64, CLEAN.changed(zooms=(0.5,)))  # 128 are not there: shown as it is
    assert set(np.abs(np.diff(large[0, :, 0].astype(int)))) == {1}
    with pytest.raises(InputError, match="at least that large, not 96x96"):
        patch(ramp, draw(0, 0), 128, CLEAN)
    with pytest.raises(InputError, match="multiple of 4, not 70x70"):
        degraded(ramp[:70, :70], draw(0, 0), 4, CLEAN)


def test_batches_do_not_depend_on_how_they_are_cut():
    faces = SharpFaces(pictures())
    whole = next(faces.batches(TINY, 7, 0, 6, 0, 1))
    assert whole["picture"].shape == (6, 16, 16, 3) and whole["truth"].shape == (6, 32, 32, 3)
    later = next(faces.batches(TINY, 7, 4, 2, 0, 1))
    parts = [next(faces.batches(TINY, 7, 0, 6, rank, 2)) for rank in (0, 1)]
    for name, rows in whole.items():
        assert np.array_equal(rows[4:], later[name])
        assert np.array_equal(rows, np.concatenate([part[name] for part in parts]))
    one, other = (faces.examples(TINY, 3) for _ in range(2))
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_small_pictures_are_left_out_and_told(tmp_path):
    class Told(Progress):
        def say(self, text):
            told.append(text)

    told = []
    for k, side in enumerate((64, 96, 40)):
        write_picture(tmp_path / f"{k}.png", pictures(1, side)[0], {})
    assert [len(picture) for picture in load_sharp(tmp_path, 64, Told())] == [64, 96]
    assert len(told) == 1 and "1 of 3 faces" in told[0]
    with pytest.raises(FacesetError, match="no face that is sharp at 128 pixels"):
        load_sharp(tmp_path, 128, Progress())
    with pytest.raises(FacesetError, match="no folder"):
        load_sharp(tmp_path / "nothing", 64, Progress())
