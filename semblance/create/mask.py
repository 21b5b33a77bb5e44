"""The verbs `mask train` and `mask apply`: labels -> a better occlusion mask; pictures -> masks to look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import cv2
import numpy as np

from ..errors import FacesetError, InputError
from ..faces.align import take_crop
from ..faceset.disturb import VIEW
from ..faceset.labels import MASKS
from ..faceset.masked import MaskedCrops, Shown, load_labelled, read_shown
from ..media.sheet import captioned, grid
from ..models import choose_preset, load_model_file
from ..options import Options
from ..runs import Progress, StopSignal, new_folder
from ..streams import batches
from ..training.folder import RunRecord, begin_run, header_facts, refuse_run
from ..training.loop import TrainResult, train_model
from ..training.options import TrainOptions
from ..trust.publish import publish_picture
from ..weights import Checkpoint, save_checkpoint
from .claims import drawn
from .occlusion_mask import (
    BUILTIN,
    MODEL,
    PRESET,
    averaged,
    base_weights,
    open_occlusion_mask,
    run_checkpoint,
    scaled,
)

MINUTES = 5.0
_GENTLE = 0.2  # of the preset's learning rate: weights that know much should not forget it over a few pictures
_TILE, _COLUMNS, _MOST = 160, 8, 64
_TINT = np.array([40, 230, 90], np.float32)
_BATCH = 16


def mask_train(
    folders: Path | str | Sequence[Path | str],
    out: Path | str,
    begin: Path | str = BUILTIN,
    preset: str = PRESET,
    options: TrainOptions | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    stop: StopSignal | None = None,
) -> TrainResult:
    """Learn from the labelled pictures of folders (see faceset/labels.py); each folder counts as much as the others.

    begin: "builtin" or the folder of a run, whose preset is then taken; options.from_scratch: neither.
    Raises FacesetError (no labels, or one that cannot be used), ModelError, OutputError, TrainingError, Stopped.
    """
    options, progress, stop = options or TrainOptions(minutes=MINUTES), progress or Progress(), stop or StopSignal()
    out, folders = Path(out), [folders] if isinstance(folders, str | Path) else list(folders)
    if not folders:
        raise InputError("Training a mask needs at least one folder of labelled pictures; name one.")
    module, knows = load_model_file(MODEL), not (resume or options.from_scratch)
    config = choose_preset(module, preset)
    start = run_checkpoint(begin, progress) if knows and str(begin) != BUILTIN else None
    if start:
        config, preset = module.Config(**start.header["config"]), start.header["preset"]
    elif knows:
        base_weights(preset)  # what is not there is told before the work
    if not resume:
        refuse_run(out)
    if knows and options.learning_rate is None:
        options = options.changed(learning_rate=_GENTLE * config.learning_rate)
    progress.stage("reading labels", None, "pictures")
    side = ceil(config.size * VIEW)
    shelves = [load_labelled(Path(folder), side, progress) for folder in folders]
    notes = {"folders": {str(folder): len(shelf[0]) for folder, shelf in zip(folders, shelves)}, "began": str(begin)}
    if start:
        _begin_from(start, out, config, options, notes)
    return train_model(
        MODEL, preset, MaskedCrops(shelves), out, options, resume or start is not None, progress, stop,
        lambda path, pixels: publish_picture(path, pixels, drawn("training preview of an occlusion mask")), notes,
    )  # fmt: skip


def _begin_from(start: Checkpoint, run: Path, config: Options, options: TrainOptions, notes: dict) -> None:
    """A run whose first checkpoint is another's last: its averaged weights, at no samples."""
    config = config.changed(learning_rate=options.learning_rate, batch=options.batch or config.batch)
    record = RunRecord(
        model=MODEL, preset=start.header["preset"], config=config.model_dump(mode="json"),
        options=options.model_dump(), notes=notes,
    )  # fmt: skip
    begin_run(run, record)
    weights = averaged(start)
    tensors = {f"{part}.{name}": value.numpy() for part in ("net", "ema") for name, value in weights.items()}
    begun = {"samples": 0, "seconds": 0.0, "learning_rate_factor": 1.0, "rollbacks": 0, "losses": {}}
    save_checkpoint(run / "checkpoints", tensors, {**header_facts(record), **begun})


@dataclass(frozen=True)
class MaskResult:
    """Where the masks lie, how many, and the mean share of a crop that is face."""

    folder: Path
    pictures: int
    face: float

    def summary(self) -> str:
        """The last lines on the terminal."""
        return (
            f"{self.folder}: {self.pictures} masks, {100 * self.face:.0f} % of the crops is face\n"
            f"Look at {self.folder / 'sheet.png'}; copy a mask into masks/ beside its picture and paint it right, then "
            "`semblance mask train`"
        )


def mask_apply(
    source: Path | str,
    out: Path | str,
    model: Path | str = BUILTIN,
    progress: Progress | None = None,
    stop: StopSignal | None = None,
) -> MaskResult:
    """Draw the masks of a faceset's or a folder's pictures: OUT/masks/NAME.png, as large as the pictures, and
    OUT/sheet.png. Raises FacesetError (no pictures, no face in any), MediaError, ModelError, OutputError, Stopped."""
    progress, stop = progress or Progress(), stop or StopSignal()
    mask = open_occlusion_mask(model, progress)
    tiles, shares = [], []
    with new_folder(Path(out), "folder for the masks") as folder:
        progress.stage("masks", None, "pictures")
        for part in batches(read_shown(Path(source), progress), _BATCH):
            stop.check("Nothing was written.")
            for shown, face in zip(part, mask(np.stack([_crop(shown, mask.size) for shown in part]))):
                shares.append(float(face.mean()))
                here = _laid_back(shown, face)
                path = folder / MASKS / f"{shown.path.stem}.png"
                publish_picture(path, np.repeat(here[..., None], 3, 2), drawn("a mask"), mark=False)
                if len(tiles) < _MOST:
                    tiles.append(captioned(tinted(_crop(shown, _TILE), scaled(face, _TILE)), shown.path.name))
            progress.advance(len(part))
        if not tiles:
            raise FacesetError(f"No face was found in any picture of {source}; give a faceset, or larger faces.")
        sheet = grid(tiles, _COLUMNS, f"{source}: what is face, by {model}")
        publish_picture(folder / "sheet.png", sheet, drawn("masks"))
    progress.done()
    return MaskResult(Path(out), len(shares), float(np.mean(shares)))


def tinted(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The picture, green where the mask (H, W) 0..1 says face, darker where not."""
    share = mask[..., None]
    return (picture * (0.55 + 0.1 * share) + 0.35 * share * _TINT).round().clip(0, 255).astype(np.uint8)


def _crop(shown: Shown, side: int) -> np.ndarray:
    return take_crop(shown.pixels, shown.to_crop(side), side)


def _laid_back(shown: Shown, mask: np.ndarray) -> np.ndarray:
    """A crop's mask on its picture: (H, W) uint8."""
    size = shown.pixels.shape[1::-1]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.rint(255 * cv2.warpAffine(mask, shown.to_crop(len(mask)), size, flags=flags)).astype(np.uint8)
