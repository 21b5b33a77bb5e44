"""Short gaps between merged frames: which are filled, which are not, and that nothing is held back for long."""

from __future__ import annotations

import numpy as np
import pytest

from semblance.create.gaps import LOST, LaidFace, MergedFrame, bridged
from semblance.create.job import Record
from semblance.create.view import Laid
from semblance.finish.merge import Merged
from semblance.runs import Clock
from semblance.types import Face, Frame, Patch

PLATE = np.random.default_rng(0).integers(60, 200, (12, 16, 3), np.uint8).repeat(10, 0).repeat(10, 1)
FACE = Face(np.random.default_rng(1).uniform(40, 100, (478, 3)).astype(np.float32))
MASK = np.pad(np.ones((40, 30), np.float32), 10)


def frame(index: int, state: str, plate: np.ndarray = PLATE) -> MergedFrame:
    """state: x a new face, two of them, or the reason why there is none."""
    faces = {"x": 1, "two": 2}.get(state, 0)
    patch = Patch(50, 30, np.where(MASK[..., None] > 0, 255, plate[30:90, 50:100]).astype(np.uint8))
    merged = Merged(patch, MASK, patch.pixels, np.eye(2, 3))
    laid = [LaidFace(FACE, False, Laid(np.zeros((4, 4, 3), np.float32), np.eye(2, 3), None), merged)] * faces
    record = Record(index, index / 25, swapped=faces, reason="" if faces else state, box=FACE.box if faces else None)
    return MergedFrame(Frame(index, index / 25, plate), record, [patch] * faces, None, laid)


def filled(states: list[str], limit: int = 2, plates=None) -> list[int]:
    plates = plates or {}
    items = [frame(k, state, plates.get(k, PLATE)) for k, state in enumerate(states)]
    made = list(bridged((item for item in items), limit, Clock()))
    assert [item.frame.index for item in made] == list(range(len(states)))
    for item in made:
        assert bool(item.patches) == bool(item.record.swapped)
    return [item.frame.index for item in made if item.record.bridged]


@pytest.mark.parametrize("limit, gap", [(0, 1), (1, 1), (1, 2), (2, 1), (2, 2), (2, 3), (5, 5)])
def test_a_gap_is_filled_whole_or_not_at_all(limit, gap):
    states = ["x"] * 3 + [LOST] * gap + ["x"] * 3
    assert filled(states, limit) == (list(range(3, 3 + gap)) if gap <= limit else [])


def test_gaps_at_either_end_and_for_other_reasons_stay():
    assert filled([LOST, "x", "x", LOST]) == []
    assert filled(["x", "another person", "x"]) == []
    assert filled(["x", LOST, "another person", "x"]) == []
    assert filled(["two", LOST, "two"]) == filled(["x", LOST, "two"]) == []


def test_two_gaps_in_a_row_are_both_filled():
    assert filled(["x", LOST, "x", LOST, LOST, "x"]) == [1, 3, 4]


def test_what_hides_the_face_stays_in_front():
    hidden = PLATE.copy()
    hidden[20:100, 40:110] = 90
    assert filled(["x", LOST, "x"], plates={1: hidden}) == []


def test_a_bridged_frame_shows_the_face_and_says_so():
    (_, item, _) = bridged((frame(k, state) for k, state in enumerate(["x", LOST, "x"])), 2, Clock())
    assert item.record.bridged == item.record.swapped == 1 and item.record.reason == "" and item.chip is None
    assert np.allclose(item.record.box, FACE.box)
    (patch,) = item.patches
    inside = patch.pixels[60 - patch.y, 75 - patch.x]
    assert (inside > 250).all()


def test_no_more_is_held_back_than_the_limit():
    given = []

    def items():
        for k in range(50):
            given.append(k)
            yield frame(k, "x" if k == 0 else LOST)

    for item in bridged(items(), 3, Clock()):
        assert given[-1] - item.frame.index <= 3
