"""A run goes on only with the faces that it was begun with."""

import pytest

from semblance.create.train import train
from semblance.errors import FacesetError
from semblance.training.options import TrainOptions


def test_a_run_does_not_go_on_with_other_facesets(run, facesets):
    before = (run / "options.json").read_bytes()
    with pytest.raises(FacesetError, match="source from other clips"):
        train("swap_original", facesets["target"], facesets["source"], run, "tiny", resume=True)
    assert (run / "options.json").read_bytes() == before


@pytest.mark.parametrize(("model", "learned"), [("swap_df", "source_mask"), ("swap_gan", "eyes")])
def test_a_model_that_asks_for_planes_gets_them(model, learned, facesets, tmp_path):
    options = TrainOptions(samples=64, precision="fp32")
    result = train(model, facesets["source"], facesets["target"], tmp_path / "run", "tiny", options)
    assert 0 < result.losses[learned] < 20  # a plane that is not 0..1 would be far above
