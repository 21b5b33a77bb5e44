"""Laying several new faces into one frame."""

from types import SimpleNamespace

import numpy as np
import pytest

from semblance.create.drawn import DrawnFrame, NewFace
from semblance.create.in_front import within
from semblance.create.job import Record
from semblance.create.render import lay_faces, merge_faces
from semblance.create.steady_faces import steadied
from semblance.create.view import Laid, _filled
from semblance.faces.align import move
from semblance.faces.landmarks import Mesh
from semblance.faces.mean_face import mean_face
from semblance.finish.merge_options import MergeOptions
from semblance.finish.steady_colours import REACH
from semblance.media.native import paste
from semblance.runs import Clock
from semblance.streams import side_by_side
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


def merged(parts: list[NewFace], finder=None, **options):
    frame = Frame(0, 0.0, np.full((200, 300, 3), 128, np.uint8))
    item = lay_faces(DrawnFrame(frame, Record(0, 0.0), parts), painter(**options), 1.0, Clock())
    item = merge_faces(item, painter(**options), None, finder, 1.0, Clock())
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


class Finder:
    """Finds what it was told, and notes where it was to look."""

    def __init__(self, landmarks: np.ndarray | None) -> None:
        self.landmarks, self.asked = landmarks, []

    def find(self, pixels, centre, side, roll=0.0, aspect=1.0) -> Mesh | None:
        self.asked.append((pixels.shape, centre, side))
        return None if self.landmarks is None else Mesh(self.landmarks)


def test_the_drawn_face_is_looked_for_in_its_crop_and_pulled_onto_the_plates():
    """It has a red lower half, which begins 6 crop pixels (15 of the frame) too low."""
    face = part(150, 80, BLUE)
    face.drawn.crop[54:] = RED
    there = face.face.landmarks.copy()
    there[:, :2] = move(there[:, :2], face.drawn.matrix)
    finder = Finder(there + np.float32([0, 6, 0]))
    plain = merged([face])[1]
    pulled = merged([face], finder, warp=1.0)[1]
    ((shape, centre, side),) = finder.asked
    assert shape == (96, 96, 3) and side > np.ptp(there[:, 1])
    assert np.abs(np.subtract(centre, there[:, :2].mean(0))).max() < 0.01
    begins = [np.flatnonzero(out[:, 150, 0] > out[:, 150, 2])[0] for out in (plain, pulled)]
    assert begins[0] - begins[1] == pytest.approx(15, abs=1.5)
    assert np.array_equal(merged([face], Finder(None), warp=1.0)[1], plain)


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


def drawn_frames(first: int, stop: int):
    """Frames of a plate whose light trembles, each with one face that the model draws grey."""
    for index in range(max(first, 0), stop):
        grain = np.random.default_rng(index).normal(0, 4, (200, 300, 3))
        light = 150 + 2 * np.sin(3 * index)
        frame = Frame(index, index / 25, np.clip(light + grain, 0, 255).astype(np.uint8))
        yield DrawnFrame(frame, Record(index, index / 25), [part(150, 80, np.float32([0.4, 0.4, 0.4]))])


def rendered(start: int, stop: int, workers: int, reach: int = REACH) -> list[np.ndarray]:
    """The patches of frames [start, stop), with neighbours drawn beyond both ends, as `render` does it."""
    artist, drawn = painter(colour="mean"), drawn_frames(start - reach, stop + reach)
    laid = side_by_side(lambda item: lay_faces(item, artist, 1.0, Clock()), drawn, workers)
    steady = steadied(laid, artist, range(start, stop), reach)
    merged = side_by_side(lambda item: merge_faces(item, artist, None, None, 1.0, Clock()), steady, workers)
    items = list(merged)
    assert [item.frame.index for item in items] == list(range(start, stop))
    return [item.patches[0].pixels for item in items]


def test_colours_are_the_same_whatever_the_workers_and_the_segments():
    whole = rendered(0, 20, workers=1)
    assert all(np.array_equal(a, b) for a, b in zip(whole, rendered(0, 20, workers=3), strict=True))
    pieces = rendered(0, 7, workers=2) + rendered(7, 20, workers=2)
    assert all(np.array_equal(a, b) for a, b in zip(whole, pieces, strict=True))


def test_colours_are_steadied_on_their_way_to_the_merge():
    tremble = [np.std([np.median(patch) for patch in rendered(0, 20, 2, reach)]) for reach in (0, REACH)]
    assert tremble[1] < 0.7 * tremble[0]
