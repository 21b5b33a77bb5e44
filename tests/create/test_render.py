"""Laying several new faces into one frame."""

from types import SimpleNamespace

import numpy as np
import pytest

from semblance.create.in_front import within
from semblance.create.job import Record
from semblance.create.render import DrawnFrame, NewFace, lay_faces, merge_faces
from semblance.create.view import Laid, _filled
from semblance.faces.mean_face import mean_face
from semblance.finish.merge import MergeOptions
from semblance.media.native import paste
from semblance.runs import Clock
from semblance.types import Face, Frame

RED, BLUE = np.float32([1, 0, 0]), np.float32([0, 0, 1])


def part(x: float, side: float, colour: np.ndarray, carried: bool = False) -> NewFace:
    """A face of one colour, `side` pixels between the brows' ends, its crop three times as wide."""
    centre, scale = np.array([x, 100.0]), 96 / (3 * side)
    landmarks = mean_face() * side + [*centre, 0]
    matrix = np.column_stack([np.eye(2) * scale, 47.5 - scale * centre])
    drawn = Laid(np.full((96, 96, 3), colour, np.float32), matrix, None)
    return NewFace(Face(landmarks.astype(np.float32)), carried, drawn=drawn)


def painter(**options) -> SimpleNamespace:
    """One whose model draws what it is told to."""
    merge = MergeOptions(**{"colour": "none", **options})
    view = SimpleNamespace(lay=lambda pixels, look, drawn, merge: drawn)
    return SimpleNamespace(view=view, at=lambda frame: merge.settled(), occlusion=None)


def merged(parts: list[NewFace]):
    frame = Frame(0, 0.0, np.full((200, 300, 3), 128, np.uint8))
    item = lay_faces(DrawnFrame(frame, Record(0, 0.0), parts), painter(), 1.0, Clock())
    item = merge_faces(item, painter(), None, None, 1.0, Clock())
    assert (frame.pixels == 128).all()
    return item, paste(frame.pixels, item.patches)


def test_a_face_that_overlaps_another_does_not_wipe_it_out():
    """The larger one is laid last; where it is not, the smaller one stays as it was laid alone."""
    large, small = part(170, 80, BLUE), part(90, 70, RED)
    _, alone = merged([small])
    item, both = merged([large, small])
    assert item.record.swapped == 2
    untouched = np.abs(merged([large])[1].astype(int) - 128).max(2) == 0
    assert (alone[untouched] != 128).any()
    gap = np.abs(both[untouched].astype(int) - alone[untouched])
    assert gap.max() <= 2  # the larger one's edge ends where rounding hides it on grey


@pytest.mark.parametrize(("outside", "carried"), [("large", 0), ("small", 1)])
def test_only_faces_that_were_laid_are_counted(outside, carried):
    """The large face is carried over; which of the two lies outside the frame differs."""
    large, small = part(600 if outside == "large" else 150, 80, BLUE, carried=True), part(90, 60, RED)
    if outside == "small":
        small = part(-400, 60, RED)
    record = merged([large, small])[0].record
    assert (record.swapped, record.carried) == (1, carried)
    assert record.box == (small if outside == "large" else large).face.box


def test_an_outline_in_shares_of_the_crop_is_a_mask_in_the_nets_part_of_it():
    """A square over the middle half of the stored crop, seen by a net that looks at the middle four fifths."""
    square = np.array([[0.25, 0.25], [0.75, 0.25], [0.75, 0.75], [0.25, 0.75]], np.float32)
    mask = _filled(square, 80, 0.8)
    assert mask.shape == (80, 80) and mask[40, 40] == 1 and mask[5, 40] == mask[40, 75] == 0
    assert abs(np.sqrt(mask.sum()) - 50) < 2  # half of 1 in 0.8 of 1 is 50 of 80 pixels; a drawn edge is a pixel wide


def test_the_occlusion_net_is_asked_only_within_the_face():
    points = np.array([[64 + 40 * np.cos(a), 64 + 40 * np.sin(a)] for a in np.linspace(0, 6.28, 60)])
    nothing, half = (within(np.full((128, 128), value, np.float32), points) for value in (0.0, 0.5))
    assert nothing[64, 64] < 0.01 and nothing[5, 5] == 1 and nothing[64, 64 + 45] > 0.98
    assert abs(half[64, 64] - 0.5) < 0.01
    assert within(np.ones((128, 128), np.float32), points).min() == 1
