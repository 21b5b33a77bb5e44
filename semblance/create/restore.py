"""The verb `restore train`: sharp faces of people who do not exist -> a restorer for swaps (`--restore`)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import InputError, Refused
from ..faceset.sharp import SharpFaces, load_sharp
from ..faceset.store import TABLE, open_faceset
from ..models import choose_preset, load_model_file
from ..runs import Progress, StopSignal
from ..training.changes import changed_by
from ..training.folder import refuse_run
from ..training.loop import TrainResult, train_model
from ..training.options import TrainOptions
from ..trust.consent import Permission
from ..trust.publish import publish_picture
from ..weights import load_base
from .claims import drawn
from .permission import is_of_nobody, origin_of, shows_nobody_real, sources_of
from .restorer import MODEL

MINUTES = 15.0
_GENTLE = 0.2  # of the preset's learning rate: weights that know much should not forget it over a few pictures


def restore_train(
    folders: Path | str | Sequence[Path | str],
    out: Path | str,
    preset: str = "small",
    options: TrainOptions | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    stop: StopSignal | None = None,
) -> TrainResult:
    """Learn from the faces of folders (see faceset/sharp.py) how sharp ones look; begins with the package's weights
    where it has any for the preset.

    A restorer draws into anybody's face what it has seen of others, so it is shown nobody real: that covers no consent.
    Raises FacesetError (nothing sharp), Refused (somebody real may be shown), ModelError, OutputError, TrainingError,
    Stopped.
    """
    options, progress, stop = options or TrainOptions(minutes=MINUTES), progress or Progress(), stop or StopSignal()
    out, folders = Path(out), [folders] if isinstance(folders, str | Path) else list(folders)
    if not folders:
        raise InputError("Training a restorer needs at least one folder of faces; name one.")
    config = changed_by(choose_preset(load_model_file(MODEL), preset), options.change)
    if not resume:
        refuse_run(out)
    begins = not options.from_scratch and load_base(MODEL, preset) is not None
    if begins and options.learning_rate is None:
        options = options.changed(learning_rate=_GENTLE * config.learning_rate)
    progress.stage("reading faces", None, "pictures")
    shelves = {str(folder): load_sharp(Path(folder), config.size, progress) for folder in folders}
    for folder in folders:
        _refuse_somebody(Path(folder))
    notes = {"folders": {folder: len(shelf) for folder, shelf in shelves.items()}}
    material = SharpFaces([picture for shelf in shelves.values() for picture in shelf])
    claim = drawn("training preview of a restorer", Permission("synthetic"))
    return train_model(
        MODEL, preset, material, out, options, resume, progress, stop,
        lambda path, pixels: publish_picture(path, pixels, claim), notes,
    )  # fmt: skip


def _refuse_somebody(folder: Path) -> None:
    """Raises Refused unless it is signed of all of a folder that nobody real is shown."""
    if (folder / TABLE).exists():
        faceset = open_faceset(folder)
        nobody = is_of_nobody(sources_of(faceset), origin_of(faceset))
    else:
        nobody = shows_nobody_real(folder)
    if not nobody:
        raise Refused(
            f"{folder} may show somebody real. A restorer draws what it has seen into anybody's face, so it learns "
            "from people who do not exist only; film some with `semblance people film`, or scripts/train_restorer.py."
        )
