"""The colours of one face in neighbouring frames -> those of the frame in the middle, steadied in time.

What is measured trembles a little from frame to frame: grain, compression, a blink. Maps of nearby frames are averaged,
but only as far as they are alike (a bilateral filter over time: Tomasi and Manduchi 1998), so that a flash, a cut or a
lamp that is switched on is followed in its very frame and leaves no trace in those beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .colour import alike, apply_colour, averaged, into
from .face_colours import FaceColours
from .track_window import unbroken

REACH = 4
"""Frames on either side that count: nine frames leave a third of what trembles."""

_DEVIATION = 2.0  # frames
_ALIKE = 3.0  # CIELAB steps apart at which a map counts a quarter: three times what trembles in a steady clip


def steadied_colours(window: Sequence[Mapping[int, FaceColours | None]]) -> dict[int, FaceColours | None]:
    """window: colours of the faces, by track, of 2 n + 1 frames in order (none beyond the ends) -> the middle frame's.

    Only frames count through which the face's track runs unbroken, and whose colours are matched in the same way: shots
    may have settings of their own. A face that could not be measured (None) takes what those frames have; None if they
    have nothing.
    """
    middle = len(window) // 2
    return {track: _steadied(unbroken(window, track, _matched_alike)) for track in window[middle]}


def _matched_alike(one: FaceColours, other: FaceColours) -> bool:
    return alike(one.change, other.change)


def _steadied(run: Mapping[int, FaceColours]) -> FaceColours | None:
    if len(run) < 2:
        return next(iter(run.values()), None)
    away = np.array(list(run))
    colours = list(run.values())
    weights = np.exp(-((away / _DEVIATION) ** 2) / 2) * [each.seen for each in colours]
    if 0 in run:
        # what each map makes of the middle face's shades
        shades = np.stack([apply_colour(run[0].probes[None], each.change)[0] for each in colours])
        shades = into("lab", shades)
        apart = ((shades - shades[colours.index(run[0])]) ** 2).sum(2).mean(1)
        weights = weights / (1 + apart / _ALIKE**2) ** 2
    nearest = colours[int(np.abs(away).argmin())]
    return FaceColours(averaged([each.change for each in colours], weights), nearest.probes, nearest.seen)
