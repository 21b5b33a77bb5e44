"""Whose face is seen: distances of identity vectors, and whom a recogniser would name."""

from __future__ import annotations

import numpy as np

from ..faces.identity import distance, identity_chip, identity_vectors
from ..types import IDENTITY_SIZE, Face

_BATCH = 16  # crops given to the recogniser at once; more cost memory and gain no time on a CPU


class Sightings:
    """Collects a face's identity vectors frame by frame; only a handful of crops wait in memory."""

    def __init__(self) -> None:
        self.indices: list[int] = []
        self._chips: list[np.ndarray] = []
        self._vectors: list[np.ndarray] = []

    def add(self, index: int, pixels: np.ndarray, face: Face, aspect: float = 1.0) -> None:
        """A face seen in frame `index`, pixels (H, W, 3) uint8 RGB."""
        self.indices.append(index)
        self._chips.append(identity_chip(pixels, face, aspect))
        if len(self._chips) == _BATCH:
            self._flush()

    @property
    def vectors(self) -> np.ndarray:
        """(n, 128) in the order in which the faces were added."""
        self._flush()
        return np.concatenate([np.zeros((0, IDENTITY_SIZE), np.float32), *self._vectors])

    def _flush(self) -> None:
        if self._chips:
            self._vectors.append(identity_vectors(self._chips))
            self._chips = []


def distances_to(vectors: np.ndarray, person: np.ndarray) -> np.ndarray:
    """vectors (N, 128) of the frames, (M, 128) of a person -> (N,): to that person's mean; under 0.6 is the same."""
    return distance(vectors, np.asarray(person).mean(0))


def named(vectors: np.ndarray, gallery: np.ndarray) -> np.ndarray:
    """vectors (N, 128), gallery (P, 128), one mean vector a person -> (N,) int: whom each frame is nearest to."""
    gaps = np.linalg.norm(np.asarray(vectors)[:, None] - np.asarray(gallery)[None], axis=-1)  # (N, P)
    return gaps.argmin(1)


def retrieval(vectors: np.ndarray, gallery: np.ndarray, wanted: np.ndarray | int) -> float:
    """Share 0..1 of frames for which the nearest of P people is the wanted one (top-1; FaceShifter 2019, section 4).

    wanted: the person's number in the gallery, one for all or one a frame (N,). NaN without frames.
    """
    return float((named(vectors, gallery) == wanted).mean()) if len(vectors) else float("nan")
