"""The stream of batches: the same samples however they are cut."""

import itertools

import numpy as np

from semblance.faceset.augment import AugmentOptions
from semblance.faceset.match import Matches
from semblance.training.batches import stream


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
