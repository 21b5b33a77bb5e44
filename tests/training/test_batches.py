"""The stream of batches: the same samples however they are cut."""

import itertools

import numpy as np
import pytest

from semblance.errors import FacesetError
from semblance.faceset.augment import AugmentOptions
from semblance.faceset.match import Matches
from semblance.faceset.warp import WarpOptions
from semblance.models import load_model_file
from semblance.training.batches import CropPair, stream


def samples(crops, start, batch, batches, rank=0, ranks=1):
    made = itertools.islice(stream(*crops, 32, 0.8, AugmentOptions(), 5, start, batch, rank, ranks), batches)
    made = list(made)
    return {name: np.concatenate([batch[name] for batch in made]) for name in made[0]}


def test_the_stream_does_not_depend_on_batch_size_or_starting_point(crops):
    whole = samples(crops, 0, 12, 1)
    fours = samples(crops, 0, 4, 3)
    later = samples(crops, 5, 7, 1)
    assert set(whole) == {"source", "target", "source_truth", "target_truth"}
    for name, value in whole.items():
        assert value.shape == (12, 32, 32, 3) and value.dtype == np.uint8
        assert np.array_equal(value, fours[name])
        assert np.array_equal(value[5:], later[name])


def test_several_processes_share_each_batch(crops):
    whole = samples(crops, 0, 7, 2)
    first, second = (samples(crops, 0, 7, 2, rank, 2) for rank in range(2))
    for name, value in whole.items():
        assert np.array_equal(value[:4], first[name][:4]) and np.array_equal(value[4:7], second[name][:3])
        assert np.array_equal(value[7:11], first[name][4:]) and np.array_equal(value[11:], second[name][3:])


def test_both_sides_are_drawn_apart(crops):
    made = samples((crops[0], crops[0]), 0, 8, 1)
    assert not np.array_equal(made["source"], made["target"])


def test_matched_sides_show_one_expression_moved_and_tinted_alike():
    """Crops whose brightness stands for an expression: each row of a batch pairs equal ones."""
    levels = np.arange(8, dtype=np.uint8) * 30
    images = np.broadcast_to(levels[:, None, None, None], (8, 64, 64, 3)).copy()
    backwards = images[::-1].copy()
    same = np.arange(8)[::-1, None]
    made = next(stream(images, backwards, 32, 0.8, AugmentOptions(), 3, 0, 40, matches=Matches(same, same)))
    assert np.array_equal(made["source"], made["target"])
    assert np.array_equal(made["source_truth"], made["target_truth"])
    assert len(np.unique(made["source"][:, 16, 16, 0])) > 8


def test_planes_come_beside_the_truth_in_either_way_of_augmenting(crops):
    """A plane made of a picture's own green must lie on the truth's green; existing entries do not change by it."""
    planes = {
        side: {"mask": pictures[..., 1].copy(), "features": 255 - pictures[..., 1]}
        for side, pictures in zip(("source", "target"), crops)
    }
    still = {"rotation": 8, "shift": 0.02, "zoom": 0.02}
    for options in (AugmentOptions(**still, light=0, tint=0), WarpOptions(**still, flip=(0.5, 0.5))):
        plain = next(stream(*crops, 32, 0.8, options, 5, 0, 6))
        made = next(stream(*crops, 32, 0.8, options, 5, 0, 6, planes=planes))
        assert set(made) - set(plain) == {"source_mask", "source_features", "target_mask", "target_features"}
        for name, value in plain.items():
            assert np.array_equal(value, made[name])
        for side in ("source", "target"):
            assert made[f"{side}_mask"].shape == (6, 32, 32) and made[f"{side}_mask"].dtype == np.uint8
            green = made[f"{side}_truth"][..., 1].astype(int)
            assert np.abs(green - made[f"{side}_mask"]).mean() < 2
            assert np.abs(255 - green - made[f"{side}_features"]).mean() < 2


def test_a_warped_stream_does_not_depend_on_batch_size_or_starting_point(crops):
    options = WarpOptions(hue=0.1, transfer="sot", flip=(0.5, 0.5))

    def warped(start, batch, batches):
        made = list(itertools.islice(stream(*crops, 32, 0.8, options, 5, start, batch), batches))
        return {name: np.concatenate([batch[name] for batch in made]) for name in made[0]}

    whole, pairs, later = warped(0, 2, 1), warped(0, 1, 2), warped(1, 1, 1)
    for name, value in whole.items():
        assert np.array_equal(value, pairs[name]) and np.array_equal(value[1:], later[name])


def test_crops_come_with_planes_and_yaw_of_their_number(crops):
    config = load_model_file("swap_df").PRESETS["tiny"]
    planes = {side: {"mask": np.full((24, 64, 64), 255, np.uint8)} for side in ("source", "target")}
    material = CropPair(*crops, planes=planes, yaw={"source": np.zeros(24), "target": np.zeros(24)})
    made = next(material.batches(config.changed(uniform_yaw=True), 0, 0, 4, 0, 1))
    assert made["source_mask"].shape == (4, 32, 32)
    with pytest.raises(FacesetError, match="target mask planes are uint8"):
        CropPair(*crops, planes={"target": {"mask": planes["target"]["mask"][:5]}})
    with pytest.raises(FacesetError, match="source has 24 crops but yaw"):
        CropPair(*crops, yaw={"source": np.zeros(3)})
    with pytest.raises(FacesetError, match="needs the yaw of every crop"):
        next(CropPair(*crops).batches(config.changed(uniform_yaw=True), 0, 0, 4, 0, 1))


def test_recoloured_crops_keep_their_place_and_change_their_colours(crops):
    plain, coloured = (
        next(stream(*crops, 32, 0.8, AugmentOptions(light=0, tint=0), 5, 0, 24, recoloured=share)) for share in (0, 1.0)
    )
    change = np.abs(plain["source_truth"].astype(int) - coloured["source_truth"]).mean((1, 2, 3))
    assert (change > 2).mean() > 0.5  # a match with a like picture, or a small share of the way, changes little
    again = next(stream(*crops, 32, 0.8, AugmentOptions(light=0, tint=0), 5, 12, 6, recoloured=1.0))
    assert np.array_equal(again["target"], coloured["target"][12:18])
