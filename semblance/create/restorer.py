"""Drawn faces -> the detail they lack. The weights that come with the package, or those of a user's own run.

    restorer = open_restorer()              # once; "builtin", or the folder of a run of `semblance restore train`
    details = restorer(crops)               # (N, S, S, 3) float32 RGB 0..1 -> (N, k S, k S, 3), for finish/restore.py

S is even; k is 2 or 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import torch

from ..errors import ModelError
from ..models import choose_preset, load_model_file
from ..processor import bf16_if_native
from ..runs import Progress
from ..weights import Checkpoint, load_base, load_checkpoint

MODEL, BUILTIN = "restore_srgan", "builtin"
PRESETS = {2: "small", 4: "small_x4"}
"""By how many times finer the face becomes."""
_PART = "generator."  # all that restoring needs of the net


@dataclass(frozen=True, eq=False)
class Restorer:
    """A net that is ready to restore; `scale`: how many times finer. Safe to be called by several threads."""

    module: ModuleType
    net: torch.nn.Module
    scale: int

    def __call__(self, crops: np.ndarray) -> np.ndarray:
        """Crops (N, S, S, 3) float32 0..1, S even -> what to add to each, enlarged cubically, (N, k S, k S, 3)."""
        pictures = torch.from_numpy(crops).permute(0, 3, 1, 2)
        # detail is a small change: the eight bits of bfloat16 are enough, the picture itself stays float32
        with torch.inference_mode(), bf16_if_native():
            return self.module.detail(self.net, pictures).permute(0, 2, 3, 1).contiguous().numpy()


def is_installed(model: Path | str = BUILTIN, scale: int = 2) -> bool:
    """Whether there are weights to open; those of a user's own run are taken to be there."""
    return str(model) != BUILTIN or load_base(MODEL, PRESETS[scale]) is not None


def open_restorer(model: Path | str = BUILTIN, scale: int = 2, progress: Progress | None = None) -> Restorer:
    """The averaged weights of a run, or those of the package for this scale. Raises ModelError where there are none, or
    where a run's are for another scale."""
    module = load_model_file(MODEL)
    if str(model) == BUILTIN:
        config, where, weights = choose_preset(module, PRESETS[scale]), BUILTIN, _base(PRESETS[scale])
    else:
        checkpoint = run_checkpoint(model, progress or Progress())
        config, where, weights = module.Config(**checkpoint.header["config"]), checkpoint.path, averaged(checkpoint)
        if config.scale != scale:
            raise ModelError(
                f"{model} makes faces {config.scale} times finer, {scale} times were asked for; "
                f"use --restore-scale {config.scale}."
            )
    with torch.device("meta"):  # the discriminator is not needed: it need not be made
        net = module.Net(config.changed(rank=0))
    net.generator.to_empty(device="cpu").to(memory_format=torch.channels_last)
    try:
        net.generator.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
    except RuntimeError:
        raise ModelError(f"The weights of {where} do not fit {MODEL}; they come from another version of it.") from None
    return Restorer(module, net.eval(), config.scale)


def run_checkpoint(run: Path | str, progress: Progress) -> Checkpoint:
    """The newest whole checkpoint of a run, its averaged weights only. Raises ModelError."""
    folder = Path(run) / "checkpoints"
    if not folder.is_dir():
        raise ModelError(f"{run} is no run of `semblance restore train`; give the folder of one, or '{BUILTIN}'.")
    return load_checkpoint(folder, progress, MODEL, prefix="ema.")


def averaged(checkpoint: Checkpoint) -> dict[str, np.ndarray]:
    """The averaged generator, by its own names."""
    prefix = f"ema.{_PART}"
    return {name.removeprefix(prefix): value for name, value in checkpoint.tensors.items() if name.startswith(prefix)}


def _base(preset: str) -> dict[str, np.ndarray]:
    base = load_base(MODEL, preset)
    if base is None:
        raise ModelError(
            f"This package came without weights of {MODEL}, preset '{preset}'; make them with "
            "`python scripts/train_restorer.py --ship`, or name the folder of a run of `semblance restore train`."
        )
    return base
