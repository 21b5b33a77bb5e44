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
from ..runs import Progress
from ..weights import Checkpoint, load_checkpoint

MODEL, BUILTIN = "mask_xseg", "builtin"
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
        with torch.inference_mode():
            pictures = torch.from_numpy(crops).permute(0, 3, 1, 2).float().div_(255)
            return self.module.mask(self.net, pictures)[:, 0].numpy()


def open_occlusion_mask(model: Path | str = BUILTIN, progress: Progress | None = None) -> OcclusionMask:
    """The averaged weights of a run, or those of the package. Raises ModelError where there are none."""
    checkpoint = find_checkpoint(model, progress or Progress(), "ema.")
    module = load_model_file(MODEL)
    config = module.Config(**checkpoint.header["config"])
    net = module.Net(config)
    try:
        net.load_state_dict(weights_of(checkpoint, "ema."))
    except RuntimeError:
        raise ModelError(
            f"The weights in {checkpoint.path} do not fit {MODEL}; they come from another version of it."
        ) from None
    return OcclusionMask(module, net.eval(), config.size)


def find_checkpoint(model: Path | str, progress: Progress, prefix: str = "") -> Checkpoint:
    """The newest whole checkpoint of a run, or the package's. Raises ModelError."""
    if str(model) == BUILTIN:
        folder = shipped_folder()
        if not any(folder.glob("*.safetensors")):
            raise ModelError(
                "This package came without the weights of the occlusion mask; make them with "
                "`python scripts/train_occlusion_mask.py`, or give the folder of a run with --model."
            )
        return load_checkpoint(folder, progress, MODEL, prefix=prefix)
    folder = Path(model) / "checkpoints"
    if not folder.is_dir():
        raise ModelError(f"{model} is no run of `semblance mask train`; give the folder of one, or '{BUILTIN}'.")
    return load_checkpoint(folder, progress, MODEL, prefix=prefix)


def weights_of(checkpoint: Checkpoint, prefix: str) -> dict[str, torch.Tensor]:
    """The tensors whose names begin with `prefix`, without it, as float32."""
    return {
        name.removeprefix(prefix): torch.from_numpy(value).float()
        for name, value in checkpoint.tensors.items()
        if name.startswith(prefix)
    }


def shipped_folder() -> Path:
    """Where the package's own weights lie."""
    return Path(__file__).parents[1] / "models" / "shipped" / MODEL


def scaled(picture: np.ndarray, side: int) -> np.ndarray:
    """A square picture or mask at another size."""
    if len(picture) == side:
        return picture
    return cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA if len(picture) > side else cv2.INTER_LINEAR)
