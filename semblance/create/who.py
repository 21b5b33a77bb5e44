"""Which of a plate's faces are replaced."""

from __future__ import annotations

import numpy as np

from ..faces.identity import SAME_PERSON, distance
from ..types import Face
from .options import SwapOptions


class Chooser:
    """Decides by identity whether a face is the one to replace; a track's faces are judged together, so that one odd
    frame does not make the swap blink."""

    def __init__(self, target: np.ndarray, options: SwapOptions) -> None:
        self._target, self._options = target, options
        self._tracks: dict[int, list[np.ndarray]] = {}

    def refuses(self, face: Face, vector: np.ndarray) -> str:
        """'' if the face is to be replaced, else why not."""
        if self._options.who != "target":
            return ""
        seen = self._tracks.setdefault(face.track, [])
        seen.append(vector)
        del seen[:-25]
        if distance(np.median(seen, 0), self._target) > SAME_PERSON:
            return "another person"
        if distance(vector, self._target) > self._options.stranger:
            return "the face is unlike the target's"
        return ""

    def knows(self, track: int) -> bool:
        """Whether the faces seen so far of a track are of someone who is to be replaced."""
        if self._options.who != "target":
            return True
        seen = self._tracks.get(track)
        return bool(seen) and distance(np.median(seen, 0), self._target) <= SAME_PERSON
