"""Hull and person masks: closed forms on circles, then real people."""

from pathlib import Path

import numpy as np
import pytest

from semblance.errors import InputError
from semblance.faces.mask import PersonMask, hull_mask, spared_mask
from semblance.faces.mean_face import mean_face

GRID = Path(__file__).resolve().parents[2] / "../shared/data/grid"


def circle(centre, radius, count=478):
    turn = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.column_stack([centre[0] + radius * np.cos(turn), centre[1] + radius * np.sin(turn), 0 * turn])


def test_area_and_centre_are_those_of_the_outline():
    mask = hull_mask(circle((50.3, 40.7), 30), (90, 110))
    y, x = np.mgrid[:90, :110]
    assert mask.dtype == np.float32 and mask.min() == 0 and mask.max() == 1
    assert np.sqrt(mask.sum() / np.pi) == pytest.approx(30, abs=0.15)
    assert (mask * x).sum() / mask.sum() == pytest.approx(50.3, abs=0.1)
    assert (mask * y).sum() / mask.sum() == pytest.approx(40.7, abs=0.1)


def test_edge_moves_by_fractions_of_a_pixel():
    near, far = (hull_mask(circle((50 + shift, 50), 30), (100, 100))[50] for shift in (0, 0.5))
    assert far[70:90].sum() - near[70:90].sum() == pytest.approx(0.5, abs=0.15)


def test_inner_points_do_not_change_the_hull():
    outline = circle((50, 50), 30)
    assert np.array_equal(hull_mask(np.vstack([outline, circle((55, 45), 12)]), (99, 99)), hull_mask(outline, (99, 99)))


def test_a_region_is_a_window_of_the_whole():
    points = circle((60, 50), 30)
    whole = hull_mask(points, (100, 120))
    region = hull_mask(points, (40, 50), offset=(45, 35))
    # the drawing differs by a fraction of a grey step only where the outline leaves the region
    assert np.abs(region - whole[35:75, 45:95])[1:-1, 1:-1].max() < 0.02


def test_a_face_that_lies_outside_leaves_nothing():
    assert not hull_mask(circle((-80, -80), 30), (50, 50)).any()


def test_person_mask_finds_the_person_and_not_the_wall():
    clip = GRID / "lrwp9a.mpg"
    if not clip.exists():
        pytest.skip("the GRID clips are not here")
    av = pytest.importorskip("av")
    with av.open(str(clip)) as container:
        pixels = next(container.decode(video=0)).to_ndarray(format="rgb24")
    with PersonMask() as find:
        mask = find(pixels)
        assert np.array_equal(mask, find(pixels))
    assert mask.shape == pixels.shape[:2] and mask.dtype == np.float32
    assert mask.min() >= 0 and mask.max() <= 1
    assert mask[130:230, 150:220].mean() > 0.95  # her face
    assert mask[:60, :60].mean() < 0.05 and mask[:60, -60:].mean() < 0.05  # the wall behind her


def test_person_mask_refuses_floats():
    with PersonMask() as find, pytest.raises(InputError, match="uint8"):
        find(np.zeros((64, 64, 3), np.float32))


def test_eyes_and_mouth_are_spared_whole_and_cheeks_by_half_at_every_size():
    for size in (60.0, 400.0):
        points = mean_face() * size + [1.2 * size, 1.2 * size, 0]
        mask = spared_mask(points, (round(2.4 * size), round(2.4 * size)))
        at = lambda number: mask[tuple(np.round(points[number, [1, 0]]).astype(int))]  # noqa: E731, B023
        assert min(at(k) for k in (468, 473, 159, 386, 13, 14, 61, 291)) > 0.85
        assert all(0.45 < at(k) < 0.55 for k in (1, 9, 50, 280, 199))
        assert all(0.1 < at(k) < 0.4 for k in (10, 152, 234, 454))  # on the outline
        assert mask[0].max() < 0.01 and mask.mean() < 0.25 and np.abs(np.diff(mask, axis=1)).max() < 30 / size
    part = spared_mask(points, (300, 320), (200.0, 350.0))
    assert np.abs(part - mask[350:650, 200:520]).max() < 0.05  # drawn on a coarse grid of another place
