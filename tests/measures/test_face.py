"""Identity, pose, expression and landmark errors with known answers."""

import numpy as np
import pytest

from semblance.faces.mean_face import mean_face
from semblance.faces.openings import face_height
from semblance.measures.expression import EXPRESSIVE, aligned, follow, offset_error, openings
from semblance.measures.identity import distances_to, named, retrieval
from semblance.measures.landmark_error import landmark_errors
from semblance.measures.pose import pose_error
from semblance.measures.regions import JAW, MOUTH


def turned(points, angle=0.3, scale=1.7, shift=(40, -12)):
    """The same face elsewhere in the picture, larger and rolled."""
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = points.copy()
    moved[:, :2] = points[:, :2] @ turn.T + shift
    return moved


@pytest.fixture(scope="module")
def points():
    return mean_face() * 100 + [200, 200, 0]


def test_retrieval_among_people():
    gallery = np.eye(5, 128)
    vectors = np.concatenate([gallery + 0.1, gallery[[0]]])
    assert named(vectors, gallery).tolist() == [0, 1, 2, 3, 4, 0]
    assert retrieval(vectors, gallery, np.array([0, 1, 2, 3, 4, 4])) == pytest.approx(5 / 6)
    assert retrieval(vectors, gallery, 0) == pytest.approx(2 / 6)
    assert np.isnan(retrieval(vectors[:0], gallery, 0))


def test_distance_is_to_the_persons_mean():
    person = np.zeros((2, 128))
    person[:, 0] = [1, 3]
    assert distances_to(np.zeros((3, 128)), person).tolist() == [2, 2, 2]


def test_pose_error_goes_the_short_way_round():
    assert pose_error([[10, 5, 179]], [[4, 8, -178]]).tolist() == [pytest.approx((6 + 3 + 3) / 3)]
    assert np.isnan(pose_error([[np.nan] * 3], [[0, 0, 0]])).all()


def test_an_opened_mouth_is_told_in_face_heights(points):
    opened, height = points.copy(), face_height(points)
    opened[14, 1] += 0.05 * height
    before, after = openings(points), openings(opened)
    assert after[0] - before[0] == pytest.approx(0.05, abs=0.002) and after[1] == before[1]
    assert openings(turned(points)) == pytest.approx(before)


def test_the_head_s_motion_is_no_expression(points):
    assert np.allclose(aligned(turned(points)), aligned(points), atol=1e-9)


def test_point_offsets_forgive_another_face_but_not_another_smile(points):
    smile = np.zeros((5, 478, 3))
    smile[3:, 61, 1] = smile[3:, 291, 1] = -0.04 * face_height(points)
    other = points * [1.1, 0.95, 1]  # someone with a broader face
    plate = np.stack([aligned(points + frame) for frame in smile])
    same = np.stack([aligned(other + frame) for frame in smile])
    stiff = np.stack([aligned(other) for _ in smile])
    assert offset_error(same, plate).max() < 0.1 * offset_error(stiff, plate).max()
    assert offset_error(stiff, plate)[3] == pytest.approx(2 * 0.04 / len(EXPRESSIVE), rel=0.02)
    assert offset_error(stiff, plate)[0] == 0


def test_following_ignores_rest_and_counts_deviation():
    wave = 0.03 * np.sin(np.arange(60) / 3)
    assert follow(wave + 0.2, wave).correlation == pytest.approx(1)
    assert np.allclose(follow(wave + 0.2, wave).error, 0)
    assert follow(-wave, wave).correlation == pytest.approx(-1)
    half = follow(0.5 * wave, wave)
    assert half.correlation == pytest.approx(1) and half.error.max() == pytest.approx(0.015, rel=0.1)


def test_a_plate_that_hardly_moves_gives_no_correlation():
    still = 0.001 * np.sin(np.arange(60.0))
    quiet = follow(still, still)
    assert np.isnan(quiet.correlation) and not quiet.moves and quiet.error.max() == 0
    gone = follow(np.full(4, np.nan), np.zeros(4))
    assert np.isnan(gone.correlation) and np.isnan(gone.error).all()


def test_following_leaves_out_missing_frames():
    wave = 0.03 * np.sin(np.arange(60) / 3)
    holes = wave.copy()
    holes[[3, 10]] = np.nan
    signal = follow(holes, wave)
    assert signal.correlation == pytest.approx(1) and np.flatnonzero(np.isnan(signal.error)).tolist() == [3, 10]


def test_landmark_errors_by_part(points):
    found = points.copy()
    found[list(MOUTH), 0] += 3
    found[list(MOUTH), 1] += 4
    errors = landmark_errors(found, points)
    assert errors["mouth"] == pytest.approx(5) and errors["nose"] == errors["eyes"] == errors["jaw"] == 0
    assert 0 < errors["face"] < 5
    hidden = np.ones(478, bool)
    hidden[list(MOUTH)] = False
    assert np.isnan(landmark_errors(found, points, hidden)["mouth"])
    assert landmark_errors(found, points, hidden)["face"] == 0
    assert not set(JAW) & set(MOUTH)
