"""The verb `train`: two facesets -> a run folder with a model that draws either person."""

from __future__ import annotations

from math import ceil
from pathlib import Path

import cv2
import numpy as np

from ..errors import FacesetError
from ..faceset.augment import SPARE
from ..faceset.match import match_expressions
from ..faceset.planes import make_planes
from ..faceset.store import Faceset, crop_points, load_crops, open_faceset
from ..models import choose_preset, load_model_file
from ..runs import Progress, StopSignal
from ..training.batches import SIDES, CropPair
from ..training.folder import RunRecord
from ..training.loop import TrainResult, train_model
from ..training.options import TrainOptions
from ..trust.publish import publish_picture


def train(
    model: str,
    source: Path | str,
    target: Path | str,
    out: Path | str,
    preset: str = "small",
    options: TrainOptions | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    stop: StopSignal | None = None,
) -> TrainResult:
    """Learn to draw the person of `source` in place of the person of `target`; both are faceset folders.

    Raises ModelError, FacesetError, OutputError, TrainingError, Stopped (what was learned is kept).
    """
    options, progress, stop = options or TrainOptions(), progress or Progress(), stop or StopSignal()
    config = choose_preset(load_model_file(model), preset)
    facesets = open_faceset(Path(source)), open_faceset(Path(target))
    coverage, size = _same_crops(*facesets)
    notes = {
        "coverage": coverage,
        "crop_size": size,
        "source": _note(facesets[0]),
        "target": _note(facesets[1]),
        "outline": _outline(facesets[0]),
    }
    if resume:
        _refuse_other_facesets(Path(out), notes)
    side = ceil(config.size / config.coverage * SPARE)
    crops = [load_crops(faceset, side) for faceset in facesets]
    wanted = getattr(load_model_file(model), "PLANES", ())
    planes = {name: make_planes(faceset, crops[0].shape[1], wanted) for name, faceset in zip(SIDES, facesets)}
    yaw = {name: faceset.kept["yaw"].to_numpy() for name, faceset in zip(SIDES, facesets)}
    material = CropPair(*crops, match_expressions(facesets[0].kept, facesets[1].kept), planes, yaw)
    return train_model(
        model, preset, material, Path(out), options, resume, progress, stop,
        lambda path, pixels: publish_picture(path, pixels, f"training preview of {model}"), notes,
    )  # fmt: skip


def _same_crops(source: Faceset, target: Faceset) -> tuple[str, int]:
    """Coverage and size of both sets' crops; they must agree, or the two people are learned at two scales."""
    for what, one, other in (
        ("coverage", source.options["coverage"], target.options["coverage"]),
        ("size", source.options["size"], target.options["size"]),
    ):
        if one != other:
            raise FacesetError(
                f"The facesets differ in {what} ({source.folder}: {one}, {target.folder}: {other}); "
                f"extract one of them again with --{what} {one}."
            )
    return source.options["coverage"], source.options["size"]


def _refuse_other_facesets(run: Path, notes: dict) -> None:
    """Raises FacesetError if `run` was begun with crops of another kind or from other clips than `notes` tells of."""
    path = run / "options.json"
    if not path.exists():
        return  # train_model says so
    begun = RunRecord.from_json(path.read_text(encoding="utf-8"), path).notes
    advice = "give the facesets that it was begun with, or begin a new run with another --out"
    for what in ("coverage", "crop_size"):
        if begun.get(what) != notes[what]:
            raise FacesetError(f"{run} was begun with {what} {begun.get(what)}, these have {notes[what]}; {advice}.")
    for side in ("source", "target"):
        if begun.get(side, {}).get("clips") != notes[side]["clips"]:
            raise FacesetError(
                f"{run} was begun with a {side} from other clips than {notes[side]['faceset']}; {advice}."
            )


def _outline(faceset: Faceset) -> list[list[float]]:
    """The source's usual outline, x and y in shares of the stored crop: beyond it the model draws background."""
    crops = np.stack([crop_points(row) for _, row in faceset.kept.iterrows()])  # (N, 478, 2)
    usual = np.median(crops, axis=0).astype(np.float32)
    hull = cv2.convexHull(usual)[:, 0]
    return [[round(float(value), 4) for value in (point + 0.5) / faceset.options["size"]] for point in hull]


def _note(faceset: Faceset) -> dict:
    """What a checkpoint says of a faceset: enough to know its person again, nothing to look at."""
    return {
        "faceset": str(faceset.folder),
        "faces": len(faceset.kept),
        "clips": sorted(set(faceset.kept["sha256"])),
        "identity": [round(float(value), 5) for value in faceset.identity],
    }
