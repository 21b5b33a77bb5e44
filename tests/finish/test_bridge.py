"""Frames between two finished ones: a face that moves along, and nothing where the plate does not tell."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from semblance.finish.bridge import Beside, bridge
from semblance.media.native import paste
from semblance.types import Patch


def world(shift: float, light: float = 1.0) -> np.ndarray:
    """A textured head that has moved by so many pixels before a wall that stands."""
    rng = np.random.default_rng(3)
    wall = cv2.resize(rng.uniform(60, 200, (25, 35, 3)), (280, 200), interpolation=cv2.INTER_CUBIC)
    head = cv2.resize(rng.uniform(80, 220, (34, 47, 3)), (280, 200), interpolation=cv2.INTER_CUBIC)
    inside = np.zeros((200, 280), np.float32)
    cv2.ellipse(inside, (120, 100), (50, 65), 0, 0, 360, 1.0, -1, cv2.LINE_AA)
    move = np.float32([[1, 0, shift], [0, 1, shift / 2]])
    head, inside = (cv2.warpAffine(each, move, (280, 200), borderMode=cv2.BORDER_REPLICATE) for each in (head, inside))
    return np.clip(light * (inside[..., None] * head + (1 - inside[..., None]) * wall), 0, 255).astype(np.uint8)


def finished(shift: float, light: float = 1.0) -> Beside:
    """The same with the face tinted: what a swap might lay there."""
    plate = world(shift, light)
    mask = np.zeros((90, 70), np.float32)
    cv2.ellipse(mask, (35, 45), (28, 36), 0, 0, 360, 1.0, -1, cv2.LINE_AA)
    mask = cv2.GaussianBlur(mask, (0, 0), 2)
    x, y = 85 + round(shift), 55 + round(shift / 2)
    under = plate[y : y + 90, x : x + 70]
    tinted = np.clip(under.astype(float)[..., ::-1] * 0.8 + 20, 0, 255)
    return Beside(plate, Patch(x, y, (mask[..., None] * tinted + (1 - mask[..., None]) * under).astype(np.uint8)), mask)


def laid(side: Beside) -> np.ndarray:
    return paste(side.plate, [side.patch]).astype(float)


@pytest.mark.parametrize("step", [0, 2, 6])
def test_a_moving_face_is_put_where_it_must_be(step):
    before, wanted, after = (finished(step * k) for k in (-1, 0, 1))
    made = bridge(wanted.plate, before, after, 0.5)
    result, truth = paste(wanted.plate, [made.patch]).astype(float), laid(wanted)
    changed = np.abs(truth - wanted.plate).max(2) > 8
    assert made.sure > 0.9
    assert np.abs(result - truth)[changed].mean() < 2 < np.abs(wanted.plate - truth)[changed].mean() / 8
    assert np.array_equal(result[:20], wanted.plate[:20]), "the wall stays the plate"


def test_what_the_watermark_spares_moves_along():
    sides = []
    for side in (finished(-4), finished(4)):
        spared = np.zeros(side.mask.shape, np.float32)
        spared[30:40, 15:55] = 1
        sides.append(replace(side, patch=replace(side.patch, spared=spared)))
    made = bridge(finished(0).plate, *sides, 0.5).patch
    wanted = np.zeros(made.spared.shape, np.float32)
    down, right = 55 + 30 - made.y, 85 + 15 - made.x
    wanted[down : down + 10, right : right + 40] = 1
    assert np.abs(made.spared - wanted).sum() < 0.15 * wanted.sum()
    assert bridge(finished(0).plate, finished(-4), finished(4), 0.5).patch.spared.max() == 0


def test_light_that_changes_is_followed():
    before, wanted, after = finished(-2, 1.0), finished(0, 0.8), finished(2, 0.6)
    made = bridge(wanted.plate, before, after, 0.5)
    gap = (paste(wanted.plate, [made.patch]).astype(float) - laid(wanted))[made.mask.shape[0] // 2 :]
    assert abs(gap.mean()) < 3


def test_a_hand_before_the_face_and_another_picture_are_left_alone():
    before, after = finished(-1), finished(1)
    hidden = world(0).copy()
    hidden[60:140, 90:150] = (200, 160, 140)
    assert bridge(hidden, before, after, 0.5) is None
    assert bridge(np.ascontiguousarray(world(0)[::-1, ::-1]), before, after, 0.5) is None


def test_a_frame_like_its_neighbour_gets_its_neighbours_face():
    side = finished(0)
    for share in (0.0, 0.3, 1.0):
        made = bridge(side.plate, side, side, share)
        assert np.abs(paste(side.plate, [made.patch]).astype(float) - laid(side)).max() <= 3


def test_outside_its_mask_the_patch_is_the_plate():
    before, wanted, after = (finished(3 * k) for k in (-1, 0, 1))
    made = bridge(wanted.plate, before, after, 0.5)
    h, w = made.mask.shape
    under = wanted.plate[made.patch.y : made.patch.y + h, made.patch.x : made.patch.x + w]
    assert np.array_equal(made.patch.pixels[made.mask == 0], under[made.mask == 0])


def test_a_face_at_the_frames_border():
    plates = [np.ascontiguousarray(world(k)[50:, 80:]) for k in (-1, 0, 1)]
    patch = np.full((60, 40, 3), 90, np.uint8)
    sides = [Beside(plate, Patch(-10, -12, patch), np.ones((60, 40), np.float32)) for plate in (plates[0], plates[2])]
    made = bridge(plates[1], *sides, 0.5)
    assert made is None or paste(plates[1], [made.patch]).shape == plates[1].shape
