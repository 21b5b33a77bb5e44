"""Grain: read off pictures that were given a known one, and laid over a face so that it reads like the plate's."""

import cv2
import numpy as np
import pytest

from semblance.finish.grain import grain_of, with_grain

SIDE = 256
Y, X = np.mgrid[:SIDE, :SIDE].astype(np.float32) / SIDE
SKIN = np.stack([0.6 + 0.2 * X, 0.45 + 0.15 * Y, 0.4 + 0.1 * X * Y], axis=-1)
EVERYWHERE = np.ones((SIDE, SIDE), bool)


def grainy(picture, deviation, blots=0.0, seed=0):
    noise = np.random.default_rng(seed).normal(0, 1, picture.shape)
    if blots:
        noise = cv2.GaussianBlur(noise, (0, 0), blots)
        noise /= noise.std()
    return np.clip(picture + deviation * noise, 0, 1).astype(np.float32)


def test_white_grain_is_read_at_both_sizes():
    """Means of four have a quarter of its variance."""
    found = grain_of(grainy(SKIN, 0.02), EVERYWHERE)
    assert found[0] == pytest.approx([0.02**2] * 3, rel=0.05)
    assert found[1] == pytest.approx([0.02**2 / 4] * 3, rel=0.12)


def test_a_smooth_face_with_a_mouth_and_brows_has_none():
    face = SKIN.astype(np.float32).copy()
    cv2.ellipse(face, (128, 190), (50, 14), 0, 0, 360, (0.5, 0.2, 0.2), -1)
    cv2.rectangle(face, (50, 60), (110, 70), (0.2, 0.15, 0.1), -1)
    assert np.sqrt(grain_of(face, EVERYWHERE)).max() < 2e-3


@pytest.mark.parametrize(("deviation", "blots"), [(0.01, 0), (0.03, 0), (0.03, 0.6), (0.02, 1.0), (0.02, 1.5)])
def test_a_clean_face_gets_the_plates_grain(deviation, blots):
    plate = grainy(SKIN, deviation, blots)
    face = np.roll(SKIN, 3, axis=1).astype(np.float32)
    done = with_grain(face, plate, EVERYWHERE, 1.0, np.random.default_rng(5))
    ratio = np.sqrt(grain_of(done, EVERYWHERE) / grain_of(plate, EVERYWHERE))
    # blots larger than ours: what can be had of both sizes by one kind
    assert ratio[0] == pytest.approx(1, rel=0.06 if blots <= 1 else 0.4)
    assert ratio[1] == pytest.approx(1, rel=0.1 if blots <= 1 else 0.25)
    assert np.abs(done - face).mean() < 2 * deviation


def test_a_face_that_has_grain_gets_only_what_is_missing_and_none_if_none_is():
    plate, face = grainy(SKIN, 0.03, seed=1), grainy(SKIN, 0.02, seed=2)
    done = with_grain(face, plate, EVERYWHERE, 1.0, np.random.default_rng(0))
    assert (done - face).std() == pytest.approx(np.sqrt(0.03**2 - 0.02**2), rel=0.08)
    assert with_grain(plate, face, EVERYWHERE, 1.0, np.random.default_rng(0)) is plate


def test_half_the_strength_is_half_of_it_and_chance_comes_from_the_seed():
    plate, face = grainy(SKIN, 0.03), SKIN.astype(np.float32)
    whole, again, other, half = (
        with_grain(face, plate, EVERYWHERE, strength, np.random.default_rng(seed)) - face
        for strength, seed in ((1.0, 1), (1.0, 1), (1.0, 2), (0.5, 1))
    )
    assert np.array_equal(whole, again) and not np.array_equal(whole, other)
    assert np.allclose(half, whole / 2, atol=1e-6)


def test_only_what_is_asked_about_is_read():
    plate = grainy(SKIN, 0.03)
    plate[:, 128:] = SKIN[:, 128:]
    where = X < 0.5
    assert grain_of(plate, where)[0, 0] == pytest.approx(grain_of(grainy(SKIN, 0.03), where)[0, 0], rel=0.02)
    assert grain_of(plate, np.zeros_like(where)).max() == 0
    assert grain_of(plate[:1, :1], where[:1, :1]).max() == 0
