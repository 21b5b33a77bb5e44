"""One small trained run, made once from consented clips: source swiz3n, target lrwp9a."""

from __future__ import annotations

from pathlib import Path

import pytest

from semblance import curate, extract
from semblance.create.train import train
from semblance.training.options import TrainOptions
from tests.create.handmade import handmade_run


@pytest.fixture(autouse=True)
def usual_merge(request, monkeypatch) -> None:
    """Tests of other things do not wait for the trial that chooses the merge; marked `trial`, a test does."""
    if not request.node.get_closest_marker("trial"):
        monkeypatch.setattr("semblance.create.choose.choose_merge", lambda info, painter, *_: painter.plan.decided())


@pytest.fixture(scope="session")
def plate(grid) -> Path:
    return grid / "lrwp9a.mpg"


@pytest.fixture(scope="session")
def facesets(grid, tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("facesets")
    for name, clip in (("source", "swiz3n"), ("target", "lrwp9a")):
        extract([grid / f"{clip}.mpg"], folder / name)
        curate(folder / name)
    return {"source": folder / "source", "target": folder / "target"}


@pytest.fixture(scope="session")
def run(facesets, tmp_path_factory) -> Path:
    """A tiny model that has seen 12000 faces: no beauty, but plainly the other person."""
    out = tmp_path_factory.mktemp("runs") / "run"
    options = TrainOptions(samples=12000, precision="fp32", seed=1)
    train("swap_original", facesets["source"], facesets["target"], out, "tiny", options)
    return out


@pytest.fixture(scope="session")
def handmade(tmp_path_factory) -> Path:
    """A run that draws somebody who does not exist, made without training (handmade.py)."""
    return handmade_run(tmp_path_factory.mktemp("handmade") / "run")
