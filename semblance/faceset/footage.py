"""Rows of a faceset -> the pixels to cut from: the frame where the footage is still what it was, else the stored crop.

A crop holds no more than its coverage; what other tools want around a face is in the frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import MediaError
from ..media.folder import pictures_in
from ..media.image import read_picture
from ..media.probe import probe
from ..media.read import read_frames
from ..runs import Progress, StopSignal, hash_of
from .recut import NOTHING_KEPT
from .sources import hashed_with
from .store import PICTURES


def footage_of(table: pd.DataFrame, progress: Progress, stop: StopSignal) -> set[str]:
    """The sources that are still there with the bytes that the faces were found in."""
    there = set()
    progress.stage("footage", table["source"].nunique(), "sources")
    for source, rows in table.groupby("source", sort=False):
        stop.check(NOTHING_KEPT)
        if _is_there(Path(source), rows):
            there.add(source)
        progress.advance()
    progress.done()
    return there


def _is_there(source: Path, rows: pd.DataFrame) -> bool:
    try:
        if source.is_file():
            return {hash_of(source)} == set(rows["sha256"])
        pictures = pictures_in(source)
        stretches = {
            tuple(hashed_with(pictures, index)): sha256 for index, sha256 in zip(rows["index"], rows["sha256"])
        }
        return all(hash_of(*stretch) == sha256 for stretch, sha256 in stretches.items())
    except OSError:
        return False


def pixels_of(
    rows: pd.DataFrame, there: set[str], folder: Path
) -> Iterator[tuple[pd.Series, np.ndarray, np.ndarray | None]]:
    """Each row, pixels that show its face, and (2, 3) those pixels -> its crop's; None: they are the crop itself.

    Rows of one source must be in the order of its frames. Raises MediaError.
    """
    for source, part in rows.groupby("source", sort=False):
        if source not in there:
            for _, row in part.iterrows():
                yield row, read_picture(folder / PICTURES / row["name"]), None
            continue
        frames = _frames(Path(source), part["index"])
        at, pixels = -1, None
        for _, row in part.iterrows():
            while at < row["index"]:
                at, pixels = _next(frames, source)
            yield row, pixels, np.asarray(row["matrix"]).reshape(2, 3)


def _frames(source: Path, wanted: pd.Series) -> Iterator[tuple[int, np.ndarray]]:
    """Number and pixels of the wanted frames, in order."""
    numbers = set(wanted)
    if source.is_dir():
        pictures = pictures_in(source)
        for number in sorted(numbers):
            yield number, read_picture(pictures[number])
        return
    for frame in read_frames(probe(source), min(numbers), max(numbers) + 1):
        if frame.index in numbers:
            yield frame.index, frame.pixels


def _next(frames: Iterator[tuple[int, np.ndarray]], source: str) -> tuple[int, np.ndarray]:
    found = next(frames, None)
    if found is None:
        raise MediaError(f"{source} ends before the frames that its faces came from; copy it again.")
    return found
