"""The shipped head: subdivision by closed forms, a sound surface, and movements that do what they are called."""

from dataclasses import replace

import numpy as np
import pytest

from semblance.errors import ModelError
from semblance.faces.face_triangles import POINTS, face_triangles
from semblance.faces.landmarks import MeshFinder
from semblance.people.body import FACE, GUMS, IRIS, TEETH
from semblance.people.builtin import HEAD, builtin_body, read_measures
from semblance.people.control import follow, growth, jaw_motion, sculpt
from semblance.people.head_parts import ears, mouth_parts
from semblance.people.person import draw_person
from semblance.people.render import Actor, Moment
from semblance.people.scene import draw_scene
from semblance.people.skin import LIPS_INNER, LIPS_OUTER, LOWER_LIDS, UPPER_LIDS
from semblance.people.subdivide import boundary_loops, subdivide
from semblance.people.twins import mirror_twins

BODY = builtin_body()


def at(name: str) -> np.ndarray:
    """(468, 3) the mean's landmarks with one expression at full weight."""
    return BODY.landmarks(BODY.mean + BODY.expression[BODY.expressions.index(name)])[:POINTS]


def edges_of(triangles: np.ndarray) -> np.ndarray:
    return np.unique(np.sort(np.stack([triangles, np.roll(triangles, -1, 1)], 2).reshape(-1, 2), 1), axis=0)


def lattice(side: int) -> tuple[np.ndarray, np.ndarray]:
    """A sheet of side x side places on a regular triangular lattice."""
    i, j = (v.ravel() for v in np.mgrid[0:side, 0:side])
    points = np.stack([j + 0.5 * i, i * np.sqrt(0.75), 0 * i], 1)
    a = (i * side + j).reshape(side, side)[:-1, :-1].ravel()
    triangles = np.concatenate([np.stack([a, a + 1, a + side], 1), np.stack([a + 1, a + side + 1, a + side], 1)])
    return points, triangles


def test_subdivision_keeps_constants_and_flat_sheets_flat():
    points, triangles = lattice(6)
    level = subdivide(triangles, len(points))
    assert len(level.triangles) == 4 * len(triangles)
    assert np.allclose(level.weight.sum(1), 1, atol=1e-6)
    fine = level(points)
    assert np.allclose(fine[:, 2], 0)
    assert np.allclose(level(np.full((len(points), 2), 7.0)), 7, atol=1e-5)
    corners = fine[level.triangles]
    area = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])[:, 2]
    assert (area > 0).all()


def test_subdivision_has_loops_weights_and_keeps_a_regular_lattice_in_place():
    points, triangles = lattice(6)
    level = subdivide(triangles, len(points))
    middle = 2 * 6 + 2  # six neighbours
    weights = dict(zip(level.index[middle].tolist(), level.weight[middle].tolist(), strict=True))
    assert weights[middle] == pytest.approx(5 / 8)
    assert sorted(weights.values())[-7:-1] == pytest.approx([1 / 16] * 6)
    assert np.allclose(level(points)[middle], points[middle], atol=1e-6)
    rows = [sorted(w for w in row if w) for row in level.weight[len(points) :].tolist()]
    assert [1 / 8, 1 / 8, 3 / 8, 3 / 8] in rows and [0.5, 0.5] in rows
    edge = 2  # on the sheet's straight edge: its own neighbours along it only
    assert sorted(level.weight[edge][level.weight[edge] > 0]) == pytest.approx([1 / 8, 1 / 8, 3 / 4])


def test_a_mesh_that_is_no_oriented_surface_is_refused():
    with pytest.raises(ValueError, match="same direction"):
        subdivide(np.array([[0, 1, 2], [0, 1, 3]]), 4)


def test_the_face_is_a_disc_with_three_holes():
    triangles = face_triangles()
    assert len(triangles) == 852 and set(triangles.ravel()) == set(range(POINTS))
    assert POINTS - len(edges_of(triangles)) + len(triangles) == 1 - 3
    assert sorted(len(loop) for loop in boundary_loops(triangles)) == [16, 16, 20, 36]


