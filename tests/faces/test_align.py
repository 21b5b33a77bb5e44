"""Alignment: closed forms."""

import numpy as np
import pytest

from semblance.faces.align import COVERAGES, crop_matrix, cut_from, invert, move, part_of, take_crop, umeyama
from semblance.faces.mean_face import ALIGN_POINTS, mean_face


def similarity(degrees: float, scale: float, shift: tuple[float, float]) -> np.ndarray:
    a = np.deg2rad(degrees)
    turn = scale * np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
    return np.hstack([turn, np.array(shift)[:, None]])


def face_at(matrix: np.ndarray) -> np.ndarray:
    """The mean face's mesh moved by a similarity, (478, 3)."""
    face = mean_face()
    return np.column_stack([move(face[:, :2], matrix), face[:, 2]]).astype(np.float32)


@pytest.mark.parametrize("degrees", [0, 17, -60, 90, 179])
def test_umeyama_finds_the_similarity_back(degrees):
    wanted = similarity(degrees, 3.7, (20, -5))
    points = np.random.default_rng(0).normal(size=(30, 2))
    assert np.allclose(umeyama(points, move(points, wanted)), wanted, atol=1e-9)


def test_umeyama_never_mirrors():
    points = np.random.default_rng(1).normal(size=(30, 2))
    found = umeyama(points, points * [-1, 1])
    assert np.linalg.det(found[:, :2]) > 0


@pytest.mark.parametrize("coverage", COVERAGES)
@pytest.mark.parametrize("degrees", [0, 35, 180])
def test_a_face_anywhere_comes_upright_into_the_crop(coverage, degrees):
    face = face_at(similarity(degrees, 90, (400, 300)))
    points = move(face[:, :2], crop_matrix(face, 256, coverage))
    side, up = COVERAGES[coverage]
    expected = ((mean_face()[:, :2] - [0, up]) / side + 0.5) * 256 - 0.5
    assert np.abs(points - expected).max() < 0.02


def test_align_then_unalign_is_the_identity():
    matrix = crop_matrix(face_at(similarity(25, 80, (300, 200))), 256)
    points = np.random.default_rng(2).uniform(0, 600, (100, 2))
    assert np.abs(move(move(points, matrix), invert(matrix)) - points).max() < 0.1


def test_anamorphic_pixels_give_the_same_crop_as_square_ones():
    square = face_at(similarity(10, 90, (400, 300)))
    squeezed = square.copy()
    squeezed[:, 0] /= 2  # pixels twice as wide as high
    one, other = crop_matrix(square, 256), crop_matrix(squeezed, 256, aspect=2.0)
    assert np.allclose(move(square[:, :2], one), move(squeezed[:, :2], other), atol=1e-3)


def test_the_middle_of_a_crop_is_its_middle():
    matrix = crop_matrix(face_at(similarity(0, 90, (400, 300))), 256)
    part = part_of(matrix, 256, 0.625, 64)
    centre = move(np.array([[127.5, 127.5]]), invert(matrix))
    assert np.allclose(move(centre, part), 31.5)
    corner = move(
        np.array([[48 - 0.5, 48 - 0.5]]), invert(matrix)
    )  # 80 px of 256 from the middle: the crop's outer edge
    assert np.allclose(move(corner, part), -0.5)


def test_a_crop_shows_what_the_matrix_says():
    x, y = np.meshgrid(np.arange(320), np.arange(240))
    picture = np.stack([x / 320 * 255, y / 240 * 255, np.zeros_like(x)], 2).astype(np.uint8)
    matrix = similarity(0, 0.5, (10, 4))
    crop = take_crop(picture, matrix, 100)
    place = move(np.array([[50.0, 60.0]]), invert(matrix))[0]
    assert abs(int(crop[60, 50, 0]) - place[0] / 320 * 255) < 1.5
    assert abs(int(crop[60, 50, 1]) - place[1] / 240 * 255) < 1.5


def test_shrinking_does_not_alias():
    stripes = np.zeros((800, 800, 3), np.uint8)
    stripes[:, ::2] = 255
    crop = take_crop(stripes, similarity(0, 0.125, (0, 0)), 90)
    assert crop[5:85, 5:85].astype(float).std() < 10


def test_the_points_of_alignment_are_symmetric():
    face = mean_face()[ALIGN_POINTS]
    assert abs(face[:, 0].mean()) < 1e-3


def test_a_crop_cut_from_a_wider_one_is_the_crop_itself():
    face = mean_face() * 100 + [300, 250, 0]
    wide, face_crop = crop_matrix(face, 352, "wide"), crop_matrix(face, 256, "face")
    cut, size = cut_from("wide", 352, "face")
    assert size == 256
    points = face[:, :2]
    assert np.allclose(move(move(points, wide), cut), move(points, face_crop), atol=1e-6)
    assert np.allclose(cut_from("face", 200, "face")[0], [[1, 0, 0], [0, 1, 0]])
