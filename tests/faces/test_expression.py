"""Numbers that say what a face does, whoever's it is."""

import numpy as np
import pytest

from semblance.faces.expression import SIZE, at_rest, expressions
from semblance.faces.mean_face import mean_face

STILL = np.zeros(1)
MOUTH, LIDS, GAZE = 0, 3, 8


def of(face, yaw=0.0):
    return expressions(face[None], STILL + yaw, STILL)[0]


def test_size_place_and_roll_say_nothing():
    face = mean_face()
    turn = np.deg2rad(20)
    rolled = face.copy()
    rolled[:, :2] = face[:, :2] @ [[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]] * 130 + 77
    assert of(face).shape == (SIZE,)
    assert np.allclose(of(face), of(rolled), atol=1e-4)


@pytest.mark.parametrize(
    ("points", "move", "number"),
    [((14,), (0, 0.1), MOUTH), ((145,), (0, 0.05), LIDS), ((468,), (0.05, 0), GAZE), ((468,), (0, 0.03), GAZE + 1)],
)
def test_each_movement_is_told_where_it_belongs(points, move, number):
    face = mean_face().copy()
    before = of(face)
    face[list(points), :2] += move
    change = of(face) - before
    assert change[number] > 0.3
    assert np.abs(np.delete(change, number)).max() < 0.55 * change[number]


def test_what_is_always_there_is_the_persons_but_an_open_mouth_is_an_open_mouth():
    found = np.tile(np.linspace(1, 2, SIZE, dtype=np.float32), (5, 1))
    rest = at_rest(found)
    assert rest[MOUTH] == 0 and (rest[-2:] == 0).all()  # mouth, yaw, pitch
    assert np.allclose(rest[1:-2], found[0, 1:-2])
