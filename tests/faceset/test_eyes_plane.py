"""The eyes' plane: within both hulls full, elsewhere empty, and the same whatever the crop's size."""

import numpy as np
import pytest

from semblance.faceset.eyes_plane import EYES, eyes_plane


def two_eyes(side=256):
    """Points of a crop whose eyes are 40 x 12 px of 256 at (80, 100) and (176, 100); all others far outside."""
    points = np.full((478, 2), -1e4)
    for eye, middle in zip(EYES, ((80, 100), (176, 100))):
        around = [(-20, 0), (-7, -6), (7, -6), (20, 0), (7, 6), (-7, 6)]
        points[list(eye)] = np.add(around, middle)
    return (points + 0.5) * side / 256 - 0.5


def test_full_in_both_eyes_and_empty_elsewhere():
    plane = eyes_plane(two_eyes(), 256)
    assert plane.shape == (256, 256) and plane.dtype == np.uint8
    assert (plane[95:106, 65:96] == 255).all() and (plane[95:106, 161:192] == 255).all()
    # dilated by (13 - 1) / 2, blurred by (7 - 1) / 2: nothing beyond 9 px (and the drawn edge's own pixel)
    assert plane[:, 128].max() == 0 and plane[: 94 - 10].max() == 0 and plane[106 + 11 :].max() == 0
    assert plane[100, 100 + 2] == 255 and plane[100, 100 + 10] == 0
    assert 0 < plane[100, 100 + 6] < 255


@pytest.mark.parametrize("side", [64, 128, 200])
def test_covers_the_same_share_at_any_size(side):
    wanted = eyes_plane(two_eyes(), 256).mean()
    assert eyes_plane(two_eyes(side), side).mean() == pytest.approx(wanted, rel=0.25)


def test_eyes_outside_leave_it_empty():
    assert eyes_plane(two_eyes() + 1000, 256).max() == 0


def test_the_eyes_lie_where_the_mean_face_has_them():
    from semblance.faces.mean_face import mean_face

    right, left = (mean_face()[list(eye), 0].mean() for eye in EYES)
    assert right < -0.2 and left == pytest.approx(-right, abs=0.02)
