"""The frames of a trial: closed forms on faces of known pose, size and light."""

import numpy as np

from semblance.create.hard_frames import Seen, hard_frames
from semblance.types import Face

BASE = np.random.default_rng(0).uniform(100, 200, (478, 3)).astype(np.float32)


def seen(index, yaw=0.0, size=1.0, light=120.0):
    return Seen(index, Face(BASE * np.float32(size), pose=(yaw, 0.0, 0.0)), light)


def indices(frames, count):
    return [each.index for each in hard_frames(frames, count)]


def test_the_usual_frame_comes_first_then_the_most_unlike():
    frames = [seen(k) for k in range(8)] + [seen(8, yaw=40), seen(9, yaw=-30), seen(10, light=60), seen(11, size=1.3)]
    chosen = indices(frames, 5)
    assert chosen[0] < 8 and chosen[1:] == [8, 9, 10, 11]


def test_two_frames_of_one_kind_are_not_both_chosen_before_another_kind():
    frames = [seen(0), seen(1), seen(2, yaw=40), seen(3, yaw=39), seen(4, light=70)]
    assert indices(frames, 3)[1:] == [2, 4]


def test_there_are_never_more_than_there_are():
    assert indices([], 4) == [] and sorted(indices([seen(0), seen(7)], 4)) == [0, 7]
