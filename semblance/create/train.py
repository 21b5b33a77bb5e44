"""The verb `train`: two facesets -> a run folder with a model that draws either person."""

from __future__ import annotations

from math import ceil
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np

from ..errors import FacesetError, ModelError
from ..faces.align import cut_from, move
from ..faceset.augment import SPARE
from ..faceset.match import match_expressions
from ..faceset.planes import make_planes
from ..faceset.shortcomings import shortcomings
from ..faceset.store import Faceset, crop_coverage, crop_points, load_crops, open_faceset
from ..faceset.textures import completed_by, expressions_of, load_textures, own_only, shape_of
from ..models import choose_preset, load_model_file
from ..options import Options
from ..runs import Progress, StopSignal
from ..training.batches import SIDES, CropPair
from ..training.changes import changed_by
from ..training.folder import RunRecord
from ..training.loop import TrainResult, train_model
from ..training.mesh_pair import MeshPair
from ..training.options import TrainOptions
from ..trust.publish import publish_picture
from .calibrate import calibrate
from .claims import drawn
from .in_front import bare_with
from .occlusion_mask import open_occlusion_mask
from .permission import origin_of, permit_faceset, sources_of
from .view import has_mesh


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

    Raises ModelError, FacesetError, Refused (nobody consented to the use of the source's face), OutputError,
    TrainingError, Stopped (what was learned is kept).
    """
    options, progress, stop = options or TrainOptions(), progress or Progress(), stop or StopSignal()
    module = load_swap_file(model)
    config = _config(module, model, preset, options, Path(out) if resume else None)
    facesets = open_faceset(Path(source)), open_faceset(Path(target))
    notes = _notes(*facesets)
    if resume:
        _refuse_other_facesets(Path(out), notes)
    permission = permit_faceset(facesets[0], options.project)
    notes["permission"] = permission.as_json()
    for lack in shortcomings(*facesets):
        progress.say(lack)
    mesh = has_mesh(module)
    progress.stage("load faces", sum(len(faceset.kept) for faceset in facesets) if mesh else None, "faces")
    if mesh:
        bare = bare_with(open_occlusion_mask()) if config.bare else None
        # a source's glasses are not to come along; a target's hair and glasses stay on the plate, and tell where
        person, other = (load_textures(each, config.size, bare, progress, each is facesets[0]) for each in facesets)
        material = MeshPair(own_only(completed_by(person, other)), own_only(other))
    else:
        side = ceil(config.size / config.coverage * SPARE)
        crops = [load_crops(faceset, side, notes["coverage"]) for faceset in facesets]
        side, wanted = crops[0].shape[1], getattr(module, "PLANES", ())
        planes = {name: make_planes(faceset, side, wanted, notes["coverage"]) for name, faceset in zip(SIDES, facesets)}
        yaw = {name: faceset.kept["yaw"].to_numpy() for name, faceset in zip(SIDES, facesets)}
        matches = match_expressions(*(expressions_of(faceset) for faceset in facesets))
        material = CropPair(*crops, matches, planes, yaw)
    result = train_model(
        model, preset, material, Path(out), options, resume, progress, stop,
        lambda path, pixels: publish_picture(path, pixels, drawn(f"training preview of {model}", permission)), notes,
    )  # fmt: skip
    if isinstance(material, MeshPair):
        calibrate(Path(out), facesets[1], progress)
    return result


def _config(module: ModuleType, model: str, preset: str, options: TrainOptions, begun: Path | None) -> Options:
    """The preset with this call's changes; of a run that goes on, what it was begun with."""
    if begun is not None and (begun / "options.json").exists():
        record = RunRecord.from_json((begun / "options.json").read_text(encoding="utf-8"), begun / "options.json")
        if record.model == model:  # train_model refuses another
            return module.Config(**record.config)
    return changed_by(choose_preset(module, preset), options.change)


def load_swap_file(model: str) -> ModuleType:
    """A model file that swaps faces. Raises ModelError for an unknown name, or a model of another kind."""
    module = load_model_file(model)
    if not model.startswith("swap_"):
        own = "; train it with `semblance mask train`" if model.startswith("mask_") else ""
        raise ModelError(f"{model} swaps no faces{own}. Choose a model whose name begins with swap_.")
    return module


def _notes(source: Faceset, target: Faceset) -> dict:
    """What a checkpoint says of its two facesets. Raises FacesetError if their crops differ, or the two people would be
    learned at two scales."""
    for what in ("coverage", "size"):
        one, other = source.options[what], target.options[what]
        if one != other:
            raise FacesetError(
                f"The facesets differ in {what} ({source.folder}: {one}, {target.folder}: {other}); "
                f"extract one of them again with --{what} {one}."
            )
    coverage = crop_coverage(source)
    _, size = cut_from(source.options["coverage"], source.options["size"], coverage)
    return {
        "coverage": coverage,
        "crop_size": size,
        "source": _note(source),
        "target": _note(target),
        "outline": _outline(source, coverage),
    }


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


def _outline(faceset: Faceset, coverage: str) -> list[list[float]]:
    """The source's usual outline, x and y in shares of the crop: beyond it the model draws background."""
    matrix, size = cut_from(faceset.options["coverage"], faceset.options["size"], coverage)
    crops = np.stack([move(crop_points(row), matrix) for _, row in faceset.kept.iterrows()])  # (N, 478, 2)
    usual = np.median(crops, axis=0).astype(np.float32)
    hull = cv2.convexHull(usual)[:, 0]
    return [[round(float(value), 4) for value in (point + 0.5) / size] for point in hull]


def _note(faceset: Faceset) -> dict:
    """What a checkpoint says of a faceset: enough to know its person again, nothing to look at."""
    return {
        "faceset": str(faceset.folder),
        "faces": len(faceset.kept),
        "clips": sources_of(faceset),
        "footage": faceset.options["clips"],
        "origin": origin_of(faceset),
        "identity": [round(float(value), 5) for value in faceset.identity],
        "shape": [round(float(value), 4) for value in shape_of(faceset).ravel()],
    }
