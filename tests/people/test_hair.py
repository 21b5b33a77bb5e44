"""Hair grows from the whole scalp, leaves the face free, and fits any head."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from semblance.people.body import BACK, FACE, HAIR
from semblance.people.hair import hair_layers
from semblance.people.person import CUTS, draw_person
from semblance.people.scalp import scalp_of
from semblance.people.strands import strand_texture

from .madeup import egg_body

ASSET = Path(__file__).resolve().parents[3] / "shared/assets/ict_facekit.npz"
HAIRY = [cut for cut in CUTS if cut != "bald"]
SEEDS = (3, 8, 21)


def bodies():
    found = [egg_body()]
    if ASSET.exists():
        from semblance.people.ict import ict_body

        found.append(ict_body(ASSET))
    return found


BODIES = bodies()


@pytest.fixture(params=range(len(BODIES)), ids=[body.name for body in BODIES], scope="module")
def body(request):
    return BODIES[request.param]


def wearing(seed, cut, body):
    person = replace(draw_person(seed), hair_cut=cut)
    rest = body.shape(person.identity)
    return person, rest, hair_layers(person, body, rest)


def rays(layers, origin, directions):
    """(N,) the furthest place along each ray from the origin where a triangle is, 0 where there is none."""
    corners = np.concatenate([layer.vertices[layer.triangles] for layer in layers]).astype(np.float64) - origin
    a, u, v = corners[:, 0], corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    far = np.zeros(len(directions))
    for n, ray in enumerate(directions):
        p = np.cross(ray, v)
        scale = (u * p).sum(1)
        scale = np.where(np.abs(scale) < 1e-12, np.inf, scale)
        s = (-a * p).sum(1) / scale
        q = np.cross(-a, u)
        t = (q @ ray) / scale
        along = (v * q).sum(1) / scale
        hit = (s >= 0) & (t >= 0) & (s + t <= 1) & (along > 0) & np.isfinite(scale)
        far[n] = along[hit].max(initial=0)
    return far


def test_the_bald_have_none(body):
    assert wearing(1, "bald", body)[2] == []


@pytest.mark.parametrize("cut", HAIRY)
def test_arrays_agree_and_are_finite(body, cut):
    for seed in SEEDS:
        layers = wearing(seed, cut, body)[2]
        assert sum(len(layer.triangles) for layer in layers) <= 25_500
        for layer in layers:
            count = len(layer.vertices)
            shapes = [getattr(layer, n).shape for n in ("uv", "colour", "tangent", "cut", "follow")]
            assert shapes == [(count, 2), (count, 3), (count, 3), (count,), (count,)]
            assert layer.material == HAIR and layer.triangles.min() >= 0 and layer.triangles.max() < count
            for name in ("vertices", "uv", "colour", "tangent", "cut", "follow"):
                values = getattr(layer, name)
                assert values.dtype == np.float32 and np.isfinite(values).all(), name
            assert layer.cut.min() > 0 and layer.cut.max() <= 255  # the raster looks at the first corner alone
            assert layer.follow.min() >= 0 and layer.follow.max() <= 1
            assert (layer.colour >= 0).all() and (layer.colour < 1.2).all()


@pytest.mark.parametrize("cut", HAIRY)
def test_hair_encloses_the_scalp(body, cut):
    """From the middle of the head outwards, hair comes after skin wherever the scalp is."""
    person, rest, layers = wearing(5, cut, body)
    scalp = scalp_of(body, rest, person.hairline, np.random.default_rng([person.seed, 0x4A1]))
    turns, shares = np.meshgrid(np.linspace(-np.pi, np.pi, 16, endpoint=False), [0.15, 0.5, 0.85])
    polar = shares * scalp.edge(turns)
    middle = scalp.skull.centre
    ways = (scalp.skull.surface(turns, polar) - middle).reshape(-1, 3)
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    solid = [replace(layer, triangles=layer.triangles[layer.cut[layer.triangles].max(1) < 235]) for layer in layers]
    skin = body.triangles[(body.material == FACE) | (body.material == BACK)]
    bare = [replace(layers[0], vertices=rest, triangles=skin)]
    assert (rays(solid, middle, ways) > rays(bare, middle, ways) - 0.02).all()


@pytest.mark.parametrize("cut", HAIRY)
def test_no_hair_before_eyes_nose_and_mouth(body, cut):
    for seed in range(8):
        _, rest, layers = wearing(seed, cut, body)
        marks = body.landmarks(rest)
        left, right = marks[33, 0], marks[263, 0]
        top, low = marks[[159, 386], 1].max() + 0.3, marks[17, 1]
        for layer in layers:
            x, y, z = layer.vertices.T
            before = (x > left) & (x < right) & (y < top) & (y > low) & (z > 0)
            assert not before.any(), (seed, layer.vertices[before][:3])


def test_the_same_seed_gives_the_same_hair_and_another_does_not(body):
    one, again, other = (wearing(seed, "side", body)[2] for seed in (4, 4, 6))
    for a, b in zip(one, again, strict=True):
        assert (a.vertices == b.vertices).all() and (a.triangles == b.triangles).all() and (a.colour == b.colour).all()
    assert np.abs(one[-1].vertices[:100] - other[-1].vertices[:100]).max() > 0.5


def test_long_hair_stays_on_the_shoulders_when_the_head_turns(body):
    layers = wearing(5, "long", body)[2]
    y, follow = np.concatenate([[layer.vertices[:, 1], layer.follow] for layer in layers], 1)
    assert y.min() < body.neck[0]
    assert (follow[y < body.neck[0]] == 0).all() and (follow[y > body.neck[1]] == 1).all()


def test_a_higher_hairline_leaves_more_forehead(body):
    rest = body.shape(np.zeros(1))
    low, high = (scalp_of(body, rest, share, np.random.default_rng(1)) for share in (0.0, 1.0))
    bare = [scalp.skull.surface(np.zeros(1), scalp.edge(np.zeros(1)))[0, 1] for scalp in (low, high)]
    assert bare[1] > bare[0] + 1.0
    assert min(bare) > body.landmarks(rest)[[105, 334], 1].max()


def test_strands_are_even_so_that_a_cut_is_a_share_of_holes():
    texture = strand_texture(3)
    for cut in (64, 128, 192):
        assert abs((texture < cut).mean() - cut / 256) < 1e-3
    down, across = (np.abs(np.diff(texture.astype(int), axis=axis)).mean() for axis in (0, 1))
    assert down < 0.5 * across  # hairs run along v
