"""New faces in order -> the same, with what trembles from frame to frame steadied by the frames on either side."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..finish import steady_colours, steady_meetings
from ..finish.face_colours import FaceColours
from ..finish.merge_options import MergeOptions
from ..finish.steady_masks import steadied_mask
from ..finish.track_window import unbroken
from ..streams import with_neighbours
from .drawn import DrawnFrame, NewFace
from .painter import Painter


@dataclass(frozen=True, slots=True, eq=False)
class _Told:
    """What a frame says of a face to those beside it: centre (2,) frame pixels; masks (S, S) by their names."""

    centre: np.ndarray
    masks: dict[str, np.ndarray]


def reach_of(settings: MergeOptions) -> int:
    """How many frames on either side `steadied` wants to see for these settings."""
    return max(steady_colours.REACH if settings.transfer else 0, settings.mask_steady, 1 if settings.motion_blur else 0)


def steadied(items: Iterator[DrawnFrame], painter: Painter, wanted: range, reach: int) -> Iterator[DrawnFrame]:
    """The items of the wanted frames, laid: their colours, their masks and the way that they go, told by `reach` frames
    on either side."""

    def told(item: DrawnFrame) -> tuple[dict[int, FaceColours | None], dict[int, _Told]]:
        return (
            {part.face.track: part.colours for part in item.parts},
            {part.face.track: _Told(part.face.landmarks[:, :2].mean(0), _masks(part)) for part in item.parts},
        )

    with closing(with_neighbours(items, reach, told, ({}, {}))) as windows:
        for item, window in windows:
            if item.frame.index not in wanted:
                continue
            merge = painter.at(item.frame.index)
            colours = steady_colours.steadied_colours([each for each, _ in window])
            for part in item.parts:
                run = unbroken([each for _, each in window], part.face.track)
                part.colours = colours[part.face.track]
                part.motion = _motion(run)
                _take(part, {name: _mask(run, name, merge.mask_steady) for name in run[0].masks})
            yield item


def drawn_steadied(items: Iterator[DrawnFrame], painter: Painter, wanted: range, reach: int) -> Iterator[DrawnFrame]:
    """The items of the wanted frames, drawn: what was drawn, steadied by up to `reach` frames on either side."""

    def told(item: DrawnFrame) -> dict[int, Any]:
        return {part.face.track: part.drawn for part in item.parts}

    with closing(with_neighbours(items, reach, told, {})) as windows:
        for item, window in windows:
            if item.frame.index not in wanted:
                continue
            own = painter.at(item.frame.index).texture_steady
            for part in item.parts:
                if own:
                    part.drawn = painter.view.steadied(unbroken(window, part.face.track), own)
            yield item


def meetings_steadied(items: Iterator[DrawnFrame], wanted: range) -> Iterator[DrawnFrame]:
    """The items of the wanted frames, placed: how their faces meet the plate, steadied."""

    def told(item: DrawnFrame) -> dict:
        return {part.face.track: part.met and part.met[0] for part in item.parts}

    with closing(with_neighbours(items, steady_meetings.REACH, told, {})) as windows:
        for item, window in windows:
            if item.frame.index not in wanted:
                continue
            steady = steady_meetings.steadied_meetings(window)
            for part in item.parts:
                part.met = part.met and (part.met[0], steady[part.face.track])
            yield item


def _masks(part: NewFace) -> dict[str, np.ndarray]:
    masks = {name: placed.mask for name, placed in part.seen.items()}
    if part.free is not None:
        masks["free"] = part.free.mask
    if part.laid.mask is not None and part.laid.points is None:  # of a mesh it is the mesh's own, and as steady
        masks["model"] = part.laid.mask
    return masks


def _take(part: NewFace, masks: dict[str, np.ndarray]) -> None:
    part.seen = {name: replace(placed, mask=masks[name]) for name, placed in part.seen.items()}
    part.free = part.free and replace(part.free, mask=masks["free"])
    if "model" in masks:
        part.laid = replace(part.laid, mask=masks["model"])


def _mask(run: dict[int, _Told], name: str, reach: int) -> np.ndarray:
    alike = {away: told.masks[name] for away, told in run.items() if name in told.masks}
    alike = {away: mask for away, mask in alike.items() if mask.shape == alike[0].shape}
    return steadied_mask(alike, reach)


def _motion(run: dict[int, _Told]) -> tuple[float, float]:
    """How far the face goes in a frame's time: from the frame before to the one after, halved; at an end of its track,
    to the only one."""
    before, after = (away if away in run else 0 for away in (-1, 1))
    x, y = (run[after].centre - run[before].centre) / max(after - before, 1)
    return float(x), float(y)
