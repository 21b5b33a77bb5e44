"""Every model can be timed without footage."""

import pytest

from semblance.models import list_models
from semblance.training.practice import training_speed


@pytest.mark.parametrize("name", list_models())
def test_every_model_learns_from_noise_and_its_work_is_counted(name):
    speed = training_speed(name, "tiny", seconds=0.2, precision="fp32")
    assert speed.samples_per_second > 1 and speed.first > 0
    more = training_speed(name, "tiny", seconds=0.2, precision="fp32", batch=8)
    # operations of a face do not depend on how many are learned from at once
    each = [one.gflops / one.samples_per_second for one in (speed, more)]
    assert each[0] == pytest.approx(each[1], rel=0.05)
