"""Shots: cuts are found where they are, and nothing else is taken for one."""

import cv2
import numpy as np
import pytest

from semblance.finish.shots import ShotFinder
from semblance.media.probe import probe
from semblance.media.read import read_frames


def scene(seed: int, side: int = 128) -> np.ndarray:
    """A picture of large soft shapes, as rooms and people are."""
    rough = np.random.default_rng(seed).uniform(0, 255, (6, 9, 3)).astype(np.float32)
    return cv2.resize(rough, (2 * side, side), interpolation=cv2.INTER_CUBIC).clip(0, 255).astype(np.uint8)


def cuts(frames) -> list[int]:
    finder = ShotFinder()
    return [index for index, pixels in enumerate(frames) if finder.begins(pixels)]


def noisy(picture: np.ndarray, seed: int) -> np.ndarray:
    return (picture + np.random.default_rng(seed).normal(0, 6, picture.shape)).clip(0, 255).astype(np.uint8)


def test_a_hard_cut_is_found_at_its_first_frame():
    frames = [noisy(scene(n // 10), n) for n in range(40)]
    assert cuts(frames) == [10, 20, 30]


def test_motion_is_no_cut_not_even_a_whip_pan():
    wide = np.hstack([scene(n) for n in range(6)])
    for step in (4, 30):
        assert cuts([wide[:, step * n : step * n + 256] for n in range(40)]) == []


def test_a_cut_into_motion_is_found():
    wide = np.hstack([scene(n) for n in range(6)])
    frames = [noisy(scene(9), n) for n in range(10)] + [wide[:, 20 * n : 20 * n + 256] for n in range(10)]
    assert cuts(frames) == [10]


def test_fades_and_dissolves_have_no_cut():
    one, other, black = scene(1).astype(float), scene(2).astype(float), np.zeros((128, 256, 3))
    for end in (other, black):
        frames = [(one + (end - one) * min(max((n - 5) / 20, 0), 1)).astype(np.uint8) for n in range(32)]
        assert cuts(frames) == []


def test_stills_black_and_doubled_frames_have_no_cut():
    assert cuts([scene(1)] * 9) == [] and cuts([np.zeros((64, 64, 3), np.uint8)] * 9) == [] and cuts([]) == []
    wide = np.hstack([scene(n) for n in range(6)])
    assert cuts([wide[:, 4 * (n // 2) : 4 * (n // 2) + 256] for n in range(40)]) == []


def test_black_between_two_shots_is_a_cut_in_and_a_cut_out():
    frames = [scene(1)] * 8 + [np.zeros((128, 256, 3), np.uint8)] * 3 + [scene(2)] * 8
    assert cuts(frames) == [8, 11]


@pytest.mark.parametrize("joined", [("swiz3n", "lrwp9a", "bbaf2n")])
def test_real_clips_have_cuts_only_where_they_were_joined(grid, joined):
    frames = [frame.pixels for name in joined for frame in read_frames(probe(grid / f"{name}.mpg"))]
    assert cuts(frames) == [75, 150]
