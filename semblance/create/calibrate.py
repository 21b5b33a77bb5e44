"""Does what a model draws look as open as the face it is drawn over? Found by trying it on the target's own faces.

A drawn mouth may be read as wider open than the plate's, a drawn eye may not quite shut: the source's footage may hold
no such moment. The landmarks of what was drawn tell by how much, for little, half and wide open; moving lips and lids
by that much and trying again a few times makes both agree. Shut lips and eyes at rest stay as the model draws them.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from ..faces.landmarks import LandmarkFinder, MeshFinder
from ..faces.openings import gaps
from ..faces.track import ROOM
from ..faceset.store import Faceset, crop_landmarks, crop_scale, read_crop
from ..finish.merge import merge_face
from ..finish.merge_options import MergeOptions
from ..media.native import paste
from ..models import OPENINGS, load_swapper
from ..runs import Progress, write_json
from ..types import Face
from .view import MeshView, Openings

FACES = 30  # tried: two or three seconds
_KNOTS = 5  # openings for which a change is found; between them it runs straight
_ROUNDS = 5  # the first tries what the model does by itself
_WORTH = 0.75  # an error must fall to so much of what it was
_SHUT = 30  # percent of the tried faces whose mouths count as shut
_LARGEST = 0.03  # face heights
_CAUTION = 0.5  # faces without any error that each knot counts besides its own
_SMOOTH = 2.0  # weight of a change that bends from knot to knot: a mouth must not jump on its way


def calibrate(run: Path, target: Faceset, progress: Progress | None = None) -> Openings:
    """Try a trained run of a mesh model on faces of its target's faceset, and note what was found in the run folder."""
    progress = progress or Progress()
    module, net, header = load_swapper(run, progress)
    view = MeshView(module, net, header)
    rows = target.kept
    found = np.array([gaps(crop_landmarks(row)) for _, row in rows.iterrows()])
    rows = rows.iloc[spread_rows(found, FACES)]
    faces = [as_filmed(read_crop(target, row["name"]), row) for _, row in rows.iterrows()]
    finder = MeshFinder()
    try:
        openings = measure_openings(view, faces, finder, progress)
    finally:
        finder.close()
    write_json(run / OPENINGS, {"checkpoint": header["sha256"], **openings.as_json()})
    return openings


def as_filmed(crop: np.ndarray, row: pd.Series) -> tuple[np.ndarray, Face]:
    """A stored crop (S, S, 3) uint8 and its face, no larger than in its frame: how wide a drawn mouth is read hangs on
    the pixels it is drawn with, and faces of a small plate are stored enlarged."""
    landmarks, scale = crop_landmarks(row), crop_scale(row)
    if scale > 1:
        crop = cv2.resize(crop, None, fx=1 / scale, fy=1 / scale, interpolation=cv2.INTER_AREA)
        # pixels' middles are whole numbers
        landmarks[:, :2] = (landmarks[:, :2] + 0.5) / scale - 0.5
        landmarks[:, 2] /= scale
    return crop, Face(landmarks.astype(np.float32), pose=(row["yaw"], row["pitch"], 0.0))


def measure_openings(
    view: MeshView, faces: list[tuple[np.ndarray, Face]], finder: LandmarkFinder, progress: Progress
) -> Openings:
    """faces: pictures (H, W, 3) uint8 with square pixels, and the face of the target on each."""
    progress.stage("try mouth and eyes", _ROUNDS * len(faces), "faces")
    usual = view.settled(MergeOptions())
    looks = [view.look(pixels, face, 1.0) for pixels, face in faces]
    drawn = [view.draw([look])[0][0] for look in looks]
    plate = np.array([gaps(face.landmarks) for _, face in faces])
    view.openings = Openings(knots(plate), np.zeros((3, _KNOTS)))
    wanted, tried, excesses = plate, [], []
    for n in range(_ROUNDS):
        found = np.full((len(faces), 3), np.nan)
        for k, ((pixels, face), look, one) in enumerate(zip(faces, looks, drawn)):
            laid = view.lay(pixels, look, one, usual)
            merged = merge_face(pixels, face.landmarks, laid.crop, laid.matrix, usual, laid.mask)
            progress.advance()
            if merged is None:
                continue
            centre = tuple(face.landmarks[:, :2].mean(0))
            mesh = finder.find(paste(pixels, [merged.patch]), centre, face.size * ROOM)
            if mesh is not None:
                found[k] = gaps(mesh.landmarks)
        if n == 0:
            wanted = own_openings(found, plate)
        tried.append(view.openings)
        excesses.append(found - wanted)
        view.openings = corrected(tried[-1], plate, excesses[-1])
    progress.done()
    return chosen(tried, excesses)


