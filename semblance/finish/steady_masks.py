"""Masks of one face in neighbouring frames -> that of the frame in the middle, steadied in time.

A median: a speck or a hole of one frame is gone, an edge that moves stays sharp and where it is, which a mean would
smear. The masks lie on grids that go with the face, so that a head may move.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np


def steadied_mask(run: Mapping[int, np.ndarray], reach: int) -> np.ndarray:
    """run: masks (S, S) float32 by their distance in frames from the middle, which is 0; up to `reach` on either side
    count, and as many after as before, so that the median is of the middle."""
    sides = 0
    while sides < reach and sides + 1 in run and -sides - 1 in run:
        sides += 1
    if not sides:
        return run[0]
    return np.median(np.stack([run[away] for away in range(-sides, sides + 1)]), axis=0).astype(np.float32)
