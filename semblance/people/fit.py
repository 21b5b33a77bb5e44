"""Measure a head for builtin.py: footage of people, or renders of a body's random people -> head.npz.

PCA over aligned meshes (Blanz and Vetter 1999, section 3.1, on 468 points). Every person counts twice, as they are and
mirrored, so that the mean is symmetric and each axis either symmetric or the opposite.

    - of a body: random people are drawn and filmed; those in whose picture the landmarker finds the face count, and the
      surface under its 468 points is exact in depth, too. The body's expressions are read at the same points.
    - of footage: the landmarker's own x, y and (crude) z, one person a clip, from frames that face the camera with a
      closed mouth; each brought onto the shipped mean by a similarity. Expressions stay the shipped head's: footage
      does not name them.

The shipped file: fit_head(ict_body(...), HEAD), 200 random people of the ICT Face Model Light (USC Institute for
Creative Technologies, MIT licence). Files made from footage are measures of those people: treat them as such.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from pydantic import Field

from ..errors import FaceError, InputError
from ..faces.detect import FaceDetector
from ..faces.face_triangles import POINTS
from ..faces.landmarks import MeshFinder
from ..faces.mean_face import ALIGN_POINTS
from ..faces.pose import euler
from ..media.probe import probe
from ..media.read import read_frames
from ..options import Options
from ..runs import Progress, StopSignal
from .body import Body
from .builtin import HEAD, Measures, read_measures, write_measures
from .mend import close_lips, even_lids, open_nostrils, open_to_closed, steady, symmetric_pairs, untangler
from .person import draw_person
from .places import Places
from .render import Actor, Moment
from .scene import draw_scene
from .twins import mirrored

_KEPT = "Nothing was written; run the same command again."
_LEAST_MOVEMENT = 0.02  # cm: an expression that moves no point of the mesh by more is left out
_SEEN = 38.0  # degrees of yaw in which random people are filmed
_TURNED = 20.0  # degrees: frames turned further tell too little of a face's shape
_PARTED = 0.035  # gap of the lips over the eyes' distance, above which a mouth is open


class FitOptions(Options):
    """How a head is measured."""

    people: int = Field(200, ge=2)
    """random people filmed, when the head of a body is measured"""
    least: int = Field(8, ge=2)
    """people at least, below which no head is made"""
    axes: int = Field(40, ge=1, le=100)
    """axes of identity at most; people allow twice their number less one"""
    every: int = Field(5, ge=1)
    """of footage, every n-th frame is looked at"""
    frames: int = Field(60, ge=1)
    """of each clip, frames used at most"""
    size: int = Field(256, ge=96)
    """side in pixels of the renders"""
    seed: int = 0
    """which random people"""


@dataclass(frozen=True)
class FitResult:
    """What was made. error: mean distance in the picture between the landmarker's points and the surface's, as a share
    of the distance between the eyes' outer corners (renders only; else nan)."""

    path: Path
    people: int
    frames: int
    missed: tuple[str, ...]  # people or clips without a usable face
    axes: int
    explained: float  # share 0..1 of the variance that the axes hold
    error: float

    def summary(self) -> str:
        """The last lines on the terminal."""
        lost = f"; no usable face in {', '.join(self.missed[:5])}" if self.missed else ""
        told = "" if np.isnan(self.error) else f", landmarks {self.error:.1%} of the eyes' distance off the surface's"
        return (
            f"{self.path}: a head of {self.people} people, {self.frames} pictures, {self.axes} axes that hold "
            f"{self.explained:.1%} of how they differ{told}{lost}"
        )


@dataclass(frozen=True, eq=False)
class _Sample:
    name: str
    shape: np.ndarray | None  # of footage (468, 3) cm, of a body (K,) its identity; None: no face
    frames: int = 0
    error: float = np.nan


