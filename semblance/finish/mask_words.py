"""What a mask is made of, in words: "hull*model+person" -> the larger of (hull times model) and person.

* is the overlap of two masks (their product), + their union (the larger of the two); * binds more tightly.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

import numpy as np

from ..errors import nearest

MASKS = {
    "hull": "the face's outline",
    "crop": "all that the model draws",
    "model": "what the model says is face",
    "xseg": "what the occlusion net says is face in the plate",
    "xseg-new": "what it says is face in what the model drew",
    "head": "the person within the outline widened to hair, ears and neck",
    "person": "the person",
}

SEEN = {"xseg": "xseg", "xseg-new": "xseg-new", "person": "person", "head": "person"}
"""Masks that are neither drawn by the model nor known from landmarks -> what has to be found in the frame for them."""


def products(words: str) -> list[list[str]]:
    """Names of the masks: a union of overlaps. Raises ValueError for a name that is none, or a sign without one."""
    found = [[name.strip() for name in part.split("*")] for part in words.split("+")]
    for name in [name for part in found for name in part]:
        if not name:
            raise ValueError(f"'{words}' lacks a name beside * or +; write it as in hull*model")
        if name not in MASKS:
            raise ValueError(f"there is no mask '{name}'.{nearest(name, MASKS)}")
    return found


def named(words: str) -> set[str]:
    """The masks that are needed."""
    return {name for part in products(words) for name in part}


def within(words: str, name: str) -> str:
    """The same mask, but nowhere outside of the mask `name`."""
    parts = [[name, *(each for each in part if each not in (name, "crop"))] for part in products(words)]
    return "+".join(dict.fromkeys("*".join(part) for part in parts))


def composed(words: str, masks: Mapping[str, np.ndarray]) -> np.ndarray:
    """Masks by their names, all (m, m) float32 0..1 on one grid -> what the words say, of the same kind."""
    parts = [reduce(np.multiply, (masks[name] for name in part)) for part in products(words)]
    return reduce(np.maximum, parts)
