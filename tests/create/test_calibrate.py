"""What is added to openings until a drawn face is read as open as its plate: closed forms, and a trained model."""

import json

import numpy as np
import pandas as pd
import pytest

from semblance.create.calibrate import as_filmed, chosen, corrected, knots, own_openings, spread_rows
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
    tried = [_none(PLATE)]
    tried += [Openings(tried[0].at, tried[0].change + step) for step in (0.01, 0.02)]
    one = np.full(PLATE.shape, 0.01)
    # the mouth is best at last, one eye in the middle; the other is hardly better than untouched
    openings = chosen(tried, [one * [3, 3, 1.0], one * [-2, -1, 0.8], one * [1, 2, 0.9]])
    assert openings.change[:, 0] == pytest.approx([0.02, 0.01, 0])


def test_faces_that_were_not_found_say_nothing():
    excess = np.full(PLATE.shape, np.nan)
    assert np.abs(corrected(_none(PLATE), PLATE, excess).change).max() == 0
    assert own_openings(excess, PLATE) == pytest.approx(PLATE)


@pytest.mark.parametrize("scale", [2.0, 0.5])
def test_a_face_is_tried_no_larger_than_it_was_filmed(scale):
    crop = np.zeros((96, 96, 3), np.uint8)
    crop[40:44, 60:64] = 255  # a dot around 61.5, 41.5
    frame_point = np.array([61.5, 41.5, 6.0]) / scale
    row = pd.Series({
        "landmarks": np.tile(frame_point, (478, 1)).ravel(), "matrix": np.array([scale, 0, 0, 0, scale, 0]),
        "yaw": 4.0, "pitch": -3.0,
    })  # fmt: skip
    pixels, face = as_filmed(crop, row)
    assert len(pixels) == 96 / max(scale, 1)
    y, x = np.nonzero(pixels[..., 0])
    assert face.landmarks[0] == pytest.approx([x.mean(), y.mean(), 6 / max(scale, 1)], abs=0.01)
    assert face.pose == (4.0, -3.0, 0.0)


def test_eyes_at_rest_and_shut_lips_are_the_other_persons():
    found = PLATE * [1.0, 1.2, 1.2] + [0.03, 0, 0]
    found[12:, 0] += 0.05  # open mouths are another matter
    assert own_openings(found, PLATE) == pytest.approx(PLATE * [1.0, 1.2, 1.2] + [0.03, 0, 0])


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
