"""What a face of another tool is here, and our own record that rides along in it.

The record is a line of JSON with all of a row but its picture's name, so that the way back loses nothing; numbers of
arrays are base64 of little-endian floats. It comes from strangers as the rest does: whatever does not fit makes it
count as absent.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath

import numpy as np
import pandas as pd

from ..faces.align import COVERAGES
from ..types import IDENTITY_SIZE, LANDMARKS
from .landmarks68 import face_unit, points_68

KEY = "semblance"
_FORMAT = 1
_ARRAYS = {
    "matrix": ("<f8", 6),
    "landmarks": ("<f4", LANDMARKS * 3),
    "box": ("<f8", 4),
    "identity": ("<f4", IDENTITY_SIZE),
}
_WHOLE = ("index", "faces_in_frame", "track", "person")
_TEXTS = ("source", "sha256", "reason")
_REALS = (
    "time", "yaw", "pitch", "roll", "score", "size", "sharpness", "exposure", "contrast", "tint_a", "tint_b",
    "occluded", "inside",
)  # fmt: skip
_FURTHEST = 1e6  # pixels; no frame is as large
_AGREE = 0.02  # of a face unit: what rounding in between may move our points


@dataclass(frozen=True, slots=True, eq=False)
class ForeignFace:
    """One face of DeepFaceLab or faceswap.

    name    : the file's name, without folders
    picture : gives its crop's pixels (S, S, 3) uint8 RGB when it is called; None: only the frame shows the face
    matrix  : (2, 3) frame pixels -> the crop's pixels
    points  : (68, 2) frame pixels
    frame   : the name of the frame's file, "" where that is not known
    sha256  : of the bytes that the face came in
    record  : a row of ours with "crop_size" and "coverage", or None
    """

    name: str
    picture: Callable[[], np.ndarray] | None
    matrix: np.ndarray | None
    points: np.ndarray
    frame: str
    sha256: str
    record: dict | None = None
    frame_size: tuple[int, int] | None = None  # height, width


def record_of(row: pd.Series, size: int, coverage: str) -> str:
    """A row of a faceset as a line of JSON; size, coverage: of the faceset's crops."""
    record: dict = {"format": _FORMAT, "crop_size": size, "coverage": coverage, "kept": bool(row["kept"])}
    for name, (kind, _) in _ARRAYS.items():
        record[name] = base64.b64encode(np.asarray(row[name], kind).tobytes()).decode()
    record |= {name: int(row[name]) for name in _WHOLE}
    record |= {name: str(row[name]) for name in _TEXTS}
    record |= {name: float(row[name]) for name in _REALS}
    return json.dumps(record)


def read_record(text: object, points: np.ndarray) -> dict | None:
    """The row that record_of wrote; None unless it is whole and fits the 68 points (frame pixels) beside it."""
    if not isinstance(text, str):
        return None
    try:
        record = json.loads(text)
        if record["format"] != _FORMAT or record["coverage"] not in COVERAGES or not 64 <= record["crop_size"] <= 1024:
            return None
        row = {"crop_size": int(record["crop_size"]), "coverage": record["coverage"], "kept": bool(record["kept"])}
        for name, (kind, length) in _ARRAYS.items():
            row[name] = np.frombuffer(base64.b64decode(record[name], validate=True), kind).copy()
            if row[name].shape != (length,) or not (np.abs(row[name]) < _FURTHEST).all():
                return None
        row |= {name: int(record[name]) for name in _WHOLE}
        row |= {name: str(record[name]) for name in _TEXTS}
        row |= {name: float(record[name]) for name in _REALS}
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
        return None
    if not all(math.isfinite(row[name]) for name in _REALS):
        return None
    return row if _fits(row, points) else None


def _fits(row: dict, points: np.ndarray) -> bool:
    """Whether the record speaks of the face whose points stand beside it: somebody may have moved them since."""
    own = points_68(row["landmarks"].reshape(-1, 3))
    return bool(np.abs(own - points).max() < _AGREE * face_unit(points) + 0.5)


def points_in(value: object) -> np.ndarray:
    """(68, 2) float64 from a list or array; ValueError for anything else."""
    try:
        points = np.array(value, np.float64)
    except (TypeError, OverflowError):
        points = np.zeros(0)
    if points.shape != (68, 2) or not (np.abs(points) < _FURTHEST).all():
        raise ValueError("its metadata lacks the 68 landmarks")
    return points


def matrix_in(value: object) -> np.ndarray | None:
    """(2, 3) float64 from a list or array; None for None; ValueError for what is no matrix of a crop."""
    if value is None:
        return None
    try:
        matrix = np.array(value, np.float64)
    except (TypeError, OverflowError):
        matrix = np.zeros(0)
    if matrix.shape != (2, 3) or not (np.abs(matrix) < _FURTHEST).all() or abs(np.linalg.det(matrix[:, :2])) < 1e-9:
        raise ValueError("the matrix of its crop is damaged")
    return matrix


def plain_name(value: object) -> str:
    """The last part of a path that another system may have written, with nothing in it that leads elsewhere."""
    name = PurePosixPath(PureWindowsPath(str(value)).as_posix()).name if value is not None else ""
    return re.sub(r"[^\w. ()+-]", "_", name)[:120].lstrip(".")
