"""The watermark as the writers lay it: a payload -> something that alters each frame just before it is encoded.

A plate that carries an older mark of ours would end up with two, and neither could be read: where the older one is
told, it is taken off with the same stroke that lays the new one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from ..types import Patch
from .watermark import Mark, add_mark, carries, make_mark

_MOST_SPARED = 0.2  # of a frame's area: a face that fills a third of it, its eyes and mouth wholly, the rest by half


def payload_of(*facts: object) -> str:
    """16 hexadecimal digits that follow from plain facts: a job that is done again lays the same mark."""
    text = json.dumps(facts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Marking:
    """Lays the mark of `payload` (16 hexadecimal digits) over frames of one size; see media.write.Alter.

    over: the payload of an older mark, laid on frames of this very size and place; gain: of the mark's usual strength.
    Frames too small to carry a mark stay without (trust/watermark.py, carries).
    """

    def __init__(self, payload: str, over: str = "", gain: float = 1.0) -> None:
        self._payload, self._over, self._gain = payload, over, np.float32(gain)
        self._mark: Mark | None = None

    def luma(self, plane: np.ndarray, bits: int, patches: Sequence[Patch] = ()) -> None:
        """plane (H, W) uint8, or uint16 of so many bits, in place; patches: whose spared parts stay as they are."""
        if carries(*plane.shape[:2]):
            with _sparing(plane, patches):
                add_mark(plane, self._for(plane.shape), bits)

    def rgb(self, pixels: np.ndarray, patches: Sequence[Patch] = ()) -> None:
        """pixels (H, W, 3) uint8 or uint16, in place; patches: whose spared parts stay as they are."""
        if carries(*pixels.shape[:2]):
            with _sparing(pixels, patches):
                add_mark(pixels, self._for(pixels.shape), 8 * pixels.itemsize)

    def _for(self, shape: tuple[int, ...]) -> Mark:
        height, width = shape[:2]
        if self._mark is None or self._mark.pattern.shape != (height, width):
            number = int(self._payload, 16)
            mark = make_mark(number, height, width)
            if self._over and self._over != self._payload:
                mark = Mark(number, mark.pattern - make_mark(int(self._over, 16), height, width).pattern)
            self._mark = mark if self._gain == 1 else Mark(number, mark.pattern * self._gain)
        return self._mark


@contextmanager
def _sparing(samples: np.ndarray, patches: Sequence[Patch]) -> Iterator[None]:
    """What the body does to samples (H, W, ...) is undone where the patches are spared, as far as they are; where that
    is more than _MOST_SPARED of the frame, by so much less: whatever is asked for, a frame carries the mark."""
    asked = sum(float(patch.spared.clip(0).sum()) for patch in patches if patch.spared is not None)
    allowed = min(1.0, _MOST_SPARED * samples.shape[0] * samples.shape[1] / max(asked, 1e-6))
    kept = []
    for patch in patches:
        if patch.spared is not None:
            down, right = (
                slice(max(start, 0), start + side) for start, side in zip((patch.y, patch.x), patch.spared.shape)
            )
            view = samples[down, right]
            share = patch.spared[down.start - patch.y :, right.start - patch.x :][: view.shape[0], : view.shape[1]]
            share = np.clip(share * np.float32(allowed), 0, 1)
            kept.append((view, view.copy(), share.reshape(*share.shape, *[1] * (view.ndim - 2))))
    yield
    for view, before, share in kept:
        view[...] = np.rint(view + share * (before.astype(np.float32) - view)).astype(view.dtype)
