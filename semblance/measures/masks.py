"""How well masks fit: masks drawn and true, and what covers the face -> overlap and how much of the cover is left out.

Arrays (N, H, W) in 0..1; a pixel counts as face, or as covered, from the middle up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class MaskScore:
    """overlap: intersection over union, mean of the pictures, 0..1, higher is better; pooled: the same over all pixels;
    left_out: share of the cover's pixels inside the face's outline that the mask leaves out, higher is better (NaN
    without any); kept: share of the face's pixels that the mask keeps; pictures: how many."""

    overlap: float
    pooled: float
    left_out: float
    kept: float
    pictures: int


def score_masks(drawn: np.ndarray, truth: np.ndarray, cover: np.ndarray) -> MaskScore:
    """Compare masks (N, H, W) float32 0..1."""
    drawn, truth, cover = (np.asarray(plane) >= 0.5 for plane in (drawn, truth, cover))
    both, either = (drawn & truth).sum((1, 2)), (drawn | truth).sum((1, 2))
    each = np.where(either > 0, both / np.maximum(either, 1), 1.0)
    covered = (cover & ~truth).sum()
    return MaskScore(
        overlap=float(each.mean()),
        pooled=float(both.sum() / max(either.sum(), 1)),
        left_out=float((cover & ~truth & ~drawn).sum() / covered) if covered else float("nan"),
        kept=float(both.sum() / max(truth.sum(), 1)),
        pictures=len(drawn),
    )
