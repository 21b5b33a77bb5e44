"""Folders of pictures, with or without masks -> the crops that a mask model sees, and what it learns from.

Three kinds of folder, told apart by what lies in them: a faceset (faces.parquet; its crops are taken as they are),
filmed occlusions (occlusions.json; crops with VIEW of room about them), and plain pictures, in which the largest face
is found and cut out as a swap would cut it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ..errors import FacesetError
from ..faces.align import COVERAGES, crop_matrix, part_of
from ..faces.track import FaceTracker
from ..media.folder import pictures_in
from ..media.image import read_picture
from ..runs import Progress
from . import disturb
from .disturb import VIEW
from .labels import MASKS, read_label
from .store import PICTURES, TABLE, open_faceset

NOTE = "occlusions.json"


@dataclass(frozen=True, eq=False)
class Shown:
    """A picture (H, W, 3) uint8 RGB, and the matrix (2, 3) from its pixels to the crop "face" of side 1."""

    path: Path
    pixels: np.ndarray
    matrix: np.ndarray

    def to_crop(self, side: int, share: float = 1.0) -> np.ndarray:
        """(2, 3) from the picture's pixels to those of a crop of `side` pixels; share: as in faces.align.part_of."""
        scale = np.array([[side], [side]])
        return part_of(self.matrix * scale - [[0, 0, 0.5], [0, 0, 0.5]], side, share, side)


@dataclass(frozen=True, eq=False)
class MaskedCrops:
    """Pictures (N, S, S, 3) and masks (N, S, S) uint8 of one or more folders, as disturb.py wants them. Folders are
    drawn from equally often, however many pictures each has. A Material for the training loop."""

    shelves: Sequence[tuple[np.ndarray, np.ndarray]]
    sides = 1
    has_matches = False

    def batches(self, config, seed: int, start: int, batch: int, rank: int, ranks: int) -> Iterator[dict]:
        """Endless batches: "picture" (B, S, S, 3), "mask" (B, S, S); sample k does not depend on batch or start."""
        numbers = np.array_split(np.arange(batch), ranks)[rank]
        while True:
            pairs = [
                disturb.apply(self.shelves, disturb.draw(seed, start + number), config.size, config.augment)
                for number in numbers
            ]
            yield {
                "picture": np.stack([picture for picture, _ in pairs]),
                "mask": np.stack([mask for _, mask in pairs]),
            }
            start += batch

    def examples(self, config, count: int) -> dict:
        """`count` undisturbed pairs, the folders by turns."""
        pictures, masks = [], []
        for number in range(count):
            shelf = self.shelves[number % len(self.shelves)]
            row = number * len(shelf[0]) // count
            pictures.append(disturb.plain(shelf[0][row], config.size))
            masks.append(disturb.plain(shelf[1][row], config.size))
        return {"picture": np.stack(pictures), "mask": np.stack(masks)}


def read_shown(folder: Path, progress: Progress, only_labelled: bool = False) -> Iterator[Shown]:
    """The pictures of a folder, faceless ones passed over and named through progress.say.

    only_labelled: no others. Raises FacesetError for a folder without pictures, MediaError for a damaged one.
    """
    folder = Path(folder)
    paths, matrix = _pictures(folder)
    if only_labelled:
        paths = [path for path in paths if _is_labelled(path, folder)]
    tracker = FaceTracker(max_faces=1) if matrix is None else None
    try:
        for path in paths:
            pixels = read_picture(path)
            here = _found(pixels, tracker) if tracker else _scaled(matrix, pixels)
            if here is None:
                progress.say(f"{path.name}: no face found, passed over.")
                continue
            yield Shown(path, pixels, here)
    finally:
        if tracker:
            tracker.close()


def load_labelled(folder: Path, side: int, progress: Progress) -> tuple[np.ndarray, np.ndarray]:
    """Pictures (N, side, side, 3) and masks (N, side, side) of all labelled pictures of a folder, VIEW wide.

    Raises FacesetError: no labels, or one that cannot be used; MediaError.
    """
    folder = Path(folder)
    pictures, masks = [], []
    for shown in read_shown(folder, progress, only_labelled=True):
        mask = read_label(shown.path, folder, shown.pixels.shape[:2])
        matrix = shown.to_crop(side, VIEW)
        pictures.append(_taken(shown.pixels, matrix, side, cv2.BORDER_REPLICATE))
        masks.append(_taken(mask, matrix, side, cv2.BORDER_CONSTANT))
        progress.advance()
    if not pictures:
        raise FacesetError(
            f"{folder} holds no labelled face; paint masks/NAME.png (white = face), or draw polygons with labelme and "
            "save NAME.json beside NAME.png."
        )
    return np.stack(pictures), np.stack(masks)


def _taken(pixels: np.ndarray, matrix: np.ndarray, side: int, border: int) -> np.ndarray:
    """The crop of `side`; taken up to eight times as large and averaged down where the picture shrinks."""
    shrink = 1 / np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    finer = int(min(max(np.floor(shrink), 1), 8))
    larger = part_of(matrix, side, 1.0, side * finer)
    crop = cv2.warpAffine(pixels, larger, (side * finer, side * finer), flags=cv2.INTER_LINEAR, borderMode=border)
    return cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA) if finer > 1 else crop


def _pictures(folder: Path) -> tuple[list[Path], np.ndarray | None]:
    """A folder's pictures, and the matrix from a picture of side 1 to the crop "face" of side 1; None: to be found."""
    if (folder / TABLE).exists():
        faceset = open_faceset(folder)
        side, up = COVERAGES[faceset.options["coverage"]]
        wanted, above = COVERAGES["face"]
        zoom = side / wanted
        matrix = np.array([[zoom, 0, 0.5 - 0.5 * zoom], [0, zoom, 0.5 - 0.5 * zoom + (up - above) / wanted]])
        return [folder / PICTURES / name for name in faceset.kept["name"]], matrix
    if not folder.is_dir():
        raise FacesetError(f"There is no folder {folder}; give a faceset or a folder of pictures.")
    paths = pictures_in(folder)
    if not paths:
        raise FacesetError(f"{folder} holds no pictures; give a faceset or a folder of pictures.")
    if (folder / NOTE).exists():
        try:
            view = float(json.loads((folder / NOTE).read_text(encoding="utf-8"))["view"])
        except (OSError, ValueError, KeyError, TypeError):
            raise FacesetError(f"{folder / NOTE} is damaged; film the folder again.") from None
        return paths, np.array([[view, 0, 0.5 - 0.5 * view], [0, view, 0.5 - 0.5 * view]])
    return paths, None


def _scaled(matrix: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """From pixels of a square picture, instead of from a picture of side 1."""
    if pixels.shape[0] != pixels.shape[1]:
        raise FacesetError(f"A face crop must be square, not {pixels.shape[1]}x{pixels.shape[0]}; extract it again.")
    turn = matrix[:, :2] / pixels.shape[0]
    return np.column_stack([turn, matrix[:, 2] + 0.5 * turn.sum(1)])


def _found(pixels: np.ndarray, tracker: FaceTracker) -> np.ndarray | None:
    """From a frame's pixels to the crop of side 1 about its largest face."""
    tracker.restart()
    faces = tracker.step(pixels)
    if not faces:
        return None
    matrix = crop_matrix(faces[0].landmarks, 256, "face")
    matrix[:, 2] += 0.5
    return matrix / 256


def _is_labelled(path: Path, folder: Path) -> bool:
    return (folder / MASKS / f"{path.stem}.png").is_file() or path.with_suffix(".json").is_file()
