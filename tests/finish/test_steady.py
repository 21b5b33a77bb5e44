"""Steadying in time: closed forms on moving points."""

import numpy as np
import pytest

from semblance.faces.openings import opening_points
from semblance.finish.steady import carried_over, leaps, steadied, without_leapt
from semblance.types import Face

BASE = np.random.default_rng(0).uniform(100, 200, (478, 3)).astype(np.float32)


def faces(moves, track=0):
    """One face a frame, moved in x; None: no face there."""
    return [[] if move is None else [Face(BASE + np.float32([move, 0, 0]), track=track)] for move in moves]


SKIN, LIPS = opening_points() == 0, opening_points() > 0.99


def shift_of(face: Face, of: np.ndarray = SKIN) -> float:
    return float((face.landmarks[:, 0] - BASE[:, 0])[of].mean())


def test_an_even_or_quadratic_motion_is_left_alone():
    for path in ([1, 2, 3, 4, 5], [0, 1, 4, 9, 16]):
        assert abs(shift_of(steadied(faces(path))[0]) - path[2]) < 1e-3


def test_noise_is_lowered_by_the_known_factor():
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 1, 4000)
    out = [shift_of(steadied(faces(noise[n : n + 5]))[0]) for n in range(0, 3900, 5)]
    assert abs(np.std(out) - np.sqrt(((np.array([-3, 12, 17, 12, -3]) / 35) ** 2).sum())) < 0.05


def test_lips_and_lids_keep_what_moves_quickly():
    window = faces([0, 0, 10, 0, 0])
    (face,) = steadied(window)
    centre = 17 / 35
    assert shift_of(face) == pytest.approx(10 * centre, abs=1e-3)
    assert shift_of(face, LIPS) == pytest.approx(10 * (0.6 + 0.4 * centre), abs=1e-2)
    assert {13, 14, 159, 386} <= set(np.flatnonzero(LIPS)) and LIPS.sum() < 20 and SKIN.sum() > 150


def test_beside_a_gap_the_frames_that_are_there_are_used():
    fit = np.polyfit([-1, 0, 1, 2], [5, 9, 7, 6], 2)[-1]
    assert abs(shift_of(steadied(faces([None, 5, 9, 7, 6]))[0]) - fit) < 1e-4
    for path in ([None, 1, 4, 9, 16], [0, 1, 4, 9, None]):
        assert abs(shift_of(steadied(faces(path))[0]) - 4) < 1e-4, "a quadratic motion is left alone"


def test_a_face_with_too_few_neighbours_keeps_its_own_points():
    for path in ([None, 5, 9, 7, None], [5, None, 9, 7, 6], [None, None, 9, None, None]):
        assert shift_of(steadied(faces(path))[0]) == 9


def test_a_leap_and_only_a_leap_is_told():
    assert leaps(faces([0, 0, 40, 0, 0]), 0)
    assert not leaps(faces([0, 10, 20, 30, 40]), 0)
    assert not leaps(faces([0, None, 40, 0, 0]), 0)


def test_a_face_that_is_turned_for_one_frame_leaps_and_one_that_opens_its_mouth_does_not():
    window = faces([0, 0, 0, 0, 0])
    angle = np.radians(45)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    middle = BASE.mean(0)
    window[2] = [Face(((BASE - middle) @ turn.T + middle).astype(np.float32))]
    assert leaps(window, 0)
    opened = BASE.copy()
    opened[:80, 1] += 50
    window[2] = [Face(opened)]
    assert not leaps(window, 0)


def test_a_leap_is_told_of_a_face_that_was_lost_and_found_beside_it():
    window = faces([0, 0], 3) + faces([40, 0, 0], 4)
    assert leaps(window, 4)
    assert not leaps(faces([0, 0], 3) + faces([2, 0, 0], 4), 4)
    assert not leaps(faces([0, 0], 3) + faces([400, 400, 400], 4), 4)  # somebody else


def test_frames_beside_a_leap_and_a_step_for_good_are_sound():
    kept = without_leapt(faces([0, 0, 0, 60, 0, 0, 0]))
    assert [len(each) for each in kept] == [1, 1, 1, 0, 1, 1, 1]
    assert all(without_leapt(faces([0, 0, 0, 60, 60, 60])))


def test_somebody_else_close_by_is_no_neighbour_of_a_face_just_found():
    """Track 4 is found beside track 3, which is there all the time."""
    window = [one + other for one, other in zip(faces([0, 0, 0, 0, 0], 3), faces([None, None, 30, 30, 30], 4))]
    assert not leaps(window, 4) and not leaps(window, 3)


def test_a_lost_face_is_carried_to_where_it_must_have_been():
    window = faces([0, 2, None, None, 8], track=3)
    (face,) = carried_over(window, 2)
    assert abs(shift_of(face) - 4) < 1e-3 and face.track == 3


def test_a_face_found_again_under_a_new_track_is_the_old_one():
    window = faces([0, 2, None], 3) + faces([None, 8], 4)
    (face,) = carried_over(window, 2)
    assert abs(shift_of(face) - 4) < 1e-3


def test_nothing_is_carried_where_the_face_is_there_or_only_on_one_side():
    assert carried_over(faces([0, 2, 4, 6, 8]), 2) == []
    assert carried_over(faces([0, 2, None, None, None]), 2) == []
    assert carried_over(faces([0, 2, None], 3) + faces([None, 300], 4), 2) == []


@pytest.mark.parametrize("carry", [1, 2, 4])
@pytest.mark.parametrize("gap", [1, 2, 3, 4, 5])
def test_a_loss_is_bridged_whole_or_not_at_all(carry, gap):
    path = [0.0] * 12 + [None] * gap + [0.0] * 12
    frames = faces(path)
    bridged = [len(carried_over(frames[n - carry : n + carry + 1], carry)) for n in range(12, 12 + gap)]
    assert bridged == [int(gap <= carry)] * gap


def test_a_face_that_leaps_away_is_carried_to_where_it_was():
    window = faces([0, 0, 0, 40, 0, 0, 0])
    (face,) = carried_over(without_leapt(window), 3)
    assert abs(shift_of(face)) < 1e-3
    assert [len(each) for each in without_leapt(faces([0, 10, 20, 30, 40]))] == [1] * 5
