"""Folders of sharp pictures of faces -> what a restorer learns from.

Two kinds of folder: a faceset, of which the crops are taken that were not enlarged when they were cut, and a folder of
pictures, which are taken as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import FacesetError
from ..media.folder import pictures_in
from ..media.image import read_picture
from ..runs import Progress
from . import degrade
from .store import TABLE, open_faceset, read_crop

_ENLARGED = 1.1  # crop pixels per frame pixel: beyond it a crop is softer than it is large


@dataclass(frozen=True, eq=False)
class SharpFaces:
    """Pictures (H, W, 3) uint8 RGB of any sizes. A Material for the training loop; config has size, scale, degrade."""

    pictures: Sequence[np.ndarray]
    sides = 1
    has_matches = False

    def batches(self, config, seed: int, start: int, batch: int, rank: int, ranks: int) -> Iterator[dict]:
        """Endless batches: "picture" (B, s, s, 3), "truth" (B, S, S, 3), s = S / scale; sample k does not depend on
        batch or start."""
        numbers = np.array_split(np.arange(batch), ranks)[rank]
        while True:
            yield self._rows(config, [degrade.draw(seed, start + number) for number in numbers])
            start += batch

    def examples(self, config, count: int) -> dict:
        """`count` pairs of a seed of their own."""
        return self._rows(config, [degrade.draw(2**32, number) for number in range(count)])

    def _rows(self, config, draws: Sequence[degrade.Drawn]) -> dict:
        pairs = [degrade.apply(self.pictures, drawn, config.size, config.scale, config.degrade) for drawn in draws]
        return {name: np.stack(pictures) for name, pictures in zip(("picture", "truth"), zip(*pairs))}


def load_sharp(folder: Path, least: int, progress: Progress) -> list[np.ndarray]:
    """A folder's pictures that are at least `least` pixels wide and high; how many were not is told by progress.say.

    Raises FacesetError for a folder without any, MediaError for a damaged picture.
    """
    folder = Path(folder)
    if (folder / TABLE).exists():
        faceset = open_faceset(folder)
        matrices = np.stack(faceset.kept["matrix"].to_list()).reshape(-1, 2, 3)
        growth = np.sqrt(np.abs(np.linalg.det(matrices[:, :, :2])))
        names = faceset.kept["name"][growth <= _ENLARGED]
        found, all_of_them = (read_crop(faceset, name) for name in names), len(growth)
    else:
        if not folder.is_dir():
            raise FacesetError(f"There is no folder {folder}; give a faceset or a folder of pictures.")
        paths = pictures_in(folder)
        found, all_of_them = (read_picture(path) for path in paths), len(paths)
    pictures = []
    for picture in found:
        if min(picture.shape[:2]) >= least:
            pictures.append(picture)
        progress.advance()
    if not pictures:
        raise FacesetError(
            f"{folder} holds no face that is sharp at {least} pixels; give larger footage, or pictures of faces."
        )
    if left := all_of_them - len(pictures):
        progress.say(f"{folder}: {left} of {all_of_them} faces are too small in their frames to be sharp, left out.")
    return pictures
