"""Which faces belong to one person: tracks joined by their identity vectors."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pandas as pd

from ..errors import FaceError
from ..faces.identity import SAME_PERSON, distance, identity_chip, identity_vectors
from ..faces.track import FaceTracker

_JOIN = 0.5  # stricter than SAME_PERSON: means of whole tracks scatter less than single faces


def number_people(table: pd.DataFrame) -> np.ndarray:
    """A person number for each row; 0 is the person seen most. Tracks, longest first, join the nearest person."""
    vectors = np.stack(table["identity"].to_list())
    tracks = table.groupby(["source", "track"], sort=False).indices.values()
    people: list[list[int]] = []
    for rows in sorted(tracks, key=len, reverse=True):
        middle = vectors[rows].mean(0)
        gaps = [float(distance(vectors[members].mean(0), middle)) for members in people]
        if gaps and min(gaps) < _JOIN:
            people[int(np.argmin(gaps))].extend(rows)
        else:
            people.append(list(rows))
    numbers = np.empty(len(table), np.int64)
    for number, members in enumerate(sorted(people, key=len, reverse=True)):
        numbers[members] = number
    return numbers


def identity_in_picture(pixels: np.ndarray, name: str) -> np.ndarray:
    """(128,) of the largest face in a picture; FaceError if it shows none."""
    with closing(FaceTracker()) as tracker:
        faces = tracker.step(pixels)
    if not faces:
        raise FaceError(f"No face was found in {name}; give a picture that shows the person from the front.")
    return identity_vectors([identity_chip(pixels, faces[0])])[0]


def is_person(vector: np.ndarray, person: np.ndarray) -> bool:
    """Whether two identity vectors are nearer than SAME_PERSON."""
    return bool(distance(vector, person) < SAME_PERSON)
