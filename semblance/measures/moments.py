"""The figures of a comparison frame by frame, and the frames on which one of them jumps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .comparison import Comparison
from .flicker import alternation

_JUMP = 4.5  # deviations from what is usual: of a hundred thousand normal values one comes so far by chance
_TO_SIGMA = 1.4826  # of the median distance from the median, for normal values
_BESIDE = 3  # frames: of a jump that lasts, its highest frame tells


@dataclass(frozen=True, slots=True)
class Track:
    """What is followed: its unit, whether high or low values are the faults (1, -1), and the least change that is seen:
    what differs by less is no jump."""

    unit: str
    worse: int
    seen: float


TRACKS = {
    "seam": Track("dE", 1, 2.3),
    "sharpness": Track("x plate", 1, 0.25),
    "softness": Track("x plate", -1, 0.25),
    "shimmer": Track("levels over the plate's", 1, 0.5),
    "brightness": Track("levels, there and back", 1, 0.5),
    "pose": Track("degrees off the plate's", 1, 2.0),
    "mouth": Track("% of the face's height off", 1, 1.5),
    "eyes": Track("% of the face's height off", 1, 0.7),
    "background": Track("dB", -1, 4.0),
}
"""softness is sharpness, watched from below."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A frame on which a figure jumps: its value, what is usual in the clip, and by how many deviations."""

    frame: int
    name: str
    value: float
    usual: float
    size: float

    def told(self) -> str:
        """A caption."""
        return f"#{self.frame}  {self.name} {self.value:.1f} {TRACKS[self.name].unit} (usual {self.usual:.1f})"


def tracks_of(comparison: Comparison) -> dict[str, np.ndarray]:
    """Each of TRACKS, (N,) in the order of comparison.frames; NaN where it could not be had."""
    apart = {side: comparison.openings(side) for side in ("result", "plate")}
    openings = 100 * np.abs(apart["result"] - apart["plate"])
    poses = np.abs(comparison.poses("result") - comparison.poses("plate"))
    sharpness = comparison.series("sharpness")
    return {
        "seam": comparison.series("seam"),
        "sharpness": sharpness,
        "softness": sharpness,
        "shimmer": comparison.series("restless") - comparison.series("restless plate"),
        "brightness": alternation(comparison.series("brightness")),
        "pose": poses.max(axis=1),
        "mouth": openings[:, 0],
        "eyes": openings[:, 1],
        "background": comparison.series("background"),
    }


def jumps(values: np.ndarray, frames: list[int], name: str) -> list[Moment]:
    """values (N,) of TRACKS[name] -> where it jumps, in order; NaN is passed over."""
    known = np.isfinite(values)
    if known.sum() < 2 * _BESIDE:
        return []
    track, usual = TRACKS[name], float(np.median(values[known]))
    deviation = _TO_SIGMA * float(np.median(np.abs(values[known] - usual)))
    bad = np.where(known, track.worse * (values - usual), -np.inf)
    found = []
    for k in np.flatnonzero(bad > max(_JUMP * deviation, track.seen)):
        around = bad[max(k - _BESIDE, 0) : k + _BESIDE + 1]
        if bad[k] == around.max() and not (found and frames[k] - found[-1].frame <= _BESIDE):
            size = bad[k] / max(deviation, track.seen / _JUMP)
            found.append(Moment(frames[k], name, float(values[k]), usual, float(size)))
    return found


def all_jumps(comparison: Comparison) -> list[Moment]:
    """Those of all tracks, the plainest first."""
    found = [
        moment for name, values in tracks_of(comparison).items() for moment in jumps(values, comparison.frames, name)
    ]
    return sorted(found, key=lambda moment: -moment.size)
