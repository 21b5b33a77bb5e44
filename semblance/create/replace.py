"""The verb `replace`: a clip of a source person and a target clip -> the target clip with the source's face, in one go.

Everything on the way is kept in OUT.work: two facesets and the model. Given the same command again, it goes on where it
was stopped; given more minutes, the model learns on from where it was.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from ..errors import FacesetError, OutputError, SemblanceError, Stopped
from ..faceset.curate import CurateOptions, curate, reasons
from ..faceset.extract import ExtractOptions
from ..faceset.store import FEWEST, TABLE, open_faceset
from ..finish.merge_options import MergeOptions
from ..finish.plan import MergePlan
from ..media.encode import EncodeOptions
from ..media.image import read_picture
from ..media.probe import probe
from ..models import DEFAULT, choose_preset
from ..runs import Progress, StopSignal, beside, hash_of, only_one, refuse_existing, write_json
from ..training.options import TrainOptions
from ..trust.publish import check_encode
from .extract import extract
from .job import hash_of_clip, nothing_left
from .options import SwapOptions, check_mask
from .permission import permit_faceset
from .report import SwapResult, refuse_report
from .swap import swap
from .train import load_swap_file, train


def replace(
    source: Path | str | Sequence[Path | str],
    target: Path | str,
    out: Path | str,
    minutes: float = 10.0,
    model: str = DEFAULT,
    preset: str = "small",
    source_person: Path | None = None,
    target_person: Path | None = None,
    seed: int = 0,
    samples: int | None = None,
    from_scratch: bool = False,
    merge: MergeOptions | MergePlan | None = None,
    encode: EncodeOptions | None = None,
    options: SwapOptions | None = None,
    progress: Progress | None = None,
    stop: StopSignal | None = None,
) -> SwapResult:
    """Extract both people, train for `minutes`, and swap. source: clips or folders of pictures of who shall appear;
    source_person, target_person: pictures that say who is meant where a clip shows several; samples: learn so many
    faces, however long it takes, instead of `minutes`; from_scratch: begin without the weights of the package.

    Raises whatever extract, curate, train and swap raise, and OutputError if OUT.work belongs to other clips; before
    training nothing is left behind on bad input.
    """
    progress, stop = progress or Progress(), stop or StopSignal()
    out, clips = Path(out), [source] if isinstance(source, str | Path) else list(source)
    work = beside(out, ".work")
    plan, encode, options = MergePlan.of(merge), encode or EncodeOptions(), options or SwapOptions()
    training = TrainOptions(
        minutes=None if samples else minutes, samples=samples, seed=seed, from_scratch=from_scratch,
        project=options.project,
    )  # fmt: skip

    refuse_existing(out, "place for the result")
    refuse_report(out)
    module = load_swap_file(model)
    choose_preset(module, preset)
    for settings in plan.each():
        check_mask(settings, module)
    check_encode(encode, probe(Path(target)), out)
    job = {
        "source": _hashes(clips, source_person),
        "target": _hashes([target], target_person),
        "model": model,
        "preset": preset,
        "seed": seed,
        "from_scratch": from_scratch,
    }
    new, run = not work.exists(), work / "model"
    with ExitStack() as held:
        with nothing_left(work, lambda error: not new or _is_worth_keeping(work, error)):
            _claim(work, job)
            held.enter_context(only_one(work))
            if not (run / "options.json").exists():
                _faceset(clips, work / "source", source_person, progress, stop)
                permit_faceset(open_faceset(work / "source"), training.project)  # before minutes of work, not after
                _faceset([target], work / "target", target_person, progress, stop)
        _train(model, preset, work, training, progress, stop)
        result = swap(target, run, out, plan, encode, options, progress, stop)
    progress.say(f"The facesets and the model stay in {work}: give it more minutes, or remove it.")
    return result


def _hashes(clips: Sequence[Path | str], person: Path | None) -> dict:
    """What tells one side's footage from any other. Raises MediaError where something cannot be read."""
    for clip in map(Path, clips):
        if not clip.is_dir():
            probe(clip)
    if person is not None:
        read_picture(Path(person))
    return {
        "clips": [hash_of_clip(Path(clip)) for clip in clips],
        "person": None if person is None else hash_of(Path(person)),
    }


def _claim(work: Path, job: dict) -> None:
    """Note in a new working folder what it is for; OutputError if an old one is for something else."""
    note = work / "job.json"
    if not work.is_dir() or not any(work.iterdir()):
        write_json(note, job)
        return
    try:
        same = json.loads(note.read_text(encoding="utf-8")) == job
    except (OSError, ValueError):
        same = False
    if not same:
        raise OutputError(f"{work} belongs to other clips or options; remove it or choose another --out.")


def _is_worth_keeping(work: Path, error: SemblanceError) -> bool:
    """Faces that are extracted already outlast a full disk."""
    return isinstance(error, OutputError) and any(work.rglob("*.parquet"))


def _faceset(
    clips: Sequence[Path | str], folder: Path, person: Path | None, progress: Progress, stop: StopSignal
) -> None:
    """The curated faceset of one side, extracted now or by an earlier call; FacesetError if it is too small."""
    if not (folder / TABLE).exists():
        extract(clips, folder, ExtractOptions(person=person), progress, stop)
    faceset = curate(folder, CurateOptions(), progress=progress, stop=stop)
    dropped = ", ".join(f"{count} {reason}" for reason, count in reasons(faceset).items())
    told = f" (dropped: {dropped})" if dropped else ""
    if len(faceset.kept) < FEWEST:
        raise FacesetError(
            f"The {folder.name} has {len(faceset.kept)} good faces{told}, training needs at least {FEWEST}: "
            f"add footage of the person."
        )
    progress.say(f"{folder.name}: {faceset.summary()}{told}")


def _train(model: str, preset: str, work: Path, options: TrainOptions, progress: Progress, stop: StopSignal) -> None:
    """Begin the run or go on with it."""
    run = work / "model"
    try:
        train(
            model, work / "source", work / "target", run, preset, options,
            resume=(run / "options.json").exists(), progress=progress, stop=stop,
        )  # fmt: skip
    except Stopped:
        raise Stopped(f"Stopped in training; all is saved in {run}. Run the same command again to go on.") from None
