"""Merged faces as one layer, and where its pixels lie on a texture."""

import cv2
import numpy as np
import pytest

from semblance.faces.mean_face import mean_face
from semblance.faces.mesh_space import layout, with_rim
from semblance.faces.wrap import coordinates, wrap
from semblance.finish.blend import alpha_blend, unblended
from semblance.finish.layers import crop_uv, laid_by_mask, mesh_uv, one_layer
from semblance.finish.merge import Merged, merge_face
from semblance.finish.merge_options import MergeOptions
from semblance.media.native import paste
from semblance.types import Patch
from tests.finish.test_depth import DEEP, shading
from tests.finish.test_merge import landmarks, square

CHANCE = np.random.default_rng(0)


def merged(plate, x, y, height, width, level):
    """A face of noise around a level under a soft mask of noise."""
    face = np.clip(level + CHANCE.normal(0, 3000, (height, width, 3)), 0, 65535).astype(np.uint16)
    mask = cv2.GaussianBlur(CHANCE.random((height, width)).astype(np.float32), (0, 0), 3)
    mask[:3] = 0
    under = plate[y : y + height, x : x + width]
    return Merged(Patch(x, y, alpha_blend(under, face, mask)), mask, face, np.eye(3)[:2])


def over(plate, layer):
    canvas, share = plate.astype(np.float64), layer.mask[..., None].astype(np.float64)
    part = layer.of(canvas)
    part[...] = part * (1 - share) + layer.face * share
    return canvas


def test_one_face_is_handed_on_as_it_is():
    face = merged(DEEP, 20, 30, 50, 40, 30000)
    layer = one_layer([face], [None])
    assert layer.face is face.face and layer.mask is face.mask and (layer.x, layer.y, layer.uv) == (20, 30, None)
    assert one_layer([], []) is None


def test_faces_that_overlap_look_as_if_laid_one_after_the_other():
    low = merged(DEEP, 20, 30, 60, 70, 20000)
    high = merged(paste(DEEP, [low.patch]), 60, 10, 70, 50, 45000)
    uvs = [np.full((*face.mask.shape, 3), value, np.float32) for face, value in ((low, 0.25), (high, 0.75))]
    layer = one_layer([low, high], uvs)
    assert (layer.x, layer.y, layer.mask.shape) == (20, 10, (80, 90))
    assert np.abs(over(DEEP, layer) - paste(DEEP, [low.patch, high.patch])).max() < 4  # of 65535
    assert layer.uv[15, 60, 0] == 0.75 and layer.uv[70, 5, 0] == 0.25
    assert (layer.face[0, 45] == high.face[0, 5]).all()  # whole beyond the mask


@pytest.mark.parametrize("opacity", [1.0, 0.6])
def test_a_blend_by_bands_is_handed_over_as_a_mix(opacity):
    options = MergeOptions(colour="none", blend="bands", opacity=opacity)
    face = merge_face(DEEP, landmarks(), shading(), square(), options)
    layer = one_layer(laid_by_mask(DEEP, [face]), [None])
    gap = np.abs(over(DEEP, layer) - paste(DEEP, [face.patch]))
    assert gap.max() < 1.5 * 257 and np.percentile(gap, 99) < 2
    plain = one_layer([face], [None])
    assert np.abs(over(DEEP, plain) - paste(DEEP, [face.patch])).max() > 4 * 257


def test_unblended_is_the_inverse_of_the_blend():
    face = CHANCE.integers(0, 65536, DEEP.shape).astype(np.uint16)
    mask = CHANCE.uniform(0.2, 1, DEEP.shape[:2]).astype(np.float32)
    assert np.abs(unblended(DEEP, alpha_blend(DEEP, face, mask), mask).astype(int) - face).max() <= 4


def test_the_mesh_map_leads_back_to_the_texture():
    """A texture whose colours are its own places, drawn over a face, against the map of that face."""
    points = with_rim((mean_face() * 90 + [130, 120, 0]).astype(np.float32))
    place = (np.indices((512, 512)).transpose(1, 2, 0)[..., ::-1] + 0.5) / 512
    drawn, inside = wrap(place.astype(np.float32), points, 260, 250)
    found, also = coordinates(points, 260, 250)
    np.testing.assert_array_equal(inside, also)
    core = cv2.erode(inside.astype(np.uint8), np.ones((5, 5))) > 0
    assert np.percentile(np.abs(drawn[core] - found[core]), 99) < 0.01 and core.sum() > 15000
    assert np.abs(found[int(points[1, 1]), int(points[1, 0])] - layout()[1]).max() < 0.01


@pytest.mark.parametrize("scale", [1.0, 1.3])
def test_the_map_goes_with_a_face_that_is_shown_larger(scale):
    """Points drawn into a crop of other pixels than the frame's, then shown `scale` times as large about a centre."""
    points = with_rim((mean_face() * 60 + [130, 120, 0]).astype(np.float32))
    matrix, centre = np.array([[1.5, 0, -90], [0, 1.5, -60]]), np.array([130.0, 120.0])
    shown = np.column_stack([matrix[:, :2] / scale, matrix[:, 2] + matrix[:, :2] @ centre * (1 - 1 / scale)])
    face = Merged(Patch(50, 20, None), np.ones((200, 180), np.float32), None, shown)
    uv = mesh_uv(face, points, matrix)
    for vertex in (1, 9, 50, 280, 151):
        x, y = centre + scale * (points[vertex, :2] - centre) - (50, 20)
        found = cv2.remap(uv, np.float32([[[x, y]]]), None, cv2.INTER_LINEAR)[0, 0]
        np.testing.assert_allclose(found, [*(layout()[vertex] * [1, -1] + [0, 1]), 1], atol=0.012)
    assert (uv[..., 2] == 0).any() and (uv[uv[..., 2] == 0] == 0).all()


def test_the_crop_map_is_the_matrix():
    face = Merged(Patch(10, 5, None), np.ones((40, 60), np.float32), None, None)
    uv = crop_uv(face, np.array([[2.0, 0, -20], [0, 2.0, -10]]), 100)
    assert uv[0, 0] == pytest.approx([0.005, 0.995, 1]) and uv[10, 20] == pytest.approx([0.405, 0.795, 1])
    assert (uv[:, 50:] == 0).all() and uv[:, :50, 2].all()
