"""A part of a picture at a whole fraction of its size: closed forms on a slope, at every edge."""

import cv2
import numpy as np
import pytest

from semblance.faces.align import averaged_down, move
from semblance.finish.place import warped_back


@pytest.mark.parametrize("factor", [1, 2, 3, 5])
@pytest.mark.parametrize(
    "box", [((10, 7), (41, 50)), ((-9, -4), (30, 22)), ((60, 40), (999, 999)), ((78, 58), (80, 60))]
)
def test_a_slope_keeps_its_values_where_the_matrix_says_they_lie(factor, box):
    x, y = np.meshgrid(np.arange(80.0), np.arange(60.0))
    slope = np.dstack([x, y, x + 2 * y]).astype(np.float32)
    low, high = map(np.array, box)
    part, there = averaged_down(slope, low, high, factor)
    h, w = part.shape[:2]
    corners = np.array([[0, 0], [w - 1, 0], [0, h - 1], [w - 1, h - 1]])
    for (u, v), (a, b) in zip(corners, move(corners.astype(float), cv2.invertAffineTransform(there))):
        assert np.allclose(part[v, u], [a, b, a + 2 * b], atol=1e-3)
    first, end = np.clip(low, 0, [79, 59]), np.clip(high, 0, [80, 60])
    assert abs(w * factor - (end - first)[0]) <= factor and abs(h * factor - (end - first)[1]) <= factor


@pytest.mark.parametrize("shift", [(0.0, 0.0), (7.0, 3.0), (7.5, 3.0), (-2.0, 5.0), (30.0, 20.0)])
def test_what_is_cut_out_is_what_a_warp_gives(shift):
    picture = np.random.default_rng(0).integers(0, 256, (50, 60, 3)).astype(np.uint8)
    matrix = np.array([[1, 0, shift[0]], [0, 1, shift[1]]])
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    wanted = cv2.warpAffine(picture, matrix, (40, 30), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    made = warped_back(picture, matrix, (30, 40), cv2.INTER_CUBIC, cv2.BORDER_REPLICATE)
    assert np.array_equal(made, wanted) and made.base is None
