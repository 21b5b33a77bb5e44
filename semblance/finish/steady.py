"""Faces of neighbouring frames -> the faces of the frame in the middle, steadied in time.

Landmarks jitter by a fraction of a pixel from frame to frame, and a crop that jitters makes skin crawl. Each point is
smoothed by a quadratic over five frames (Savitzky and Golay 1964), which has no lag and keeps blinks and jaw motion;
beside a cut, or where a face was lost, over those of the five that are there. Lips and lids, which close within two
frames, are mostly left as they are found: against exact truth their openings are nearest so. A face that leaps away
for one frame is told, and one that is lost for a few frames can be carried over.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from ..faces.openings import opening_points
from ..types import Face

REACH = 2  # frames to either side
_DEGREE = 2  # of the polynomial
_QUICK = 0.6  # of what is smoothed away, given back where a mouth or an eye opens
# of the face's size, off the straight line between its neighbours: 0.03 at most where the finder sees the face
_LEAP = 0.1


def steadied(window: Sequence[Sequence[Face]]) -> list[Face]:
    """window: the faces of 2 n + 1 frames in order (n >= REACH, empty lists beyond the clip's ends) -> the middle's.

    Frames beyond one where the face's track is missing do not count; with fewer than four left it keeps its landmarks.
    """
    middle = len(window) // 2
    inner = window[middle - REACH : middle + REACH + 1]
    smooth = []
    for face in window[middle]:
        run = [_of_track(faces, face.track) for faces in inner]
        first, last = _unbroken(run)
        if last - first > _DEGREE + 1:
            weights = _weights(first - REACH, last - REACH)
            points = np.tensordot(weights, np.stack([each.landmarks for each in run[first:last]]), 1)
            points += _QUICK * opening_points()[:, None] * (face.landmarks - points)
            face = face.with_(landmarks=points.astype(np.float32))
        smooth.append(face)
    return smooth


def _unbroken(run: Sequence[Face | None]) -> tuple[int, int]:
    """[first, last) of the stretch about the middle in which no face is missing."""
    first = last = len(run) // 2
    while first > 0 and run[first - 1] is not None:
        first -= 1
    while last < len(run) and run[last] is not None:
        last += 1
    return first, last


@cache
def _weights(first: int, last: int) -> np.ndarray:
    """(n,) float32: weights of frames first .. last - 1, counted from the middle, that give the middle's value of the
    quadratic of least squares through all."""
    places = np.arange(first, last, dtype=np.float64)
    return np.linalg.pinv(np.vander(places, _DEGREE + 1, increasing=True))[0].astype(np.float32)


def leaps(window: Sequence[Sequence[Face]], track: int) -> bool:
    """Whether the middle frame's face of this track lies far off the line between the frames beside it: elsewhere, or
    turned another way, as the finder takes a hand before a face for a mouth. Those two must be nearer to each other
    than it is to them: beside a leap, or where a face moves on for good, a frame is sound."""
    middle = len(window) // 2
    face = _of_track(window[middle], track)
    beside = [face and _same(window[middle + step], face, window[middle]) for step in (-1, 1)]
    if not all(beside):
        return False
    before, after = (other.landmarks[:, :2] for other in beside)
    off = _apart(face.landmarks[:, :2], (before + after) / 2)
    return off > _LEAP * face.size and off > _apart(before, after)


def _apart(one: np.ndarray, other: np.ndarray) -> float:
    """How far points (N, 2) of two faces are apart, px: the median, as a mouth that opens at once is no leap."""
    return float(np.median(np.linalg.norm(one - other, axis=1)))


def without_leapt(window: Sequence[Sequence[Face]]) -> list[list[Face]]:
    """The window with every face that leaps away taken for lost; the first and last frame stay as they are."""
    inner = range(1, len(window) - 1)
    leapt = {n: {face.track for face in window[n] if leaps(window[n - 1 : n + 2], face.track)} for n in inner}
    return [[face for face in faces if face.track not in leapt.get(n, ())] for n, faces in enumerate(window)]


def carried_over(window: Sequence[Sequence[Face]], carry: int) -> list[Face]:
    """Faces that the middle frame lacks but that stand on both sides of it in the window: landmarks in between.

    carry: a face that is lost for more frames than this is not carried at all; a bridge of a part of them would flash.
    A face found again after a loss has a new track; it is taken for the old one where the two lie on each other.
    """
    middle = len(window) // 2
    filled: list[Face] = []
    before = _nearest(window[:middle][::-1])
    after = _nearest(window[middle + 1 :])
    for steps_back, old in before:
        for steps_on, new in after:
            if steps_back + steps_on - 1 > carry or not _close(old, new):
                continue
            if any(_close(old, face) for face in [*window[middle], *filled]):
                continue
            share = steps_back / (steps_back + steps_on)
            filled.append(old.with_(landmarks=(1 - share) * old.landmarks + share * new.landmarks))
    return filled


def _same(faces: Sequence[Face], face: Face, among: Sequence[Face]) -> Face | None:
    """The face of the same track, or one that lies on it under a track that is not among those of its own frame: lost
    and found again, and nobody else."""
    others = {each.track for each in among}
    found = (other for other in faces if other.track not in others and _close(other, face))
    return _of_track(faces, face.track) or next(found, None)


def _of_track(faces: Sequence[Face], track: int) -> Face | None:
    return next((face for face in faces if face.track == track), None)


def _nearest(frames: Sequence[Sequence[Face]]) -> list[tuple[int, Face]]:
    """For each track its nearest face, with its distance in frames (1 = next)."""
    found: dict[int, tuple[int, Face]] = {}
    for steps, faces in enumerate(frames, 1):
        for face in faces:
            found.setdefault(face.track, (steps, face))
    return list(found.values())


def _close(one: Face, other: Face) -> bool:
    """Of about one size and less than half a face apart."""
    apart = np.linalg.norm(one.landmarks[:, :2].mean(0) - other.landmarks[:, :2].mean(0))
    return bool(apart < 0.5 * one.size and 0.7 < one.size / other.size < 1.4)
