"""A faceset -> the same faceset with faces marked as dropped, each with its reason.

Nothing is deleted; `--undo` brings all back. Faces are judged in the order of the rules below, and a face is dropped by
the first rule that it breaks. Thresholds that depend on the footage are relative to the set's own median, so that a
soft but even clip is not emptied.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from pydantic import Field

from ..errors import InputError
from ..faces.identity import SAME_PERSON, distance
from ..faces.landmarks import LOWER_LID, LOWER_LIP, UPPER_LID, UPPER_LIP
from ..media.image import read_picture
from ..options import Options
from ..runs import Progress, StopSignal
from .people import identity_in_picture
from .sheet import write_sheet
from .store import PICTURES, Faceset, crop_points, open_faceset, save_table


class CurateOptions(Options):
    """Which faces to drop. Each limit can be loosened or tightened."""

    person: str | None = None
    """Who to keep: a picture of the person, or a person's number on the contact sheet (default: the one seen most)."""
    smallest: float = Field(40.0, ge=0)
    """Drop faces smaller than this in the footage, in pixels."""
    blur: float = Field(0.45, ge=0, le=1)
    """Drop faces whose sharpness is below this share of the set's median."""
    darkest: float = Field(0.12, ge=0, le=1)
    """Drop faces whose skin is darker than this (0 black, 1 white) and darker than a third of the set's median."""
    brightest: float = Field(0.95, ge=0, le=1)
    """Drop faces whose skin is brighter than this: burnt out."""
    tint: float = Field(16.0, ge=0)
    """Drop faces whose colour is further from the set's median than this (CIELAB a, b units)."""
    occluded: float = Field(0.4, ge=0, le=1)
    """Drop faces of which more than this share seems covered."""
    inside: float = Field(0.9, ge=0, le=1)
    """Drop faces of which less than this share lies within the frame."""
    duplicate: float = Field(0.6, ge=0)
    """Drop a face that differs from a kept one by less than this (mean grey levels; points in crop per mille)."""
    at_most: int = Field(3000, ge=20)
    """Keep at most this many faces: those that spread best over poses and expressions."""


def curate(
    folder: Path | str,
    options: CurateOptions | None = None,
    undo: bool = False,
    progress: Progress | None = None,
    stop: StopSignal | None = None,
) -> Faceset:
    """Mark the faces to drop, anew at each call; undo: keep all. Returns the faceset as it is then.

    Raises FacesetError (no faceset), InputError (no such person), Stopped (nothing was changed).
    """
    options, progress, stop = options or CurateOptions(), progress or Progress(), stop or StopSignal()
    faceset = open_faceset(Path(folder))
    table = faceset.table.copy()
    table["kept"], table["reason"] = True, ""
    if not undo:
        for reason, wrong in _rules(table, options, _wanted_person(table, options.person)).items():
            _drop(table, wrong, reason)
        _drop_duplicates(table, faceset.folder, options.duplicate, progress, stop)
        _keep_spread(table, options.at_most)
    faceset = Faceset(faceset.folder, table)
    save_table(faceset.folder, table)
    write_sheet(faceset, "all kept" if undo else "curated")
    return faceset


def reasons(faceset: Faceset) -> dict[str, int]:
    """How many faces were dropped for which reason, most first."""
    return faceset.table.loc[~faceset.table["kept"], "reason"].str.split(":").str[0].value_counts().to_dict()


def _wanted_person(table: pd.DataFrame, person: str | None) -> np.ndarray:
    """(128,) the identity that is to stay."""
    if person is not None and not person.isdecimal():
        return identity_in_picture(read_picture(Path(person)), person)
    # person 0 was seen most when the set was extracted; its pictures may have been deleted since
    number = int(table["person"].mode().iloc[0]) if person is None else int(person)
    rows = table[table["person"] == number]
    if rows.empty:
        known = ", ".join(str(n) for n in sorted(table["person"].unique()))
        raise InputError(f"There is no person {number} in this faceset; its people are numbered {known}.")
    return np.median(np.stack(rows["identity"].to_list()), 0)


def _rules(table: pd.DataFrame, options: CurateOptions, person: np.ndarray) -> dict[str, pd.Series]:
    """Reason -> which rows break the rule."""
    gap = pd.Series(distance(np.stack(table["identity"].to_list()), person), table.index)
    same = table[gap <= SAME_PERSON]
    middle = (same if len(same) else table)[["sharpness", "exposure", "tint_a", "tint_b"]].median()
    colour = np.hypot(table["tint_a"] - middle["tint_a"], table["tint_b"] - middle["tint_b"])
    dark = (table["exposure"] < options.darkest) & (table["exposure"] < middle["exposure"] / 3)
    return {
        "cut by the frame's edge": table["inside"] < options.inside,
        "small": table["size"] < options.smallest,
        "too dark": dark,
        "burnt out": table["exposure"] > options.brightest,
        "blurred": table["sharpness"] < options.blur * middle["sharpness"],
        # after the faults under which an identity vector means little, before those that differ between people
        "another person": gap > SAME_PERSON,
        "tinted": colour > options.tint,
        "occluded": table["occluded"] > options.occluded,
    }


