"""Planes of the mean face: where they lie, how soft they are."""

import json

import numpy as np
import pandas as pd
import pytest

from semblance.errors import FacesetError
from semblance.faces.align import crop_matrix, cut_from, move
from semblance.faces.mean_face import mean_face
from semblance.faceset.planes import face_plane, features_plane, make_planes
from semblance.faceset.store import Faceset


@pytest.fixture(scope="module")
def face():
    """(478, 3) the mean face in a frame."""
    face = mean_face().copy()
    face[14, 1] += 0.1  # its mouth a little open
    return face * 120 + [200, 150, 0]


def points(face, side):
    return move(face[:, :2], crop_matrix(face, side))


def test_the_mask_holds_every_point_and_leaves_the_corners(face):
    plane = face_plane(points(face, 128), 128)
    assert plane.shape == (128, 128) and plane.dtype == np.uint8
    at = np.rint(points(face, 128)).astype(int)
    inside = ((at > 1) & (at < 126)).all(1)
    assert (plane[at[inside, 1], at[inside, 0]] > 0).mean() > 0.98
    assert not plane[[0, 0, -1, -1], [0, -1, 0, -1]].any()


def test_features_are_eyes_and_mouth_and_nothing_else(face):
    at = points(face, 128)
    plane = features_plane(at, 128)
    assert plane.max() == 255
    for pair in ((159, 145), (386, 374), (13, 14)):
        x, y = np.rint(at[list(pair)].mean(0)).astype(int)
        assert plane[y, x] > 128
    for point in (4, 10, 152, 50, 280, 168):  # nose, forehead, chin, cheeks, bridge
        x, y = np.clip(np.rint(at[point]).astype(int), 0, 127)
        assert plane[y, x] == 0
    assert not plane[face_plane(at, 128) == 0].any()
    assert 0.01 < (plane > 128).mean() < 0.08


def test_planes_of_a_faceset_are_drawn_at_the_size_asked_for(face, tmp_path):
    rows = [
        {"name": f"{n}.png", "landmarks": (face + np.array([5 * n, 0, 0])).astype(np.float32).ravel(),
         "matrix": crop_matrix(face, 256).ravel(), "kept": n != 1}
        for n in range(3)
    ]  # fmt: skip
    options = {"clips": [], "coverage": "face", "size": 256}
    (tmp_path / "options.json").write_text(json.dumps(options), encoding="utf-8")
    planes = make_planes(Faceset(tmp_path, pd.DataFrame(rows)), 64, ("mask", "features"))
    assert {name: plane.shape for name, plane in planes.items()} == {"mask": (2, 64, 64), "features": (2, 64, 64)}
    expected = face_plane((points(face, 256) + 0.5) / 4 - 0.5, 64)
    assert np.abs(planes["mask"][0].astype(int) - expected).mean() < 0.5
    assert not np.array_equal(planes["mask"][0], planes["mask"][1])
    assert make_planes(Faceset(tmp_path, pd.DataFrame(rows)), 64, ()) == {}
    eyes = make_planes(Faceset(tmp_path, pd.DataFrame(rows)), 64, ("eyes",))["eyes"]
    assert eyes.shape == (2, 64, 64) and 0.005 < (eyes > 128).mean() < 0.1


def test_planes_of_a_part_of_what_is_stored_lie_on_that_part(face, tmp_path):
    """A faceset that shows the head, and a model that is shown the face of it."""
    row = {"name": "0.png", "landmarks": face.astype(np.float32).ravel(), "kept": True,
           "matrix": crop_matrix(face, 256, "head").ravel()}  # fmt: skip
    (tmp_path / "options.json").write_text(json.dumps({"clips": [], "coverage": "head", "size": 256}), "utf-8")
    found = make_planes(Faceset(tmp_path, pd.DataFrame([row])), 64, ("mask",), "face")["mask"][0]
    _, whole = cut_from("head", 256, "face")
    expected = face_plane((move(face[:, :2], crop_matrix(face, whole)) + 0.5) * (64 / whole) - 0.5, 64)
    assert np.abs(found.astype(int) - expected).mean() < 0.5


def test_what_nobody_can_draw_is_refused(tmp_path):
    with pytest.raises(FacesetError, match="There is no plane 'ears'"):
        make_planes(Faceset(tmp_path, pd.DataFrame()), 64, ("ears",))
