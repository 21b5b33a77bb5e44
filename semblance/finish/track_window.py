"""A window of frames, and how far a track runs through it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

T = TypeVar("T")


def unbroken(
    window: Sequence[Mapping[int, T]], track: int, alike: Callable[[T, T], bool] = lambda _one, _other: True
) -> dict[int, T]:
    """What 2 n + 1 frames in order say of a track, by their distance from the middle one, out to where the track breaks
    off or what is said is not of one kind with what was found first."""
    middle = len(window) // 2
    found: dict[int, T] = {}
    for way in (range(middle, -1, -1), range(middle + 1, len(window))):
        for place in way:
            if track not in window[place]:
                break
            told = window[place][track]
            if told is None:  # could not be measured there
                continue
            if found and not alike(told, next(iter(found.values()))):
                break
            found[place - middle] = told
    return found
