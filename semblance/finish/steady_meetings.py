"""How plate and face meet in neighbouring frames -> the same for the frame in the middle, steadied in time.

Averaged like colours (steady_colours.py), over the frames through which the face's track runs unbroken, and only as far
as they are alike. The grids lie over the mask's rectangle, which goes with the face.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from .poisson import Meeting
from .track_window import unbroken

REACH = 2
"""Frames on either side that count."""

_DEVIATION = 1.5  # frames
_ALIKE = 0.03  # of white: where the difference of plate and face is so far from the middle frame's, a frame counts half


def steadied_meetings(window: Sequence[Mapping[int, Meeting | None]]) -> dict[int, Meeting | None]:
    """window: the meetings of the faces, by track, of 2 n + 1 frames in order (none beyond the ends) -> the middle
    frame's; None stays None."""
    middle = len(window) // 2
    return {track: now and _steadied(now, unbroken(window, track)) for track, now in window[middle].items()}


def _steadied(now: Meeting, run: Mapping[int, Meeting]) -> Meeting:
    height, width = now.weight.shape
    level = _level(now)
    total, weight, sum_of_weights = np.zeros_like(now.difference), np.zeros_like(now.weight), 0.0
    for away, each in run.items():
        apart = np.abs(_level(each) - level).max()
        share = np.exp(-((away / _DEVIATION) ** 2) / 2) / (1 + (apart / _ALIKE) ** 2)
        held, its = each.weight[..., None] * each.difference, each.weight
        if away:
            held, its = (cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR) for part in (held, its))
        total += np.float32(share) * held
        weight += np.float32(share) * its
        sum_of_weights += share
    return Meeting(total / np.maximum(weight, 1e-9)[..., None], now.edge, weight / np.float32(sum_of_weights))


def _level(meeting: Meeting) -> np.ndarray:
    """(3,): how far plate and face are apart on the whole."""
    weight = meeting.weight[..., None]
    return (weight * meeting.difference).sum((0, 1)) / max(float(weight.sum()), 1e-9)
