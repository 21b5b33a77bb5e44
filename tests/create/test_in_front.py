"""What a model in mesh space learns from: a face without what stands before it."""

import numpy as np

from semblance.create.in_front import bare_with, over_the_edge
from semblance.faces.align import crop_matrix, move
from semblance.faces.mask import hull_mask
from semblance.faces.mean_face import mean_face

SIDE = 200


class _Net:
    """Says that the left half of its picture, and all beyond the face, is no face; unsure of a stripe."""

    size = 128

    def __call__(self, crops):
        found = np.ones(crops.shape[:3], np.float32)
        found[:, :, : self.size // 2] = 0
        found[:, 90:100, 70:] = 0.6
        return found


def _landmarks():
    points = mean_face() * 100
    points[:, :2] += SIDE / 2
    return points.astype(np.float32)


def test_only_what_is_surely_bare_counts_and_beyond_the_outline_all():
    landmarks = _landmarks()
    bare = bare_with(_Net())(np.zeros((SIDE, SIDE, 3), np.uint8), landmarks)
    assert bare.shape == (SIDE, SIDE) and bare.dtype == np.float32
    matrix = crop_matrix(landmarks, _Net.size, "face")
    rows, columns = np.mgrid[0:SIDE, 0:SIDE]
    x, y = move(np.stack([columns.ravel(), rows.ravel()], 1), matrix).T.reshape(2, SIDE, SIDE)
    well_inside = hull_mask(((landmarks[:, :2] - SIDE / 2) * 0.7 + SIDE / 2).astype(np.float32), (SIDE, SIDE)) > 0.5
    assert bare[well_inside & (x < 60)].max() < 0.03
    assert bare[well_inside & (x > 70) & (y < 85)].min() > 0.98
    assert bare[well_inside & (x > 75) & (y > 92) & (y < 98)].max() < 0.03
    assert bare[hull_mask(landmarks[:, :2], (SIDE, SIDE)) == 0].min() > 0.6
    assert bare[0, 0] == bare[-1, 0] == 1


class _Mouth:
    """Takes a spot amid the face, and a bar that comes in from below, for no face."""

    size = 128

    def __call__(self, crops):
        found = np.ones(crops.shape[:3], np.float32)
        found[:, 84:94, 56:72] = 0
        found[:, 60:, 96:104] = 0
        return found


def test_a_spot_amid_the_face_is_its_mouth_and_a_bar_across_it_is_not():
    landmarks = _landmarks()
    bare = bare_with(_Mouth())(np.zeros((SIDE, SIDE, 3), np.uint8), landmarks)
    corner, size = crop_matrix(landmarks, _Mouth.size, "face"), (SIDE, SIDE)
    rows, columns = np.mgrid[0:SIDE, 0:SIDE]
    x, y = move(np.stack([columns.ravel(), rows.ravel()], 1), corner).T.reshape(2, *size)
    assert bare[(abs(x - 64) < 6) & (abs(y - 89) < 4)].min() > 0.95
    well_inside = hull_mask((landmarks[:, :2] - SIDE / 2) * 0.7 + SIDE / 2, size) > 0.5
    assert bare[well_inside & (abs(x - 100) < 3) & (y > 65)].max() < 0.05


def test_what_covers_a_cheek_goes_on_over_its_edge_and_background_beside_it_does_not_count():
    points = move(_landmarks()[:, :2], crop_matrix(_landmarks(), 128, "face"))
    face = hull_mask(points, (128, 128))  # to the net all beyond is no face
    assert over_the_edge(face, points).min() > 0.98
    hand = face * (np.arange(128) > 40)
    found = over_the_edge(hand, points)
    assert found[64, 5:38].max() < 0.05 and found[64, 50:].min() > 0.95
    assert over_the_edge(np.zeros_like(face), points).max() < 0.01
    assert over_the_edge(face, points + 500).min() == 1  # a face out of the picture
