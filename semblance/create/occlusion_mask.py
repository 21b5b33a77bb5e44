"""Face crops -> what in them is really face. The weights that come with the package, or those of a user's own run.

    mask = open_occlusion_mask()            # once; "builtin", or the folder of a run of `semblance mask train`
    masks = mask(crops)                     # (N, S, S, 3) uint8 RGB -> (N, S, S) float32 0..1, 1 = face

Crops are aligned as in faces/align.py, from 1.2 to 2.1 face units wide ("face" has 1.6; a swapper that sees the middle
0.8 of it has 1.28); of another size than the net's they are scaled, and the masks scaled back.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import torch

from ..errors import ModelError
from ..models import load_model_file
from ..processor import bf16_if_native
from ..runs import Progress
from ..weights import Checkpoint, load_base, load_checkpoint

MODEL, PRESET, BUILTIN = "mask_xseg", "small", "builtin"
_BATCH = 16  # pictures at once: more gain nothing on a processor


@dataclass(frozen=True, eq=False)
class OcclusionMask:
    """A net that is ready to draw masks; `size`: side of its picture. Safe to be called by several threads."""

    module: ModuleType
    net: torch.nn.Module
    size: int

    def __call__(self, crops: np.ndarray) -> np.ndarray:
        """Crops (N, S, S, 3) uint8 RGB -> (N, S, S) float32 0..1."""
        side = crops.shape[1]
        masks = np.empty(crops.shape[:3], np.float32)
        for start in range(0, len(crops), _BATCH):
            part = np.stack([scaled(crop, self.size) for crop in crops[start : start + _BATCH]])
            for mask, drawn in zip(masks[start:], self._draw(part)):
                mask[:] = scaled(drawn, side)
        return masks

    def _draw(self, crops: np.ndarray) -> np.ndarray:
        # a mask is decided at a half: the few levels that bfloat16 is off do not show
        with torch.inference_mode(), bf16_if_native():
            pictures = torch.from_numpy(crops).permute(0, 3, 1, 2).float().div_(255)
            return self.module.mask(self.net, pictures)[:, 0].float().numpy()


def open_occlusion_mask(model: Path | str = BUILTIN, progress: Progress | None = None) -> OcclusionMask:
    """The averaged weights of a run, or those of the package. Raises ModelError where there are none."""
    module = load_model_file(MODEL)
    if str(model) == BUILTIN:
        config, where, weights = module.PRESETS[PRESET], BUILTIN, _as_tensors(base_weights())
    else:
        checkpoint = run_checkpoint(model, progress or Progress())
        config, where, weights = module.Config(**checkpoint.header["config"]), checkpoint.path, averaged(checkpoint)
    net = module.Net(config)
    try:
        net.load_state_dict(weights)
    except RuntimeError:
        raise ModelError(f"The weights of {where} do not fit {MODEL}; they come from another version of it.") from None
    return OcclusionMask(module, net.eval().to(memory_format=torch.channels_last), config.size)


def base_weights(preset: str = PRESET) -> dict[str, np.ndarray]:
    """The weights that come with the package. Raises ModelError where it came without."""
    base = load_base(MODEL, preset)
    if base is None:
        raise ModelError(
            f"This package came without weights of {MODEL}, preset '{preset}'; make them with "
            "`python scripts/train_occlusion_mask.py --ship`, name the folder of a run, or train --from-scratch."
        )
    return base


def run_checkpoint(run: Path | str, progress: Progress) -> Checkpoint:
    """The newest whole checkpoint of a run, its averaged weights only. Raises ModelError."""
    folder = Path(run) / "checkpoints"
    if not folder.is_dir():
        raise ModelError(f"{run} is no run of `semblance mask train`; give the folder of one, or '{BUILTIN}'.")
    return load_checkpoint(folder, progress, MODEL, prefix="ema.")


def averaged(checkpoint: Checkpoint) -> dict[str, torch.Tensor]:
    """The averaged weights, by the net's own names."""
    return _as_tensors({name.removeprefix("ema."): value for name, value in checkpoint.tensors.items()})


def _as_tensors(weights: dict[str, np.ndarray]) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(value) for name, value in weights.items()}


def scaled(picture: np.ndarray, side: int) -> np.ndarray:
    """A square picture or mask at another size."""
    if len(picture) == side:
        return picture
    return cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA if len(picture) > side else cv2.INTER_LINEAR)
