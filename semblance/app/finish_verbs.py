"""The verbs of finishing as the terminal sees them: what stands before a face, how it is put back, how good it is.

Annotations are evaluated where the functions are made, none are postponed: tyro must see the types.
"""

from collections.abc import Callable
from json import dumps
from pathlib import Path
from typing import Annotated

import tyro

from ..runs import StopSignal
from .terminal import TerminalProgress, tell

Folders = Annotated[tuple[Path, ...], tyro.conf.Positional]


def _merge_sheet(progress: TerminalProgress, stop: StopSignal) -> Callable:
    from ..create.merge_sheet import merge_sheet
    from ..create.options import SwapOptions

    def command(
        clip: tyro.conf.Positional[Path],
        model: Path,
        out: Path = Path("merge-sheet.png"),
        settings: tuple[Path, ...] = (),
        frames: int = 4,
        side: int = 256,
        swapping: SwapOptions = SwapOptions(),  # noqa: B008
    ) -> None:
        """A few hard frames of a clip, each merged with several settings, side by side with figures.

        Args:
            clip: the clip to change (the plate)
            model: the folder of a training run
            out: the picture
            settings: files of merge settings to compare (.toml); default: the usual ones and some that differ from them
            frames: how many frames
            side: width and height of each cell in pixels
        """
        result = merge_sheet(clip, model, out, settings, frames, side, swapping, progress, stop)
        progress.done()
        tell(result.summary())

    return command


def _hand_off(progress: TerminalProgress, stop: StopSignal) -> Callable:
    from ..create.hand_off import hand_off
    from ..create.options import SwapOptions
    from ..finish.merge_options import MergeOptions
    from ..finish.plan import plan_of
    from ..trust.publish import LayerOptions

    def command(
        clip: tyro.conf.Positional[Path],
        model: Path,
        out: Path,
        layers: LayerOptions = LayerOptions(),  # noqa: B008
        merging: MergeOptions = MergeOptions(),  # noqa: B008
        merge: str = "auto",
        swapping: SwapOptions = SwapOptions(),  # noqa: B008
    ) -> None:
        """Write the new face as layers for Nuke, Fusion, After Effects or Blender: what `swap` lays into each frame,
        before it is blended, with mask, UV map and track.

        Args:
            clip: the clip to change (the plate)
            model: the folder of a training run
            out: the new folder
            merge: auto (a trial on a few frames decides what no other flag says), usual, or a .toml file of settings
        """
        result = hand_off(clip, model, out, layers, plan_of(merge, merging), swapping, progress, stop)
        progress.done()
        tell(result.summary())

    return command


def _mask_train(progress: TerminalProgress, stop: StopSignal) -> Callable:
    from ..create.mask import MINUTES, mask_train
    from ..training.options import TrainOptions

    def command(
        folders: Folders,
        out: Path,
        begin: str = "builtin",
        preset: str = "small",
        resume: bool = False,
        training: TrainOptions = TrainOptions(minutes=MINUTES),  # noqa: B008
    ) -> None:
        """Learn from labelled faces which pixels are face, and which belong to what stands before it.

        Args:
            folders: facesets or folders of pictures, with labels beside the pictures (labelme's JSON, or masks/)
            out: the run's folder
            begin: the weights to begin from: "builtin", or the folder of a run (see --from-scratch, too)
            preset: the net's size
            resume: go on with a run that was stopped
        """
        result = mask_train(folders, out, begin, preset, training, resume, progress, stop)
        progress.done()
        tell(
            f"{result.run}: {result.samples} pictures seen in {result.seconds / 60:.1f} minutes, loss "
            f"{result.loss:.4f}\nTry it with `semblance mask apply FACESET --model {result.run} --out OUT`"
        )

    return command


def _mask_apply(progress: TerminalProgress, stop: StopSignal) -> Callable:
    from ..create.mask import mask_apply

    def command(source: tyro.conf.Positional[Path], out: Path, model: str = "builtin") -> None:
        """Draw the mask of every face: what is really face, and not a hand, hair or glasses before it.

        Args:
            source: a faceset, or a folder of pictures
            out: the folder for the masks and a sheet to look at
            model: "builtin", or the folder of a run of `semblance mask train`
        """
        result = mask_apply(source, out, model, progress, stop)
        progress.done()
        tell(result.summary())

    return command


def _restore_train(progress: TerminalProgress, stop: StopSignal) -> Callable:
    from ..create.restore import MINUTES, restore_train
    from ..training.options import TrainOptions

    def command(
        folders: Folders,
        out: Path,
        preset: str = "small",
        resume: bool = False,
        training: TrainOptions = TrainOptions(minutes=MINUTES),  # noqa: B008
    ) -> None:
        """Learn from sharp faces of people who don't exist to make coarse and soft ones finer.

        Args:
            folders: facesets of filmed people, or folders of their pictures
            out: the run's folder
            preset: small (twice as fine), small_x4 (four times), paper or tiny
            resume: go on with a run that was stopped
        """
        result = restore_train(folders, out, preset, training, resume, progress, stop)
        progress.done()
        tell(
            f"{result.run}: {result.samples} patches seen in {result.seconds / 60:.1f} minutes, loss "
            f"{result.loss:.4f}\nLook at {result.run / 'previews'}; use it with `semblance swap ... --restore 1 "
            f"--restorer {result.run}`"
        )

    return command


def _measure(progress: TerminalProgress, stop: StopSignal) -> Callable:
    from ..create.measure import measure

    def command(
        result: tyro.conf.Positional[Path],
        target: Path,
        source: Path | None = None,
        truth: Path | None = None,
        limit: int | None = None,
        json: bool = False,
    ) -> None:
        """Tell how good a result is, each figure with its unit, direction, noise floor and grade.

        Args:
            result: the finished clip
            target: the clip it was made from (the plate)
            source: a clip of the person who should appear
            truth: the true result, where one can be filmed (see `semblance people film`)
            limit: only so many frames from the start
            json: print JSON instead of a table
        """
        measured = measure(result, target, source, truth, progress, stop, limit)
        progress.done()
        tell(dumps(measured.as_json(), indent=2) if json else measured.table())

    return command


def _compare(progress: TerminalProgress, stop: StopSignal) -> Callable:
    from ..create.compare import compare

    def command(
        result: tyro.conf.Positional[Path],
        target: Path,
        out: Path = Path("comparison"),
        limit: int | None = None,
    ) -> None:
        """Show a result beside its plate: a video of before, after and difference, figures frame by frame, and the
        frames on which one of them jumps.

        Args:
            result: the finished clip
            target: the clip it was made from (the plate)
            out: the new folder
            limit: only so many frames from the start
        """
        compared = compare(result, target, out, limit, progress, stop)
        progress.done()
        tell(compared.summary())

    return command


MAKERS: dict[str, Callable[[TerminalProgress, StopSignal], Callable]] = {
    "merge-sheet": _merge_sheet,
    "hand-off": _hand_off,
    "mask train": _mask_train,
    "mask apply": _mask_apply,
    "restore train": _restore_train,
    "measure": _measure,
    "compare": _compare,
}
