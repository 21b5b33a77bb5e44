"""Euler angles: the mean face turned by known angles."""

import numpy as np
import pytest

from semblance.faces.mean_face import mean_face
from semblance.faces.pose import angles, euler, rotation_of


def seen(yaw: float, pitch: float, roll: float, scale: float = 100, place=(300, 200)) -> np.ndarray:
    """The mean face, turned, through a camera 12 face units away -> landmarks (478, 3)."""
    points = mean_face() @ rotation_of(yaw, pitch, roll).T + [0, 0, 12.0]
    flat = points[:, :2] / points[:, 2:] * 12 * scale + place
    return np.column_stack([flat, points[:, 2]])


@pytest.mark.parametrize("seed", range(20))
def test_known_angles_come_back_within_half_a_degree(seed):
    wanted = np.random.default_rng(seed).uniform(-40, 40, 3)
    assert np.abs(np.array(euler(seen(*wanted))) - wanted).max() < 0.5


def test_signs_are_those_of_the_convention():
    assert seen(30, 0, 0)[1, 0] > 310  # the nose goes to the picture's right
    assert seen(0, 30, 0)[1, 1] < seen(0, 0, 0)[1, 1]  # up
    brows = seen(0, 0, 30)[[46, 276]]
    assert brows[1, 1] > brows[0, 1]  # the picture's right side sinks: clockwise


def test_angles_undo_rotation():
    assert np.allclose(angles(rotation_of(-25, 12, 38)), (-25, 12, 38))


def test_place_and_size_in_the_frame_do_not_matter():
    one, other = euler(seen(20, -10, 5)), euler(seen(20, -10, 5, 37, (1200, 40)))
    assert np.allclose(one, other, atol=0.01)


def test_anamorphic_pixels():
    squeezed = seen(20, -10, 5)
    squeezed[:, 0] /= 1.5
    assert np.allclose(euler(squeezed, aspect=1.5), (20, -10, 5), atol=0.5)


def test_noise_of_half_a_pixel_moves_the_angles_little():
    noise = np.random.default_rng(0).normal(0, 0.5, (478, 3))
    assert np.abs(np.array(euler(seen(15, 5, 0) + noise)) - (15, 5, 0)).max() < 1.5
