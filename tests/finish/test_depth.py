"""A plate of more than eight bits is merged in its own depth: no bands in the face, none where it fades out."""

import numpy as np
import pytest

from semblance.faces.wrap import unwrap
from semblance.finish.blend import alpha_blend, seamless_clone
from semblance.finish.merge import merge_face
from semblance.finish.merge_options import MergeOptions
from semblance.finish.wear import wardrobe, wear
from tests.finish.test_merge import landmarks, smooth_plate, square
from tests.finish.test_wear import FRAME, SHAPE, T, plain, points

SHALLOW = smooth_plate()
DEEP = SHALLOW.astype(np.uint16) * 257


def shading(side=128):
    """A face whose light changes by three 8-bit levels from side to side."""
    return np.repeat(np.linspace(0.5, 0.5 + 3 / 255, side, dtype=np.float32)[None], side, 0)[..., None].repeat(3, 2)


@pytest.mark.parametrize(
    "options",
    [
        MergeOptions(colour="none"),
        MergeOptions(),
        *(MergeOptions(colour="none", blend=blend) for blend in ("opencv", "bands", "poisson", "poisson-mixed")),
    ],
)
def test_both_depths_give_the_same_picture(options):
    crop, matrix = np.random.default_rng(0).random((128, 128, 3)).astype(np.float32), square(roll=10)
    eight, sixteen = (merge_face(plate, landmarks(roll=10), crop, matrix, options) for plate in (SHALLOW, DEEP))
    assert sixteen.patch.pixels.dtype == sixteen.face.dtype == np.uint16 and eight.face.dtype == np.uint8
    np.testing.assert_array_equal(eight.mask, sixteen.mask)
    limit = (
        3 if options.blend == "opencv" else 2
    )  # two solutions of the clone; noise, rounded before a cubic warp and after
    assert np.abs(eight.patch.pixels - sixteen.patch.pixels / 257).max() < limit
    outside = sixteen.mask == 0
    part = DEEP[sixteen.patch.y :, sixteen.patch.x :][: outside.shape[0], : outside.shape[1]]
    np.testing.assert_array_equal(sixteen.patch.pixels[outside], part[outside])


def test_a_soft_shading_has_no_steps_of_eight_bits():
    merged = {
        plate.dtype.name: merge_face(plate, landmarks(), shading(), square(), MergeOptions(colour="none"))
        for plate in (SHALLOW, DEEP)
    }
    rows = {name: each.face[each.face.shape[0] // 2, :, 0] for name, each in merged.items()}
    assert len(np.unique(rows["uint8"])) <= 4 < 60 < len(np.unique(rows["uint16"]))


@pytest.mark.parametrize("plate", [SHALLOW, DEEP])
def test_face_mask_and_plate_give_the_patch(plate):
    merged = merge_face(plate, landmarks(), shading(), square(), MergeOptions(opacity=0.7, brightness=10))
    patch, share = merged.patch, merged.mask[..., None].astype(np.float64)
    under = plate[patch.y :, patch.x :][: share.shape[0], : share.shape[1]].astype(np.float64)
    assert np.abs(under * (1 - share) + merged.face * share - patch.pixels).max() < 0.6


def test_the_matrix_is_the_crops_as_shown():
    matrix = square()
    plainly, larger = (
        merge_face(DEEP, landmarks(), shading(), matrix, MergeOptions(colour="none", face_scale=scale)).matrix
        for scale in (1.0, 1.25)
    )
    np.testing.assert_allclose(plainly, matrix)
    np.testing.assert_allclose(larger[:, :2], matrix[:, :2] / 1.25)
    centre = np.array([120.0, 100.0, 1.0])  # of the face: stays where it is
    np.testing.assert_allclose(larger @ centre, matrix @ centre, atol=1e-3)


def test_what_is_worn_is_as_fine_as_floats():
    clothes = wardrobe(SHAPE, SHAPE, plain(), plain())
    x = np.linspace(0, 3 / 255, T, dtype=np.float32)
    texture = (plain() / np.float32(255) + x[None, :, None]).astype(np.float32)
    worn = {
        fine: wear(texture, FRAME, unwrap(FRAME, points(), T), points(), clothes, 0.0, 0.0, 1.0, fine=fine)
        for fine in (False, True)
    }
    inside = worn[True].mask > 0.95
    assert np.abs(worn[True].crop - worn[False].crop)[inside].max() < 3 / 255
    assert worn[True].mask.min() >= 0 and max(worn[True].mask.max(), worn[True].crop.max()) <= 1
    counts = {fine: len(np.unique(worn[fine].crop[inside][:, 0])) for fine in worn}
    assert counts[False] < 20 < 500 < counts[True]
    np.testing.assert_array_equal(worn[True].points, points())


def test_deep_blends():
    chance = np.random.default_rng(1)
    plate, face = (chance.integers(0, 65536, (60, 80, 3)).astype(np.uint16) for _ in range(2))
    mask = chance.random((60, 80)).astype(np.float32)
    exact = plate + mask[..., None] * (face.astype(np.float64) - plate)
    assert np.abs(alpha_blend(plate, face, mask) - exact).max() < 0.52
    assert (alpha_blend(plate, face, np.zeros_like(mask)) == plate).all()
    flat = np.full((120, 100, 3), 30000, np.uint16)
    tinted = seamless_clone(flat, flat + np.uint16(5140), np.ones((120, 100), np.float32))
    assert tinted.dtype == np.uint16 and abs(int(tinted[60, 50, 0]) - 30000) < 3 * 257
