"""What a model learns from -> an endless stream of batches; the loop makes them ahead of time with streams.ahead.

A batch is a dict of arrays with B rows: pictures (B, S, S, 3) uint8 RGB, planes such as masks (B, S, S) uint8, numbers
(B, K) float32. For a pair of people: "source" and "target" warped, "source_truth" and "target_truth" as they should
come out, and planes such as "source_mask" that lie pixel on pixel with the truth. Batch after batch walks through the
numbered samples of a seed, so a stream can begin anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from ..errors import FacesetError
from ..faceset import augment, colour_match, warp
from ..faceset.augment import AugmentOptions, middle, move_planes, pick, shrink
from ..faceset.match import Matches
from ..faceset.warp import WarpOptions

Batch = dict[str, np.ndarray]
Draws = augment.Draws | warp.Draws
SIDES = ("source", "target")


class Material(Protocol):
    """What a model learns from, made ready once; config is the model file's."""

    sides: int
    """pictures of each sample number: 2 for a pair of people"""
    has_matches: bool
    """whether rows of a batch can show one expression on both sides"""

    def batches(self, config, seed: int, start: int, batch: int, rank: int, ranks: int) -> Iterator[Batch]:
        """Endless batches from sample `start` on, `batch` samples a step of which this process makes its part; sample k
        is the same whatever the batch size, the number of processes or the starting point."""
        ...

    def examples(self, config, count: int) -> Batch:
        """`count` unaugmented rows to look at, always the same."""
        ...


@dataclass(frozen=True, eq=False)
class CropPair:
    """Aligned crops of two people, (N, S, S, 3) and (M, S, S, 3) uint8 RGB, and which of them show one expression.

    planes: by side and name, as faceset/planes.py makes them; yaw: by side, degrees, for models that ask for every
    direction of view alike. Raises FacesetError where the arrays are none of that.
    """

    source: np.ndarray
    target: np.ndarray
    matches: Matches | None = None
    planes: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    yaw: dict[str, np.ndarray] = field(default_factory=dict)
    sides = 2

    def __post_init__(self) -> None:
        for name, crops in zip(SIDES, (self.source, self.target)):
            _check_crops(name, crops)
            for kind, planes in self.planes.get(name, {}).items():
                _check_planes(f"{name} {kind}", planes, crops)
            if name in self.yaw and self.yaw[name].shape != (len(crops),):
                raise FacesetError(f"The {name} has {len(crops)} crops but yaw {self.yaw[name].shape}; give one each.")

    @property
    def has_matches(self) -> bool:
        return self.matches is not None

    def batches(self, config, seed: int, start: int, batch: int, rank: int, ranks: int) -> Iterator[Batch]:
        source, target = (shrink(crops, config.size, config.coverage) for crops in (self.source, self.target))
        planes = {
            side: {name: shrink(planes, config.size, config.coverage) for name, planes in named.items()}
            for side, named in self.planes.items()
        }
        matches = self.matches if getattr(config, "match", 0) else None
        if getattr(config, "uniform_yaw", False) and not set(SIDES) <= self.yaw.keys():
            raise FacesetError("Uniform yaw needs the yaw of every crop; give `yaw` to CropPair.")
        return stream(
            source, target, config.size, config.coverage, config.augment, seed, start, batch, rank, ranks, matches,
            planes, self.yaw, getattr(config, "colour_match", 0.0),
        )  # fmt: skip

    def examples(self, config, count: int) -> Batch:
        return {
            "source": spread(self.source, count, config.size, config.coverage),
            "target": spread(self.target, count, config.size, config.coverage),
        }


def spread(images: np.ndarray, count: int, size: int, coverage: float) -> np.ndarray:
    """`count` crops taken evenly from (N, S, S, 3), unwarped, as the net sees them: (count, size, size, 3)."""
    return middle(images[np.linspace(0, len(images) - 1, count).round().astype(int)], size, coverage)


def stream(
    source: np.ndarray,  # (N, S, S, 3) uint8 RGB
    target: np.ndarray,  # (M, S, S, 3) uint8 RGB
    size: int,  # side of the network's picture
    coverage: float,  # share of S that it sees
    options: AugmentOptions | WarpOptions,  # the way of augment.py or that of warp.py
    seed: int,
    start: int,  # number of the first sample, per side
    batch: int,  # pictures per side and step, all processes together
    rank: int = 0,  # this process takes every share `rank` of `ranks` of each batch
    ranks: int = 1,
    matches: Matches | None = None,  # pair faces of one expression; None: each side draws its own
    planes: dict[str, dict[str, np.ndarray]] | None = None,  # by side and name, (N, S, S) uint8
    yaw: dict[str, np.ndarray] | None = None,  # by side, degrees
    recoloured: float = 0.0,  # how often a crop takes the colours of any other crop of both sides
) -> Iterator[Batch]:
    """Endless batches; sample k is the same whatever the batch size, the number of processes or the starting point."""
    numbers = np.array_split(np.arange(batch), ranks)[rank]
    way, extra = (augment, {}) if isinstance(options, AugmentOptions) else (warp, {"references": target})
    pool = np.concatenate([source, target]) if recoloured else None
    while True:
        draws = [way.draw(seed, start + numbers, options, side) for side in (0, 1)]
        if getattr(options, "uniform_yaw", False):
            draws = [warp.even_yaw(drawn, yaw[name]) for name, drawn in zip(SIDES, draws)]
        if matches is not None:
            draws = _matched(start + numbers, *draws, matches)
        made: Batch = {}
        for name, images, drawn, more in zip(SIDES, (source, target), draws, (extra, {})):
            chosen = pick(drawn.face, len(images))
            if recoloured:
                match = colour_match.draw(seed, start + numbers, recoloured, SIDES.index(name))
                coloured = colour_match.apply(images[chosen], match, pool)
                own = replace(drawn, face=(np.arange(len(chosen)) + 0.5) / len(chosen))
                made[name], made[f"{name}_truth"] = way.apply(coloured, own, size, coverage, **more)
            else:
                made[name], made[f"{name}_truth"] = way.apply(images, drawn, size, coverage, **more)
            matrices = way.truth_matrices(drawn, size, images.shape[1], coverage)
            for kind, plane in (planes or {}).get(name, {}).items():
                made[f"{name}_{kind}"] = move_planes(plane, chosen, matrices, size)
        yield made
        start += batch


def _matched(numbers: np.ndarray, source: Draws, target: Draws, matches: Matches) -> list[Draws]:
    """Rows of one expression; both are moved and tinted alike, or the swap would be taught to ignore where a face is
    and how it is lit."""
    chosen = matches.rows(source.face, target.face, numbers)
    return [
        replace(source, face=(rows + 0.5) / len(table))
        for rows, table in zip(chosen, (matches.targets, matches.sources))
    ]


def _check_crops(name: str, crops: np.ndarray) -> None:
    if crops.ndim != 4 or crops.shape[1] != crops.shape[2] or crops.shape[3] != 3 or crops.dtype != np.uint8:
        raise FacesetError(
            f"The {name} crops are {crops.dtype} {crops.shape}; expected uint8 (N, S, S, 3), as a faceset gives them."
        )
    if len(crops) == 0:
        raise FacesetError(f"The {name} has no faces; extract some first.")


def _check_planes(name: str, planes: np.ndarray, crops: np.ndarray) -> None:
    if planes.shape != crops.shape[:3] or planes.dtype != np.uint8:
        raise FacesetError(
            f"The {name} planes are {planes.dtype} {planes.shape}; expected uint8 {crops.shape[:3]}, one for each crop."
        )