def fit_head(
    source: Body | Sequence[Path],
    out: Path,
    options: FitOptions | None = None,
    progress: Progress | None = None,
    stop: StopSignal | None = None,
) -> FitResult:
    """Measure a head over renders of a Body or over clips (one person each), and write it to `out` (.npz).

    Raises FaceError: too few people with a face; MediaError: a clip cannot be read; InputError: no clips, a wrong
    suffix; OutputError: `out` cannot be written; Stopped.
    """
    options, progress, stop = options or FitOptions(), progress or Progress(), stop or StopSignal()
    out = Path(out)
    if out.suffix != ".npz":
        raise InputError(f"A head is written to a .npz file, not to {out}; give one with --out.")
    if isinstance(source, Body):
        places = Places(source)
        made, samples = "filmed", _of_body(source, places, options)
        progress.stage("film", options.people, "people")
    else:
        clips = [Path(clip) for clip in source]
        if not clips:
            raise InputError("No clips were given; a head is measured over clips of several people, one person each.")
        made, samples = "given", _of_footage(clips, options, stop)
        progress.stage("measure", len(clips), "clips")
    found: list[_Sample] = []
    missed: list[str] = []
    for sample in samples:
        stop.check(_KEPT)
        if sample.shape is None:
            missed.append(sample.name)
        else:
            found.append(sample)
        progress.advance(1, f"{len(found)} faces")
    progress.done()
    if len(found) < options.least:
        lost = f"; none was found in {', '.join(missed[:5])}" if missed else ""
        raise FaceError(
            f"Faces of {len(found)} people were found in what was {made}, and a head needs {options.least}{lost}; "
            "give more clips of people who face the camera with a closed mouth."
        )
    shapes = [sample.shape for sample in found]
    if isinstance(source, Body):
        measures, explained = _measures_of_body(source, places, shapes, options.axes)
    else:
        measures, explained = _measures_of_footage(np.stack(shapes), options.axes)
    write_measures(out, measures)
    errors = [sample.error for sample in found]
    return FitResult(
        path=out,
        people=len(found),
        frames=sum(sample.frames for sample in found),
        missed=tuple(missed),
        axes=len(measures.identity),
        explained=explained,
        error=float(np.mean(errors)),
    )


def _of_body(body: Body, places: Places, options: FitOptions) -> Iterator[_Sample]:
    """Random people of a body, each filmed once, every other one with parted lips. Fills `places`."""
    finder = MeshFinder()
    rng = np.random.default_rng([options.seed, 0xF17])
    half = options.size / 2
    try:
        for number in range(options.people):
            seed = int(rng.integers(1 << 31))
            person = replace(draw_person(seed), identity=rng.normal(0, 1, len(body.identity)).astype(np.float32))
            weights = np.zeros(len(body.expressions), np.float32)
            parted = number % 2 == 1
            weights[body.expressions.index("jawOpen")] = rng.uniform(0.25, 0.5) * parted
            pose = (rng.uniform(-_SEEN, _SEEN), rng.uniform(-12, 12), rng.uniform(-5, 5))
            actor = Actor(person, body, draw_scene(seed), (options.size, options.size))
            moment = Moment(weights, pose, (0, 0, 0), (0, 0))
            shot = actor.shoot(moment)
            mesh = finder.find(shot.pixels, (half, half), options.size * 0.9)
            if mesh is None:
                yield _Sample(f"random person {number}", None)
                continue
            points = mesh.landmarks[:POINTS, :2]
            places.add(actor, moment, points, parted)
            gap = np.linalg.norm(points - shot.landmarks[:POINTS, :2], axis=1).mean()
            unit = np.linalg.norm(shot.landmarks[33, :2] - shot.landmarks[263, :2])
            yield _Sample(f"random person {number}", person.identity, 1, float(gap / unit))
    finally:
        finder.close()


def _of_footage(clips: Sequence[Path], options: FitOptions, stop: StopSignal) -> Iterator[_Sample]:
    """One person a clip: the median of the aligned meshes of its usable frames."""
    finder, detector = MeshFinder(), FaceDetector()
    goal = read_measures(HEAD).mean
    try:
        for clip in clips:
            info = probe(clip)
            meshes = []
            for frame in read_frames(info):
                stop.check(_KEPT)
                if frame.index % options.every:
                    continue
                boxes = detector.find(frame.pixels, thorough=not meshes)
                mesh = finder.find(frame.pixels, boxes[0].centre, 2.0 * boxes[0].size) if boxes else None
                if mesh is not None and _usable(mesh.landmarks):
                    meshes.append(_aligned(mesh.landmarks, goal))
                if len(meshes) >= options.frames:
                    break
            yield _Sample(str(clip), np.median(meshes, 0) if meshes else None, len(meshes))
    finally:
        finder.close()
        detector.close()


