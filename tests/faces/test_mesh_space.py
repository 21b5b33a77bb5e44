"""Mesh space: one layout for all faces, its own mirror image, without holes."""

import numpy as np

from semblance.faces.mean_face import mean_face
from semblance.faces.mesh_space import HOLES, OVAL, VERTICES, hole_triangles, layout, mesh_triangles, with_rim
from semblance.faces.pose import rotation_of


def areas(places, triangles):
    one, other = places[triangles[:, 1]] - places[triangles[:, 0]], places[triangles[:, 2]] - places[triangles[:, 0]]
    return (one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]) / 2


def test_the_layout_fills_the_square_and_is_its_own_mirror_image():
    places = layout()
    assert places.shape == (VERTICES, 2)
    assert places.min() > 0 and places.max() < 1 and np.ptp(places, axis=0).min() > 0.95
    mirrored = places * [-1, 1] + [1, 0]
    nearest = np.linalg.norm(places[:, None] - mirrored[None], axis=2).min(1)
    assert nearest.max() < 2e-3


def test_hardly_a_triangle_is_folded_and_none_overlaps_much():
    signed = areas(layout(), mesh_triangles())
    assert (signed < 0).sum() <= 12  # under the wings of the nose
    assert np.abs(signed[signed < 0]).sum() < 0.002 * signed.sum()
    # rim outline's own area: nothing is covered twice and nothing is left out
    rim = layout()[VERTICES - len(OVAL) :]
    x, y = rim.T
    outline = abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2
    assert abs(signed.sum() - outline) < 0.001


def test_the_mouth_is_open_and_eyes_and_mouth_are_closed_by_triangles():
    places = layout()
    assert places[14, 1] - places[13, 1] > 0.1
    for name, rows in hole_triangles().items():
        used = set(mesh_triangles()[rows].ravel())
        assert used == set(HOLES[name][0]) | set(HOLES[name][1])
        assert (areas(places, mesh_triangles()[rows]) > 0).all()


def test_every_inner_edge_has_two_triangles():
    triangles = mesh_triangles()
    edges = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
    _, owners = np.unique(edges, axis=0, return_counts=True)
    assert set(owners) == {1, 2}
    assert (owners == 1).sum() == len(OVAL)  # the rim's outer edges


def test_the_rim_moves_with_the_head():
    face = mean_face()
    plain = with_rim(face)
    turn = rotation_of(20, 10, 5) * 90
    moved = with_rim(face @ turn.T + [300, 200, 0])
    assert np.allclose(moved, plain @ turn.T + [300, 200, 0], atol=1e-2)
    # up past the forehead, down under the chin
    assert plain[VERTICES - len(OVAL), 1] < plain[10, 1] - 0.2
    chin = VERTICES - len(OVAL) + OVAL.index(152)
    assert plain[chin, 1] > plain[152, 1] + 0.05
