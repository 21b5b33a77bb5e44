"""Foreign faces and their pictures -> our crops and rows, the mesh found anew where no record of ours came along."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ..errors import MediaError
from ..faces.align import crop_matrix, invert, move
from ..faces.identity import identity_chip, identity_vectors
from ..faces.landmarks import LandmarkFinder
from ..faces.pose import euler
from ..media.image import read_picture
from ..runs import Progress, StopSignal
from ..types import Face
from .cut import cut_face, store_crop
from .dfl import NoMetadata
from .find_again import find_again
from .foreign import ForeignFace
from .store import PICTURES

NOTHING_KEPT = "Nothing was kept; the same command begins anew."


@dataclass
class Passed:
    """Pictures that gave no face, and why."""

    reasons: Counter = field(default_factory=Counter)
    named: list[str] = field(default_factory=list)
    without_metadata: int = 0

    def add(self, name: str, error: Exception | str) -> None:
        self.without_metadata += isinstance(error, NoMetadata)
        self.reasons[str(error).removesuffix(".")] += 1
        self.named.append(f"{name}: {error}")


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A face in the picture it is cut from: to_picture (2, 3) frame -> its pixels; face in frame pixels."""

    number: int
    name: str
    in_frame: int
    foreign: ForeignFace
    pixels: np.ndarray
    to_picture: np.ndarray
    face: Face
    edges: tuple[int, int] | None  # height, width of the frame, where known


def seen_faces(
    faces: Iterable[tuple[str, int, ForeignFace]],
    shown: dict[str, Path],
    finder: LandmarkFinder | None,
    passed: Passed,
    progress: Progress,
    stop: StopSignal,
) -> Iterator[Seen]:
    """Faces with their mesh in frame pixels; those without one are passed over. finder None: all have our record."""
    for number, (name, in_frame, foreign) in enumerate(faces):
        stop.check(NOTHING_KEPT)
        try:
            path = shown.get(Path(foreign.frame).stem) if foreign.frame else None
            pixels = read_picture(path) if path else foreign.picture() if foreign.picture else None
            if pixels is None:
                raise ValueError(f"its frame {foreign.frame} is not in the folder of frames")
            to_picture = np.eye(2, 3) if path else foreign.matrix
            landmarks = _landmarks(foreign, pixels, to_picture, finder)
        except (MediaError, ValueError) as error:
            passed.add(foreign.name, error)
            progress.advance()
            continue
        edges = pixels.shape[:2] if path else foreign.frame_size
        face = Face(landmarks, 1.0, euler(landmarks))
        yield Seen(number, name, in_frame, foreign, pixels, to_picture, face, edges)


def _landmarks(
    foreign: ForeignFace, pixels: np.ndarray, to_picture: np.ndarray, finder: LandmarkFinder | None
) -> np.ndarray:
    """(478, 3) frame pixels; ValueError where no mesh is found."""
    if foreign.record:
        return foreign.record["landmarks"].reshape(-1, 3)
    found = find_again(finder, pixels, move(foreign.points, to_picture))
    if found is None:
        raise ValueError("no mesh was found where its landmarks are")
    return _through(found, invert(to_picture))


def _through(landmarks: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Landmarks (478, 3) through a similarity; depth keeps the unit of x and y."""
    scale = np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    moved = move(landmarks[:, :2].astype(np.float64), matrix)
    return np.column_stack([moved, landmarks[:, 2] * scale]).astype(np.float32)


def stored_rows(group: list[Seen], folder: Path, size: int, coverage: str, progress: Progress) -> list[dict]:
    """Cut, judge and store faces; their rows."""
    rows, chips = [], []
    for item in group:
        row, crop, chip = _row(item, size, coverage)
        store_crop(folder / PICTURES / item.name, crop)
        rows.append(row)
        chips.append(chip)
    for row, vector in zip(rows, identity_vectors(chips)):
        row.setdefault("identity", vector)
    progress.advance(len(rows))
    return rows


def _row(item: Seen, size: int, coverage: str) -> tuple[dict, np.ndarray, np.ndarray]:
    """A face's row without what only the whole set tells, its crop, and the chip for its identity."""
    foreign, record = item.foreign, item.foreign.record
    same_cut = record and (record["crop_size"], record["coverage"]) == (size, coverage)
    in_picture = replace(item.face, landmarks=_through(item.face.landmarks, item.to_picture))
    if same_cut:
        matrix = record["matrix"].reshape(2, 3)
        to_crop = after(matrix, invert(item.to_picture))
    else:
        to_crop = crop_matrix(in_picture.landmarks, size, coverage)
        matrix = after(to_crop, item.to_picture)
    crop, facts = cut_face(item.pixels, in_picture, size, coverage, matrix=to_crop)
    row = {
        **facts, "name": item.name, "source": "", "frame": foreign.frame, "sha256": foreign.sha256,
        "index": item.number, "time": 0.0, "faces_in_frame": item.in_frame,
        "matrix": matrix.ravel(), "landmarks": item.face.landmarks.ravel(), "box": np.array(item.face.box),
        "size": item.face.size, "inside": _inside(item), "kept": True, "reason": "",
    }  # fmt: skip
    if record:
        as_now = ("sharpness", "exposure", "contrast", "tint_a", "tint_b", "occluded", "matrix")
        row |= {key: value for key, value in record.items() if key in row and key not in as_now}
        row |= {"identity": record["identity"], "track": record["track"]}
    return row, crop, identity_chip(item.pixels, in_picture)


def after(second: np.ndarray, first: np.ndarray) -> np.ndarray:
    """The (2, 3) matrix that does `first`, then `second`."""
    return second[:, :2] @ first + np.column_stack([np.zeros((2, 2)), second[:, 2]])


def _inside(item: Seen) -> float:
    """Share of the mesh within the frame; a crop by itself does not tell, it counts as whole."""
    if item.edges is None:
        return 1.0
    x, y = item.face.landmarks[:, 0], item.face.landmarks[:, 1]
    return float(((x >= 0) & (x < item.edges[1]) & (y >= 0) & (y < item.edges[0])).mean())
