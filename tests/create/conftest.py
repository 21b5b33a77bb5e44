"""One small trained run, made once from consented clips: source swiz3n, target lrwp9a."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from semblance import curate, extract
from semblance.create import choose
from semblance.create.train import train
from semblance.training.options import TrainOptions
from tests.create.handmade import handmade_run

_REAL = choose.choose_merge
_CHOOSE = "semblance.create.choose.choose_merge"


@pytest.fixture(scope="session", autouse=True)
def usual_merge() -> Iterator[None]:
    """Tests of other things do not wait for the trial that chooses the merge."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_CHOOSE, lambda info, painter, *_: painter.plan.decided())
        yield


@pytest.fixture
def trial(monkeypatch) -> None:
    """For tests that do."""
    monkeypatch.setattr(_CHOOSE, _REAL)


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
    """A tiny model that has seen 16000 faces: no beauty, but plainly the other person."""
    out = tmp_path_factory.mktemp("runs") / "run"
    options = TrainOptions(samples=16000, precision="fp32", seed=1)
    train("swap_original", facesets["source"], facesets["target"], out, "tiny", options)
    return out


@pytest.fixture(scope="session")
def handmade(tmp_path_factory) -> Path:
    """A run that draws somebody who does not exist, made without training (handmade.py)."""
    return handmade_run(tmp_path_factory.mktemp("handmade") / "run")
