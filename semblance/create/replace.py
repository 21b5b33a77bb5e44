"""The verb `replace`: a clip of a source person and a target clip -> the target clip with the source's face, in one go.

Everything on the way is kept in OUT.work: two facesets and the model. Given the same command again, it goes on where it
was stopped; given more minutes, the model learns on from where it was.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from ..errors import SemblanceError, Stopped
from ..faceset.curate import CurateOptions, curate, reasons
from ..faceset.extract import ExtractOptions, extract
from ..faceset.store import TABLE, Faceset, load_crops, open_faceset
from ..finish.merge import MergeOptions
from ..media.encode import EncodeOptions
from ..media.probe import probe
from ..models import choose_preset, load_model_file
from ..runs import Progress, StopSignal, refuse_existing
from ..training.options import TrainOptions
from ..trust.publish import check_encode
from .options import SwapOptions
from .report import SwapResult
from .swap import swap
from .train import train


def replace(
    source: Path | str | Sequence[Path | str],
    target: Path | str,
    out: Path | str,
    minutes: float = 10.0,
    model: str = "swap_original",
    preset: str = "small",
    source_person: Path | None = None,
    target_person: Path | None = None,
    seed: int = 0,
    merge: MergeOptions | None = None,
    encode: EncodeOptions | None = None,
    options: SwapOptions | None = None,
    progress: Progress | None = None,
    stop: StopSignal | None = None,
) -> SwapResult:
    """Extract both people, train for `minutes`, and swap. source: clips or folders of pictures of who shall appear;
    source_person, target_person: pictures that say who is meant where a clip shows several.

    Raises whatever extract, curate, train and swap raise; before training nothing is left behind on bad input.
    """
    progress, stop = progress or Progress(), stop or StopSignal()
    out, clips = Path(out), [source] if isinstance(source, str | Path) else list(source)
    work = out.with_name(out.name + ".work")
    new = not work.exists()

    refuse_existing(out, "place for the result")
    choose_preset(load_model_file(model), preset)
    check_encode(encode or EncodeOptions(), probe(Path(target)), out)
    try:
        _faceset(clips, work / "source", source_person, progress, stop)
        _faceset([target], work / "target", target_person, progress, stop)
    except SemblanceError as error:
        if new and not isinstance(error, Stopped):
            shutil.rmtree(work, ignore_errors=True)
        raise
    run = work / "model"
    train(
        model, work / "source", work / "target", run, preset, TrainOptions(minutes=minutes, seed=seed),
        resume=(run / "options.json").exists(), progress=progress, stop=stop,
    )  # fmt: skip
    result = swap(target, run, out, merge, encode, options, progress, stop)
    progress.say(f"The facesets and the model stay in {work}: give it more minutes, or remove it.")
    return result


def _faceset(
    clips: Sequence[Path | str], folder: Path, person: Path | None, progress: Progress, stop: StopSignal
) -> Faceset:
    """The curated faceset of one side, made now or by an earlier call; FacesetError if it is too small."""
    if not (folder / TABLE).exists():
        extract(clips, folder, ExtractOptions(person=person), progress, stop)
        faceset = curate(folder, CurateOptions(), progress=progress, stop=stop)
        dropped = ", ".join(f"{count} {reason}" for reason, count in reasons(faceset).items())
        progress.say(f"{folder.name}: {faceset.summary()}" + (f" (dropped: {dropped})" if dropped else ""))
        load_crops(faceset)
    return open_faceset(folder)
