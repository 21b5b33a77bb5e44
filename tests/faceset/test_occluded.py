"""Sittings come from their seed alone; a mask is the face inside its outline and nothing that stands before it."""

import cv2
import numpy as np
import pytest

from semblance.faces.mean_face import mean_face
from semblance.faceset.disturb import VIEW
from semblance.faceset.occluded import draw_sitting, film_sitting, masked_crop
from semblance.measures.truth import REGIONS
from semblance.people.bodies import open_body
from semblance.people.render import Shot


def shot_of(regions):
    """A frame of these regions (400, 400) with a mean face in its middle, 140 px a face unit."""
    points = np.column_stack([mean_face()[:, :2] * 140 + 200, np.zeros(478)]).astype(np.float32)
    return Shot(np.zeros((400, 400, 3), np.uint8), regions, points, np.ones(478, bool), np.zeros((3, 4)))


def test_all_skin_gives_the_outline_and_what_covers_it_is_cut_out():
    skin = np.full((400, 400), REGIONS["skin"], np.uint8)
    _, whole, none = masked_crop(shot_of(skin), 112)
    # the crop "face" is 1.6 units wide, this one VIEW times that
    points = (mean_face()[:, :2] / (1.6 * VIEW) + 0.5) * 112 - 0.5
    hull = cv2.contourArea(cv2.convexHull(points.astype(np.float32)))
    assert whole.sum() / 255 == pytest.approx(hull, rel=0.02) and none.max() == 0
    half = skin.copy()
    half[:, 200:] = REGIONS["occluder"]
    _, mask, cover = masked_crop(shot_of(half), 112)
    assert np.abs(mask.astype(int) + cover - whole).max() <= 3
    assert mask[:, 60:].max() == 0 and cover[:, :52].max() == 0
    assert mask.sum() / whole.sum() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(
    ("region", "face", "covers"),
    [("eyes", 1, 0), ("mouth", 1, 0), ("lips", 1, 0), ("hair", 0, 1), ("clothes", 0, 1), ("background", 0, 0)],
)
def test_what_counts_as_face_and_what_as_cover(region, face, covers):
    _, mask, cover = masked_crop(shot_of(np.full((400, 400), REGIONS[region], np.uint8)), 64)
    assert (mask[32, 32] > 250) == face and (cover[32, 32] > 250) == covers


def test_a_sitting_is_its_seeds_and_no_other_seeds():
    one, again = draw_sitting(3, 1), draw_sitting(3, 1)
    assert one.person.to_dict() == again.person.to_dict()
    assert [view.pose for view in one.views] == [view.pose for view in again.views]
    people = [draw_sitting(seed, number).person.seed for seed in (3, 4) for number in range(20)]
    assert len(set(people)) == 40


def test_more_than_half_have_something_before_the_face_and_heads_turn():
    sittings = [draw_sitting(0, number) for number in range(40)]
    views = [(view, sitting.person.glasses) for sitting in sittings for view in sitting.views]
    assert np.mean([bool(view.occluder) or glasses for view, glasses in views]) > 0.6
    bearded = [sitting.person for sitting in sittings if sitting.person.beard >= 0.5]
    assert 0.25 < len(bearded) / len(sittings) < 0.6
    assert any(min(person.brow_colour) > 0.4 for person in bearded), "white ones among them"
    yaws = np.array([view.pose[0] for view, _ in views])
    assert np.abs(yaws).max() < 51 and (np.abs(yaws) > 30).mean() > 0.2 and (np.abs(yaws) < 15).mean() > 0.25
    assert {view.occluder for view, _ in views} == {"", "hand", "microphone", "mug", "strand"}


def test_filmed_faces_have_masks_of_their_own_size():
    sitting = draw_sitting(11, 0, pictures=3)
    filmed = list(film_sitting(sitting, open_body("builtin"), 64))
    for masked, view in zip(filmed, sitting.views):
        assert masked.picture.shape == (64, 64, 3) and masked.mask.shape == masked.cover.shape == (64, 64)
        assert masked.pose == view.pose and masked.picture.std() > 15
        assert 0.04 < (masked.mask > 127).mean() < 0.4  # a face fills 0.3 of its crop, which is VIEW times as wide
        assert ((masked.mask > 200) & (masked.cover > 200)).sum() == 0