def test_control_mesh_is_one_surface_open_at_the_bust_and_behind_the_eyes():
    control = sculpt(read_measures().sculpt)
    count, faces = len(control.points), len(control.triangles)
    assert sorted(len(loop) for loop in boundary_loops(control.triangles)) == [16, 16, 36]
    assert count - len(edges_of(control.triangles)) + faces == 2 - 3  # a ball with three holes
    assert (control.uv >= 0).all() and (control.uv <= 1).all()


def test_the_surface_looks_outwards_and_has_no_degenerate_triangles():
    corners = BODY.mean[BODY.triangles].astype(np.float64)
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(normal, axis=1) / 2
    assert area.min() > 1e-7
    middle = corners.mean(1)
    skull = middle[:, 1] > 6  # above ears and lids a head is nearly a ball
    outwards = ((middle - [0, 4.5, 0.5]) * normal).sum(1) > 0
    assert skull.sum() > 2000 and outwards[skull].all()
    for part in [*ears(), *mouth_parts(np.zeros(3))]:
        c = part.vertices[part.triangles]
        volume = np.einsum("tc,tc->t", c[:, 0], np.cross(c[:, 1], c[:, 2])).sum() / 6
        edges = edges_of(part.triangles)
        assert volume > 0 and len(part.vertices) - len(edges) + len(part.triangles) in (0, 2)


def test_everything_it_is_made_of_is_there_and_finite():
    assert {FACE, GUMS, TEETH} <= set(BODY.material.tolist())
    for array in (BODY.mean, BODY.identity, BODY.expression, BODY.uv, BODY.eyeballs, BODY.eye_identity):
        assert np.isfinite(array).all()
    assert (BODY.uv >= 0).all() and (BODY.uv <= 1).all()
    assert BODY.triangles.max() < len(BODY.mean) and BODY.landmark_vertices.shape == (478, 3)
    assert BODY.mean[:, 1].min() < -18 and 13 < BODY.mean[:, 1].max() < 16
    assert np.allclose(BODY.eyeballs.mean(0), [0, 3.6, 8.0], atol=0.15)


def test_left_and_right_mirror_each_other():
    twins = mirror_twins()
    points = BODY.landmarks(BODY.mean)[:POINTS]
    assert np.abs(points[twins] * [-1, 1, 1] - points).max() < 0.12  # the mesh's own triangles are not all mirrored
    blink = at("eyeBlink_L") - points
    other = at("eyeBlink_R") - points
    assert np.abs(blink[twins] * [-1, 1, 1] - other).max() < 0.25
    far = BODY.mean[np.abs(BODY.mean[:, 1]) < 12]
    assert far[:, 0].max() == pytest.approx(-far[:, 0].min(), abs=0.05)


def test_every_expression_moves_something_and_is_called_as_on_the_other_body():
    moved = np.linalg.norm(BODY.expression, axis=2).max(1)
    assert len(BODY.expressions) >= 53 and (moved > 0.02).all()
    assert {"jawOpen", "eyeBlink_L", "mouthSmile_R", "mouthPucker", "browInnerUp_L"} <= set(BODY.expressions)


def test_a_blink_moves_no_lips_and_brings_the_lids_together():
    rest, closed = BODY.landmarks(BODY.mean)[:POINTS], at("eyeBlink_L")
    lips = list({*LIPS_OUTER, *LIPS_INNER})
    assert np.abs(closed[lips] - rest[lips]).max() < 0.02
    assert np.abs(closed[list(UPPER_LIDS[0])] - rest[list(UPPER_LIDS[0])]).max() < 0.02  # the other eye stays
    for top, low in list(zip(UPPER_LIDS[1], LOWER_LIDS[1], strict=True))[2:-2]:
        assert rest[top, 1] - rest[low, 1] > 0.3 and closed[top, 1] - closed[low, 1] < 0.05


