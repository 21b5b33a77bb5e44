"""The warp of a drawn face to the plate's landmarks, by known answers."""

import cv2
import numpy as np
import pytest

from semblance.finish.warp import warped

RNG = np.random.default_rng(0)
SIDE = 128
Y, X = np.mgrid[:SIDE, :SIDE].astype(np.float32)
SMOOTH = np.stack([0.5 + 0.4 * np.sin(X / 9 + k) * np.cos(Y / 11) for k in range(3)], -1).astype(np.float32)


def face(points=478):
    """Landmarks spread over an oval about the crop's middle."""
    turn, far = RNG.uniform(0, 2 * np.pi, points), np.sqrt(RNG.uniform(0, 1, points))
    return np.column_stack([63.5 + 38 * far * np.cos(turn), 63.5 + 48 * far * np.sin(turn), 0 * turn])


FACE = face()
INSIDE = np.hypot((X - 63.5) / 38, (Y - 63.5) / 48) < 0.85


def test_agreeing_landmarks_change_nothing():
    mask = RNG.uniform(0, 1, (SIDE, SIDE)).astype(np.float32)
    crop, moved = warped(SMOOTH, mask, FACE, FACE.copy(), 1.0)
    assert np.array_equal(crop, SMOOTH) and np.array_equal(moved, mask)
    assert warped(SMOOTH, None, FACE, FACE, 1.0)[1] is None


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
def test_a_shift_is_taken_back_everywhere(strength):
    shift = np.array([5.0, -3.0, 0.0])
    mask = (X > 60).astype(np.float32)
    crop, moved = warped(SMOOTH, mask, FACE + shift, FACE, strength)
    matrix = np.array([[1, 0, -5 * strength], [0, 1, 3 * strength]])
    exact = cv2.warpAffine(SMOOTH, matrix, (SIDE, SIDE), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    assert np.abs(crop - exact)[8:-8, 8:-8].max() < 0.02
    assert np.abs(moved - (X + 5 * strength > 60)).mean() < 0.01


def test_a_broader_face_becomes_as_narrow_as_the_plates():
    drawn = FACE.copy()
    drawn[:, 0] = 63.5 + 1.1 * (FACE[:, 0] - 63.5)
    crop, _ = warped(SMOOTH, None, drawn, FACE, 1.0)
    exact = cv2.remap(SMOOTH, 63.5 + np.float32(1.1) * (X - 63.5), Y, cv2.INTER_CUBIC)
    assert np.abs(crop - exact)[INSIDE].max() < 0.12 and np.abs(crop - exact)[INSIDE].mean() < 0.012


def test_one_part_moves_and_the_rest_stays():
    """A mouth that hangs 5 pixels lower than the plate's."""
    mouth = np.hypot(FACE[:, 0] - 63.5, FACE[:, 1] - 90) < 16
    drawn = FACE + np.outer(mouth, [0, 5.0, 0])
    crop, _ = warped(SMOOTH, None, drawn, FACE, 1.0)
    lower = cv2.warpAffine(SMOOTH, np.array([[1, 0, 0], [0, 1, -5.0]]), (SIDE, SIDE))
    assert np.abs(crop - lower)[85:96, 56:72].max() < 0.06
    assert np.abs(crop - SMOOTH)[20:55, 40:88].max() < 0.02


def test_noise_of_single_landmarks_is_evened_out():
    noisy = FACE + RNG.normal(0, 1.5, FACE.shape)
    crop, _ = warped(SMOOTH, None, noisy, FACE, 1.0)
    rough = np.abs(crop - SMOOTH)[INSIDE].mean()
    exact = np.abs(cv2.warpAffine(SMOOTH, np.array([[1, 0, 1.5], [0, 1, 0]]), (SIDE, SIDE)) - SMOOTH)[INSIDE].mean()
    assert rough < 0.6 * exact


def test_a_face_found_in_the_wrong_place_is_not_torn_there():
    crop, _ = warped(SMOOTH, None, FACE + np.array([60, 60, 0]), FACE, 1.0)
    limit = 0.12 * np.ptp(FACE[:, 1])
    matrix = np.array([[1, 0, -limit / 2**0.5], [0, 1, -limit / 2**0.5]])
    exact = cv2.warpAffine(SMOOTH, matrix, (SIDE, SIDE), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    assert np.abs(crop - exact)[INSIDE].max() < 0.05
