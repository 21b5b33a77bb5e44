"""Clothes cover the bust, its cut edge and the frame's lower end; spectacles sit before the eyes."""

from dataclasses import replace

import numpy as np
import pytest

from semblance.people.body import BACK, CLOTHES, FACE, GLASSES
from semblance.people.clothes import clothes_layers
from semblance.people.glasses import glasses_layers
from semblance.people.person import draw_person

from .test_hair import BODIES, rays

KINDS = ("round neck", "shirt", "polo neck")


@pytest.fixture(params=range(len(BODIES)), ids=[body.name for body in BODIES], scope="module")
def body(request):
    return BODIES[request.param]


def dressed(seed, kind, body):
    person = replace(draw_person(seed), clothes=kind)
    rest = body.shape(person.identity)
    return rest, clothes_layers(person, body, rest)


def border(body, rest):
    """(N, 3) vertices at the open lower edge of the bust."""
    skin = body.triangles[(body.material == FACE) | (body.material == BACK)]
    welded = body.weld[skin]
    edges = np.sort(np.concatenate([welded[:, [0, 1]], welded[:, [1, 2]], welded[:, [2, 0]]]), 1)
    pairs, counts = np.unique(edges, axis=0, return_counts=True)
    ends = np.unique(pairs[counts == 1])
    places = rest[np.isin(body.weld, ends)]
    return places[places[:, 1] < body.neck[0]]


@pytest.mark.parametrize("kind", KINDS)
def test_arrays_agree(body, kind):
    for seed in (0, 7):
        layers = dressed(seed, kind, body)[1]
        assert sum(len(layer.triangles) for layer in layers) < 14_000
        for layer in layers:
            count = len(layer.vertices)
            assert layer.material == CLOTHES and layer.triangles.max() < count
            for name, shape in (("uv", (count, 2)), ("colour", (count, 3)), ("tangent", (count, 3)), ("cut", (count,)),
                                ("follow", (count,))):  # fmt: skip
                values = getattr(layer, name)
                assert values.shape == shape and values.dtype == np.float32 and np.isfinite(values).all()
            assert not layer.cut.any() and np.isfinite(layer.vertices).all()


@pytest.mark.parametrize("kind", KINDS)
def test_the_cut_edge_of_the_bust_is_covered(body, kind):
    """From the axis of the chest through every place of the edge, cloth comes after skin."""
    for seed in (0, 7, 62):
        rest, layers = dressed(seed, kind, body)
        edge = border(body, rest)
        assert len(edge) > 20
        for place in edge[:: max(1, len(edge) // 40)]:
            start = np.array([0.0, place[1], -1.3])
            way = place - start
            far = np.linalg.norm(way)
            assert rays(layers, start, (way / far)[None])[0] > far - 0.02, (seed, place)


@pytest.mark.parametrize("kind", KINDS)
def test_clothes_go_on_past_the_frame(body, kind):
    vertices = np.concatenate([layer.vertices for layer in dressed(3, kind, body)[1]])
    assert vertices[:, 1].min() <= -40
    low = vertices[vertices[:, 1] < -22]
    assert low[:, 0].min() < -19 and low[:, 0].max() > 19
    shoulders = vertices[(np.abs(vertices[:, 0]) > 14) & (np.abs(vertices[:, 0]) < 16), 1]
    assert -19 < shoulders.max() < -10


@pytest.mark.parametrize("kind", KINDS)
def test_no_cloth_before_the_face(body, kind):
    for seed in (0, 7, 62):
        rest, layers = dressed(seed, kind, body)
        marks = body.landmarks(rest)
        for layer in layers:
            assert layer.vertices[:, 1].max() < marks[152, 1] + 3.0
            front = layer.vertices[layer.vertices[:, 2] > marks[152, 2] - 2, 1]
            assert front.max(initial=-99) < marks[152, 1]


def test_the_same_seed_gives_the_same_clothes(body):
    one, again, other = (dressed(seed, "shirt", body)[1] for seed in (4, 4, 5))
    assert all(
        (a.vertices == b.vertices).all() and (a.colour == b.colour).all() for a, b in zip(one, again, strict=True)
    )
    assert one[0].colour.mean() != other[0].colour.mean()


HALF = (1,)  # hold their lenses from above only


@pytest.mark.parametrize("seed", range(8))
def test_glasses_sit_before_the_eyes_and_reach_the_ears(body, seed):
    rest = body.shape(draw_person(seed).identity)
    marks = body.landmarks(rest)
    layers = glasses_layers(rest, marks, seed)
    assert all(layer.material == GLASSES and np.isfinite(layer.vertices).all() for layer in layers)
    rims = layers[:2]
    for rim, lids in zip(rims, ((159, 145), (386, 374)), strict=True):
        x, y, z = rim.vertices.T
        eye = marks[list(lids)]
        assert x.min() < eye[:, 0].mean() < x.max()
        assert y.max() > eye[:, 1].max()  # the eye is looked at through the rim
        assert (y.min() < eye[:, 1].min()) == (seed not in HALF)
        assert z.max() > eye[:, 2].max()
    assert rims[0].vertices[:, 0].max() < rims[1].vertices[:, 0].min()  # the nose between them
    assert min(layer.vertices[:, 2].min() for layer in layers) < marks[[127, 356], 2].mean() - 3


def test_some_rims_are_wires_and_some_hold_their_lenses_from_above_only(body):
    rest = body.shape(draw_person(0).identity)
    marks = body.landmarks(rest)
    heights, thinnest = [], []
    for seed in range(60):
        rim = glasses_layers(rest, marks, seed)[0].vertices.reshape(-1, 8, 3)  # eight corners around each point
        heights.append(np.ptp(rim.mean(1)[:, 1]))
        thinnest.append(np.ptp(rim, 1).max(1).min())
    assert 0.08 < np.mean(np.array(thinnest) < 0.17) < 0.5  # cm
    assert min(thinnest) > 0.07
    assert min(heights) < 0.6 * np.median(heights)
