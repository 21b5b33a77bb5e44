"""Faces darker than any that a model learned from: in a fade to black, or where a lamp is out.

A model redraws such a face too light. Shown the face as much lighter it knows it again, and what it draws then is made
as dark as the plate. A fade scales what is shown by one factor, so nothing is lost but what the plate's levels lost.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np

Look = TypeVar("Look")
Drawn = TypeVar("Drawn")

_DARK = 1.15  # redrawn so much lighter than it was shown: unknown light; what is known comes out within a few percent
_ROUNDS = 3  # a model that was shown a very dark face redraws it half-light: each round comes nearer
_MOST = 40.0  # times lighter; of a darker face eight bits leave nothing


def drawn_in_any_light(
    looks: list[Look],
    draw: Callable[[list[Look]], tuple[list[Drawn], np.ndarray, np.ndarray]],
    lit: Callable[[Look, float], Look],
    dimmed: Callable[[Drawn, float], Drawn],
) -> tuple[list[Drawn], np.ndarray]:
    """draw(looks) -> what the model draws, how badly it redraws each target (n,), and how many times lighter than shown
    (n,); lit(look, gain): the look, so many times lighter; dimmed(drawn, gain): what was drawn, as much darker -> what
    is drawn, and how badly each target is redrawn, in the light that the model knows best."""
    drawn, errors, lighter = draw(looks)
    gains = np.ones(len(looks))
    for _ in range(_ROUNDS):
        dark = [k for k in range(len(looks)) if lighter[k] > _DARK and gains[k] * lighter[k] < _MOST]
        if not dark:
            break
        tried = gains[dark] * lighter[dark]
        again, new_errors, still = draw([lit(looks[k], gain) for k, gain in zip(dark, tried)])
        lighter = np.ones(len(looks))
        for k, gain, face, error, left in zip(dark, tried, again, new_errors, still):
            if error / gain < errors[k] / gains[k]:  # in the plate's own levels
                drawn[k], errors[k], gains[k], lighter[k] = dimmed(face, gain), error, gain, left
    return drawn, errors
