"""What two facesets lack for a good swap, in words for the person who will look at it; told before training begins."""

from __future__ import annotations

import numpy as np

from .store import Faceset
from .textures import expressions_of

_FEW = 60  # faces under which any model learns a person by heart instead of their face
_BEYOND = 10.0  # degrees by which a plate may turn further than its source was ever seen
_SHARP = 0.5  # of the target's face size: a source filmed smaller stays soft
_MOUTH, _LIDS = 0, (3, 4)  # numbers of an expression (faces/expression.py)
_MOVES = 0.5  # spread of an expression's number that a viewer sees


def shortcomings(source: Faceset, target: Faceset) -> list[str]:
    """One sentence for each thing that will look bad; none where nothing is amiss."""
    told = []
    for name, faceset in (("source", source), ("target", target)):
        if len(faceset.kept) < _FEW:
            told.append(
                f"The {name} has only {len(faceset.kept)} faces: it may be soft; a minute of footage is better."
            )
    told += _turns(source, target)
    one, other = expressions_of(source), expressions_of(target)
    if _spread(other[:, _MOUTH]) > _MOVES > 2 * _spread(one[:, _MOUTH]):
        told.append("The source never opens the mouth, the target does: teeth will be guessed.")
    if max(_spread(other[:, k]) for k in _LIDS) > _MOVES > 2 * max(_spread(one[:, k]) for k in _LIDS):
        told.append("The source never blinks, the target does: closed eyes will be guessed.")
    sizes = [float(np.median(faceset.kept["size"])) for faceset in (source, target)]
    if sizes[0] < _SHARP * sizes[1]:
        told.append(
            f"The source's face is {sizes[0]:.0f} px high, the target's {sizes[1]:.0f}: the result will be softer "
            "than the plate."
        )
    return told


def _turns(source: Faceset, target: Faceset) -> list[str]:
    """Directions in which the target turns further than the source was seen."""
    told = []
    for angle, low, high in (("yaw", "left", "right"), ("pitch", "down", "up")):
        one, other = (np.percentile(faceset.kept[angle], [2, 98]) for faceset in (source, target))
        for way, beyond, seen, asked in (
            (low, one[0] - other[0], -one[0], -other[0]), (high, other[1] - one[1], one[1], other[1]),
        ):  # fmt: skip
            if beyond > _BEYOND:
                told.append(
                    f"The target looks up to {asked:.0f} degrees {way}, the source is seen to {max(seen, 0):.0f}: "
                    "what was never seen is taken from its other side or left to the plate."
                )
    return told


def _spread(values: np.ndarray) -> float:
    low, high = np.percentile(values, [2, 98])
    return float(high - low)
