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

from ..errors import FaceError, InputError, writing_failed
from ..faces.detect import FaceDetector
from ..faces.landmarks import MeshFinder
from ..faces.mean_face import ALIGN_POINTS, mean_face
from ..faces.pose import euler
from ..media.probe import probe
from ..media.read import read_frames
from ..options import Options
from ..runs import Progress, StopSignal
from .body import Body
from .builtin import HEAD, Measures, read_measures, write_measures
from .control import LIPS_LOWER, LIPS_UPPER, eyeballs, unrolled
from .face_triangles import POINTS, face_triangles
from .person import draw_person
from .render import Actor, Moment
from .scene import draw_scene
from .skin import CREASES, LOWER_LIDS, UPPER_LIDS

_KEPT = "Nothing was written; run the same command again."
_LEAST_MOVEMENT = 0.02  # cm: an expression that moves no point of the mesh by more is left out
_LID = 1.66  # cm from an eyeball's centre to the edge of a lid
_TURNED = 20.0  # degrees: frames turned further tell too little of a face's shape
_TRUST = 0.03  # of a point of a turned triangle, against 1 for its neighbours' shape
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


@dataclass(frozen=True, eq=False)
class _Sample:
    name: str
    points: np.ndarray | None  # (468, 3) cm; None: no face
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
        made, samples = "filmed", _of_body(source, options)
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
        if sample.points is None:
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
    points = np.stack([sample.points for sample in found])
    measures, explained = _measures(points, source if isinstance(source, Body) else None, options.axes)
    try:
        write_measures(out, measures)
    except OSError as error:
        raise writing_failed(out, error) from None
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


def _of_body(body: Body, options: FitOptions) -> Iterator[_Sample]:
    """Random people of a body, each filmed once at rest, slightly turned."""
    finder = MeshFinder()
    rng = np.random.default_rng([options.seed, 0xF17])
    try:
        for number in range(options.people):
            seed = int(rng.integers(1 << 31))
            identity = rng.normal(0, 1, len(body.identity)).astype(np.float32)
            person = replace(draw_person(seed), identity=identity)
            pose = (float(rng.uniform(-20, 20)), float(rng.uniform(-8, 8)), 0.0)
            actor = Actor(person, body, draw_scene(seed), (options.size, options.size))
            shot = actor.shoot(Moment(np.zeros(len(body.expressions), np.float32), pose, (0, 0, 0), (0, 0)))
            half = options.size / 2
            mesh = finder.find(shot.pixels, (half, half), options.size * 0.9)
            name = f"random person {number}"
            if mesh is None:
                yield _Sample(name, None)
                continue
            gap = np.linalg.norm(mesh.landmarks[:POINTS, :2] - shot.landmarks[:POINTS, :2], axis=1).mean()
            unit = np.linalg.norm(shot.landmarks[33, :2] - shot.landmarks[263, :2])
            yield _Sample(name, body.landmarks(actor.rest)[:POINTS].astype(np.float64), 1, float(gap / unit))
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


def _measures(points: np.ndarray, body: Body | None, axes: int) -> tuple[Measures, float]:
    """People (P, 468, 3) -> mean, axes of identity and of expression, and the share of variance that is held."""
    twins = mirror_twins()
    mean, identity, explained = principal_axes(points, twins, axes)
    shipped = read_measures(HEAD) if body is None else None
    mean = close_lips(mean)
    calm = untangler(mean)
    mean, identity = open_nostrils(even_lids(calm(mean))), steady(calm(identity, shape=False))
    if shipped is not None:
        expression = open_to_closed(mean, shipped.expression, shipped.expressions)
        return Measures(mean, shipped.sculpt, identity, expression, shipped.expressions), explained
    moved = np.stack([body.landmarks(each)[:POINTS] for each in body.expression]).astype(np.float64)
    moving = np.linalg.norm(moved, axis=2).max(1) > _LEAST_MOVEMENT
    names = tuple(name for name, moves in zip(body.expressions, moving, strict=True) if moves)
    expression = symmetric_pairs(calm(moved[moving], shape=False), names, twins)
    expression = open_to_closed(mean, expression, names)
    return Measures(mean, mean, identity, expression, names), explained


def principal_axes(points: np.ndarray, twins: np.ndarray, axes: int) -> tuple[np.ndarray, np.ndarray, float]:
    """People (P, 468, 3) and their mirror images -> mean (468, 3), axes (K, 468, 3) of one standard deviation each, the
    largest first, and the share of the variance that they hold. K is `axes` or what the people allow."""
    both = np.concatenate([points, mirrored(points, twins)])
    mean = both.mean(0)
    away = (both - mean).reshape(len(both), -1) / np.sqrt(2 * (len(points) - 1))
    _, deviations, directions = np.linalg.svd(away, full_matrices=False)
    count = min(axes, int((deviations > 1e-6 * deviations[0]).sum()))
    identity = (deviations[:count, None] * directions[:count]).reshape(count, POINTS, 3)
    return mean, identity, float((deviations[:count] ** 2).sum() / (deviations**2).sum())


