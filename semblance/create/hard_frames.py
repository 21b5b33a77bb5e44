"""Which few frames of a clip tell most about a merge: the usual one first, then those most unlike all chosen before.

faces of frames looked at -> places in that list. Unlike: turned, tilted, nearer, in other light, with an open mouth
(farthest-point sampling: Gonzalez, Clustering to minimize the maximum intercluster distance, 1985).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..measures.expression import openings
from ..types import Face

# differences that count as one: degrees of yaw, pitch and roll, octaves of size, levels of light, face heights of mouth
_ONE = np.array([15.0, 12.0, 15.0, 0.5, 30.0, 0.05])


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A frame that was looked at: its index, the face that counts, and the mean luma of that face, 0..255."""

    index: int
    face: Face
    light: float


def hard_frames(seen: Sequence[Seen], count: int) -> list[Seen]:
    """Up to `count` of the frames, in the order in which they were chosen."""
    if not seen:
        return []
    places = np.array([_place(each) for each in seen]) / _ONE
    chosen = [int(np.abs(places - np.median(places, 0)).sum(1).argmin())]
    while len(chosen) < min(count, len(seen)):
        gaps = np.linalg.norm(places[:, None] - places[chosen], axis=2).min(1)
        gaps[chosen] = -1
        chosen.append(int(gaps.argmax()))
    return [seen[k] for k in chosen]


def _place(seen: Seen) -> list[float]:
    mouth = openings(seen.face.landmarks[:, :2].astype(np.float64))[0]
    return [*seen.face.pose, float(np.log2(max(seen.face.size, 1.0))), seen.light, mouth]
