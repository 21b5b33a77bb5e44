"""The 68 points stand where iBUG's order wants them, and both foreign crops are those of the tools' own formulas."""

import cv2
import numpy as np
import pytest

from semblance.faces.align import move, umeyama
from semblance.faces.mean_face import mean_face
from semblance.faceset.foreign_align import DFL_FACES, dfl_matrix, faceswap_matrix
from semblance.faceset.landmarks68 import MEAN_51, MESH_OF_68, MIRROR_OF_68, face_unit, points_68

MEAN = points_68(mean_face())
TURN = np.array([[0.8, -0.6], [0.6, 0.8]])  # 37 degrees
PLACED = 90.0 * MEAN @ TURN.T + [200.0, 150.0]


def test_every_point_is_another_and_its_mirror_is_its_mirror():
    assert len(set(MESH_OF_68)) == 68 and sorted(MIRROR_OF_68) == list(range(68))
    assert np.array_equal(MIRROR_OF_68[MIRROR_OF_68], np.arange(68))
    assert np.abs(MEAN[MIRROR_OF_68] * [-1, 1] - MEAN).max() < 1e-6


def test_order_is_that_of_a_viewer():
    x, y = MEAN.T
    assert (np.diff(x[0:17]) > 0).sum() >= 14 and y[8] == y.max()  # jaw from left to right, lowest at the chin
    assert (np.diff(y[0:9]) > 0).all() and (np.diff(y[8:17]) < 0).all()
    assert (np.diff(x[17:27]) > 0).all()  # brows
    assert (np.diff(y[27:31]) > 0).all() and (np.diff(x[31:36]) > 0).all()  # nose
    for first, last in ((36, 42), (42, 48), (48, 60), (60, 68)):  # closed lines, clockwise in the picture
        px, py = x[first:last], y[first:last]
        assert (px * np.roll(py, -1) - np.roll(px, -1) * py).sum() > 0 and px.argmin() == 0
    assert y[17:27].max() < y[36:48].min() < y[30] < y[33] < y[48:68].min() < y[48:68].max() < y[8]
    assert (y[[61, 62, 63]] > y[[50, 51, 52]]).all() and (y[[65, 66, 67]] < y[[56, 57, 58]]).all()  # inner within outer


def test_it_is_the_mean_face_of_dlib_as_far_as_two_faces_agree():
    laid = move(MEAN[17:], umeyama(MEAN[17:], MEAN_51))
    apart = np.linalg.norm(laid - MEAN_51, axis=1)
    assert apart.mean() < 0.025 and apart.max() < 0.06
    assert MEAN_51[0] == pytest.approx([0.000213256, 0.106454]) and MEAN_51[64 - 17][0] == pytest.approx(
        0.689874, abs=2e-6
    )


def test_face_unit_is_the_scale():
    assert face_unit(PLACED) == pytest.approx(90.0, rel=1e-6)


@pytest.mark.parametrize(
    ("face_type", "side", "up"),
    [("half_face", 1.0, 0.0), ("midfull_face", 1.191, 0.0), ("full_face", 1.597, 0.0), ("whole_face", 2.131, 0.07)],
)
def test_deepfacelab_spans_as_many_units_as_its_sheet_says(face_type, side, up):
    unit = umeyama(PLACED[[*range(17, 49), 54]], MEAN_51[[*range(32), 37]])
    matrix = dfl_matrix(PLACED, 256, face_type)
    corners = move(move(np.array([[0.0, 0.0], [256.0, 0.0], [256.0, 256.0]]), _back(matrix)), unit)
    assert np.linalg.norm(corners[1] - corners[0]) == pytest.approx(side, abs=6e-4)
    assert (corners[0] + corners[2]) / 2 == pytest.approx([0.5, 0.5 - up], abs=1e-9)
    assert corners[1][1] == pytest.approx(corners[0][1]) and corners[1][0] > corners[0][0]  # upright
    assert set(DFL_FACES) == {"half_face", "midfull_face", "full_face", "whole_face"}


def test_deepfacelab_by_corners_and_diagonals():
    """The way its code goes: three corners along the diagonals, then the affine through them."""
    unit = umeyama(PLACED[[*range(17, 49), 54]], MEAN_51[[*range(32), 37]])
    a, b, c, d, middle = move(np.array([[0.0, 0], [1, 0], [1, 1], [0, 1], [0.5, 0.5]]), _back(unit))
    half = np.linalg.norm(a - c) * (0.40 * np.sqrt(2) + 0.5)
    middle = middle + 0.07 * (a - d)
    falling, rising = (c - a) / np.linalg.norm(c - a), (b - d) / np.linalg.norm(b - d)
    three = np.float32([middle - falling * half, middle + rising * half, middle + falling * half])
    theirs = cv2.getAffineTransform(three, np.float32([(0, 0), (512, 0), (512, 512)]))
    assert np.abs(dfl_matrix(PLACED, 512, "whole_face") - theirs).max() < 2e-3  # theirs is of single precision


def test_faceswap_before_version_2_pads_the_unit_square():
    unit = umeyama(PLACED[17:], MEAN_51 + np.array([0.009873, 0.0]))
    corners = move(move(np.array([[0.0, 0.0], [1.0, 1.0]]), _back(unit)), faceswap_matrix(PLACED, 256, "legacy"))
    assert corners == pytest.approx(np.array([[48.0, 48.0], [208.0, 208.0]]))  # 0.375 * 256 / 2


def test_faceswap_centres_the_skull():
    matrix = faceswap_matrix(PLACED, 512)
    assert np.sqrt(np.linalg.det(matrix[:, :2])) == pytest.approx(
        192 * np.sqrt(np.linalg.det(umeyama(PLACED[17:], MEAN_51)[:, :2]))
    )  # 512 - 2 * 160 pixels for the unit square
    x, y = move(PLACED, matrix).mean(0)
    assert abs(x - 256) < 8 and 256 < y < 330  # a face seen from the front: the skull's middle lies above the nose
    turned = PLACED.copy()
    turned[27:36] += 90.0 * 0.15 * TURN[:, 0]  # the nose points to the picture's right: the skull lies to its left
    assert move(turned[27:31], faceswap_matrix(turned, 512)).mean(0)[0] > move(PLACED[27:31], matrix).mean(0)[0] + 20


def _back(matrix):
    return cv2.invertAffineTransform(matrix)
