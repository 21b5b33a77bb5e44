"""Openings in closed form: asked to open a mouth or an eye by so much, a face's points open by so much."""

import numpy as np
import pytest

from semblance.faces.face_triangles import POINTS
from semblance.faces.mean_face import mean_face
from semblance.faces.openings import face_height, gaps, opening_change
from semblance.faces.shape import reshaped

SAME = np.zeros((POINTS, 3))


@pytest.fixture
def points():
    """The mean face at 200 px a unit, mouth and eyes open."""
    face = mean_face() * 200 + 300
    face[13, 1] -= 4
    face[14, 1] += 4
    return face.astype(np.float32)


def test_gaps_are_shares_of_the_height(points):
    found = gaps(points)
    wanted = [np.linalg.norm(points[a, :2] - points[b, :2]) for a, b in ((13, 14), (159, 145), (386, 374))]
    assert found == pytest.approx(np.array(wanted) / face_height(points))
    assert gaps(points * 3) == pytest.approx(found, rel=1e-4)


@pytest.mark.parametrize("change", [(0.02, 0, 0), (0, 0.01, 0), (0, 0, -0.01), (-0.01, 0.005, 0.01)])
def test_what_is_asked_for_is_what_opens(points, change):
    moved = reshaped(points, SAME, SAME, 1.0, np.array(change))
    assert gaps(moved) - gaps(points) == pytest.approx(change, abs=1e-3)


def test_it_turns_with_the_head(points):
    angle = np.deg2rad(40)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    rolled = (points @ turn.T).astype(np.float32)
    change = np.array([0.02, -0.005, -0.005])
    assert reshaped(rolled, SAME, SAME, 1.0, change) == pytest.approx(
        reshaped(points, SAME, SAME, 1.0, change) @ turn.T, abs=0.1
    )


def test_nothing_shuts_further_than_to_touch(points):
    moved = reshaped(points, SAME, SAME, 1.0, np.full(3, -0.5))
    down = [moved[b, 1] - moved[a, 1] for a, b in ((13, 14), (159, 145), (386, 374))]
    assert down == pytest.approx([0, 0, 0], abs=0.5)  # pixels


def test_corners_brows_nose_and_outline_stay(points):
    change = opening_change(points, np.array([0.03, 0.02, 0.02]))
    still = [61, 291, 33, 133, 263, 362, 105, 334, 1, 10, 152, 234, 454]
    assert np.abs(change[still]).max() < 0.15 * np.abs(change).max()
    assert np.abs(change[[61, 291, 33, 133, 263, 362]]).max() < 1e-6
