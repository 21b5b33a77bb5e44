"""Two people in mesh space -> the batches that a model of that space learns from.

The two rows of a sample show one expression (faceset/match.py); where one person's eyes are not filmed as far shut as
the other's they are shut as far (faceset/lids.py). Inputs are lit and shifted anew each time, what should come out is
not: light and landmark noise are what the encoder must learn to look past.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from ..faces.expression import lid_gaps, with_lids_shut
from ..faceset.lids import closings, shut_eyes
from ..faceset.match import Matches, match_expressions
from ..faceset.textures import Textures
from .batches import SIDES, Batch

_NUMBERS = 8  # of chance for each sample and side: face, light (constant, across, down; tint 2), shift 2


@dataclass(frozen=True, eq=False)
class MeshPair:
    """Textures of two people; see Material."""

    source: Textures
    target: Textures
    sides = 2
    has_matches = True

    @cached_property
    def matches(self) -> Matches:
        return match_expressions(self.source.expressions, self.target.expressions)

    def batches(self, config, seed: int, start: int, batch: int, rank: int, ranks: int) -> Iterator[Batch]:
        numbers = np.array_split(np.arange(batch), ranks)[rank]
        while True:
            chance = [draw_chance(seed, start + numbers, side) for side in (0, 1)]
            rows = self.matches.rows(chance[0][:, 0], chance[1][:, 0], start + numbers)
            both, made = (self.source, self.target), {}
            for name, person, chosen, drawn, far in zip(SIDES, both, rows, chance, self._closings(rows)):
                pictures, found = person.pictures[chosen], person.expressions[chosen]
                pictures = shut_eyes(pictures, far, lid_gaps(found) / np.maximum(lid_gaps(person.rest), 1e-6))
                # one light and one shift for both, or the swap would be taught to ignore what they do to a face
                made[name] = disturbed(pictures, chance[0] if config.match else drawn, config)
                made[f"{name}_truth"] = pictures
                made[f"{name}_seen"] = person.seen[chosen]
                made[f"{name}_expression"] = with_lids_shut(found, far)
            yield made
            start += batch

    def _closings(self, rows: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """By how much the eyes of both sides' rows (B,) are to shut, (B, 2) each: as far as the other's are."""
        (own, own_rest), (other, other_rest) = (
            (lid_gaps(person.expressions[chosen]), lid_gaps(person.rest))
            for person, chosen in zip((self.source, self.target), rows)
        )
        return closings(own, own_rest, other, other_rest), closings(other, other_rest, own, own_rest)

    def examples(self, config, count: int) -> Batch:
        made: Batch = {}
        for name, person in (("source", self.source), ("target", self.target)):
            rows = np.linspace(0, len(person.pictures) - 1, count).round().astype(int)
            made[name], made[f"{name}_expression"] = person.pictures[rows], person.expressions[rows]
        return made


def draw_chance(seed: int, samples: np.ndarray, side: int) -> np.ndarray:
    """(B, _NUMBERS) 0..1; sample k of a seed is the same whatever the batch."""
    return np.stack(
        [np.random.Generator(np.random.Philox(key=[seed, int(k)], counter=[0, 0, 1, side])).random(_NUMBERS)
         for k in samples]
    )  # fmt: skip


def disturbed(pictures: np.ndarray, chance: np.ndarray, config) -> np.ndarray:
    """Textures (B, S, S, 3) uint8 under another light, a little beside their place."""
    size = pictures.shape[1]
    axis = np.linspace(-1, 1, size, dtype=np.float32)
    out = np.empty_like(pictures)
    for picture, result, drawn in zip(pictures, out, 2 * chance - 1):
        gain = 1 + config.light * (drawn[1] + drawn[2] * axis[None] + drawn[3] * axis[:, None])
        gain = gain[..., None] * (1 + config.light / 3 * np.array([drawn[4], 0, drawn[5]]))
        matrix = np.array([[1, 0, config.shift * drawn[6]], [0, 1, config.shift * drawn[7]]])
        moved = cv2.warpAffine(picture, matrix, (size, size), borderMode=cv2.BORDER_REPLICATE)
        result[:] = np.clip(moved * gain.astype(np.float32), 0, 255)
    return out
