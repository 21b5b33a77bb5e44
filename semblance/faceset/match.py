"""Which faces of two people make the same expression: for each face of one set its nearest of the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..faces.expression import at_rest
from .augment import pick

NEAREST = 3  # of whom one is drawn for each training pair


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """For each source face its nearest target faces (N, K), for each target face its nearest source faces (M, K)."""

    targets: np.ndarray
    sources: np.ndarray

    def rows(self, source: np.ndarray, target: np.ndarray, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Chance (B,) 0..1 of each side, samples' numbers (B,) -> rows of both, of one expression: even samples take a
        source face that matches their target face, odd ones the other way."""
        one, other = pick(source, len(self.targets)), pick(target, len(self.sources))
        odd = numbers % 2 == 1
        matching_target = self.targets[one, pick(target, self.targets.shape[1])]
        matching_source = self.sources[other, pick(source, self.sources.shape[1])]
        return np.where(odd, one, matching_source), np.where(odd, matching_target, other)


def match_expressions(source: np.ndarray, target: np.ndarray) -> Matches:
    """Expressions (N, SIZE) and (M, SIZE) of two people, see faces/expression.py -> Matches, nearest first."""
    one, other = (found.astype(np.float64) - at_rest(found) for found in (source, target))
    # squared distances by the binomial formula: thousands of faces a side would not fit as differences
    gaps = (one**2).sum(1)[:, None] + (other**2).sum(1)[None] - 2 * one @ other.T
    return Matches(
        np.argsort(gaps, axis=1, kind="stable")[:, :NEAREST], np.argsort(gaps.T, axis=1, kind="stable")[:, :NEAREST]
    )
