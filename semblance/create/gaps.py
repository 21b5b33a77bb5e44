"""Merged frames in order -> the same, with short gaps filled: frames whose face was lost or drawn badly, between two
that have theirs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace

import numpy as np

from ..finish.bridge import Beside, bridge
from ..finish.merge import Merged
from ..media.fine import shallowed
from ..runs import Clock
from ..types import Face, Frame, Patch
from .job import POORLY_DRAWN, Record
from .view import Laid

LOST = "no face was found"
LEAPT = "the face leapt"
_FILLED = (LOST, LEAPT, POORLY_DRAWN)  # reasons that are the finder's or the model's fault, not the person's


@dataclass(frozen=True, slots=True, eq=False)
class LaidFace:
    """A new face in its frame: whose it replaces, how it lies over the plate, and what came of it."""

    face: Face
    carried: bool
    laid: Laid
    merged: Merged


@dataclass(frozen=True, slots=True, eq=False)
class MergedFrame:
    """A frame with the patches to lay over it and what they are made of, smallest face first, the faces that stay as
    they are and why, and what the identity network sees of the largest new face, if any."""

    frame: Frame
    record: Record
    patches: list[Patch]
    chip: np.ndarray | None
    laid: list[LaidFace] = field(default_factory=list)
    passed: list[tuple[Face, str]] = field(default_factory=list)


def bridged(items: Iterator[MergedFrame], limit: int, clock: Clock) -> Iterator[MergedFrame]:
    """The items, of which gaps of up to `limit` frames are filled where the plate's flow tells how; no more than those
    are held back. Frames with several new faces are not bridged to or from."""
    before: MergedFrame | None = None
    gap: list[MergedFrame] = []
    with closing(items):
        for item in items:
            if before and len(gap) < limit and item.record.reason in _FILLED:
                gap.append(item)
                continue
            for lost in gap:
                yield _filled(lost, before, item, clock) if len(item.laid) == 1 else lost
            gap = []
            before = item if len(item.laid) == 1 else None
            yield item
    yield from gap


def _filled(lost: MergedFrame, before: MergedFrame, after: MergedFrame, clock: Clock) -> MergedFrame:
    """A lost frame with the face of its neighbours; as it is where their plates do not tell what it shows."""
    first, last = before.frame.index, after.frame.index
    share = (lost.frame.index - first) / (last - first)
    with clock.of("bridge"):
        made = bridge(lost.frame.pixels, _beside(before), _beside(after), share)
    if made is None:
        return lost
    boxes = np.array([before.record.box, after.record.box])
    box = tuple(float(edge) for edge in (1 - share) * boxes[0] + share * boxes[1])
    record = replace(lost.record, swapped=1, bridged=1, reason="", box=box)
    return replace(lost, record=record, patches=[made.patch])


def _beside(item: MergedFrame) -> Beside:
    (face,) = item.laid
    patch = face.merged.patch
    return Beside(item.frame.pixels, replace(patch, pixels=shallowed(patch.pixels)), face.merged.mask)
