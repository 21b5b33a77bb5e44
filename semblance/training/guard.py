"""Losses -> is the run still healthy? A number that is not finite, or far above the recent ones, is not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

MEMORY = 50
"""How many reported losses count as recent."""
SPIKE = 4.0
"""A loss so many times the recent median is a spike; from batch to batch a healthy run varies by less than a half."""
ENOUGH = 10
"""Reports needed before a spike can be told from a beginning."""


def illness(loss: float, recent: Sequence[float]) -> str | None:
    """What is wrong with a loss after the `recent` ones, in words; None where it is healthy."""
    if not math.isfinite(loss):
        return f"the loss is {loss}"
    if len(recent) >= ENOUGH and loss > SPIKE * median(recent):
        return f"the loss leapt to {loss:.4g} from about {median(recent):.4g}"
    return None


def learning_rate_factor(share: float, schedule: str, warm_up: float = 0.02, floor: float = 0.02) -> float:
    """Factor on the learning rate when `share` (0..1) of the run is done.

    constant: 1. cosine: a linear rise over `warm_up`, then half a cosine down to `floor`; large steps find the person,
    small ones the detail.
    """
    if schedule == "constant":
        return 1.0
    if share < warm_up:
        return max(share / warm_up, 0.05)
    along = min((share - warm_up) / (1 - warm_up), 1.0)
    return floor + (1 - floor) * (1 + math.cos(math.pi * along)) / 2
