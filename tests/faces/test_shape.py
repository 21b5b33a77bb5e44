"""A person's form: what it leaves out, and what it may change."""

import numpy as np

from semblance.faces.mean_face import mean_face
from semblance.faces.mesh_space import OVAL, with_rim
from semblance.faces.pose import rotation_of
from semblance.faces.shape import own_shape, reshaped
from semblance.faces.wrap import openness

POINTS = 468


def wide_nose():
    face = mean_face().copy()
    for right, left in ((64, 294), (98, 327), (129, 358), (48, 278)):
        face[right, 0] -= 0.04
        face[left, 0] += 0.04
    return face


def test_pose_place_and_size_are_no_form():
    faces = [mean_face() @ rotation_of(yaw, pitch, 7).T * size + 50
             for yaw, pitch, size in ((0, 0, 80), (25, -8, 140), (-30, 5, 60))]  # fmt: skip
    assert np.allclose(own_shape(np.array(faces)), mean_face()[:POINTS], atol=1e-4)


def test_a_wide_nose_stays_wide():
    shape = own_shape(np.array([wide_nose() * 90]))
    assert shape[294, 0] - shape[64, 0] > mean_face()[294, 0] - mean_face()[64, 0] + 0.05


def test_the_form_is_exchanged_in_the_middle_and_not_at_the_outline():
    source, target = wide_nose()[:POINTS], mean_face()[:POINTS]
    points = with_rim(mean_face() @ rotation_of(15, 0, 0).T * 100 + [200, 200, 0])
    none, half, whole = (reshaped(points, source, target, strength) for strength in (0, 0.5, 1.0))
    assert np.array_equal(none, points)
    assert np.allclose(half, (points + whole) / 2, atol=1e-3)
    assert np.abs(whole[list(OVAL)] - points[list(OVAL)]).max() < 1e-3
    assert np.array_equal(whole[POINTS:], points[POINTS:])
    gained = np.linalg.norm(whole[294, :2] - whole[64, :2]) - np.linalg.norm(points[294, :2] - points[64, :2])
    assert 6 < gained < 9  # 0.08 face units of 100 px, seen at 15 degrees


def test_lips_and_lids_open_as_far_as_before():
    source = mean_face()[:POINTS].copy()
    source[[14, 87, 317], 1] += 0.2  # fuller lips than the target's
    source[[145, 374], 1] += 0.05
    points = with_rim(mean_face() * 100 + [200, 200, 0])
    changed = reshaped(points, source, mean_face()[:POINTS], 1.0)
    for hole in ("mouth", "right eye", "left eye"):
        assert abs(openness(changed, hole) - openness(points, hole)) < 0.01


def test_shut_full_lips_become_shut_thin_lips_and_open_ones_stay_open():
    def talking(gap):
        """Ten faces whose lips open from `gap`, as the mesh sees shut ones, to 0.2 more."""
        faces = []
        for opening in np.linspace(0, 0.2, 10):
            face = mean_face().copy()
            face[14, 1] = face[13, 1] + gap + opening
            faces.append(face * 100 + [200, 200, 0])
        return np.array(faces)

    full, thin = talking(0.06), talking(0.01)
    target, source = own_shape(full), own_shape(thin)
    for face, wanted in ((full[0], 0.01), (full[-1], 0.21)):
        points = with_rim(face)
        changed = reshaped(points, source, target, 1.0)
        assert abs((changed[14, 1] - changed[13, 1]) / 100 - wanted) < 0.025
    # the other way round nothing is torn open
    points = with_rim(thin[0])
    changed = reshaped(points, target, source, 1.0)
    assert changed[14, 1] - changed[13, 1] <= points[14, 1] - points[13, 1] + 0.5
