"""A face made like its plate: blurs, ways and wear that were put on are found again."""

import cv2
import numpy as np
import pytest

from semblance.finish.compression import compressed, gone, worn_like
from semblance.finish.defocus import softened, softness
from semblance.finish.like_plate import like_plate
from semblance.finish.merge_options import MergeOptions
from semblance.finish.motion_blur import streak, streaked

SIDE = 192
EVERYWHERE = np.ones((SIDE, SIDE), bool)
NO_CHANCE = np.random.default_rng(0)


def detailed(seed=0):
    """A picture with detail of all sizes (a spectrum that falls like that of nature), float32 0..1."""
    noise = np.random.default_rng(seed).normal(size=(SIDE, SIDE, 3))
    away = np.hypot(*np.meshgrid(np.fft.fftfreq(SIDE), np.fft.fftfreq(SIDE)))[..., None]
    made = np.fft.ifft2(np.fft.fft2(noise, axes=(0, 1)) / np.maximum(away, 1 / SIDE) ** 1.3, axes=(0, 1)).real
    return np.clip(0.5 + 0.12 * made / made.std(), 0, 1).astype(np.float32)


@pytest.mark.parametrize("sigma", [0.6, 1.0, 1.8, 3.0])
def test_how_soft_a_plate_is_comes_out(sigma):
    plate, face = cv2.GaussianBlur(detailed(0), (0, 0), sigma), detailed(1)
    assert softness(face, plate, EVERYWHERE) == pytest.approx(sigma, rel=0.15)


def test_a_sharper_plate_softens_nothing_and_its_grain_is_not_sharpness():
    soft = cv2.GaussianBlur(detailed(0), (0, 0), 1.5)
    assert softness(soft, detailed(1), EVERYWHERE) == 0
    grainy = soft + np.random.default_rng(3).normal(0, 0.01, soft.shape).astype(np.float32)
    assert softness(detailed(1), grainy, EVERYWHERE) == pytest.approx(1.5, rel=0.2)
    assert softness(detailed(1), soft, np.zeros((SIDE, SIDE), bool)) == 0


def test_no_softness_is_the_face_itself():
    face = detailed()
    assert softened(face, 0.0) is face


@pytest.mark.parametrize("way", [(8, 0), (0, -5), (6, 6), (-3.5, 9.2), (0.7, 0)])
def test_a_streak_is_as_long_as_the_way_and_lies_along_it(way):
    """An even line of length L along a direction has the variance L^2 / 12 along it, and next to none across."""
    kernel = streak(way)
    half = kernel.shape[0] // 2
    y, x = np.mgrid[-half : half + 1, -half : half + 1]
    length = np.hypot(*way)
    along, across = (x * way[0] + y * way[1]) / length, (y * way[0] - x * way[1]) / length
    assert kernel.sum() == pytest.approx(1, abs=1e-5)
    assert abs((kernel * along).sum()) < 1e-4 and abs((kernel * across).sum()) < 1e-4
    spread = (kernel * along**2).sum() - length**2 / 12
    assert spread + 1e-6 >= 0 and spread < 0.26  # four pixels share a point: at most a quarter of a pixel squared
    assert (kernel * across**2).sum() < 0.26


def test_a_face_that_does_not_move_is_not_streaked_and_one_that_races_only_so_far():
    face = detailed()
    assert streaked(face, (0.3, 0.2)) is face
    assert streak((500, 0)).shape[0] < 70


def test_a_point_becomes_a_line():
    face = np.zeros((41, 41, 3), np.float32)
    face[20, 20] = 1
    line = streaked(face, (10, 0))[..., 0]
    assert line[20, 16:25] == pytest.approx(0.1, abs=0.002)
    assert line[19].max() < 1e-6 and line[20, :14].max() < 1e-6


@pytest.mark.parametrize("at", [(0, 0), (5, 11), (16, 3)])
@pytest.mark.parametrize("quality", [30, 60, 90])
def test_wear_is_found_and_matched(at, quality):
    """A plate of the same kind of picture that went through JPEG: the face loses as many of its frequencies."""
    plate, face = detailed(0), detailed(1)
    plate = compressed(plate, at, quality)
    done = worn_like(face, plate, at, 1.0)
    assert gone(done, at) == pytest.approx(gone(plate, at), abs=0.04)
    assert gone(worn_like(face, plate, at, 0.5), at) < gone(done, at) + 1e-9


def test_blocks_lie_where_the_frames_lie():
    """Compressing a patch is compressing the frame: the patch's whole blocks come out the same."""
    frame = detailed(4)
    whole = compressed(frame, (0, 0), 40)
    patch = compressed(frame[21:150, 13:140], (13, 21), 40)
    assert np.allclose(patch[13:105, 5:113], whole[34:126, 18:126], atol=1e-5)  # halved colours look one further


def test_a_face_worn_more_and_one_without_a_whole_block_stay_as_they_are():
    plate = detailed(0)
    worn = compressed(plate, (0, 0), 20)
    assert worn_like(worn, plate, (0, 0), 1.0) is worn
    assert worn_like(plate[:7, :7], worn[:7, :7], (0, 0), 1.0).shape == (7, 7, 3)
    assert np.isnan(gone(plate[:7, :7], (0, 0)))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_all_at_once_in_the_plates_own_depth_and_nothing_unless_asked(dtype):
    white = np.iinfo(dtype).max
    soft = cv2.GaussianBlur(detailed(0), (0, 0), 2) + np.random.default_rng(1).normal(0, 0.008, (SIDE, SIDE, 3))
    plate, face = (np.rint(np.clip(each, 0, 1) * white).astype(dtype) for each in (soft, detailed(1)))
    alpha = np.ones((SIDE, SIDE), np.float32)
    assert like_plate(face, plate, alpha, (0, 0), MergeOptions(), (9, 0), NO_CHANCE) is face
    asked = MergeOptions(defocus=1, motion_blur=0.5, grain=1, compression=1)
    done = like_plate(face, plate, alpha, (0, 0), asked, (2, 0), np.random.default_rng(0))
    assert done.dtype == dtype and done.shape == face.shape

    def fine(picture):
        light = cv2.cvtColor((picture / np.float32(white)).astype(np.float32), cv2.COLOR_RGB2GRAY)
        return float((light - cv2.GaussianBlur(light, (0, 0), 1)).std())

    assert fine(done) == pytest.approx(fine(plate), rel=0.15)
    assert abs(fine(face) / fine(plate) - 1) > 0.3
