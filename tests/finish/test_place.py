"""Grids and rectangles: closed forms."""

import cv2
import numpy as np
import pytest

from semblance.finish.place import (
    Rectangle,
    bring,
    frame_pixels_per_crop_pixel,
    move_points,
    on_grid,
    part_for,
    rectangle_of,
    scaled_about,
)

TURNED = np.array([[0.8, -0.3, 12.0], [0.3, 0.8, -40.0]])


def test_scale_is_read_from_the_matrix():
    assert frame_pixels_per_crop_pixel(TURNED) == pytest.approx(1 / np.hypot(0.8, 0.3))


def test_another_grid_keeps_the_outer_edges():
    moved = on_grid(np.array([[1.0, 0, 0], [0, 1, 0]]), 64, 256)
    assert np.allclose(move_points(moved, np.array([[-0.5, -0.5], [63.5, 63.5]])), [[-0.5, -0.5], [255.5, 255.5]])


def test_scaling_keeps_the_centre_and_enlarges_what_is_shown():
    centre = np.array([70.0, 55.0])
    moved = scaled_about(TURNED, centre, 1.25)
    assert np.allclose(move_points(moved, centre[None]), move_points(TURNED, centre[None]))
    assert frame_pixels_per_crop_pixel(moved) == pytest.approx(1.25 * frame_pixels_per_crop_pixel(TURNED))


def test_rectangle_holds_the_box_and_stays_in_the_frame():
    shift = np.array([[1.0, 0, -10], [0, 1, -20]])
    assert rectangle_of(shift, (-0.5, -0.5, 7.5, 7.5), (100, 100)) == Rectangle(10, 20, 18, 28)
    assert rectangle_of(shift, (-0.5, -0.5, 7.5, 7.5), (24, 14)) == Rectangle(10, 20, 14, 24)
    assert rectangle_of(shift, (-0.5, -0.5, 7.5, 7.5), (20, 100)) is None


def test_a_part_of_the_crop_shows_the_same_as_the_whole():
    crop = np.random.default_rng(1).uniform(0, 1, (96, 96, 3)).astype(np.float32)
    where = Rectangle(30, 60, 70, 90)
    part, matrix = part_for(crop, TURNED, where, 5)
    assert part.shape[0] < 96
    whole = bring(crop, TURNED, where, cv2.INTER_CUBIC, cv2.BORDER_REPLICATE)
    assert np.abs(bring(part, matrix, where, cv2.INTER_CUBIC, cv2.BORDER_REPLICATE) - whole).max() < 0.02