def _usable(landmarks: np.ndarray) -> bool:
    """Whether a mesh (478, 3) faces the camera with its mouth closed."""
    yaw, pitch, _ = euler(landmarks)
    unit = np.linalg.norm(landmarks[33, :2] - landmarks[263, :2])
    gap = np.linalg.norm(landmarks[13, :2] - landmarks[14, :2])
    return abs(yaw) < _TURNED and abs(pitch) < _TURNED and gap < _PARTED * unit


def _aligned(landmarks: np.ndarray, goal: np.ndarray) -> np.ndarray:
    """A mesh (478, 3) in pixels, y down -> (468, 3) cm on `goal` by the similarity that fits the points that speech and
    blinking hardly move."""
    points = landmarks[:POINTS].astype(np.float64) * [1, -1, -1]
    here, there = points[ALIGN_POINTS].mean(0), goal[ALIGN_POINTS].mean(0)
    a, b = points[ALIGN_POINTS] - here, goal[ALIGN_POINTS] - there
    u, d, vh = np.linalg.svd(b.T @ a)  # Umeyama 1991, eq. 40-42
    sign = np.array([1.0, 1.0, np.linalg.det(u) * np.linalg.det(vh)])
    scale = (d * sign).sum() / (a**2).sum()
    return scale * (points - here) @ (u * sign @ vh).T + there


def _measures_of_body(body: Body, places: Places, people: list[np.ndarray], axes: int) -> tuple[Measures, float]:
    """Identities of people -> what builtin.py wants, and the share of variance that the axes hold."""
    vertices, weights = places.on_surface()

    def read(values: np.ndarray) -> np.ndarray:
        return (values[vertices] * weights[..., None]).sum(1)

    mean, identity, explained = principal_axes(np.stack([read(body.shape(each)) for each in people]), axes)
    moved = np.stack([read(each) for each in body.expression])
    moving = np.linalg.norm(moved, axis=2).max(1) > _LEAST_MOVEMENT
    names = tuple(name for name, moves in zip(body.expressions, moving, strict=True) if moves)
    mean, calm = _mended(mean)
    expression = symmetric_pairs(calm(moved[moving], shape=False), names)
    expression = open_to_closed(mean, expression, names)
    return Measures(mean, mean, steady(calm(identity, shape=False)), expression, names), explained


def _measures_of_footage(points: np.ndarray, axes: int) -> tuple[Measures, float]:
    """People (P, 468, 3) -> the same, expressions and what the skull was sculpted around from the shipped head."""
    shipped = read_measures(HEAD)
    mean, identity, explained = principal_axes(points, axes)
    mean, calm = _mended(mean)
    expression = open_to_closed(mean, shipped.expression, shipped.expressions)
    identity = steady(calm(identity, shape=False))
    return Measures(mean, shipped.sculpt, identity, expression, shipped.expressions), explained


def _mended(mean: np.ndarray) -> tuple[np.ndarray, Callable[..., np.ndarray]]:
    """The mean as a sound surface, and the map that puts swapped points back (see mend.untangler)."""
    mean = close_lips(mean)
    calm = untangler(mean)
    mean = open_nostrils(even_lids(calm(mean)))
    return (mean + mirrored(mean)) / 2, calm


def principal_axes(points: np.ndarray, axes: int) -> tuple[np.ndarray, np.ndarray, float]:
    """People (P, 468, 3) and their mirror images -> mean (468, 3), axes (K, 468, 3) of one standard deviation each, the
    largest first, and the share of the variance that they hold. K is `axes` or what the people allow."""
    both = np.concatenate([points, mirrored(points)])
    mean = both.mean(0)
    away = (both - mean).reshape(len(both), -1) / np.sqrt(2 * (len(points) - 1))
    _, deviations, directions = np.linalg.svd(away, full_matrices=False)
    count = min(axes, int((deviations > 1e-6 * deviations[0]).sum()))
    identity = (deviations[:count, None] * directions[:count]).reshape(count, POINTS, 3)
    return mean, identity, float((deviations[:count] ** 2).sum() / (deviations**2).sum())
