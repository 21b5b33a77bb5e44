"""Exact truth beside a synthetic clip: what was drawn, frame by frame, as the renderer knew it.

For DIR/NAME.mp4:
    DIR/NAME.truth.parquet   one row a frame (see TruthFrame); under the schema's key "semblance" one JSON (see ABOUT)
    DIR/NAME.masks.mkv       grey, lossless, as large as the clip; a pixel's value is its region's code (see REGIONS)

Points in pixels of the clip's frame, poses as in types.py; the camera takes centimetres to pixels.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import InputError
from ..media.probe import probe
from ..media.read import frame_times
from ..runs import hash_of, written_whole
from ..types import LANDMARKS

VERSION = 1
REGIONS = {"background": 0, "skin": 1, "hair": 2, "eyes": 3, "mouth": 4, "lips": 5, "clothes": 6, "occluder": 7}
ABOUT = (
    "clip", "clip_sha256", "width", "height", "rate", "frames", "person", "identity", "body", "seed", "expressions",
    "scene", "performance",
)  # fmt: skip
_KEY = b"semblance"
_BATCH = 256  # rows; 1.5 MB
_FLOATS, _FLAGS = pa.list_(pa.float32()), pa.list_(pa.bool_())
_SCHEMA = pa.schema(
    [("frame", pa.int32()), ("time", pa.float64())]
    + [(name, _FLOATS) for name in ("points_x", "points_y", "points_z")]
    + [("visible", _FLAGS)]
    + [(name, pa.float32()) for name in ("yaw", "pitch", "roll", "gaze_yaw", "gaze_pitch")]
    + [("weights", _FLOATS), ("camera", _FLOATS), ("place", _FLOATS), ("phoneme", pa.string()), ("box", _FLOATS)]
)


@dataclass(frozen=True, slots=True, eq=False)
class TruthFrame:
    """What one frame shows.

    landmarks (478, 3) px; visible (478,) bool; pose, gaze in degrees; weights (E,) of the expressions that ABOUT names;
    camera (3, 4) cm -> px; place (3,): the head in cm; phoneme: what is spoken, or ""; box x0, y0, x1, y1 px.
    """

    frame: int
    time: float
    landmarks: np.ndarray
    visible: np.ndarray
    pose: tuple[float, float, float]
    gaze: tuple[float, float]
    weights: np.ndarray
    camera: np.ndarray
    place: np.ndarray
    phoneme: str
    box: tuple[float, float, float, float]


def truth_path(clip: Path | str) -> Path:
    """DIR/NAME.mp4 -> DIR/NAME.truth.parquet."""
    return Path(clip).with_suffix(".truth.parquet")


def masks_path(clip: Path | str) -> Path:
    """DIR/NAME.mp4 -> DIR/NAME.masks.mkv."""
    return Path(clip).with_suffix(".masks.mkv")


def write_truth(path: Path | str, rows: Iterable[TruthFrame], about: dict) -> None:
    """Write the table at `path` (see truth_path), whole or not at all; a few hundred rows are in memory at a time.

    about: all that ABOUT names (rate as "25/1"); version and regions are added. Raises InputError if something is
    lacking, rows are not numbered 0, 1, 2 ..., or their count is not about["frames"]; OutputError.
    """
    path = Path(path)
    if lacking := [key for key in ABOUT if key not in about]:
        raise InputError(f"The truth of a clip needs '{lacking[0]}' in `about`; give {', '.join(ABOUT)}.")
    note = json.dumps({**about, "version": VERSION, "regions": REGIONS})
    schema = _SCHEMA.with_metadata({_KEY: note.encode()})
    rows, count = iter(rows), 0
    with written_whole(path) as temporary, pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
        while batch := list(islice(rows, _BATCH)):
            columns = [_columns(row, about) for row in batch]
            if [row.frame for row in batch] != list(range(count, count + len(batch))):
                raise InputError(f"The truth's rows must be numbered 0, 1, 2 ...; check the frames near {count}.")
            writer.write_table(pa.Table.from_pylist(columns, schema))
            count += len(batch)
        if count != about["frames"]:
            raise InputError(
                f"The truth has {count} rows, but `about` says {about['frames']} frames; give one a frame."
            )


@dataclass(frozen=True, eq=False)
class Truth:
    """An opened table. about: see ABOUT."""

    about: dict
    table: pa.Table

    @property
    def frames(self) -> int:
        """Rows, one a frame of the clip."""
        return self.table.num_rows

    @cached_property
    def landmarks(self) -> np.ndarray:
        """(N, 478, 3) float32 px."""
        return np.stack([self._array(f"points_{axis}") for axis in "xyz"], axis=-1)

    @cached_property
    def visible(self) -> np.ndarray:
        """(N, 478) bool."""
        return self._array("visible")

    @cached_property
    def pose(self) -> np.ndarray:
        """(N, 3) float32 yaw, pitch, roll in degrees."""
        return np.stack([self.table[name].to_numpy() for name in ("yaw", "pitch", "roll")], axis=-1)

    @cached_property
    def weights(self) -> np.ndarray:
        """(N, E) float32, in the order of about["expressions"]."""
        return self._array("weights")

    def row(self, index: int) -> TruthFrame:
        """One frame. Raises IndexError."""
        if not 0 <= index < self.frames:
            raise IndexError(f"frame {index} of {self.frames}")
        row = {name: column[0].as_py() for name, column in zip(_SCHEMA.names, self.table.slice(index, 1).columns)}
        return TruthFrame(
            frame=row["frame"],
            time=row["time"],
            landmarks=np.array([row["points_x"], row["points_y"], row["points_z"]], np.float32).T,
            visible=np.array(row["visible"], bool),
            pose=(row["yaw"], row["pitch"], row["roll"]),
            gaze=(row["gaze_yaw"], row["gaze_pitch"]),
            weights=np.array(row["weights"], np.float32),
            camera=np.array(row["camera"], np.float32).reshape(3, 4),
            place=np.array(row["place"], np.float32),
            phoneme=row["phoneme"],
            box=tuple(row["box"]),
        )

    def _array(self, name: str) -> np.ndarray:
        column = self.table[name].combine_chunks()
        return column.flatten().to_numpy(zero_copy_only=False).reshape(self.frames, -1)


def open_truth(clip: Path | str) -> Truth:
    """The truth that lies beside a clip.

    Raises InputError: none there, damaged, of a version unknown here, of another clip, or not one row a frame;
    MediaError if the clip itself cannot be read.
    """
    clip = Path(clip)
    path = truth_path(clip)
    if not path.is_file():
        raise InputError(f"There is no truth table {path} beside {clip}; film the clip again, or leave the truth out.")
    try:
        table = pq.read_table(path)
        about = json.loads((table.schema.metadata or {})[_KEY])
        version, frames, sha256 = about["version"], int(about["frames"]), about["clip_sha256"]
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is damaged ({type(error).__name__}); film the clip again.") from None
    if version != VERSION:
        raise InputError(f"{path} is of version {version}, this Semblance reads {VERSION}; film the clip again.")
    if table.num_rows != frames or not table.schema.equals(_SCHEMA) or not _whole(table):
        raise InputError(f"{path} is damaged: its columns or rows are not those of {frames} frames; film it again.")
    shown = len(frame_times(probe(clip)))
    if shown != frames:
        raise InputError(f"{path} tells of {frames} frames, but {clip} has {shown}; the two do not belong together.")
    if hash_of(clip) != sha256:
        raise InputError(f"{path} is the truth of another clip than {clip} (its sha256 differs); film it again.")
    return Truth(about, table)


def _columns(row: TruthFrame, about: dict) -> dict:
    """One row's values by column; InputError where a shape is not what the table holds."""
    landmarks, weights = np.asarray(row.landmarks, np.float32), np.asarray(row.weights, np.float32)
    wanted = ((LANDMARKS, 3), (LANDMARKS,), (len(about["expressions"]),), (3, 4))
    shapes = (landmarks.shape, np.shape(row.visible), weights.shape, np.shape(row.camera))
    for name, shape, expected in zip(("landmarks", "visible", "weights", "camera"), shapes, wanted):
        if shape != expected:
            raise InputError(f"The truth's {name} in frame {row.frame} are {shape}, expected {expected}.")
    values = {"frame": row.frame, "time": row.time, "visible": np.asarray(row.visible, bool)}
    values |= {f"points_{axis}": landmarks[:, number] for number, axis in enumerate("xyz")}
    values |= dict(zip(("yaw", "pitch", "roll"), map(float, row.pose)))
    values |= dict(zip(("gaze_yaw", "gaze_pitch"), map(float, row.gaze)))
    values |= {"weights": weights, "camera": np.asarray(row.camera, np.float32).ravel()}
    values |= {"place": np.asarray(row.place, np.float32), "phoneme": row.phoneme}
    return values | {"box": np.asarray(row.box, np.float32)}


def _whole(table: pa.Table) -> bool:
    """Every row has all its points."""
    sizes = {"points_x": LANDMARKS, "points_y": LANDMARKS, "points_z": LANDMARKS, "visible": LANDMARKS, "camera": 12}
    return all(len(table[name].combine_chunks().flatten()) == size * table.num_rows for name, size in sizes.items())
