"""Bands around a hull, and what is measured in them."""

import numpy as np
import pytest

from semblance.faces.mask import hull_mask
from semblance.measures.background import background
from semblance.measures.regions import HEAD, eye_distance, face_width, regions


def test_bands_follow_each_other_outwards(face):
    pixels, _, around = face
    bands = around.face, around.hull & ~around.face, around.ring, around.outside(pixels.shape[:2])
    assert all(band.any() for band in bands)
    assert not (around.hull & around.ring).any()
    assert not (around.cut(bands[3]) & (around.hull | around.ring)).any()
    assert bands[3][0, 0] and bands[3].sum() > pixels.shape[0] * pixels.shape[1] - around.inwards.size


def test_distances_are_those_to_the_hulls_edge():
    """A square hull: its middle lies half a side from the edge, a point beside it as far as it is."""
    points = np.zeros((478, 3), np.float32)
    points[:4, :2] = [(40, 40), (80, 40), (80, 80), (40, 80)]
    points[4:, :2] = 60
    points[10, :2], points[152, :2] = (60, 40), (60, 80)
    around = regions(points, (120, 120))
    distance = np.full((120, 120), np.nan)
    around.cut(distance)[:] = around.inwards
    assert around.width == pytest.approx(28)  # 0.7 of the height, as the temples fall together
    assert distance[60, 60] == pytest.approx(20.5, abs=1.0)
    assert distance[60, 86] == pytest.approx(-6, abs=1.0)


def test_a_region_at_the_frames_edge_is_cut_and_one_outside_is_none(face):
    pixels, points, _ = face
    aside = regions(points - [150, 0, 0], pixels.shape[:2])
    assert aside.left == 0 and aside.inwards.shape[1] < 320
    whole = hull_mask(np.ascontiguousarray(points[:, :2] - [150, 0], np.float32), (320, 320)) > 0.5
    assert np.array_equal(aside.hull, aside.cut(whole))
    assert regions(points - [900, 0, 0], pixels.shape[:2]) is None


def test_sizes_scale_with_the_face(face):
    _, points, _ = face
    assert face_width(2 * points) == pytest.approx(2 * face_width(points))
    assert eye_distance(points) < face_width(points)


def test_background_counts_only_what_lies_beyond_the_head(face):
    pixels, _, around = face
    near, far = pixels.copy(), pixels.copy()
    around.cut(near)[around.inwards > -0.9 * HEAD * around.width] = 0
    assert background(near, pixels, around) == 99.0
    noise = np.where(np.indices(pixels.shape[:2]).sum(0) % 2, 4, -4)[..., None]
    far = (pixels.astype(int) + noise).clip(0, 255).astype(np.uint8)
    assert background(far, pixels, around) == pytest.approx(20 * np.log10(255 / 4), abs=0.01)
