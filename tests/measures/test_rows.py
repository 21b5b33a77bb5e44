"""What a table says of its figures."""

import json

import numpy as np
import pytest

from semblance.measures.grades import METRICS, grade
from semblance.measures.rows import Figure, Measurement, make_row, ranges


def test_frames_are_named_in_short():
    assert ranges([30, 12, 13, 14]) == "12-14, 30"
    assert ranges([]) == "" and ranges([5]) == "5" and ranges([1, 2, 1]) == "1-2"


def test_a_row_tells_median_spread_and_the_frames_it_lacks():
    values = np.array([1.0, np.nan, 3.0, 2.0, np.nan])
    row = make_row("pose error", Figure(values, [10, 11, 12, 13, 14]), 0.1)
    assert (row.value, row.missing, row.note, row.grade) == (2.0, (11, 14), "not in frames 11, 14", "good")
    assert row.p5 == pytest.approx(1.1) and row.p95 == pytest.approx(2.9) and row.floor == 0.1


def test_ends_that_cannot_be_had_are_not_missing():
    assert make_row("flicker", Figure(np.array([np.nan, 1, np.nan]), [0, 1, 2], ends=1)).missing == ()


def test_a_row_without_any_value_says_so():
    row = make_row("seam", Figure(np.full(3, np.nan), [0, 1, 2]))
    assert (row.value, row.grade, row.note) == (None, "-", "in no frame")


def test_grades_follow_the_direction():
    assert [grade("pose error", v) for v in (1, 3, 9)] == ["good", "fair", "poor"]
    assert [grade("identity to target", v) for v in (0.7, 0.55, 0.2)] == ["good", "fair", "poor"]
    assert [grade("sharpness", v) for v in (1, 0.6, 0.2, 1.4, 2)] == ["good", "fair", "poor", "fair", "poor"]
    assert [grade("sound offset", v) for v in (-10, 30, -80)] == ["good", "fair", "poor"]
    assert grade("seam", float("nan")) == "-"


def test_every_threshold_has_an_order_and_a_reason():
    for name, metric in METRICS.items():
        assert metric.why, name
        if metric.better == "near 1":
            assert metric.fair[0] < metric.good[0] < 1 < metric.good[1] < metric.fair[1], name
        elif metric.better == "higher":
            assert metric.good > metric.fair, name
        else:
            assert metric.good < metric.fair, name


def test_the_table_is_aligned_and_the_json_plain():
    rows = tuple(make_row(name, Figure(np.array([value]), [0]), 0.5) for name, value in (("seam", 1), ("flicker", 2)))
    measurement = Measurement(rows, {"result": "a"}, ("A remark.",))
    assert measurement.grades() == "1 good, 1 poor of 2 figures"
    lines = measurement.table().splitlines()
    assert lines[-1] == "A remark." and len(lines) == 4
    column = lines[0].index("unit")
    assert lines[1][column:].startswith("dE") and lines[2][column:].startswith("x plate")
    told = json.loads(json.dumps(measurement.as_json()))
    assert told["rows"][0]["value"] == told["rows"][0]["median"] == 1 and told["rows"][1]["thresholds"]["good"] == [
        0.8,
        1.25,
    ]
    assert measurement["flicker"].grade == "poor"
