"""What a training run is told (TrainOptions) and what it gives back (TrainResult)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from ..options import Options


class TrainOptions(Options):
    """How long and on what to train. Without minutes and samples a run goes on until it is stopped."""

    minutes: float | None = Field(None, gt=0)
    """stop after so many minutes of training, resumed parts included"""
    samples: int | None = Field(None, ge=1)
    """stop after so many faces seen, both sides together, resumed parts included"""
    batch: int | None = Field(None, ge=1, le=4096)
    """pictures per side and step, all devices together; default: the preset's"""
    learning_rate: float | None = Field(None, gt=0, le=1)
    """Adam's step size; default: the preset's"""
    change: tuple[str, ...] = ()
    """changes of the model's own options, NAME=VALUE (see `semblance models MODEL`)"""
    from_scratch: bool = False
    """begin with random weights, not with those that come with the package"""
    seed: int = Field(0, ge=0, lt=2**63)
    """where all chance comes from"""
    save_every_seconds: float = Field(45.0, gt=0, le=3600)
    """pause between checkpoints; with the time a save takes, a killed run loses less than a minute"""
    preview_every_seconds: float = Field(60.0, gt=0)
    """pause between preview sheets"""
    preview_faces: int = Field(6, ge=1, le=32)
    """rows of a preview sheet"""
    rollbacks: int = Field(5, ge=0)
    """returns to the last good state, without a save between them, before the run gives up"""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """auto: bf16 where the hardware multiplies it natively, fp32 elsewhere"""
    accelerator: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """auto: a GPU where there is one"""
    devices: Literal["auto"] | Annotated[int, Field(ge=1)] = "auto"
    """how many devices; auto: all GPUs, or one processor"""
    project: str = ""
    """what the model is for, where a consent covers one project only"""


LIMITS = ("minutes", "samples")
"""Options that a resumed run may move."""

MACHINE = (
    "save_every_seconds",
    "preview_every_seconds",
    "preview_faces",
    "precision",
    "accelerator",
    "devices",
    "project",
)
"""Options that change how a run is carried out, never what it learns from; a resumed run takes them anew."""


@dataclass(frozen=True, slots=True)
class TrainResult:
    """How a run ended."""

    run: Path
    checkpoint: Path
    samples: int  # faces seen since the run began, both sides together
    seconds: float  # training time since the run began
    loss: float  # sum of the losses, mean of the last reported steps
    losses: dict[str, float]  # the same by name
    rollbacks: int
