"""What comes before a face: free at first, there for most of the clip, smooth, the same from the same seed."""

import numpy as np
import pytest

from semblance.errors import ModelError
from semblance.people.blob import blob
from semblance.people.body import OCCLUDER
from semblance.people.clothes import worn_colour
from semblance.people.hand import hand
from semblance.people.occluders import KINDS, draw_occluder
from semblance.people.person import draw_person
from semblance.people.raster import shadow_depth
from semblance.people.skin import skin_tone

from .madeup import egg_body

FRAMES, RATE, STILL = 60, 25.0, ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0))


@pytest.fixture(scope="module")
def marks():
    body = egg_body()
    return body.landmarks(body.mean)


def covered(layers, marks):
    """(478,) bool: points with something nearer to the camera straight before them, 12 to a cm."""
    picture = np.full((700, 700), -99.0, np.float32)
    for layer in layers:
        shadow_depth((layer.vertices * [12, -12, 1] + [350, 350, 0]).astype(np.float32), layer.triangles, picture)
    at = np.rint(marks[:, :2] * 12 * [1, -1] + [350, 350]).astype(int)
    return picture[at[:, 1], at[:, 0]] > marks[:, 2]


@pytest.mark.parametrize("kind", KINDS)
def test_face_is_free_at_first_and_covered_in_half_of_the_frames(marks, kind):
    for seed in range(3):
        occluder = draw_occluder(seed, kind, FRAMES, RATE, draw_person(seed), marks)
        hidden = [covered(occluder.layers(frame, *STILL), marks[:468]).sum() for frame in range(0, FRAMES, 3)]
        assert hidden[0] <= (8 if kind == "strand" else 0)  # a lock hangs at the temple
        least = 5 if kind == "strand" else 15
        assert np.mean(np.array(hidden) >= least) >= 0.5, hidden
        assert hidden[-1] < max(hidden)


@pytest.mark.parametrize("kind", KINDS)
def test_motion_is_smooth_and_repeats(marks, kind):
    one, again = (draw_occluder(5, kind, FRAMES, RATE, draw_person(5), marks) for _ in range(2))
    before = None
    for frame in range(FRAMES):
        layers, same = one.layers(frame, *STILL), again.layers(frame, *STILL)
        assert all((a.vertices == b.vertices).all() for a, b in zip(layers, same, strict=True))
        for layer in layers:
            assert layer.material == OCCLUDER and layer.vertices.dtype == np.float32
            assert np.isfinite(layer.vertices).all() and len(layer.uv) == len(layer.vertices) == len(layer.colour)
        if layers and before:
            assert max(np.abs(a.vertices - b.vertices).max() for a, b in zip(layers, before, strict=True)) < 6.5
        before = layers
    assert sum(len(layer.triangles) for layer in one.layers(30, *STILL)) < 20_000


def test_it_goes_with_the_head(marks):
    for kind in KINDS:
        occluder = draw_occluder(2, kind, FRAMES, RATE, draw_person(2), marks)
        still, moved = (occluder.layers(30, (0, 0, 0), (x, 0, 0))[0].vertices for x in (0.0, 2.0))
        assert 1.0 < (moved - still)[:, 0].mean() < 2.01


def test_nothing_of_the_hand_is_inside_the_face(marks):
    for seed in range(4):
        layer = draw_occluder(seed, "hand", FRAMES, RATE, draw_person(seed), marks).layers(30, *STILL)[0]
        apart = ((layer.vertices[:, None, :2] - marks[None, :468, :2]) ** 2).sum(2)
        near = apart.argmin(1)
        over = np.sqrt(apart.min(1)) < 0.3
        assert over.sum() > 100
        assert (layer.vertices[over, 2] > marks[near[over], 2] - 0.35).all()


def test_the_hand_has_five_fingers_and_its_owners_skin():
    person = draw_person(11)
    tone = skin_tone(person.melanin, person.ruddy)
    layer = hand(tone, np.array([0.0, 0.0, 0.9]), np.random.default_rng(1))
    skin = layer.vertices[layer.colour[:, 2] < 0.8]
    finger_tips = np.unique(np.digitize(skin[skin[:, 1] > 13.0, 0], [-2.2, 0.0, 2.2]))
    assert len(finger_tips) >= 3 and skin[:, 0].max() > 5.0  # fingers side by side, and the thumb out
    own = np.median(layer.colour[: len(skin)], 0)
    assert np.abs(own / tone - 1).max() < 0.25


def test_the_sleeve_is_of_the_clothes(marks):
    for seed in range(3):
        person = draw_person(seed)
        layer = draw_occluder(seed, "hand", FRAMES, RATE, person, marks).layers(30, *STILL)[0]
        assert np.allclose(layer.colour[-1], worn_colour(person), atol=1e-6)


def test_a_blob_of_a_ball_is_the_ball():
    vertices, triangles = blob(lambda p: np.linalg.norm(p, axis=1) - 2.0, np.full(3, -3.0), np.full(3, 3.0), 0.2)
    assert np.abs(np.linalg.norm(vertices, axis=1) - 2).max() < 0.06
    corners = vertices[triangles]
    volume = (corners[:, 0] * np.cross(corners[:, 1], corners[:, 2])).sum() / 6
    assert volume == pytest.approx(4 / 3 * np.pi * 8, rel=0.02)  # positive: seen from outside
    edges = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), 1)
    assert (np.unique(edges, axis=0, return_counts=True)[1] == 2).all()  # closed


def test_unknown_kinds_are_refused(marks):
    with pytest.raises(ModelError, match="hand, microphone"):
        draw_occluder(0, "umbrella", FRAMES, RATE, draw_person(0), marks)
