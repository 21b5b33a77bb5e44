"""The z-buffer: known triangles cover known pixels, the nearer wins, holes stay open."""

import numpy as np
import pytest

from semblance.people.raster import raster, shadow_depth, vertex_normals
from semblance.people.sky import open_sky

SOLID = np.full((1, 1), 255, np.uint8)


def square(x0, y0, x1, y1, near, first=0):
    """A square seen from the front: points (4, 3) and two triangles, counter-clockwise in space (y up)."""
    points = np.array([[x0, y0, near], [x1, y0, near], [x1, y1, near], [x0, y1, near]], np.float32)
    return points, np.array([[0, 2, 1], [0, 3, 2]], np.int32) + first


def draw(points, triangles, two_sided=0, cuts=None, holes=SOLID, size=16):
    cuts = np.zeros((len(points), 3), np.float32) if cuts is None else cuts
    sides = np.full(len(triangles), two_sided, np.uint8)
    return raster(points, triangles, sides, (cuts, holes), size, size)


def test_a_square_covers_the_pixels_whose_centres_it_holds():
    nearness, seen, weights = draw(*square(2, 3, 9, 12, 0.5))
    covered = np.zeros((16, 16), bool)
    covered[3:13, 2:10] = True
    assert ((seen >= 0) == covered).all()
    assert np.allclose(nearness[covered], 0.5) and (nearness[~covered] == 0).all()
    assert (weights[covered] >= -1e-3).all() and (weights[covered].sum(-1) <= 1.001).all()


def test_weights_give_back_the_pixel():
    points, triangles = square(1, 1, 14, 14, 1.0)
    _, seen, weights = draw(points, triangles)
    y, x = np.nonzero(seen >= 0)
    corners = points[triangles[seen[y, x]]]
    w = np.concatenate([1 - weights[y, x].sum(1, keepdims=True), weights[y, x]], 1)
    assert np.allclose((corners[..., :2] * w[..., None]).sum(1), np.stack([x, y], 1), atol=1e-3)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_nearer_wins_whatever_the_order(order):
    far, near = square(0, 0, 10, 10, 0.2), square(4, 4, 15, 15, 0.8, first=4)
    triangles = np.concatenate([(far, near)[k][1] for k in order])
    nearness, _, _ = draw(np.concatenate([far[0], near[0]]), triangles)
    assert nearness[6, 6] == pytest.approx(0.8) and nearness[1, 1] == pytest.approx(0.2)


def test_backs_are_left_out_unless_two_sided():
    points, triangles = square(2, 2, 9, 9, 0.5)
    assert (draw(points, triangles[:, ::-1])[1] == -1).all()
    assert (draw(points, triangles[:, ::-1], two_sided=1)[1] >= 0).any()


def test_holes_show_what_lies_behind():
    back, front = square(0, 0, 15, 15, 0.2), square(0, 0, 15, 15, 0.8, first=4)
    cuts = np.zeros((8, 3), np.float32)
    cuts[4:] = [[0, 0, 128], [1, 0, 128], [1, 1, 128], [0, 1, 128]]
    holes = np.zeros((2, 2), np.uint8)
    holes[:, 1] = 255  # the right half is solid
    nearness, _, _ = draw(np.concatenate([back[0], front[0]]), np.concatenate([back[1], front[1]]), 0, cuts, holes)
    assert nearness[8, 3] == pytest.approx(0.2) and nearness[8, 12] == pytest.approx(0.8)


def test_what_lies_behind_the_camera_is_not_drawn():
    assert (draw(*square(2, 2, 9, 9, -0.5), two_sided=1)[1] == -1).all()


def test_a_shared_edge_leaves_no_pinhole():
    rng = np.random.default_rng(0)
    for _ in range(50):
        angle, grow = rng.uniform(0, 2 * np.pi), rng.uniform(3, 7)
        corners = 7.5 + grow * np.array(
            [[np.cos(angle + k * np.pi / 2), np.sin(angle + k * np.pi / 2)] for k in range(4)]
        )
        points = np.concatenate([corners, np.full((4, 1), 0.5)], 1).astype(np.float32)
        seen = draw(points, np.array([[0, 1, 2], [0, 2, 3]], np.int32), two_sided=1)[1]
        y, x = np.mgrid[0:16, 0:16]
        inside = np.abs(np.stack([x, y], -1) - 7.5) @ np.ones(2) < 0  # none by itself
        axes = np.array(
            [
                [np.cos(angle + np.pi / 4), np.sin(angle + np.pi / 4)],
                [-np.sin(angle + np.pi / 4), np.cos(angle + np.pi / 4)],
            ]
        )
        inside = (np.abs((np.stack([x, y], -1) - 7.5) @ axes.T) < grow / np.sqrt(2) - 0.01).all(-1)
        assert (seen[inside] >= 0).all()


def test_normals_of_a_plane_point_at_the_viewer_and_join_at_seams():
    points = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 0, 0], [1, 1, 0], [0, 1, 0.0]], np.float32)
    triangles = np.array([[0, 1, 2], [3, 4, 5]], np.int32)
    weld = np.array([0, 1, 2, 0, 2, 3], np.int32)
    assert np.allclose(vertex_normals(points, triangles, weld), [0, 0, 1], atol=1e-6)


def test_a_lamp_sees_the_nearest():
    points, triangles = square(2, 2, 9, 9, 3.0)
    depth = np.full((12, 12), -1e9, np.float32)
    shadow_depth(points, triangles, depth)
    shadow_depth(square(2, 2, 9, 9, 1.0)[0], triangles, depth)
    assert depth[5, 5] == pytest.approx(3.0) and depth[0, 0] < -1e8


def test_an_open_place_sees_the_sky_and_a_covered_one_does_not():
    ground = np.array([[-5, 0, -5], [5, 0, -5], [5, 0, 5], [-5, 0, 5]], np.float32)
    roof = ground + np.array([0, 1.0, 0], np.float32)
    normals = np.tile(np.array([[0, 1, 0]], np.float32), (8, 1))
    triangles = np.array([[0, 2, 1], [0, 3, 2]], np.int32)
    middle = np.array([[0, 0, 0]], np.float32)
    alone = open_sky(np.concatenate([ground, middle]), normals[:5], triangles)
    covered = open_sky(
        np.concatenate([ground, middle, roof]), np.tile(normals[:1], (9, 1)), np.concatenate([triangles, triangles + 5])
    )
    assert alone[4] > 0.95
    assert covered[4] < 0.3