def own_openings(found: np.ndarray, plate: np.ndarray) -> np.ndarray:
    """The plate's openings (N, 3) as another face has them: lips as near as they were found where the plate's are shut,
    eyes as wide as they were found where the plate's are open. How both are read differs by person."""
    wanted = plate.copy()
    known = ~np.isnan(found)
    shut = (plate[:, 0] <= np.percentile(plate[:, 0], _SHUT)) & known[:, 0]
    if shut.any():
        wanted[:, 0] += np.median(found[shut, 0] - plate[shut, 0])
    for k in (1, 2):
        told = (plate[:, k] >= np.median(plate[:, k])) & known[:, k]
        if told.any():
            wanted[:, k] *= np.median(found[told, k] / np.maximum(plate[told, k], 1e-4))
    return wanted


def spread_rows(openings: np.ndarray, count: int) -> np.ndarray:
    """Rows of openings (N, 3), at most `count` of them: half from shut to wide open mouths, half so for the eyes."""
    rows = []
    for signal in (openings[:, 0], openings[:, 1:].mean(1)):
        order = np.argsort(signal, kind="stable")
        # even steps of the opening itself: most of the time a mouth is shut and eyes are open
        wanted = np.linspace(signal[order[0]], signal[order[-1]], round(count / 2))
        rows += list(order[np.searchsorted(signal[order], wanted).clip(0, len(order) - 1)])
    return np.unique(rows)


def knots(plate: np.ndarray) -> np.ndarray:
    """plate (N, 3) -> (3, K) openings for which a change is to be found."""
    low, high = plate.min(0), plate.max(0)
    return np.linspace(low, np.maximum(high, low + 1e-4), _KNOTS, axis=1)


def chosen(tried: list[Openings], excesses: list[np.ndarray]) -> Openings:
    """Row by row the changes with the least mean error, excesses (N, 3) each; the first, which changes nothing, where
    the best is hardly better: a little better on these faces may be no better on others."""
    errors = np.array([np.nan_to_num(np.abs(excess)).sum(0) / np.maximum((~np.isnan(excess)).sum(0), 1)
                       for excess in excesses])  # fmt: skip
    best = np.where(errors.min(0) < _WORTH * errors[0], errors.argmin(0), 0)
    return Openings(tried[0].at, np.array([tried[number].change[row] for row, number in enumerate(best)]))


def corrected(before: Openings, plate: np.ndarray, excess: np.ndarray) -> Openings:
    """What to add, once it is known by how much faces open too far: plate, excess (N, 3), NaN where none was found."""
    change = before.change.copy()
    for k, at in enumerate(before.at):
        known = ~np.isnan(excess[:, k])
        # straight lines between knots, by least squares; a knot that few faces speak for stays where it is
        hats = np.array([np.interp(plate[known, k], at, row) for row in np.eye(len(at))]).T
        bends = np.diff(np.eye(len(at)), 2, axis=0)
        held = _CAUTION * np.eye(len(at)) + _SMOOTH * bends.T @ bends
        found = np.linalg.solve(hats.T @ hats + held, hats.T @ excess[known, k])
        change[k] = np.clip(change[k] - found, -_LARGEST, _LARGEST)
        # wider open stays wider open
        change[k] = np.maximum.accumulate(at + change[k]) - at
    return Openings(before.at, change)
