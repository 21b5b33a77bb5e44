"""An actor before a camera: the truth agrees with the picture, and nothing depends on chance but the seed."""

import numpy as np
import pytest

from semblance.faces.landmarks import MeshFinder
from semblance.faces.pose import euler
from semblance.measures.truth import REGIONS
from semblance.people.builtin import builtin_body
from semblance.people.film import Take, dressed, film
from semblance.people.performance import PerformanceOptions, draw_performance
from semblance.people.person import draw_person, with_face_of
from semblance.people.render import Moment
from semblance.people.scene import camera_of, draw_scene, paint_background

SIZE = 160


def still(body, pose=(0, 0, 0), gaze=(0, 0), **weights) -> Moment:
    values = np.zeros(len(body.expressions), np.float32)
    for name, value in weights.items():
        for k, known in enumerate(body.expressions):
            if known in (name, f"{name}_L", f"{name}_R"):
                values[k] = value
    return Moment(values, pose, (0, 0, 0), gaze)


def take(seed=3, size=SIZE, **options) -> Take:
    acting = draw_performance(seed, PerformanceOptions(seconds=0.2, speech=False, **options))
    return Take(draw_person(seed), acting, draw_scene(seed), builtin_body(), (size, size))


@pytest.fixture(scope="module")
def actor():
    return dressed(take())


@pytest.fixture(scope="module")
def finder():
    return MeshFinder()


def found(finder, shot):
    mesh = finder.find(shot.pixels, (SIZE / 2, SIZE / 2), SIZE * 0.95)
    assert mesh is not None
    return mesh.landmarks


def test_the_camera_matrix_takes_places_to_the_landmarks(actor):
    moment = still(actor.body, (20, 5, 3))
    places = np.concatenate([actor.landmarks(moment), np.ones((478, 1))], 1)
    shot = actor.shoot(moment)
    flat = places @ shot.camera.T
    assert np.allclose(flat[:, :2] / flat[:, 2:], shot.landmarks[:, :2], atol=1e-2)


@pytest.mark.parametrize("yaw", [-40, -15, 0, 15, 40])
def test_the_face_mesh_finds_the_face_where_it_is(actor, finder, yaw):
    shot = actor.shoot(still(actor.body, (yaw, 0, 0)))
    points = found(finder, shot)
    eyes = np.linalg.norm(shot.landmarks[33, :2] - shot.landmarks[263, :2]) / np.cos(np.radians(yaw))
    off = np.linalg.norm(points[:468, :2] - shot.landmarks[:468, :2], axis=1)
    assert np.median(off) < 0.1 * eyes
    assert abs(euler(points)[0] - yaw) < 10
    assert abs(euler(shot.landmarks)[0] - yaw) < 8


@pytest.mark.parametrize(("pose", "axis", "sign"), [((0, 12, 0), 1, 1), ((0, -12, 0), 1, -1), ((0, 0, 10), 2, 1)])
def test_poses_turn_as_types_says(actor, pose, axis, sign):
    rest, turned = (euler(actor.shoot(still(actor.body, p)).landmarks)[axis] for p in ((0, 0, 0), pose))
    assert sign * (turned - rest) == pytest.approx(abs(pose[axis]), abs=4)


