"""A finished comparison -> one Figure for each measure."""

from __future__ import annotations

import numpy as np

from .comparison import PARTS, Comparison
from .expression import Following, follow, offset_error, offsets
from .flicker import alternation
from .jitter import landmark_jitter
from .pose import pose_error
from .rows import Figure

_STILL_PICTURE = (
    0.05  # grey levels of restlessness under which a plate is a still (or drawn), and a ratio means nothing
)


def figures(comparison: Comparison) -> dict[str, Figure]:
    """All measures against the plate, in the order in which they are shown."""
    frames = comparison.frames
    result = {"pose error": Figure(pose_error(comparison.poses("result"), comparison.poses("plate")), frames)}
    result |= _expression(comparison)
    result |= _in_time(comparison)
    for name in ("sharpness", "seam", "seam, worst part", "edge step", "double edges", "background"):
        result[name] = Figure(comparison.series(name), frames)
    return result


def truth_figures(comparison: Comparison) -> dict[str, Figure]:
    """All measures against the truth. Landmark errors are in px, but graded as shares of the eyes' distance."""
    pictures = ("true PSNR", "true SSIM", "true MS-SSIM")
    made = {name: Figure(comparison.series(name), comparison.frames) for name in pictures}
    eyes = comparison.series("true eyes")
    for part in PARTS:
        values = comparison.series(part)
        relative = _median(100 * values / eyes)
        note = f"{relative:.1f} % of the eyes' distance" if np.isfinite(relative) else ""
        name = "landmark error" if part == "face" else f"landmark error, {part}"
        made[name] = Figure(values, comparison.frames, note=note, graded=relative)
    return made


def _expression(comparison: Comparison) -> dict[str, Figure]:
    new, old = comparison.openings("result"), comparison.openings("plate")
    made = {}
    for column, name in enumerate(("mouth", "eye")):
        made |= _followed(name, follow(new[:, column], old[:, column]), comparison.frames)
    new, old = comparison.points("result"), comparison.points("plate")
    shape = follow(
        offsets(new), offsets(old), still=0.0
    )  # a hundred points: what noise they share is told by the floor
    error = 100 * offset_error(new, old)
    made["expression correlation"] = Figure(np.zeros(0), [], value=shape.correlation)
    made["expression error"] = Figure(error, comparison.frames)
    return made


def _followed(name: str, signal: Following, frames: list[int]) -> dict[str, Figure]:
    """Correlation and error of one opening; where the plate hardly moves, the correlation's row points to the error."""
    error = 100 * signal.error
    note = ""
    if not signal.moves and np.isfinite(signal.spread):
        part = {"mouth": "mouth hardly moves", "eye": "eyes hardly move"}[name]
        note = (
            f"the plate's {part} (spread {100 * signal.spread:.2f} % of face height), so a correlation says nothing; "
            f"mean deviation {_mean(error):.2f} %"
        )
    return {
        f"{name} correlation": Figure(np.zeros(0), [], value=signal.correlation, note=note),
        # the mean: blinks are few, and a median would pass over all of them
        f"{name} error": Figure(error, frames, value=_mean(error)),
    }


def _in_time(comparison: Comparison) -> dict[str, Figure]:
    frames = comparison.frames
    swing = alternation(comparison.series("brightness"))
    shake, own = (landmark_jitter(comparison.points(side)) for side in ("result", "plate"))
    return {
        "flicker": _flicker(comparison.series("restless"), comparison.series("restless plate"), frames),
        "brightness flicker": Figure(swing, frames, value=float(np.sqrt(_mean(swing**2))), ends=1),
        # the middle of each, as a face lost and found again leaps once
        "landmark jitter": Figure(_each(shake, own), frames, value=_ratio(_median(shake), _median(own)), ends=1),
    }


def _flicker(new: np.ndarray, old: np.ndarray, frames: list[int]) -> Figure:
    """Restlessness of the result over that of the plate; where that is a still, there is no ratio to speak of."""
    usual = _mean(old)
    if usual < _STILL_PICTURE and _mean(new) != usual:
        note = f"the plate's face is a still ({usual:.2f} levels): the result's own flicker is {_mean(new):.2f} levels"
        return Figure(np.zeros(0), [], value=float("nan"), note=note)
    return Figure(_each(new, old), frames, value=_ratio(_mean(new), usual), ends=1)


def _each(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Ratio of each frame; 1 where both are 0."""
    calm = (other == 0) & (one == 0)
    return np.where(calm, 1.0, one / np.where(other > 0, other, np.nan))


def _ratio(one: float, other: float) -> float:
    """1 where both are 0; NaN where only the second is."""
    return one / other if other > 0 else (1.0 if one == other == 0 else float("nan"))


def _median(values: np.ndarray) -> float:
    seen = values[np.isfinite(values)]
    return float(np.median(seen)) if len(seen) else float("nan")


def _mean(values: np.ndarray) -> float:
    seen = values[np.isfinite(values)]
    return float(seen.mean()) if len(seen) else float("nan")
