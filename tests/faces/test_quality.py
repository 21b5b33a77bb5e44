"""Quality figures move the right way under known damage."""

import cv2
import numpy as np
import pytest

from semblance.faces.align import crop_matrix, move, take_crop
from semblance.faces.quality import measure_quality
from semblance.faces.track import FaceTracker
from semblance.media.probe import probe
from semblance.media.read import read_frames


@pytest.fixture(scope="module")
def crop(grid) -> tuple[np.ndarray, np.ndarray]:
    frame = next(read_frames(probe(grid / "sbia1a.mpg")))
    face = FaceTracker().step(frame.pixels)[0]
    matrix = crop_matrix(face.landmarks, 256)
    return take_crop(frame.pixels, matrix, 256), move(face.landmarks[:, :2], matrix)


def test_a_good_face_passes(crop):
    good = measure_quality(*crop)
    assert good.sharpness > 4 and 0.3 < good.exposure < 0.9 and good.occluded < 0.15


def test_blur_lowers_sharpness_step_by_step(crop):
    pixels, points = crop
    figures = [measure_quality(cv2.GaussianBlur(pixels, (0, 0), s), points).sharpness for s in (0.5, 2, 4, 8)]
    assert figures == sorted(figures, reverse=True) and figures[-1] < figures[0] / 2


def test_light_is_told(crop):
    pixels, points = crop
    good = measure_quality(pixels, points)
    dark = measure_quality((pixels * 0.2).astype(np.uint8), points)
    assert dark.exposure < 0.5 * good.exposure and dark.contrast < 0.5 * good.contrast


def test_a_cast_moves_the_tint(crop):
    pixels, points = crop
    lab = cv2.cvtColor(pixels.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    lab[..., 2] += 12
    blue = np.clip(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB) * 255, 0, 255).astype(np.uint8)
    moved = measure_quality(blue, points).tint[1] - measure_quality(pixels, points).tint[1]
    assert 8 < moved < 14


def test_a_hand_of_another_colour_is_told(crop):
    pixels, points = crop
    covered = pixels.copy()
    covered[128:, :128] = (40, 90, 40)
    assert measure_quality(covered, points).occluded > measure_quality(pixels, points).occluded + 0.15
