"""The verb `merge-sheet`: one picture of a few frames (rows) merged with several settings (columns), with figures.

For an artist to choose by eye what `swap --merge` then does to the whole clip.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import FaceError, InputError
from ..finish.merge_options import MergeOptions
from ..finish.plan import MergePlan, read_plan
from ..media.image import check_picture
from ..media.probe import probe
from ..media.read import frame_times
from ..media.sheet import captioned, fitted, grid, text_strip
from ..models import load_swapper
from ..runs import Clock, Progress, StopSignal, refuse_existing
from ..trust.content import check_content
from ..trust.publish import publish_picture
from ..types import Face
from .claims import swapped
from .close_up import close_up
from .options import SwapOptions, check_mask
from .painter import Painter
from .permission import permit_model
from .trial import Look, Tried, attempt, choose_looks, draw_looks

_ROOM = 1.3  # of a cell's face: the edge is what is looked at
_FIGURES = {
    "seam": "dE", "sharpness": "sharp", "flicker": "flicker", "double edges": "% double", "identity to source": "far",
}  # fmt: skip
_LINE = 18  # px of a line of figures

SETTINGS: dict[str, dict] = {
    "usual": {},
    "bands": {"blend": "bands"},
    "poisson": {"blend": "poisson"},
    "poisson-mixed": {"blend": "poisson-mixed"},
    "mkl": {"colour": "mkl"},
    "smaller": {"erode": 8.0},
    "softer edge": {"feather": 18.0},
    "sharper": {"sharpen": 0.7},
}
"""What is tried where no files are named."""


@dataclass(frozen=True)
class MergeSheet:
    """Where the sheet is; scores: name of the settings -> how much is seen (0: nothing)."""

    out: Path
    frames: tuple[int, ...]
    scores: dict[str, float]

    def summary(self) -> str:
        """The last lines on the terminal."""
        ranked = sorted(self.scores.items(), key=lambda item: item[1])
        told = ", ".join(f"{name} {score:.2f}" for name, score in ranked)
        used = "use a choice with `semblance swap ... --merge FILE.toml`"
        return f"Scores, 0 is unseen: {told}.\nLook at {self.out}; {used}"


def merge_sheet(
    clip: Path | str,
    model: Path | str,
    out: Path | str,
    settings: Sequence[Path | str] = (),
    frames: int = 4,
    side: int = 256,
    options: SwapOptions | None = None,
    progress: Progress | None = None,
    stop: StopSignal | None = None,
) -> MergeSheet:
    """Try `settings` (TOML files; none: SETTINGS) on `frames` hard frames of the clip; side: pixels of a cell.

    Raises MediaError, ModelError, InputError, FaceError, OutputError, Refused, Stopped.
    """
    options, progress, stop, clock = options or SwapOptions(), progress or Progress(), stop or StopSignal(), Clock()
    out, info = Path(out), probe(Path(clip))
    check_picture(out.suffix)
    refuse_existing(out, "picture")
    tries = _tries(settings)
    check_content(clip, progress, stop)
    painter = Painter(*load_swapper(Path(model), progress), MergePlan(), options)
    permission = permit_model(painter.header, options.project)
    for merge in tries.values():
        check_mask(merge, painter.module)
    chosen = choose_looks(info, painter, len(frame_times(info)), frames, progress, stop)
    looks = draw_looks(info, painter, chosen, clock)
    if not looks:
        raise FaceError(f"No frame looked at in {clip} shows {painter.wanted}; choose another clip, or --who largest.")
    progress.stage("try", len(tries), "settings")
    tried = {}
    for name, merge in tries.items():
        stop.check("Nothing was written; run the same command again.")
        tried[name] = attempt(looks, painter, merge, float(info.pixel_aspect), clock)
        progress.advance(1, name)
    progress.done()
    sheet = _sheet(Path(clip).name, looks, tried, side)
    work = {"sheet of": [look.index for look in looks], "merge": [str(merge) for merge in tries.values()]}
    claim = swapped(info, painter.header, permission, {**work, "model": painter.header["sha256"]})
    publish_picture(out, sheet, claim)
    return MergeSheet(out, tuple(look.index for look in looks), {name: each.score for name, each in tried.items()})


def _tries(settings: Sequence[Path | str]) -> dict[str, MergeOptions]:
    """Settings by a short name. Raises InputError."""
    if not settings:
        return {name: MergeOptions(**change) for name, change in SETTINGS.items()}
    tries = {}
    for path in map(Path, settings):
        if path.stem in tries:
            raise InputError(f"Two of the files are called {path.stem}; give them names of their own.")
        tries[path.stem] = read_plan(path).whole
    return tries


def _sheet(title: str, looks: Sequence[Look], tried: dict[str, Tried], side: int) -> np.ndarray:
    """Columns: the plate, then each of the settings. Rows: the looks; below them the figures over all."""
    cells = []
    for row, look in enumerate(looks):
        drawn = next(frame for frame in look.frames if frame.frame.index == look.index)
        cells.append(captioned(_cell(drawn.frame.pixels, drawn.parts[0].face, side), f"plate, frame {look.index}"))
        for each in tried.values():
            figures = each.each[row]
            told = (
                f"{figures['seam']:.1f} dE  {figures['sharpness']:.2f} sharp  {figures['identity to source']:.2f} far"
            )
            cells.append(captioned(_cell(each.pictures[row], drawn.parts[0].face, side), told))
    heads = [_column("plate", [], side), *(_column(name, _lines(each), side) for name, each in tried.items())]
    columns = len(tried) + 1
    return np.vstack([grid(heads, columns, f"{title}: merge settings"), grid(cells, columns)])


def _lines(tried: Tried) -> list[str]:
    told = [f"{tried.figures[name]:.2f} {unit}" for name, unit in _FIGURES.items() if name in tried.figures]
    return [f"score {tried.score:.2f}, 0 is unseen", "  ".join(told[:3]), "  ".join(told[3:])]


def _column(name: str, lines: list[str], side: int) -> np.ndarray:
    strips = [text_strip(name, side, 24), *(text_strip(line, side, _LINE) for line in lines)]
    blank = [text_strip("", side, _LINE)] * (3 - len(lines))
    return np.vstack([*strips, *blank])


def _cell(pixels: np.ndarray, face: Face, side: int) -> np.ndarray:
    """What lies around a face, on a cell of this side."""
    return fitted(close_up(pixels, face.box, _ROOM), side, side)