_FIGURE = {
    "small": ("size", "{:.0f} px"), "too dark": ("exposure", "{:.2f}"), "burnt out": ("exposure", "{:.2f}"),
    "occluded": ("occluded", "{:.0%}"), "blurred": ("sharpness", "{:.1f}"),
}  # fmt: skip


def _drop(table: pd.DataFrame, wrong: pd.Series, reason: str) -> None:
    """Mark the rows that are still kept and break this rule."""
    rows = table["kept"] & wrong
    if reason in _FIGURE:
        column, form = _FIGURE[reason]
        table.loc[rows, "reason"] = [f"{reason}: {form.format(value)}" for value in table.loc[rows, column]]
    else:
        table.loc[rows, "reason"] = reason
    table.loc[rows, "kept"] = False


def _drop_duplicates(table: pd.DataFrame, folder: Path, threshold: float, progress: Progress, stop: StopSignal) -> None:
    """Of faces that nearly equal each other the sharpest stays."""
    rows = table.index[table["kept"]][np.argsort(-table.loc[table["kept"], "sharpness"].to_numpy())]
    progress.stage("curate", len(rows), "faces")
    faces = (_look(folder, table.loc[row]) for row in rows)
    for row, twin in zip(rows, near_duplicates(faces, len(rows), threshold)):
        stop.check("The faceset is as it was; run the same command again.")
        if twin:
            table.at[row, "kept"], table.at[row, "reason"] = False, "near duplicate"
        progress.advance()
    progress.done()


def _look(folder: Path, row: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """(32, 32) uint8 grey of a stored face, and its mesh (956,) in crop per mille."""
    crop = read_picture(folder / PICTURES / row["name"])
    small = cv2.cvtColor(cv2.resize(crop, (32, 32), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    return small, (crop_points(row) / crop.shape[0] * 1000).ravel()


def near_duplicates(faces: Iterable[tuple[np.ndarray, np.ndarray]], count: int, threshold: float) -> Iterator[bool]:
    """For each of `count` faces, (32, 32) uint8 and (956,): whether one that came before, and was none itself, differs
    by less than `threshold` in the mean of both.

    The mean difference of two pictures is never less than that of their block means, so only faces whose 16 block
    means are near are compared pixel by pixel: the answer is that of comparing all.
    """
    grey = np.empty((count, 32 * 32), np.int16)
    blocks = np.empty((count, 16), np.float32)
    shape = np.empty((count, 2 * 478), np.float32)
    kept = 0
    for small, points in faces:
        pixels = small.ravel().astype(np.int16)
        means = small.reshape(4, 8, 4, 8).mean((1, 3), dtype=np.float32).ravel()
        near = np.flatnonzero(np.abs(blocks[:kept] - means).mean(1) < threshold + 1e-3)  # rounding is no difference
        near = near[np.abs(grey[near] - pixels).mean(1) < threshold]
        twin = bool((np.abs(shape[near] - points).mean(1) < threshold).any())
        if not twin:
            grey[kept], blocks[kept], shape[kept] = pixels, means, points
            kept += 1
        yield twin


def _keep_spread(table: pd.DataFrame, most: int) -> None:
    """Farthest-point choice over yaw, pitch, mouth and eye opening until `most` faces are kept."""
    kept = table.index[table["kept"]]
    if len(kept) <= most:
        return
    points = np.stack(table.loc[kept, "landmarks"].to_list()).reshape(-1, 478, 3)
    size = table.loc[kept, "size"].to_numpy()
    mouth = np.linalg.norm(points[:, UPPER_LIP, :2] - points[:, LOWER_LIP, :2], axis=1) / size
    eyes = np.linalg.norm(points[:, UPPER_LID, :2] - points[:, LOWER_LID, :2], axis=1) / size
    # a degree of yaw counts as much as a thousandth of the face's height of mouth or eye opening times these weights
    features = np.column_stack([table.loc[kept, "yaw"], table.loc[kept, "pitch"], mouth * 150, eyes * 300])
    chosen = np.zeros(len(kept), bool)
    nearest = np.full(len(kept), np.inf)
    pick = int(np.argmax(table.loc[kept, "sharpness"].to_numpy()))
    for _ in range(most):
        chosen[pick] = True
        nearest = np.minimum(nearest, np.linalg.norm(features - features[pick], axis=1))
        nearest[chosen] = -1
        pick = int(np.argmax(nearest))
    over = kept[~chosen]
    table.loc[over, "kept"], table.loc[over, "reason"] = False, "pose is well covered"
