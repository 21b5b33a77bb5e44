"""A texture worn over the plate's face: in its place, in its light, fading out at the edge."""

import cv2
import numpy as np
import pytest

from semblance.faces.mean_face import mean_face
from semblance.faces.mesh_space import layout, with_rim
from semblance.faces.pose import rotation_of
from semblance.faces.wrap import unwrap
from semblance.finish.wear import skin_beyond, skin_only, wardrobe, wear

T, SIDE = 128, 260
SHAPE = mean_face()[:468].astype(np.float32)
SKIN = np.uint8([190, 140, 115])


def plain(colour=SKIN):
    return np.tile(np.uint8(colour), (T, T, 1))


def points(size=85.0, yaw=0.0):
    return with_rim((mean_face() @ rotation_of(yaw, 0, 0).T * size + [SIDE / 2, SIDE / 2, 0]).astype(np.float32))


def picture():
    x = np.tile(np.arange(SIDE) / SIDE, (SIDE, 1))
    noise = cv2.GaussianBlur(np.random.default_rng(0).normal(0, 60, (SIDE, SIDE, 3)), (0, 0), 2)
    return np.clip(SKIN * (0.6 + 0.7 * x[..., None]) + 8 * noise * 0.4, 0, 255).astype(np.uint8)


FRAME = picture()


@pytest.fixture
def clothes():
    return wardrobe(SHAPE, SHAPE, plain(), plain())


def test_the_plates_own_texture_worn_is_the_plate(clothes):
    plate, places = picture(), points()
    texture = unwrap(plate, places, T)
    worn = wear(texture.astype(np.float32) / 255, plate, texture, places, clothes, 1.0, 1.0, 1.0)
    x, y = np.round(-worn.matrix[:, 2]).astype(int)
    h, w = worn.mask.shape
    assert np.allclose(worn.matrix[:, :2], np.eye(2))  # the frame's own pixels, on its own grid
    solid = worn.mask > 0.95
    assert solid.sum() > 6000
    gap = np.abs(worn.crop * 255 - plate[y : y + h, x : x + w])[solid]
    assert gap.mean() < 2.5


def test_beyond_its_mask_the_face_is_the_plate_for_a_feather_to_reach_into(clothes):
    for fine in (False, True):
        blue = plain((20, 30, 160)).astype(np.float32) / 255
        worn = wear(blue, FRAME, plain(), points(), clothes, 0.0, 0.0, fine=fine)
        x, y = np.round(-worn.matrix[:, 2]).astype(int)
        h, w = worn.mask.shape
        gap = np.abs(worn.crop * 255 - FRAME[y : y + h, x : x + w]).max(2)
        assert gap[worn.mask < 1e-3].max() < 2.5 and gap[worn.mask > 0.5].min() > 20


def test_the_mask_is_whole_in_the_face_and_nothing_at_the_outline(clothes):
    worn = wear(plain().astype(np.float32) / 255, FRAME, plain(), points(), clothes, 0.0, 0.0)
    places = points() @ np.eye(3)
    inner = np.round(places[[1, 13, 50, 280, 9], :2] + worn.matrix[:, 2]).astype(int)
    rim = np.round(places[468:, :2] + worn.matrix[:, 2]).astype(int)
    assert all(worn.mask[y, x] > 0.95 for x, y in inner)
    assert all(worn.mask[y, x] < 0.02 for x, y in rim)
    assert np.abs(np.diff(worn.mask, axis=0)).max() < 0.35  # no hard edge


