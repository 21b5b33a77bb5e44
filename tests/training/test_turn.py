"""A model file may set its own learning rate and turn on the way: the loop asks at every step and misses no change."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from semblance.models import load_model_file
from semblance.runs import Progress, read_json_lines
from semblance.training.batches import CropPair
from semblance.training.loop import train_model
from semblance.training.options import TrainOptions
from semblance.weights import load_checkpoint

MODEL = "swap_original"


@pytest.fixture
def module(monkeypatch):
    """The original model's file, which has neither, with room for both."""
    module = load_model_file(MODEL)
    for name in ("turn", "learning_rate"):
        assert not hasattr(module, name)
        monkeypatch.setattr(module, name, None, raising=False)
    return module


def train(crops, run, resume=False, **options):
    options = TrainOptions(**{"precision": "fp32", "accelerator": "cpu", **options})
    return train_model(MODEL, "tiny", CropPair(*crops), run, options, resume)


def test_the_model_file_sets_the_learning_rate(crops, tmp_path, module):
    module.learning_rate = lambda config, moment: 0.5 if moment.share < 0.5 else 0.25
    train(crops, tmp_path / "run", samples=320)
    config = module.PRESETS["tiny"]
    rows = read_json_lines(tmp_path / "run/stats.jsonl")
    assert rows[0]["learning_rate"] == pytest.approx(0.5 * config.learning_rate)
    assert rows[-1]["learning_rate"] == pytest.approx(0.25 * config.learning_rate)


@pytest.mark.parametrize("limit", [{"samples": 320}, {"minutes": 0.05}])
def test_turn_sees_every_moment_once(crops, tmp_path, module, limit):
    """Time passes between bursts, too: no change of share may fall between two calls."""
    seen = []
    module.turn = lambda net, average, config, before, now: seen.append((before, now))
    train(crops, tmp_path / "run", **limit)
    assert seen[0][0].samples == seen[0][0].share == 0
    assert all(now == before for (_, now), (before, _) in pairwise(seen))
    assert seen[-1][1].share > 0.5 and seen[-1][1].samples > 100


def test_a_resumed_run_turns_as_the_uninterrupted_one(crops, tmp_path, module):
    def turn(net, average, config, before, now):
        return before.samples < 160 <= now.samples

    module.turn = turn
    train(crops, tmp_path / "whole", samples=320)
    train(crops, tmp_path / "parts", samples=144)
    train(crops, tmp_path / "parts", samples=320, resume=True)
    whole, parts = (load_checkpoint(tmp_path / name / "checkpoints", Progress()).tensors for name in ("whole", "parts"))
    # 16 faces a step: ten steps since the moments were forgotten
    assert whole["moments.swap.0.step"] == parts["moments.swap.0.step"] == 10


def test_what_was_turned_is_saved_and_no_leap_of_the_loss(crops, tmp_path, module):
    """The loss after a turn is of another kind; a roll-back would undo the turn for good."""
    turned = []

    def turn(net, average, config, before, now):
        if turn_now := before.samples < 640 <= now.samples:
            turned.append(now.samples)
            with torch.no_grad():
                for part in (net, average):
                    part.source[-1].colours.bias.add_(30)  # white: far worse than four times the loss
        return turn_now

    module.turn = turn
    result = train(crops, tmp_path / "run", samples=800)
    assert turned == [640] and result.rollbacks == 0
    tensors = load_checkpoint(tmp_path / "run/checkpoints", Progress(), prefix="ema.").tensors
    biases = [value for name, value in tensors.items() if name.startswith("ema.source") and name.endswith("bias")]
    assert any(np.min(value) > 20 for value in biases)
