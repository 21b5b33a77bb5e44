"""Every model can be timed without footage."""

from contextlib import closing

import pytest

from semblance.models import Moment, choose_preset, list_models, load_model_file
from semblance.training.device import open_fabric
from semblance.training.learner import build, step, to_device
from semblance.training.practice import operations, practice, training_speed


@pytest.mark.parametrize("name", list_models())
def test_every_model_learns_from_noise_and_its_work_is_counted(name):
    speed = training_speed(name, "tiny", seconds=0.2, precision="fp32")
    assert speed.samples_per_second > 1 and speed.first > 0
    more = training_speed(name, "tiny", seconds=0.2, precision="fp32", batch=8)
    # operations of a face do not depend on how many are learned from at once
    each = [one.gflops / one.samples_per_second for one in (speed, more)]
    assert each[0] == pytest.approx(each[1], rel=0.05)


@pytest.mark.parametrize("name", list_models())
def test_work_is_counted_alike_whoever_learned_last(name):
    """The size that `models` times; of several phases, the others' weights stand still after a step."""
    module = load_model_file(name)
    config = choose_preset(module, "small")
    fabric = open_fabric("cpu", "auto", "fp32")
    learner = build(module, config, fabric, seed=0)
    material = practice(module, config)
    with closing(material.batches(config, 0, 0, 2, 0, 1)) as batches:
        batch = to_device(next(batches), fabric)
        fresh = operations(learner, batch)
        step(learner, fabric, batch, Moment())
        assert operations(learner, batch) == fresh > 0
