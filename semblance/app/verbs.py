"""The verbs as the terminal sees them: flags from each function's signature and option records, a bar, a last line.

Annotations are evaluated where the functions are made, none are postponed: tyro must see the records imported there.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import tyro

from ..runs import StopSignal
from . import consent_verbs, finish_verbs, people_verbs
from .terminal import TerminalProgress, tell
from .trust_verbs import keys_new_verb, keys_show_verb, verify_verb

Flat = tyro.conf.OmitArgPrefixes  # --erode, not --merge.erode
Clips = Annotated[tuple[Path, ...], tyro.conf.Positional]


def run(verb: str, arguments: list[str], stop: StopSignal) -> None:
    """Parse `arguments` for a verb and call it. Raises SemblanceError; ends the process with code 2 on bad flags."""
    progress = TerminalProgress()
    try:
        function = _MAKERS[verb](progress, stop)
        tyro.cli(function, prog=f"semblance {verb}", args=arguments, config=(Flat, tyro.conf.FlagCreatePairsOff))
    finally:
        progress.done()


def _replace(progress: TerminalProgress, stop: StopSignal) -> Callable:
    from ..create.options import SwapOptions
    from ..create.replace import replace
    from ..finish.merge_options import MergeOptions
    from ..finish.plan import plan_of
    from ..media.encode import EncodeOptions
    from ..models import DEFAULT

    def command(
        source: tuple[Path, ...],
        target: Path,
        out: Path,
        minutes: float = 10.0,
        model: str = DEFAULT,
        preset: str = "small",
        source_person: Path | None = None,
        target_person: Path | None = None,
        seed: int = 0,
        samples: int | None = None,
        from_scratch: bool = False,
        merging: MergeOptions = MergeOptions(),  # noqa: B008
        merge: str = "auto",
        encode: EncodeOptions = EncodeOptions(),  # noqa: B008
        swapping: SwapOptions = SwapOptions(),  # noqa: B008
    ) -> None:
        """Two clips in, the finished clip out.

        Args:
            source: clips, or folders of pictures, of the person who shall appear
            target: the clip to change (the plate)
            out: the finished clip; its report is written beside it
            minutes: time for training
            model: which model (see `semblance models`)
            preset: which size of it
            source_person: a picture of the source, where the clips show several people
            target_person: a picture of who is to be replaced, where the clip shows several people
            seed: where all chance comes from
            samples: learn so many faces, however long it takes, instead of minutes
            from_scratch: begin with random weights, not with those that come with the package
            merge: auto (a trial on a few frames decides what no other flag says), usual, or a .toml file of settings
        """
        result = replace(
            source, target, out, minutes, model, preset, source_person, target_person, seed, samples, from_scratch,
            plan_of(merge, merging), encode, swapping, progress, stop,
        )  # fmt: skip
        progress.done()
        tell(result.summary())

    return command


def _extract(progress: TerminalProgress, stop: StopSignal) -> Callable:
    from ..create.extract import extract
    from ..faceset.extract import ExtractOptions

    def command(clips: Clips, out: Path, extraction: ExtractOptions = ExtractOptions()) -> None:  # noqa: B008
        """Find, align and store every face of clips or folders of pictures.

        Args:
            clips: clips, or folders of pictures
            out: the new faceset's folder
        """
        faceset = extract(clips, out, extraction, progress, stop)
        progress.done()
        tell(f"{faceset.folder}: {faceset.summary()}\nLook at {faceset.folder / 'sheet.png'}")

    return command


def _curate(progress: TerminalProgress, stop: StopSignal) -> Callable:
    from ..faceset.curate import CurateOptions, curate, reasons

    def command(
        faceset: tyro.conf.Positional[Path],
        undo: bool = False,
        curation: CurateOptions = CurateOptions(),  # noqa: B008
    ) -> None:
        """Mark the faces that would harm training as dropped, each with its reason. Nothing is deleted.

        Args:
            faceset: the faceset's folder
            undo: keep all faces again
        """
        result = curate(faceset, curation, undo, progress, stop)
        progress.done()
        tell(f"{result.folder}: {result.summary()}")
        for reason, count in reasons(result).items():
            tell(f"  dropped {count}: {reason}")
        tell(f"Look at {result.folder / 'sheet.png'}")

    return command


def _faceset_import(progress: TerminalProgress, stop: StopSignal) -> Callable:
    from ..create.bring_in import import_faceset
    from ..faceset.importing import ImportOptions

    def command(
        faces: tyro.conf.Positional[Path],
        out: Path,
        frames: Path | None = None,
        importing: ImportOptions = ImportOptions(),  # noqa: B008
    ) -> None:
        """Make a faceset of another tool's faces; mesh, pose, identity and quality are found anew.

        Args:
            faces: DeepFaceLab's folder `aligned` or its faceset.pak, or faceswap's folder of faces or its .fsa
            out: the new faceset's folder
            frames: the folder of the frames that the faces came from, to cut them anew (a .fsa by itself needs it)
        """
        faceset = import_faceset(faces, out, frames, importing, progress, stop)
        progress.done()
        tell(f"{faceset.folder}: {faceset.summary()}\nLook at {faceset.folder / 'sheet.png'}")

    return command


def _faceset_export(progress: TerminalProgress, stop: StopSignal) -> Callable:
    from ..faceset.exporting import ExportOptions, export_faceset

    def command(
        faceset: tyro.conf.Positional[Path],
        out: Path,
        to: Literal["plain", "dfl", "pak", "faceswap"],
        exporting: ExportOptions = ExportOptions(),  # noqa: B008
    ) -> None:
        """Write the kept faces for another tool, each with all that we know of it, so that the way back loses nothing.

        Args:
            faceset: the faceset's folder
            out: the new folder
            to: plain (pictures only), dfl (DeepFaceLab's `aligned`), pak (its faceset.pak) or faceswap
        """
        count = export_faceset(faceset, out, to, exporting, progress, stop)
        progress.done()
        tell(f"{out}: {count} faces")

    return command


def _train(progress: TerminalProgress, stop: StopSignal) -> Callable:
    from ..create.train import train
    from ..training.options import TrainOptions

    def command(
        model: tyro.conf.Positional[str],
        source: Path,
        target: Path,
        out: Path,
        preset: str = "small",
        resume: bool = False,
        training: TrainOptions = TrainOptions(),  # noqa: B008
    ) -> None:
        """Learn to draw the source in place of the target.

        Args:
            model: which model (see `semblance models`)
            source: faceset of the person who shall appear
            target: faceset of the person who is to be replaced
            out: the run's folder
            preset: which size of the model
            resume: go on with a run that was stopped
        """
        result = train(model, source, target, out, preset, training, resume, progress, stop)
        progress.done()
        tell(
            f"{result.run}: {result.samples} faces seen in {result.seconds / 60:.1f} minutes, loss {result.loss:.4f}\n"
            f"Look at {result.run / 'previews'}; use it with `semblance swap CLIP --model {result.run} --out OUT.mp4`"
        )

    return command


def _swap(progress: TerminalProgress, stop: StopSignal) -> Callable:
    from ..create.options import SwapOptions
    from ..create.swap import swap
    from ..finish.merge_options import MergeOptions
    from ..finish.plan import plan_of
    from ..media.encode import EncodeOptions

    def command(
        clip: tyro.conf.Positional[Path],
        model: Path,
        out: Path,
        merging: MergeOptions = MergeOptions(),  # noqa: B008
        merge: str = "auto",
        encode: EncodeOptions = EncodeOptions(),  # noqa: B008
        swapping: SwapOptions = SwapOptions(),  # noqa: B008
    ) -> None:
        """Put the source's face in place of the target's.

        Args:
            clip: the clip to change (the plate)
            model: the folder of a training run
            out: the finished clip; its report is written beside it
            merge: auto (a trial on a few frames decides what no other flag says), usual, or a .toml file of settings
        """
        result = swap(clip, model, out, plan_of(merge, merging), encode, swapping, progress, stop)
        progress.done()
        tell(result.summary())

    return command


def _demo(progress: TerminalProgress, stop: StopSignal) -> Callable:
    from dataclasses import replace as changed

    from ..create.demo import FULL, QUICK, demo

    def command(
        out: Path = Path("out/demo"),
        quick: bool = False,
        seed: int = 11,
        minutes: float | None = None,
        body: str = "auto",
    ) -> None:
        """Film two people who don't exist, learn both, swap one's face, measure it against the truth, write a page.

        Args:
            out: the folder for everything
            quick: smaller and shorter: under three minutes instead of eight
            seed: where all chance comes from
            minutes: time for training, instead of the plan's
            body: the head: "builtin", "ict" (from the cache), or a path to it
        """
        plan = QUICK if quick else FULL
        plan = plan if minutes is None else changed(plan, minutes=minutes)
        result = demo(out, plan, seed, body, progress, stop)
        progress.done()
        tell(result.summary())

    return command


def _models(progress: TerminalProgress, stop: StopSignal) -> Callable:
    from ..create.models import models
    from ..models import choose_preset, load_model_file
    from ..training.changes import described

    def command(model: tyro.conf.Positional[str] = "", preset: str = "small", speed: bool = True) -> None:
        """List the models that can be trained: what each is, whose it is, its size, and how fast it learns here.

        Args:
            model: only this one, with all of its options
            preset: which size of it
            speed: how fast each is here, for which it trains some seconds; --no-speed leaves it out
        """
        if model:
            tell("\n".join(described(choose_preset(load_model_file(model), preset))))
            return
        for line in models(speed, progress, stop):
            tell(str(line))

    return command


def _doctor(progress: TerminalProgress, stop: StopSignal) -> Callable:
    from .doctor import examine

    def command() -> None:
        """Tell what this machine can do, and what is missing."""
        tell(examine())

    return command


_MAKERS: dict[str, Callable[[TerminalProgress, StopSignal], Callable]] = {
    "demo": _demo,
    "replace": _replace,
    "extract": _extract,
    "curate": _curate,
    "faceset import": _faceset_import,
    "faceset export": _faceset_export,
    "train": _train,
    "swap": _swap,
    **finish_verbs.MAKERS,
    "verify": verify_verb,
    "keys new": keys_new_verb,
    "keys show": keys_show_verb,
    **people_verbs.MAKERS,
    **consent_verbs.MAKERS,
    "models": _models,
    "doctor": _doctor,
}
