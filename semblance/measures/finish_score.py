"""One number for how well a face was put back: 0 is unseen, and each part reads 1 where the fault begins to be seen.

Colour step at the edge, its worst part, doubled brows or chin, sharpness against the plate, flicker and the distance to
the source -> their weighted sum. Only for comparing settings of one model on one clip: a model's own faults are in it
whatever the settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Part:
    """weight: of the part in the sum; one: the value at which the fault begins to be seen; best: where it is 0; ratio:
    whether the value counts by its logarithm, above and below best alike; flat: so far from best nothing is seen."""

    weight: float
    one: float
    best: float = 0.0
    ratio: bool = False
    flat: float = 0.0
    above_only: bool = False


PARTS = {
    "seam": Part(1.0, 2.3),  # dE 1976: the least difference that is noticed
    "seam, worst part": Part(0.5, 5.0),  # the eye finds the worst place, but also where a shadow falls by nature
    "double edges": Part(0.5, 5.0),  # one place in twenty may be chance
    "sharpness": Part(1.0, 1.35, 1.0, ratio=True, flat=1.05),
    "flicker": Part(1.0, 1.25, 1.0, ratio=True, flat=1.03, above_only=True),  # calmer than the plate is no fault here
    "brightness flicker": Part(0.5, 0.5),  # levels; one level alternating is seen on a flat face
    # whom the clip shows is what it is made for, and a mask that takes half of the new face away is never seen: 0.05
    # further from the source weighs as much as 6.1 dE at the edge, which a plate's own edges have by nature. Frames of
    # one real clip are up to 0.25 apart
    "identity to source": Part(8.0, 0.4, 0.25, above_only=True),
}


def parts_of(figures: Mapping[str, float]) -> dict[str, float]:
    """Figures by their names (measures/grades.py) -> each part's share of the score; what is NaN or missing is left
    out."""
    found = {}
    for name, part in PARTS.items():
        value = figures.get(name, float("nan"))
        if np.isfinite(value):
            found[name] = part.weight * _fault(value, part)
    return found


def finish_score(figures: Mapping[str, float]) -> float:
    """The sum of all parts; NaN without any. Lower is better."""
    parts = parts_of(figures)
    return float(sum(parts.values())) if parts else float("nan")


def _fault(value: float, part: Part) -> float:
    """0 at best (and so near to it that nothing is seen), 1 where it begins to be seen."""
    if not part.ratio:
        away = (value - part.best) / (part.one - part.best)
        return max(away, 0.0) if part.above_only else abs(away)
    away = np.log(max(value, 1e-6) / part.best)
    away = max(away, 0.0) if part.above_only else abs(away)
    start, end = np.log(part.flat or 1.0), np.log(part.one)
    return float(max(away - start, 0.0) / (end - start))