def test_the_jaw_opens_the_mouth_and_takes_the_lower_teeth_along():
    rest, wide = BODY.landmarks(BODY.mean)[:POINTS], at("jawOpen")
    assert np.linalg.norm(rest[13] - rest[14]) < 0.1  # closed at rest
    assert wide[13, 1] - wide[14, 1] > 2
    assert np.abs(wide[[33, 133, 263, 362, 10]] - rest[[33, 133, 263, 362, 10]]).max() < 0.1
    teeth = np.unique(BODY.triangles[BODY.material == TEETH])
    moved = BODY.expression[BODY.expressions.index("jawOpen")][teeth, 1]
    lower = BODY.mean[teeth, 1] < -4.2
    upper = BODY.mean[teeth, 1] > -2.9
    assert lower.sum() > 100 and (moved[lower] < -0.8).all() and (moved[upper] == 0).all()
    smile = BODY.expression[BODY.expressions.index("mouthSmile_L")][teeth]
    assert (smile == 0).all()


def test_a_jaw_that_turns_is_found_again():
    face = read_measures().sculpt
    turn = 0.05 * np.stack([0 * face[:, 0], -(face[:, 2] - 2), face[:, 1] + 1], 1)  # about x, through (., -1, 2)
    places = np.array([[0.0, -4.0, 9.0], [2.0, -5.0, 6.0]])
    wanted = 0.05 * np.stack([0 * places[:, 0], -(places[:, 2] - 2), places[:, 1] + 1], 1)
    assert np.allclose(jaw_motion(face, turn[None], np.array([True]), places)[0], wanted, atol=1e-9)
    assert (jaw_motion(face, turn[None], np.array([False]), places) == 0).all()


def test_the_head_grows_with_its_face():
    control = sculpt(read_measures().sculpt)
    shifted = follow(control, np.tile([0.3, -0.2, 0.1], (1, POINTS, 1)))[0]
    assert np.allclose(shifted, [0.3, -0.2, 0.1], atol=1e-9)
    larger = 0.1 * (control.face - control.face.mean(0))
    grown = growth(control.face, larger[None], control.points[POINTS:])[0]
    assert np.allclose(grown, 0.1 * (control.points[POINTS:] - control.face.mean(0)), atol=1e-9)


def test_identity_axes_are_orthogonal_and_sorted_and_the_file_is_small():
    axes = read_measures().identity.reshape(len(BODY.identity), -1)
    size = np.linalg.norm(axes, axis=1)
    assert len(axes) == 40 and HEAD.stat().st_size < 1_900_000
    assert size[0] > 5 * size[-1] > 0


def test_the_same_person_is_the_same_bytes():
    identity = draw_person(3).identity
    again = builtin_body.__wrapped__()
    assert BODY.shape(identity).tobytes() == again.shape(identity).tobytes()
    assert BODY.shape(identity).tobytes() != BODY.shape(draw_person(4).identity).tobytes()


def test_a_missing_or_damaged_head_is_one_sentence(tmp_path):
    with pytest.raises(ModelError, match="people fit"):
        builtin_body(tmp_path / "none.npz")
    (tmp_path / "bad.npz").write_bytes(b"PK\x03\x04 broken")
    with pytest.raises(ModelError, match="fit it again"):
        builtin_body(tmp_path / "bad.npz")
    np.savez(tmp_path / "other.npz", mean=np.zeros(3))
    with pytest.raises(ModelError, match="lacks"):
        builtin_body(tmp_path / "other.npz")


def test_the_landmarker_finds_it_in_every_pose():
    finder = MeshFinder()
    try:
        for number, yaw in enumerate(np.linspace(-45, 45, 10)):
            if number % 5 == 0:
                actor = Actor(replace(draw_person(50 + number), beard=0.0), BODY, draw_scene(number), (224, 224))
            weights = np.zeros(len(BODY.expressions), np.float32)
            weights[BODY.expressions.index("jawOpen")] = 0.3 * (number % 2)
            moment = Moment(weights, (yaw, 12 * np.cos(number), 0), (0, 0, 0), (0, 0))
            shot = actor.shoot(moment)
            mesh = finder.find(shot.pixels, (112, 112), 200)
            assert mesh is not None, f"not found at yaw {yaw}"
            seen = shot.visible & ~np.isin(np.arange(478), list(IRIS))
            unit = 9.2 * actor.camera.focal / actor.scene.distance
            gap = np.linalg.norm(mesh.landmarks[seen, :2] - shot.landmarks[seen, :2], axis=1)
            assert gap.mean() < 0.08 * unit
    finally:
        finder.close()
