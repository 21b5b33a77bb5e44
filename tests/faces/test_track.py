"""Tracking on real clips: every face found, tracks kept, small faces, many faces, nothing where there is nothing."""

from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pytest

from semblance.faces.detect import Box, FaceDetector, distinct, overlap
from semblance.faces.track import FaceTracker
from semblance.media.probe import probe
from semblance.media.read import read_frames


@pytest.fixture(scope="module")
def clip(grid) -> list[np.ndarray]:
    return [frame.pixels for frame in read_frames(probe(grid / "lrwp9a.mpg"))]


@pytest.fixture(scope="module")
def other(grid) -> list[np.ndarray]:
    return [frame.pixels for frame in read_frames(probe(grid / "bbaf2n.mpg"))]


def test_every_frame_has_its_face_and_one_track(clip):
    tracker = FaceTracker()
    faces = [tracker.step(pixels) for pixels in clip]
    assert all(len(found) == 1 for found in faces)
    assert {found[0].track for found in faces} == {0}
    assert all(abs(angle) < 15 for found in faces for angle in found[0].pose)


def test_a_restarted_tracker_sees_the_same(clip):
    tracker = FaceTracker()
    first = [tracker.step(pixels)[0].landmarks for pixels in clip[:5]]
    tracker.restart()
    again = [tracker.step(pixels)[0].landmarks for pixels in clip[:5]]
    assert all(np.array_equal(one, two) for one, two in zip(first, again))


def test_two_people_keep_their_tracks(clip, other):
    tracker = FaceTracker()
    places = []
    for left, right in zip(clip[:20], other[:20]):
        found = sorted(tracker.step(np.hstack([left, right])), key=lambda face: face.box[0])
        assert len(found) == 2
        places.append([face.track for face in found])
    assert all(place == places[0] for place in places)


def test_a_small_face_is_found(clip):
    canvas = np.full((720, 1280, 3), 90, np.uint8)
    small = cv2.resize(clip[0], None, fx=0.3, fy=0.3, interpolation=cv2.INTER_AREA)
    canvas[400 : 400 + small.shape[0], 900 : 900 + small.shape[1]] = small
    (face,) = FaceTracker().step(canvas)
    x0, y0, x1, y1 = face.box
    assert 900 < x0 < x1 < 900 + small.shape[1] and 400 < y0 < y1 < 400 + small.shape[0]
    assert face.size < 50


def test_landmarks_do_not_depend_on_the_frames_size(clip):
    small = FaceTracker().step(clip[0])[0].landmarks[:, :2]
    large = FaceTracker().step(cv2.resize(clip[0], (1080, 864), interpolation=cv2.INTER_CUBIC))[0].landmarks[:, :2]
    scaled = (small + 0.5) * 3 - 0.5
    assert np.abs(scaled - large).mean() / 3 < 1.5


def test_anamorphic_frames_give_the_same_pose(clip):
    squeezed = cv2.resize(clip[0], (180, 288), interpolation=cv2.INTER_AREA)
    assert np.allclose(FaceTracker(aspect=2.0).step(squeezed)[0].pose, FaceTracker().step(clip[0])[0].pose, atol=4)


def test_a_face_that_leaves_and_comes_back_is_found_again(clip):
    tracker, empty = FaceTracker(), np.full_like(clip[0], 128)
    tracker.step(clip[0])
    assert tracker.step(empty) == []
    found = [tracker.step(pixels) for pixels in clip[1:4]]
    assert found[0] and found[0][0].track == 1


def test_no_face_in_noise():
    tracker = FaceTracker()
    noise = np.random.default_rng(0).integers(0, 256, (5, 240, 320, 3), np.uint8)
    assert all(tracker.step(pixels) == [] for pixels in noise)
    assert tracker.step(np.zeros((1, 1, 3), np.uint8)) == []


def test_boxes_that_cover_each_other_are_one():
    one, same, apart = Box(0, 0, 10, 10, 0.9), Box(1, 1, 9, 9, 0.8), Box(20, 0, 30, 10, 0.5)
    assert overlap(one, same) == 1 and overlap(one, apart) == 0
    assert distinct([same, apart, one]) == [one, apart]


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads of native code are counted on Linux only")
def test_a_closed_tracker_gives_its_threads_back(clip):
    def threads() -> int:
        return len(list(Path("/proc/self/task").iterdir()))

    def use_one() -> None:
        with closing(FaceTracker()) as tracker:
            assert len(tracker.step(clip[0])) == 1

    use_one()  # what the libraries keep for the whole process is started now
    before = threads()
    for _ in range(5):
        use_one()
    assert threads() <= before


def test_a_tracker_closes_only_what_it_made(clip):
    detector = FaceDetector()
    for _ in range(2):
        tracker = FaceTracker(detector=detector)
        tracker.close()
        tracker.close()
    assert len(detector.find(clip[0])) == 1
    detector.close()


def test_a_frame_as_thin_as_a_thread_has_no_face():
    detector = FaceDetector()
    assert detector.find(np.zeros((20, 20000, 3), np.uint8), thorough=True) == []
    assert detector.find(np.zeros((20000, 20, 3), np.uint8)) == []
    detector.close()
