"""There and back again: unwrapping, wrapping, and what can be seen."""

import numpy as np
import pytest

from semblance.faces.mean_face import mean_face
from semblance.faces.mesh_space import hole_triangles, layout, mesh_triangles, with_rim
from semblance.faces.pose import rotation_of
from semblance.faces.wrap import openness, raster, seen, texels, unwrap, wrap

SIDE = 240


def face(yaw=0.0, size=110.0, mouth=0.15, lids=0.05):
    """The mean face with mouth and eyes open, turned, in the middle of a picture."""
    points = mean_face().copy()
    points[[14, 87, 317, 178, 402, 88, 318], 1] += mouth
    points[[145, 144, 153, 374, 373, 380], 1] += lids
    return with_rim((points @ rotation_of(yaw, 0, 0).T * size + [SIDE / 2, SIDE / 2, 0]).astype(np.float32))


def smooth_picture():
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    return np.rint(np.dstack([255 * x, 255 * y, 127 + 127 * np.sin(9 * x) * np.cos(7 * y)])).astype(np.uint8)


def test_weights_of_a_texel_are_those_of_its_place():
    table = texels(64)
    assert np.allclose(table.weights.sum(2), 1, atol=1e-5)
    back = np.einsum("hwk,hwkc->hwc", table.weights, layout()[table.corners] * 64 - 0.5)
    y, x = np.mgrid[:64, :64]
    inside = table.inside
    assert np.allclose(back[inside], np.dstack([x, y])[inside], atol=1e-3)
    assert 0.75 < inside.mean() < 0.95


@pytest.mark.parametrize("yaw", [0, 25])
def test_unwrapped_and_wrapped_again_it_is_the_same_picture(yaw):
    picture, points = smooth_picture(), face(yaw)
    drawn, there = wrap(unwrap(picture, points, 256), points, SIDE, SIDE)
    assert there.sum() > 12_000
    error = np.abs(drawn.astype(float) - picture)[there]
    assert np.median(error) <= 1 and np.percentile(error, 98) < 6
    assert not drawn[~there].any()


def test_a_texture_is_the_same_wherever_the_face_is():
    picture, points = smooth_picture(), face()
    big = np.kron(picture, np.ones((2, 2, 1), np.uint8))
    moved = points.copy()
    moved[:, :2] = 2 * points[:, :2] + 0.5
    one, other = unwrap(picture, points, 64).astype(float), unwrap(big, moved, 64).astype(float)
    assert np.abs(one - other)[texels(64).inside].mean() < 2


def test_a_fine_picture_is_averaged_not_sampled():
    checks = (np.indices((900, 900)).sum(0) % 2 * 255).astype(np.uint8)[..., None].repeat(3, 2)
    points = face(size=400.0) + np.float32([330, 330, 0])
    texture = unwrap(checks, points, 64)[texels(64).inside]
    assert np.percentile(np.abs(texture.astype(float) - 127.5), 90) < 30


def test_what_turns_away_is_not_seen():
    frontal, turned = seen(face(0), 64), seen(face(40), 64)
    inside = texels(64).inside
    assert frontal[inside].mean() > 0.9
    left, right = turned[:, 4:16][inside[:, 4:16]].mean(), turned[:, 48:60][inside[:, 48:60]].mean()
    assert min(left, right) < 0.35 and max(left, right) > 0.9


def test_nothing_is_seen_between_shut_lips():
    rows = hole_triangles()["mouth"]
    triangle = texels(64).triangle
    mouth = (triangle >= rows[0]) & (triangle <= rows[-1])
    shut, wide = face(mouth=-0.064), face(mouth=0.2)
    assert openness(shut, "mouth") == pytest.approx(0, abs=0.01) and openness(wide, "mouth") > 0.3
    assert seen(shut, 64)[mouth].max() == 0 and seen(wide, 64)[mouth].min() == 1


def test_lips_that_crossed_are_shut():
    assert openness(face(mouth=-0.2), "mouth") == 0


def test_the_nearer_triangle_is_drawn():
    points = np.float32([[0, 0, 5], [9, 0, 5], [0, 9, 5], [0, 0, 1], [9, 0, 1], [0, 9, 1]])
    triangle, weights = raster(points, np.int32([[0, 1, 2], [3, 4, 5]]), 10, 10)
    assert set(triangle.ravel()) == {-1, 1}
    assert triangle[0, 0] == 1 and triangle[9, 9] == -1
    assert np.allclose(weights[0, 9], [1, 0], atol=1e-5)
    # one that turns away is not drawn, unless asked for
    behind = np.int32([[0, 2, 1]])
    assert (raster(points, behind, 10, 10)[0] == -1).all()
    assert (raster(points, behind, 10, 10, two_sided=True)[0] == 0).any()


def test_no_cracks_between_triangles():
    _, there = wrap(np.ones((64, 64, 1), np.float32), face(10), SIDE, SIDE)
    filled = there.copy()
    for y in range(SIDE):
        row = np.flatnonzero(there[y])
        if len(row):
            filled[y, row[0] : row[-1] + 1] = True
    column_gaps = filled & ~there
    assert column_gaps.sum() < 0.002 * there.sum()


def test_triangles_are_numbered_as_published():
    assert mesh_triangles().max() == len(layout()) - 1