def test_hair_of_either_person_is_no_skin():
    hairy = plain()
    hairy[: int(0.2 * T)] = (40, 30, 25)
    for source, target in ((hairy, plain()), (plain(), hairy)):
        mask = wardrobe(SHAPE, SHAPE, source, target).mask
        assert mask[int(0.12 * T), T // 2] < 0.05 < 0.9 < mask[T // 2, T // 2]
    brows = plain()
    brows[int(0.27 * T) : int(0.3 * T), int(0.25 * T) : int(0.4 * T)] = (30, 20, 20)
    assert wardrobe(SHAPE, SHAPE, brows, plain()).mask[int(0.285 * T), int(0.32 * T)] > 0.9


def test_brows_are_the_face_whole_however_thick():
    places = layout()[[70, 63, 105, 66, 107, 46, 53, 52, 65, 55]]  # mediapipe's right brow
    low, high = places.min(0), places.max(0)
    thick = plain()
    rows = slice(int((low[1] - 0.02) * T), int(high[1] * T))
    for x in (low[0], 1 - high[0]):
        thick[rows, int(x * T) : int((x + high[0] - low[0]) * T)] = (30, 20, 20)
    bare = wardrobe(SHAPE, SHAPE, plain(), plain()).mask
    for source, target in ((thick, plain()), (plain(), thick)):
        mask = wardrobe(SHAPE, SHAPE, source, target).mask
        at = [(int(y * T), int(x * T)) for x, y in places]
        assert min(mask[place] / bare[place] for place in at) > 0.95


def test_a_beard_is_the_face_down_to_the_jaw_but_hair_beside_a_bare_chin_is_not():
    beard = plain()
    beard[int(0.64 * T) :] = (60, 45, 40)
    beard[: int(0.2 * T)] = (60, 45, 40)
    jaw, brow = (int(0.7 * T), int(0.15 * T)), (int(0.12 * T), T // 2)
    bare = wardrobe(SHAPE, SHAPE, plain(), plain())
    for source, target in ((beard, plain()), (plain(), beard)):
        made = wardrobe(SHAPE, SHAPE, source, target)
        assert made.mask[jaw] > 0.9 * bare.mask[jaw] > 0.4
        assert made.mask[brow] < 0.05  # what covers the hairline is hair, of whatever colour
        small = tuple(place // 2 for place in jaw)
        assert made.trust[small] < 0.1 * bare.trust[small]  # but it tells nothing of the light
    long_hair = plain()
    long_hair[:, : int(0.3 * T)] = (60, 45, 40)
    assert wardrobe(SHAPE, SHAPE, long_hair, plain()).mask[jaw] < 0.2 * bare.mask[jaw]


def test_the_face_takes_the_plates_light_as_far_as_asked(clothes):
    dark = (plain() * 0.5).astype(np.uint8)
    drawn = plain().astype(np.float32) / 255
    means = []
    for light in (0.0, 0.5, 1.0):
        worn = wear(drawn, FRAME, dark, points(), clothes, 0.0, light)
        means.append(worn.crop[worn.mask > 0.99].mean() * 255)
    assert means[0] == pytest.approx(SKIN.mean(), abs=2)
    assert means[2] == pytest.approx(dark.mean(), abs=4)
    assert means[2] < means[1] < means[0]


def test_a_turned_cheek_is_left_to_the_plate(clothes):
    texture = plain().astype(np.float32) / 255
    frontal, turned = (wear(texture, FRAME, plain(), points(yaw=yaw), clothes, 0.0, 0.0) for yaw in (0, 45))
    assert 0 < (turned.mask > 0.5).sum() < 0.85 * (frontal.mask > 0.5).sum()


def test_a_face_far_larger_than_its_texture_is_drawn_smaller(clothes):
    worn = wear(plain().astype(np.float32) / 255, FRAME, plain(), points(size=900.0), clothes, 0.0, 0.0)
    assert worn.mask.shape[0] < 1.7 * T
    x, y = worn.matrix[:, :2] @ points(size=900.0)[1, :2] + worn.matrix[:, 2]
    assert worn.mask[int(y), int(x)] > 0.9
    assert len(layout()) == len(points())


def test_detail_comes_to_the_plates_strength(clothes):
    chance = cv2.GaussianBlur(np.random.default_rng(3).normal(0, 5, (SIDE, SIDE, 3)), (0, 0), 1.5)
    weak, strong = (np.clip(SKIN + amount * chance, 0, 255).astype(np.uint8) for amount in (6, 12))

    def spread(detail, own, frame):
        texture = unwrap(own, points(), T)
        worn = wear(texture.astype(np.float32) / 255, frame, texture, points(), clothes, 0.0, 0.0, detail)
        grey = cv2.cvtColor(worn.crop, cv2.COLOR_RGB2GRAY)
        return cv2.Laplacian(grey, cv2.CV_32F)[worn.mask > 0.95].std()

    before, half, whole = (spread(detail, weak, strong) for detail in (0.0, 0.5, 1.0))
    assert 1.15 < half / before < whole / before < 1.6  # no more than half as strong again
    assert spread(1.0, strong, weak) / spread(0.0, strong, weak) == pytest.approx(0.65, abs=0.13)


def test_what_stands_before_the_plates_face_tells_nothing_of_its_light(clothes):
    plate, bare = plain(), np.ones((T, T), np.float32)
    plate[: int(0.45 * T)] = (20, 15, 10)  # a fringe and dark glasses
    bare[: int(0.45 * T)] = 0
    drawn = plain().astype(np.float32) / 255
    shaded, told = (wear(drawn, FRAME, plate, points(), clothes, 0.0, 1.0, bare=each) for each in (None, bare))
    low = np.zeros(told.mask.shape, bool)
    low[round(0.6 * len(low)) :] = True
    for worn, off in ((told, 4), (shaded, 60)):
        assert np.abs(worn.crop * 255 - SKIN)[(worn.mask > 0.99) & low].mean() < off
    assert (
        np.abs(told.crop * 255 - SKIN)[told.mask > 0.99].mean() < 6
    )  # and what is behind the fringe goes with the rest
    assert np.abs(shaded.crop * 255 - SKIN)[shaded.mask > 0.99].mean() > 15


@pytest.mark.parametrize("beard", [(225, 222, 220), (55, 45, 42)])
def test_a_beard_amid_the_chin_is_no_light_but_a_shadow_over_half_the_face_is(beard):
    bearded = plain()
    chin = slice(int(0.70 * T), int(0.92 * T)), slice(int(0.2 * T), int(0.8 * T))
    bearded[chin] = beard
    drawn = plain().astype(np.float32) / 255
    made = wardrobe(SHAPE, SHAPE, plain(), bearded)
    worn = wear(drawn, FRAME, bearded, points(), made, 0.0, 1.0)
    assert np.abs(worn.crop * 255 - SKIN)[worn.mask > 0.99].mean() < 4
    shaded = plain()
    shaded[:, : T // 2] = SKIN * 0.72
    bare = wardrobe(SHAPE, SHAPE, plain(), plain())
    made = wardrobe(SHAPE, SHAPE, plain(), shaded)
    assert made.trust.sum() > 0.97 * bare.trust.sum()


def test_a_film_without_colours_tells_of_its_light_too():
    noise = np.random.default_rng(1).integers(-2, 3, (T, T, 3))
    grey = (plain((140, 140, 140)) + noise).astype(np.uint8)
    bare = wardrobe(SHAPE, SHAPE, plain(), plain())
    assert wardrobe(SHAPE, SHAPE, grey, plain()).trust.sum() > 0.97 * bare.trust.sum()


def test_hair_and_background_beside_the_source_are_never_drawn():
    mean = plain()
    mean[:, : int(0.12 * T)] = (30, 30, 35)  # hair that hangs beside the cheek
    usual = skin_beyond(mean)
    assert np.abs(usual[10:-10, 2:-2] * 255 - SKIN)[:, :, 0].max() < 30  # no dark line is left
    drawn = usual.copy()
    drawn[int(0.6 * T) : int(0.85 * T), int(0.85 * T) :] = np.float32([90, 160, 150]) / 255  # a wall, of a turned head
    drawn[int(0.7 * T) : int(0.8 * T), int(0.45 * T) : int(0.55 * T)] = 0  # an open mouth
    made = skin_only(drawn, usual)
    wall = made[int(0.65 * T) : int(0.8 * T), int(0.9 * T) :]
    assert np.abs(wall * 255 - SKIN).max() < 12
    assert np.array_equal(made[int(0.72 * T) : int(0.78 * T), T // 2], drawn[int(0.72 * T) : int(0.78 * T), T // 2])
