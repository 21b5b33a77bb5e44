"""Colour: closed forms of the transfer and of the adjustments."""

import cv2
import numpy as np
import pytest

from semblance.errors import InputError
from semblance.finish.colour import adjust, apply_colour, colour_statistics

EVERYTHING = np.ones((64, 64), np.float32)


def skin(seed, mean=(0.6, 0.45, 0.4), spread=0.06):
    """Smooth uniform variation about a mean colour, all of it well inside the gamut and free of outliers."""
    noise = np.random.default_rng(seed).uniform(-1, 1, (64, 64, 3))
    return (np.asarray(mean) + spread * noise).astype(np.float32)


def plain(pixels, space):
    values = cv2.cvtColor(pixels, cv2.COLOR_RGB2Lab) if space == "lab" else pixels
    return values.reshape(-1, 3).astype(np.float64)


@pytest.mark.parametrize("space", ["lab", "rgb"])
def test_moments_are_those_wanted(space):
    own, wanted = skin(1, spread=0.05), skin(2, mean=(0.5, 0.4, 0.42), spread=0.08)
    measured = [colour_statistics(x, EVERYTHING, space) for x in (own, wanted)]
    moved = plain(apply_colour(own, *measured), space)
    unit = 100 if space == "lab" else 1
    assert np.abs(moved.mean(0) - measured[1].mean).max() / unit < 1e-3
    assert np.abs(moved.std(0) - measured[1].deviation).max() / unit < 1e-3


@pytest.mark.parametrize("space", ["lab", "rgb"])
def test_measured_moments_are_the_plain_ones_where_nothing_stands_out(space):
    pixels = skin(3)
    found = colour_statistics(pixels, EVERYTHING, space)
    assert np.allclose(found.mean, plain(pixels, space).mean(0), rtol=0.01)
    assert np.allclose(found.deviation, plain(pixels, space).std(0), rtol=0.03)


def test_own_colours_change_nothing():
    pixels = skin(4)
    own = colour_statistics(pixels, EVERYTHING)
    assert np.abs(apply_colour(pixels, own, own) - pixels).max() < 2e-3


def test_what_lies_outside_the_mask_does_not_count():
    pixels, mask = skin(5), np.zeros((64, 64), np.float32)
    mask[10:50, 10:50] = 1
    changed = pixels.copy()
    changed[mask == 0] = (0, 1, 0)
    a, b = colour_statistics(pixels, mask), colour_statistics(changed, mask)
    assert np.array_equal(a.mean, b.mean) and np.array_equal(a.deviation, b.deviation)


def test_a_tenth_of_the_face_covered_hardly_moves_the_colours():
    pixels = skin(6)
    covered = pixels.copy()
    covered[:7] = (0.05, 0.2, 0.7)  # a blue glove: 11 % of the mask
    plain_shift = np.abs(plain(covered, "lab").mean(0) - plain(pixels, "lab").mean(0))
    shift = np.abs(colour_statistics(covered, EVERYTHING).mean - colour_statistics(pixels, EVERYTHING).mean)
    assert plain_shift[2] > 8 and shift.max() < 1.5


def test_flat_faces_are_stretched_by_two_at_most():
    flat, lively = skin(7, spread=0.004), skin(8, spread=0.1)
    moved = apply_colour(flat, colour_statistics(flat, EVERYTHING, "rgb"), colour_statistics(lively, EVERYTHING, "rgb"))
    assert moved.std(axis=(0, 1)) == pytest.approx(2 * flat.std(axis=(0, 1)), rel=0.01)


def test_an_empty_mask_has_no_colours():
    assert colour_statistics(skin(9), 0 * EVERYTHING) is None


def test_two_spaces_cannot_be_matched():
    pixels = skin(10)
    with pytest.raises(InputError, match="one space"):
        apply_colour(pixels, colour_statistics(pixels, EVERYTHING, "lab"), colour_statistics(pixels, EVERYTHING, "rgb"))


def test_brightness_and_contrast_follow_their_formula():
    x = np.linspace(0, 1, 11, dtype=np.float32)[None, :, None].repeat(3, 2)
    assert np.allclose(adjust(x, 20, 0), np.clip(x + 0.2, 0, 1), atol=1e-6)
    assert np.allclose(adjust(x, 0, 50), np.clip((x - 0.5) * 1.5 + 0.5, 0, 1), atol=1e-6)
    assert np.allclose(adjust(x, -10, -100), 0.4, atol=1e-6)
