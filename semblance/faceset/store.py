"""A faceset on disk: `faces/*.png` aligned crops, and `faces.parquet` with one row for each of them.

A person may delete pictures in a file manager: the face is then gone. The table's columns:

    name                 picture's file name               source, sha256      the clip it came from, and its hash
    index, time          frame number, seconds             matrix              6 numbers, frame px -> crop px
    landmarks            478 * 3 numbers, frame px         box                 x0, y0, x1, y1, frame px
    yaw, pitch, roll     degrees                           score               detector's confidence 0..1
    identity             128 numbers                       size                longer side of the face in frame px
    sharpness, exposure, contrast, tint_a, tint_b, occluded                    see faces/quality.py
    inside               share of the mesh in the frame    faces_in_frame      how many faces the frame has
    track, person        numbers; person 0 is seen most    kept, reason        False and why, where curation dropped it
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pyarrow as pa

from ..errors import FacesetError
from ..faces.align import COVERAGES, cut_from, move
from ..media.image import read_picture
from ..runs import written_whole

TABLE, PICTURES, OPTIONS = "faces.parquet", "faces", "options.json"
FEWEST = 20  # faces below which nothing worth seeing can be learned
COLUMNS = (
    "name", "source", "sha256", "index", "time", "matrix", "landmarks", "box", "yaw", "pitch", "roll", "score",
    "identity", "size", "sharpness", "exposure", "contrast", "tint_a", "tint_b", "occluded", "inside",
    "faces_in_frame", "track", "person", "kept", "reason",
)  # fmt: skip


@dataclass(frozen=True)
class Faceset:
    """A folder and its table; only rows whose picture is still there."""

    folder: Path
    table: pd.DataFrame

    @property
    def kept(self) -> pd.DataFrame:
        return self.table[self.table["kept"]]

    @property
    def identity(self) -> np.ndarray:
        """(128,) the mean identity vector of the kept faces."""
        return np.stack(self.kept["identity"].to_list()).mean(0)

    @property
    def options(self) -> dict:
        """How the faceset was extracted: clips, size, coverage ... FacesetError where that is not known any more."""
        try:
            options = json.loads((self.folder / OPTIONS).read_text(encoding="utf-8"))
            options["clips"], options["coverage"], int(options["size"])
            return options
        except (OSError, ValueError, KeyError, TypeError):
            raise FacesetError(f"{self.folder / OPTIONS} is missing or damaged; extract the faceset again.") from None

    def summary(self) -> str:
        """One sentence for the terminal."""
        people = self.table["person"].nunique()
        return (
            f"{len(self.table)} faces of {people} {'person' if people == 1 else 'people'}, {len(self.kept)} kept, "
            f"{self.table['source'].nunique()} source(s)"
        )


def open_faceset(folder: Path) -> Faceset:
    """Read a faceset; FacesetError where there is none, its table is damaged, or all its pictures are gone."""
    folder = Path(folder)
    if not (folder / TABLE).exists():
        raise FacesetError(f"{folder} is not a faceset; make one with `semblance extract CLIP --out {folder}`.")
    try:
        table = pd.read_parquet(folder / TABLE)
        present = {path.name for path in (folder / PICTURES).glob("*.png")}
        table = table[table["name"].isin(present)].reset_index(drop=True)
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        problem = type(error).__name__
        raise FacesetError(f"{folder / TABLE} is damaged ({problem}); extract the faceset again.") from None
    if lacking := [column for column in COLUMNS if column not in table]:
        raise FacesetError(f"{folder / TABLE} lacks the column '{lacking[0]}'; extract the faceset again.")
    if table.empty:
        raise FacesetError(f"{folder / PICTURES} holds no picture of this faceset any more; extract it again.")
    return Faceset(folder, table)


def save_table(folder: Path, table: pd.DataFrame) -> None:
    """Write the table whole or not at all."""
    with written_whole(folder / TABLE) as temporary:
        table.to_parquet(temporary, index=False)


def check_enough(faceset: Faceset) -> None:
    """Raises FacesetError if fewer than FEWEST faces are kept."""
    count = len(faceset.kept)
    if count < FEWEST:
        dropped = len(faceset.table) - count
        undo = f"`semblance curate {faceset.folder} --undo`"
        advice = f"; {dropped} were dropped, {undo} brings them back" if dropped else ""
        raise FacesetError(
            f"{faceset.folder} has {count} faces, training needs at least {FEWEST}: add footage of the person{advice}."
        )


def crop_coverage(faceset: Faceset) -> str:
    """How much of a face models that see crops are shown: "face", or as much as was stored where that is less."""
    stored = faceset.options["coverage"]
    return stored if COVERAGES[stored][0] < COVERAGES["face"][0] else "face"


def load_crops(faceset: Faceset, side: int | None = None, coverage: str | None = None) -> np.ndarray:
    """The kept crops (N, S, S, 3) uint8 RGB, S the size they were extracted at, or `side` where that is smaller.

    coverage: a part of what is stored, at the same scale; S is then that part's side.

    Each is made smaller as it is read, so that no more than the answer is ever held in memory.
    Raises FacesetError if they are fewer than FEWEST, or one is of another size; MediaError if one is damaged.
    """
    check_enough(faceset)
    stored = int(faceset.options["size"])
    matrix, whole = cut_from(faceset.options["coverage"], stored, coverage or faceset.options["coverage"])
    side = whole if side is None else min(side, whole)
    names = faceset.kept["name"].to_list()
    crops = np.empty((len(names), side, side, 3), np.uint8)
    for crop, name in zip(crops, names):
        picture = read_crop(faceset, name)
        if whole != stored:
            picture = cv2.warpAffine(picture, matrix, (whole, whole), borderMode=cv2.BORDER_REPLICATE)
        crop[:] = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA) if side < whole else picture
    return crops


def read_crop(faceset: Faceset, name: str) -> np.ndarray:
    """One stored picture (S, S, 3) uint8 RGB. Raises FacesetError if it is of another size, MediaError if damaged."""
    stored = int(faceset.options["size"])
    picture = read_picture(faceset.folder / PICTURES / name)
    if picture.shape != (stored, stored, 3):
        raise FacesetError(
            f"{faceset.folder / PICTURES / name} is {picture.shape[1]}x{picture.shape[0]}, but the faceset's "
            f"pictures are {stored}x{stored}; delete it or extract the faceset again."
        )
    return picture


def crop_points(row: pd.Series) -> np.ndarray:
    """A row's landmarks in crop pixels, (478, 2)."""
    return crop_landmarks(row)[:, :2]


def crop_landmarks(row: pd.Series) -> np.ndarray:
    """A row's landmarks in crop pixels, (478, 3): z grows as x and y do."""
    landmarks = np.asarray(row["landmarks"], np.float64).reshape(-1, 3)
    matrix = np.asarray(row["matrix"]).reshape(2, 3)
    return np.column_stack([move(landmarks[:, :2], matrix), landmarks[:, 2] * crop_scale(row)])


def crop_scale(row: pd.Series) -> float:
    """How much larger a row's crop shows the face than its frame did."""
    return float(np.sqrt(abs(np.linalg.det(np.asarray(row["matrix"]).reshape(2, 3)[:, :2]))))
