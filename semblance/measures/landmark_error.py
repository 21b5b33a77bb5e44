"""How far landmarks lie from the true ones."""

from __future__ import annotations

import numpy as np

from .regions import PARTS

FACE = np.unique(np.concatenate([list(part) for part in PARTS.values()]))


def landmark_errors(found: np.ndarray, true: np.ndarray, visible: np.ndarray | None = None) -> dict[str, float]:
    """landmarks (478, 2 or 3) px of both -> mean distance in px: "face" (all parts), "jaw", "brows", "eyes", "nose",
    "mouth". visible (478,) bool: points that count; NaN for a part of which none is visible."""
    gaps = np.linalg.norm(np.asarray(found)[:, :2] - np.asarray(true)[:, :2], axis=-1)
    shown = np.ones(len(gaps), bool) if visible is None else np.asarray(visible, bool)
    return {name: _mean(gaps, part, shown) for name, part in (("face", FACE), *PARTS.items())}


def _mean(gaps: np.ndarray, part: np.ndarray | tuple[int, ...], shown: np.ndarray) -> float:
    part = np.asarray(part)
    part = part[shown[part]]
    return float(gaps[part].mean()) if len(part) else float("nan")
