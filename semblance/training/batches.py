"""Two facesets -> an endless stream of augmented batches; the loop makes them ahead of time with streams.ahead.

A batch is four uint8 arrays (B, S, S, 3) RGB: "source" and "target" warped, "source_truth" and "target_truth" as they
should come out. Batch after batch walks through the numbered samples of a seed, so a stream can begin anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ..faceset.augment import AugmentOptions, Draws, apply, draw, pick
from ..faceset.match import Matches

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
    matches: Matches | None = None,  # pair faces of one expression; None: each side draws its own
) -> Iterator[Batch]:
    """Endless batches; sample k is the same whatever the batch size, the number of processes or the starting point."""
    numbers = np.array_split(np.arange(batch), ranks)[rank]
    while True:
        draws = [draw(seed, start + numbers, options, side) for side in (0, 1)]
        if matches is not None:
            draws = _matched(start + numbers, *draws, matches)
        made: Batch = {}
        for name, images, drawn in zip(("source", "target"), (source, target), draws):
            made[name], made[f"{name}_truth"] = apply(images, drawn, size, coverage)
        yield made
        start += batch


def _matched(numbers: np.ndarray, source: Draws, target: Draws, matches: Matches) -> list[Draws]:
    """Even samples take a source face that matches their target face, odd ones the other way; both are moved and tinted
    alike, or the swap would be taught to ignore where a face is and how it is lit."""
    one, other = pick(source.face, len(matches.targets)), pick(target.face, len(matches.sources))
    odd = numbers % 2 == 1
    matching_target = matches.targets[one, pick(target.face, matches.targets.shape[1])]
    matching_source = matches.sources[other, pick(source.face, matches.sources.shape[1])]
    chosen = np.where(odd, one, matching_source), np.where(odd, matching_target, other)
    return [
        replace(source, face=(rows + 0.5) / len(table))
        for rows, table in zip(chosen, (matches.targets, matches.sources))
    ]
