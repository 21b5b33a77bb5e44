"""The verb `models`: what there is to train: what each model is, its paper, its size, its speed on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..models import DEFAULT, choose_preset, describe, list_models, load_model_file
from ..runs import Progress, StopSignal

PRESET = "small"
_SECONDS = 3.0  # of training each


@dataclass(frozen=True)
class ModelLine:
    """A model in two lines; paper: who published it; weights: millions; rate: faces a second that it learns from here,
    None where not timed."""

    name: str
    about: str
    paper: str
    size: int
    weights: float
    rate: float | None
    has_base: bool
    is_default: bool

    def __str__(self) -> str:
        marks = ", ".join([*["the default"] * self.is_default, *["begins with shipped weights"] * self.has_base])
        speed = "" if self.rate is None else f"{self.rate:7.1f} faces/s here"
        sizes = f"{PRESET}: {self.size} px, {self.weights:.1f} M weights"
        told = f"{self.name:<14} {self.about}\n{'':<14} {self.paper}; {sizes}"
        return told + (f",{speed}" if speed else "") + (f"; {marks}" if marks else "")


def models(speed: bool = True, progress: Progress | None = None, stop: StopSignal | None = None) -> Iterator[ModelLine]:
    """Every model, the default first; with `speed` each trains on noise for some seconds."""
    import torch

    from ..training.practice import training_speed
    from ..weights import base_path

    progress, stop = progress or Progress(), stop or StopSignal()
    names = sorted(list_models(), key=lambda name: (name != DEFAULT, name))
    for name in names:
        stop.check("Nothing was changed.")
        module = load_model_file(name)
        config = choose_preset(module, PRESET)
        with torch.device("meta"):
            weights = sum(parameter.numel() for parameter in module.Net(config).parameters()) / 1e6
        rate = training_speed(name, PRESET, _SECONDS).samples_per_second if speed else None
        has_base = base_path(name, PRESET).exists()
        yield ModelLine(name, describe(name), module.PAPER, config.size, weights, rate, has_base, name == DEFAULT)
