"""Where the faces of a faceset come from, in the words of other tools: file names of frames, and their size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import MediaError
from ..media.folder import pictures_in
from ..media.probe import probe

_NO_CLIPS = ("", ".pak", ".fsa")  # what faces came from that were imported


def frame_names(table: pd.DataFrame, form: str) -> list[str]:
    """A file name for the frame of each row: the one that another tool gave it, where the faceset was imported.

    A picture of a folder keeps its own name. A clip's frame gets one by `form`, from {number} (1 is the first), {stem}
    and {ending}; with several sources it is told from the others' by the clip's name, or by a number.
    """
    sources = list(dict.fromkeys(table["source"]))
    stems, taken = {}, set()
    for source in sources:
        stem = Path(source).stem
        stems[source] = stem if stem not in taken else f"{stem}-{len(taken) + 1}"
        taken.add(stems[source])
    prefix = len(sources) > 1 and "{stem}" not in form
    pictures = {source: _pictures(Path(source)) for source in sources}
    names = []
    known = table["frame"] if "frame" in table else [""] * len(table)
    for source, index, frame in zip(table["source"], table["index"], known):
        if frame:
            names.append(frame)
            continue
        stem, number = stems[source], int(index) + 1
        if 0 <= index < len(pictures[source]):
            name = pictures[source][index]
            names.append(f"{stem}_{name}" if len(sources) > 1 else name)
            continue
        suffix = Path(source).suffix
        name = form.format(stem=stem, number=number, ending=".png" if suffix in _NO_CLIPS else suffix)
        names.append(f"{stem}_{name}" if prefix else name)
    return names


def _pictures(source: Path) -> list[str]:
    """The names of a folder's pictures, in the order in which they were extracted; [] for what is not there."""
    try:
        return [path.name for path in pictures_in(source)] if source.is_dir() else []
    except OSError:
        return []


def frame_size(source: Path, rows: pd.DataFrame) -> tuple[tuple[int, int], bool]:
    """(height, width) of a source's frames, and whether it is a clip that can be read.

    Where it is not, that is the smallest frame that holds all its faces (rows).
    """
    try:
        if source.is_file():
            info = probe(source)
            return (info.height, info.width), True
    except MediaError:
        pass
    furthest = np.stack(rows["box"].to_list()).max(0)
    return (int(np.ceil(furthest[3])) + 1, int(np.ceil(furthest[2])) + 1), False