def test_regions_lie_where_the_landmarks_say(actor):
    shot = actor.shoot(still(actor.body, jawOpen=0.6))

    def code(point):
        x, y = np.rint(shot.landmarks[point, :2]).astype(int)
        return shot.regions[y, x]

    assert code(468) == code(473) == REGIONS["eyes"]
    assert code(17) in (REGIONS["lips"], REGIONS["skin"])
    assert code(50) == code(280) == REGIONS["skin"]
    middle = np.rint(shot.landmarks[[13, 14], :2].mean(0)).astype(int)
    assert shot.regions[middle[1], middle[0]] == REGIONS["mouth"]
    assert (shot.regions == REGIONS["lips"]).sum() > 20
    assert shot.regions[2, 2] == REGIONS["background"]
    assert shot.regions[-2, SIZE // 2] == REGIONS["clothes"]


def test_a_turned_head_hides_its_far_side(actor):
    shot = actor.shoot(still(actor.body, (50, 0, 0)))  # towards the picture's right: that cheek goes out of sight
    assert not shot.visible[454] and shot.visible[50]
    front = actor.shoot(still(actor.body))
    assert front.visible[[4, 50, 280, 152, 33, 263]].all()


def test_lids_close_and_the_mouth_opens(actor):
    rest, shut = (actor.landmarks(still(actor.body, eyeBlink=v)) for v in (0, 1))
    for upper, lower in ((159, 145), (386, 374)):
        assert shut[upper, 1] - shut[lower, 1] < 0.15 * (rest[upper, 1] - rest[lower, 1]) + 0.05
    opened = actor.landmarks(still(actor.body, jawOpen=1))
    assert (opened[13, 1] - opened[14, 1]) - (rest[13, 1] - rest[14, 1]) > 2.0


def test_eyes_look_where_the_gaze_says(actor):
    middle = [actor.landmarks(still(actor.body, gaze=gaze))[468] for gaze in ((0, 0), (20, 0), (0, 15))]
    assert middle[1][0] - middle[0][0] > 0.3  # to the picture's right
    assert middle[2][1] - middle[0][1] > 0.2  # up


def test_the_same_moment_gives_the_same_bytes(actor):
    moment = still(actor.body, (10, 0, 0), jawOpen=0.3)
    first, again = actor.shoot(moment), dressed(take()).shoot(moment)
    assert np.array_equal(first.pixels, again.pixels) and np.array_equal(first.regions, again.regions)


def test_film_comes_in_order_and_is_the_same_from_the_middle():
    whole = list(film(take(seed=5)))
    part = list(film(take(seed=5), start=2))
    assert [row.frame for _, row in whole] == list(range(5))
    assert np.array_equal(whole[2][0].pixels, part[0][0].pixels)
    assert not np.array_equal(whole[0][0].pixels, whole[4][0].pixels)


def test_what_is_held_before_the_face_is_an_occluder():
    body = builtin_body()
    acting = draw_performance(1, PerformanceOptions(seconds=2, speech=False, yaw=5))
    shots = [
        s for s, _ in film(Take(draw_person(1), acting, draw_scene(1), body, (SIZE, SIZE), "hand"), start=20, stop=30)
    ]
    assert max((shot.regions == REGIONS["occluder"]).mean() for shot in shots) > 0.02
    hidden = [(~shot.visible[:468]).mean() for shot in shots]
    assert max(hidden) > 0.1


def test_the_true_swap_is_the_source_in_the_targets_hair_and_clothes():
    source, target = draw_person(1), draw_person(2)
    both = with_face_of(target, source)
    assert np.array_equal(both.identity, source.identity) and both.melanin == source.melanin
    assert both.brow_colour == source.brow_colour and both.beard == source.beard
    assert (both.hair_cut, both.hair_colour, both.clothes, both.wardrobe, both.glasses) == (
        target.hair_cut, target.hair_colour, target.clothes, target.wardrobe, target.glasses,
    )  # fmt: skip


def test_seeds_draw_other_people_and_scenes_and_repeat_themselves():
    assert draw_person(4).to_dict() == draw_person(4).to_dict() != draw_person(5).to_dict()
    assert draw_scene(4).to_dict() == draw_scene(4).to_dict() != draw_scene(5).to_dict()
    assert np.array_equal(paint_background(draw_scene(4), 40, 30), paint_background(draw_scene(4), 40, 30))


def test_a_larger_raster_shows_the_same_view():
    camera = camera_of(draw_scene(1), 100, 100)
    place = np.array([[1.0, 2.0, 5.0]])
    # pixel centres are whole numbers: pixel 0 of the frame holds pixels 0 and 1 of the raster
    assert np.allclose(camera.larger(2).project(place)[0, :2], camera.project(place)[0, :2] * 2 + 0.5)
