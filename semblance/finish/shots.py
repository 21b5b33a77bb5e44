"""Where one shot ends and the next begins: frames in order -> whether a frame is the first of a new shot.

A cut is a frame that differs from the one before far more than that one did from its own predecessors (Zhang,
Kankanhalli, Smoliar: Automatic partitioning of full-motion video, 1993, with the threshold taken from the frames just
past). Fades and dissolves come in small steps and are no cuts: nothing jumps in them. A flash of light counts as one,
which costs nothing but a fresh start. A shot has at least two frames: one change alone is compared with nothing.
"""

from __future__ import annotations

from collections import deque

import cv2
import numpy as np

_SMALL = (48, 27)  # px, width and height: what is compared; motion within a shot hardly shows
_SAMPLES = 6  # along a side of what one of those pixels is the mean of: more cost time and tell nothing
_LEAST = 0.06  # of the whole range, mean over the picture: two views of one room differ by 0.1, a walk past by 0.02
_TIMES = 3.0  # the change of a cut against the largest just before it; a whip pan changes as much in every frame
_PAST = 3  # changes looked back upon


class ShotFinder:
    """Give it the frames of one stretch of a clip, in order; the first is no cut."""

    def __init__(self) -> None:
        self._before: np.ndarray | None = None
        self._changes: deque[float] = deque(maxlen=_PAST)

    def begins(self, pixels: np.ndarray) -> bool:
        """Whether the next frame (H, W, 3) uint8 RGB begins a new shot."""
        step = max(1, min(pixels.shape[0] // _SMALL[1], pixels.shape[1] // _SMALL[0]) // _SAMPLES)
        small = cv2.resize(pixels[::step, ::step], _SMALL, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        before, self._before = self._before, small
        if before is None:
            return False
        change = float(np.abs(small - before).mean())
        cut = bool(self._changes) and change > max(_LEAST, _TIMES * max(self._changes))
        if cut:
            self._changes.clear()
        else:
            self._changes.append(change)
        return cut
