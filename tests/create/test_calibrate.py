"""What is added to openings until a drawn face is read as open as its plate: closed forms, and a trained model."""

import json

import numpy as np
import pytest

from semblance.create.calibrate import better, corrected, knots, own_rest, spread_rows
from semblance.create.view import Openings

PLATE = np.column_stack([np.linspace(0.0, 0.12, 24), np.linspace(0.01, 0.06, 24), np.linspace(0.06, 0.01, 24)])


def _none(plate):
    at = knots(plate)
    return Openings(at, np.zeros_like(at))


def _rounds(read, count=4):
    """Openings after some rounds of trying on faces that are read by `read`."""
    openings = _none(PLATE)
    for _ in range(count):
        found = np.array([read(plate + openings(plate)) for plate in PLATE])
        openings = corrected(openings, PLATE, found - PLATE)
    return openings


def test_a_mouth_read_too_wide_is_corrected():
    openings = _rounds(lambda drawn: 1.15 * drawn + [0.008, 0, 0])
    found = np.array([1.15 * (plate + openings(plate)) + [0.008, 0, 0] for plate in PLATE])
    before = 1.15 * PLATE + [0.008, 0, 0]
    assert np.abs(found - PLATE).mean() < 0.25 * np.abs(before - PLATE).mean()


def test_without_an_error_nothing_is_added():
    assert np.abs(_rounds(lambda drawn: drawn).change).max() < 1e-9


def test_wider_open_stays_wider_open_and_changes_stay_small():
    rng = np.random.default_rng(0)
    openings = _rounds(lambda drawn: drawn + rng.normal(0, 0.05, 3))
    assert (np.diff(openings.at + openings.change, axis=1) >= -1e-12).all()
    assert np.abs(openings.change[:, 0]).max() <= 0.03


def test_each_opening_keeps_the_best_that_was_tried():
    one = _none(PLATE)
    other = Openings(one.at, one.change + 0.01)
    best, least = better(one, np.full(3, np.inf), one, np.full(PLATE.shape, 0.02))
    worse_eye = np.full(PLATE.shape, 0.01) * [1, 3, -1]
    best, least = better(best, least, other, worse_eye)
    assert best.change[:, 0] == pytest.approx([0.01, 0, 0.01])
    assert least == pytest.approx([0.01, 0.02, 0.01])
    again, _ = better(best, least, one, np.full(PLATE.shape, np.nan))
    assert again.change == pytest.approx(best.change)


def test_faces_that_were_not_found_say_nothing():
    excess = np.full(PLATE.shape, np.nan)
    assert np.abs(corrected(_none(PLATE), PLATE, excess).change).max() == 0
    assert own_rest(excess, PLATE) == pytest.approx(np.ones(3))


def test_eyes_at_rest_may_be_wider_the_mouth_may_not():
    assert own_rest(PLATE * 1.2, PLATE) == pytest.approx([1, 1.2, 1.2])


def test_rows_reach_from_shut_to_wide_open():
    rng = np.random.default_rng(1)
    openings = np.abs(rng.normal(0, [0.03, 0.01, 0.01], (200, 3)))
    rows = spread_rows(openings, 20)
    assert len(rows) <= 20
    for signal in (openings[:, 0], openings[:, 1:].mean(1)):
        assert {signal.argmin(), signal.argmax()} <= set(rows)
    assert len(spread_rows(openings[:3], 20)) == 3


def test_openings_keep_through_json():
    openings = _rounds(lambda drawn: 1.1 * drawn)
    again = Openings.of(json.loads(json.dumps(openings.as_json())))
    for plate in PLATE[::5]:
        assert again(plate) == pytest.approx(openings(plate), abs=1e-4)
    assert Openings.of(None)(PLATE[0]) == pytest.approx(np.zeros(3))
