"""A comparison of drawn faces, from frames to figures."""

import numpy as np
import pytest

from semblance.measures.comparison import Comparison, TrueView, View
from semblance.measures.summary import figures, truth_figures
from semblance.types import Face


@pytest.fixture
def views(face):
    """Twelve frames: a still face, and its copy whose eyes never close while the plate's do in frame 5."""
    pixels, points, _ = face
    shut = points.copy()
    for upper, lower in ((159, 145), (386, 374)):
        shut[upper, :2] = shut[lower, :2]
    plates = [Face(shut if k == 5 else points, pose=(k, 0, 0)) for k in range(12)]
    return pixels, points, plates


def test_a_missed_blink_is_counted_and_a_still_mouth_is_told(views):
    pixels, points, plates = views
    comparison = Comparison()
    for k, plate in enumerate(plates):
        comparison.take(k, View(pixels, Face(points, pose=(k + 3, 0, 0))), View(pixels, plate))
    told = figures(comparison)
    assert told["pose error"].one == pytest.approx(1)  # three degrees on one axis of three
    assert "mouth hardly moves" in told["mouth correlation"].note and np.isnan(told["mouth correlation"].one)
    assert (
        np.isnan(told["eye correlation"].one) and told["eye correlation"].note == ""
    )  # a rigid result follows nothing
    assert told["eye error"].one > 0.3 and np.nanargmax(told["eye error"].values) == 5
    assert told["flicker"].one == 1 and told["landmark jitter"].one == 1


def test_what_is_missing_stays_missing(views):
    pixels, points, plates = views
    comparison = Comparison()
    for k, plate in enumerate(plates):
        result = None if k == 2 else View(pixels, None if k == 3 else Face(points))
        truth = TrueView(pixels, points + np.float32([3, 4, 0]))
        comparison.take(10 + k, result, View(pixels, None) if k == 7 else View(pixels, plate), truth)
    told = figures(comparison) | truth_figures(comparison)
    assert told["pose error"].missing == (12, 13, 17)
    assert told["seam"].missing == (12, 17)
    assert told["flicker"].missing == (11, 12, 13, 16, 17, 18)
    assert told["brightness flicker"].missing == (11, 12, 13, 16, 17, 18)
    assert told["true PSNR"].missing == (12,) and told["landmark error"].missing == (12, 13)
    assert told["landmark error, nose"].one == pytest.approx(5)
    assert told["landmark error"].graded == pytest.approx(100 * 5 / np.linalg.norm(points[33, :2] - points[263, :2]))


def test_a_still_plate_gives_the_results_own_flicker(views):
    pixels, points, _ = views
    comparison, face = Comparison(), Face(points)
    for k in range(6):
        comparison.take(k, View(pixels + np.uint8(2 * (k % 2)), face), View(pixels, face))
    told = figures(comparison)
    assert np.isnan(told["flicker"].one) and "the result's own flicker is 1.00 levels" in told["flicker"].note
    assert told["brightness flicker"].one == pytest.approx(1, abs=0.01)  # from 0 to 2 and back: +-1


def test_no_face_at_all_gives_no_number_and_no_warning(views, recwarn):
    pixels, _, _ = views
    comparison = Comparison()
    for k in range(4):
        comparison.take(k, View(pixels, None), View(pixels, None), None)
    told = figures(comparison) | truth_figures(comparison)
    assert all(np.isnan(figure.one) for figure in told.values())
    assert not [warning for warning in recwarn if issubclass(warning.category, RuntimeWarning)]
