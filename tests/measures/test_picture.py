"""Known blur, known tint, a known second brow: told, in the right order, and nothing told of an equal picture."""

import cv2
import numpy as np
import pytest

from semblance.measures.edges import brows_doubled, double_edges
from semblance.measures.regions import lab, luma, regions
from semblance.measures.seam import changed_area, colour_steps, edge_of, seam
from semblance.measures.sharpness import relative_sharpness, sharpness_ratio, texture
from tests.measures.doctored import blurred, drawn_face, hull_of, inside, second_brows, tinted


def seam_of(result, plate, around):
    return seam(around.cut(result), around.cut(plate), around)[:2]


def sharpness_of(result, plate, around):
    return relative_sharpness(luma(around.cut(result)), luma(around.cut(plate)), around.face, around.ring)


def test_an_equal_picture_has_no_fault(face):
    pixels, points, around = face
    cut = luma(around.cut(pixels))
    assert seam_of(pixels, pixels, around) == (0, 0)
    assert sharpness_of(pixels, pixels, around) == 1
    assert double_edges(cut, cut, points[:, :2] - [around.left, around.top], around.width) == 0


def test_texture_of_noise_is_known():
    """The Laplacian's weights 1, 1, 1, 1, -4: variance 20 times that of the noise."""
    noise = 5 * np.random.default_rng(0).standard_normal((400, 400)).astype(np.float32)
    everywhere = np.ones(noise.shape, bool)
    assert texture(noise, everywhere) == pytest.approx(20 * 25, rel=0.02)
    halves = np.indices(noise.shape)[1] < 200
    assert sharpness_ratio(np.where(halves, 2 * noise, noise), halves, ~halves) == pytest.approx(4, rel=0.05)
    assert np.isnan(texture(noise, np.zeros(noise.shape, bool)))
    assert np.isnan(sharpness_ratio(np.zeros((400, 400), np.float32), halves, ~halves))


def test_more_blur_is_less_sharpness(face):
    pixels, points, around = face
    hull = hull_of(points, pixels.shape[:2])
    values = [sharpness_of(inside(pixels, blurred(pixels, s), hull), pixels, around) for s in (1, 2, 3)]
    assert 1 > values[0] > values[1] > values[2] > 0
    assert values[1] < 0.5


def test_sharpening_reads_more_than_one(face):
    pixels, points, around = face
    sharp = pixels + 1.0 * (pixels.astype(np.float32) - blurred(pixels, 1.5))
    assert sharpness_of(inside(pixels, sharp, hull_of(points, pixels.shape[:2])), pixels, around) > 1.5


@pytest.mark.parametrize("step", [3, 6, 10])
def test_a_colour_step_at_the_edge_is_told_in_full(face, step):
    pixels, points, around = face
    changed = inside(pixels, tinted(pixels, step), hull_of(points, pixels.shape[:2]))
    median, worst = seam_of(changed, pixels, around)
    assert median == pytest.approx(step, abs=0.4)
    assert median <= worst < 1.2 * step


def test_a_large_face_reads_the_same(face):
    """A face of 370 px is looked at from further away."""
    pixels, points = drawn_face(640)
    changed = inside(pixels, tinted(pixels, 6), hull_of(points, pixels.shape[:2]))
    around = regions(points, pixels.shape[:2])
    assert around.width > 300
    assert seam_of(changed, pixels, around)[0] == pytest.approx(6, abs=0.4)


def test_the_seam_is_looked_for_where_the_change_ends(face):
    """A mask much smaller than the hull: its own edge is the seam."""
    pixels, _, around = face
    small = np.zeros(pixels.shape[:2], bool)
    around.cut(small)[:] = around.inwards > 0.15 * around.width
    changed = inside(pixels, tinted(pixels, 8), small)
    area = changed_area(lab(around.cut(changed)), lab(around.cut(pixels)), around)
    assert (area ^ around.cut(small)).mean() < 0.02
    assert seam_of(changed, pixels, around)[0] == pytest.approx(8, abs=0.5)


def test_a_step_is_told_against_the_plates_own(face):
    """The drawn face has a step of its own at its edge; a tint inside adds to it, a picture alike adds nothing."""
    pixels, points, around = face
    assert seam(around.cut(pixels), around.cut(pixels), around)[2] == 1
    hull = hull_of(points, pixels.shape[:2])
    ratios = [
        seam(around.cut(inside(pixels, tinted(pixels, step), hull)), around.cut(pixels), around)[2] for step in (20, 40)
    ]
    assert 1 < ratios[0] < ratios[1]


def test_a_feathered_edge_is_less_of_a_seam(face):
    pixels, points, around = face
    soft = cv2.GaussianBlur(hull_of(points, pixels.shape[:2]).astype(np.float32), (0, 0), 8)[..., None]
    feathered = np.rint(pixels + soft * (tinted(pixels, 8) - pixels)).clip(0, 255).astype(np.uint8)
    hard = inside(pixels, tinted(pixels, 8), hull_of(points, pixels.shape[:2]))
    assert seam_of(feathered, pixels, around)[0] < 0.6 * seam_of(hard, pixels, around)[0]


def test_steps_point_outwards_all_around(face):
    _, _, around = face
    edge = edge_of(around.hull, around.width)
    picture = np.repeat(around.hull[..., None].astype(np.float32) * 50, 3, axis=2)
    assert np.allclose(colour_steps(picture, edge, around.width), 50, atol=1)
    assert len(edge.points) > 80


def test_a_second_brow_is_seen_on_most_of_the_brow():
    pixels, points = drawn_face(grain=1.0)
    width = float(np.linalg.norm(points[234, :2] - points[454, :2]))
    double = second_brows(pixels, points, width)
    share = brows_doubled(luma(double), luma(pixels), points, width)
    assert share > 0.5
    assert brows_doubled(luma(pixels), luma(double), points, width) == 0  # the plate's own is no fault of the result
    assert double_edges(luma(double), luma(pixels), points, width) > 0.2


def test_a_brow_that_moved_is_not_double():
    """Another person's brow sits elsewhere: one brow is one brow."""
    pixels, points = drawn_face(grain=1.0)
    width = float(np.linalg.norm(points[234, :2] - points[454, :2]))
    bare = cv2.medianBlur(pixels, 41)
    moved = np.roll(pixels, -round(0.06 * width), axis=0)
    brows = np.zeros(pixels.shape[:2], bool)
    brows[: int(points[168, 1])] = True
    result = inside(bare, moved, brows & hull_of(points, pixels.shape[:2]))
    assert brows_doubled(luma(result), luma(pixels), points, width) < 0.05


def test_a_face_too_small_has_no_double_edges(face):
    pixels, points, _ = face
    assert np.isnan(double_edges(luma(pixels), luma(pixels), points, 40.0))
