"""Two facesets -> an endless stream of augmented batches; the loop makes them ahead of time with streams.ahead.

A batch is four uint8 arrays (B, S, S, 3) RGB: "source" and "target" warped, "source_truth" and "target_truth" as they
should come out. Batch after batch walks through the numbered samples of a seed, so a stream can begin anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..faceset.augment import AugmentOptions, apply, draw

Batch = dict[str, np.ndarray]


def stream(
    source: np.ndarray,  # (N, S, S, 3) uint8 RGB
    target: np.ndarray,  # (M, S, S, 3) uint8 RGB
    size: int,  # side of the network's picture
    coverage: float,  # share of S that it sees
    options: AugmentOptions,
    seed: int,
    start: int,  # number of the first sample, per side
    batch: int,  # pictures per side and step, all processes together
    rank: int = 0,  # this process takes every share `rank` of `ranks` of each batch
    ranks: int = 1,
) -> Iterator[Batch]:
    """Endless batches; sample k is the same whatever the batch size, the number of processes or the starting point."""
    numbers = np.array_split(np.arange(batch), ranks)[rank]
    while True:
        made: Batch = {}
        for side, (name, images) in enumerate((("source", source), ("target", target))):
            draws = draw(seed, start + numbers, options, side)
            made[name], made[f"{name}_truth"] = apply(images, draws, size, coverage)
        yield made
        start += batch
