"""Batches in mesh space: repeatable, matched, disturbed on the way in only."""

import itertools

import numpy as np
import pytest

from semblance.faces.expression import SIZE
from semblance.faceset.textures import Textures
from semblance.models import load_model_file
from semblance.training.mesh_pair import MeshPair

CONFIG = load_model_file("swap_mesh").PRESETS["tiny"]


def person(seed, count=12, side=32):
    chance = np.random.default_rng(seed)
    told = np.zeros((count, SIZE), np.float32)
    told[:, 0] = np.linspace(0, 3, count)  # the mouth opens
    pictures = chance.integers(0, 256, (count, side, side, 3), np.uint8)
    pictures[:, 0, 0, 0] = np.arange(count)  # signed by its row
    seen = np.full((count, side, side), 255, np.uint8)
    return Textures(pictures, seen, told, np.zeros((2 * side, 2 * side, 3), np.uint8), np.zeros(SIZE, np.float32))


@pytest.fixture(scope="module")
def pair():
    return MeshPair(person(1), person(2))


def take(pair, config, samples, batch, start=0, ranks=1):
    made = [pair.batches(config, 5, start, batch, rank, ranks) for rank in range(ranks)]
    steps = [[next(one) for one in made] for _ in range(samples // batch)]
    parts = list(itertools.chain(*steps))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def test_a_sample_is_the_same_whatever_the_batch_and_the_number_of_processes(pair):
    whole = take(pair, CONFIG, 12, 12)
    for other in (take(pair, CONFIG, 12, 4), take(pair, CONFIG, 12, 6, ranks=2)):
        assert all(np.array_equal(whole[name], other[name]) for name in whole)
    late = take(pair, CONFIG, 4, 4, start=8)
    assert all(np.array_equal(whole[name][8:], late[name]) for name in whole)


def test_both_rows_of_a_sample_make_the_same_expression(pair):
    made = take(pair, CONFIG, 60, 6)
    apart = np.abs(made["source_expression"][:, 0] - made["target_expression"][:, 0])
    assert apart.max() < 0.7  # of 3: one of the nearest three
    rows = made["source_truth"][:, 0, 0, 0], made["target_truth"][:, 0, 0, 0]
    assert all(len(set(row)) > 8 for row in rows)


def test_inputs_are_disturbed_and_truths_are_not(pair):
    made = take(pair, CONFIG, 12, 12)
    rows = made["source_truth"][:, 0, 0, 0]
    assert np.array_equal(made["source_truth"], pair.source.pictures[rows])
    assert not np.array_equal(made["source"], made["source_truth"])
    calm = take(pair, CONFIG.changed(light=0.0, shift=0.0), 12, 12)
    assert np.array_equal(calm["source"], calm["source_truth"])
    assert made["source_seen"].shape == (12, 32, 32)


def test_examples_are_spread_and_fixed(pair):
    shown = pair.examples(CONFIG, 3)
    assert shown["target"][:, 0, 0, 0].tolist() == [0, 6, 11] or shown["target"][:, 0, 0, 0].tolist() == [0, 5, 11]
    assert {"source", "target", "source_expression", "target_expression"} == set(shown)


def test_a_source_that_never_blinks_is_shown_shut_where_the_target_blinks():
    one, other = person(1), person(2)
    for who in (one, other):
        who.expressions[:, 3:5] = 1.9  # of what lids weigh: a tenth of a face unit
        who.rest[3:5] = 1.9
    other.expressions[:, 3:5] = 0.1
    made = take(MeshPair(one, other), CONFIG, 12, 12)
    rows = made["source_truth"][:, 0, 0, 0]
    assert np.abs(made["source_expression"][:, 3:5] - 0.1).max() < 0.4
    assert (made["source_truth"] != one.pictures[rows]).any((1, 2, 3)).all()
    assert np.array_equal(made["target_truth"], other.pictures[made["target_truth"][:, 0, 0, 0]])
