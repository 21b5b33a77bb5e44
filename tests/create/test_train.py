"""A run goes on only with the faces that it was begun with."""

import pytest

from semblance.create.train import train
from semblance.errors import FacesetError


def test_a_run_does_not_go_on_with_other_facesets(run, facesets):
    before = (run / "options.json").read_bytes()
    with pytest.raises(FacesetError, match="source from other clips"):
        train("swap_original", facesets["target"], facesets["source"], run, "tiny", resume=True)
    assert (run / "options.json").read_bytes() == before