def untangler(mean: np.ndarray) -> Callable[..., np.ndarray]:
    """Measured points at the face's edge and around its folds may have swapped places, and triangles lie turned over.

    Returns a map of faces (..., 468, 3), or of movements (shape=False), that leaves all points where they are but those
    of turned triangles, which take the place that their neighbours give them, in the shape of the mean face (Laplacian
    editing, Sorkine et al. 2004).
    """
    triangles = face_triangles()
    corners = unrolled(mean)[triangles]
    turned = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]) > 0  # v runs down
    loose = np.unique(triangles[turned])
    loose = np.union1d(loose, mirror_twins()[loose])
    template = mean_face()[:POINTS] * [1, -1, -1]
    away, there = template - template.mean(0), mean - mean.mean(0)
    template = away * ((away * there).sum(0) / (away**2).sum(0))
    laplacian = np.zeros((POINTS, POINTS))
    for k in range(3):
        laplacian[triangles[:, k], triangles[:, (k + 1) % 3]] = -1
        laplacian[triangles[:, (k + 1) % 3], triangles[:, k]] = -1
    laplacian[np.diag_indices(POINTS)] = -laplacian.sum(1)
    laplacian /= laplacian.diagonal()[:, None]
    weight = np.full(POINTS, 1e4)
    weight[loose] = _TRUST
    system = np.linalg.inv(laplacian.T @ laplacian + np.diag(weight))
    wanted = laplacian.T @ laplacian @ template

    def calm(points: np.ndarray, shape: bool = True) -> np.ndarray:
        result = system @ (points * weight[:, None] + (wanted if shape else 0))
        return np.where(np.isin(np.arange(POINTS), loose)[:, None], result, points)

    return calm


def mirror_twins() -> np.ndarray:
    """(468,) for each point of the mesh the one on the other side."""
    mean = mean_face()[:POINTS]
    return (((mean * [-1, 1, 1])[:, None] - mean[None]) ** 2).sum(2).argmin(1)


def mirrored(points: np.ndarray, twins: np.ndarray) -> np.ndarray:
    """points (..., 468, 3) with left and right exchanged."""
    return points[..., twins, :] * [-1, 1, 1]


def symmetric_pairs(moved: np.ndarray, names: Sequence[str], twins: np.ndarray) -> np.ndarray:
    """Expressions (E, 468, 3), each averaged with the mirror image of its counterpart on the other side."""
    swap = {"_L": "_R", "_R": "_L", "Left": "Right", "Right": "Left"}
    result = moved.copy()
    for k, name in enumerate(names):
        end = next((end for end in swap if name.endswith(end)), None)
        other = name[: -len(end)] + swap[end] if end else name
        if other in names:
            result[k] = (moved[k] + mirrored(moved[names.index(other)], twins)) / 2
    return result


def close_lips(mean: np.ndarray) -> np.ndarray:
    """The mean with its lips' inner edges brought together: measured heads lie a hair open there, which would show."""
    mean = mean.copy()
    upper, lower = list(LIPS_UPPER), list(LIPS_LOWER)
    seam = 0.2 * mean[upper] + 0.8 * mean[lower]  # closed lips meet low, where the lower one rests
    mean[upper], mean[lower] = seam - [0, 0.012, 0], seam + [0, 0.012, 0]
    return mean


def even_lids(mean: np.ndarray) -> np.ndarray:
    """The mean with each lid's edge on a smooth curve (fourth degree along its nine points), off the eyeball."""
    mean = mean.copy()
    step = np.linspace(-1, 1, 9)
    powers = step[:, None] ** np.arange(5)
    weight = np.array([30.0, *[1.0] * 7, 30.0])[:, None]  # the corners stay
    balls = eyeballs(mean)
    for chains in (UPPER_LIDS, LOWER_LIDS):
        for chain, ball in zip(chains, balls, strict=True):
            points = mean[list(chain)]
            curve = powers @ np.linalg.lstsq(powers * weight, points * weight, rcond=None)[0]
            away = curve - ball
            length = np.linalg.norm(away, axis=1, keepdims=True)
            mean[list(chain[1:-1])] = (ball + away * np.maximum(1, _LID / length))[1:-1]
    return mean


def open_nostrils(mean: np.ndarray) -> np.ndarray:
    """The mean with a dent for each nostril: a camera before the face never saw into them."""
    mean = mean.copy()
    for points, rise, back in (((239, 459), 0.4, -0.15), ((79, 309, 238, 458, 241, 461), 0.16, -0.05)):
        mean[list(points)] += [0, rise, back]
    return mean


def steady(identity: np.ndarray) -> np.ndarray:
    """Axes (K, 468, 3) under which closed lips stay closed, and lids that meet over the mean's eyes meet over others'."""
    identity = identity.copy()
    upper, lower = list(LIPS_UPPER), list(LIPS_LOWER)
    identity[:, upper] = identity[:, lower] = (identity[:, upper] + identity[:, lower]) / 2
    for top, low in zip(UPPER_LIDS, LOWER_LIDS, strict=True):
        top, low = list(top[1:-1]), list(low[1:-1])
        middle, half = (identity[:, top] + identity[:, low]) / 2, (identity[:, top] - identity[:, low]) / 2
        identity[:, top], identity[:, low] = middle + 0.4 * half, middle - 0.4 * half
    return identity


def open_to_closed(mean: np.ndarray, expression: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Expressions (E, 468, 3) whose full blink brings the upper lid down onto the lower, a hair beyond."""
    expression = expression.copy()
    for side, end in enumerate(("_R", "_L")):
        if f"eyeBlink{end}" in names:
            blink = expression[names.index(f"eyeBlink{end}")]
            top, low, crease = list(UPPER_LIDS[side]), list(LOWER_LIDS[side]), list(CREASES[side])
            goal = mean[low] + blink[low] + [0, -0.1, 0.1]
            blink[top[1:-1]] = (goal - mean[top])[1:-1]
            blink[crease] += 0.25 * (blink[top] - blink[crease])  # the lid's skin is drawn out evenly
    return expression
