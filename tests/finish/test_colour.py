"""Maps of colours: closed forms of what they do to a picture, and of the colours set by hand."""

import numpy as np
import pytest

from semblance.finish.by_hand import set_by_hand
from semblance.finish.colour import (
    CURVE,
    ColourMap,
    affine,
    apply_colour,
    as_light,
    as_shown,
    averaged,
    grid,
    into,
    levels,
    out_of,
)

LUMA = np.array([0.2126, 0.7152, 0.0722])


def noise(seed=0, low=0.0, high=1.0, shape=(40, 50, 3)):
    return np.random.default_rng(seed).uniform(low, high, shape).astype(np.float32)


def lab_by_formula(pixels):
    """CIE 15 with sRGB's primaries and white (IEC 61966-2-1)."""
    light = np.where(pixels <= 0.04045, pixels / 12.92, ((pixels + 0.055) / 1.055) ** 2.4).astype(float)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = np.moveaxis(light @ to_xyz.T / to_xyz.sum(1), -1, 0)
    x, y, z = (np.where(v > (6 / 29) ** 3, np.cbrt(v), v / (3 * (6 / 29) ** 2) + 4 / 29) for v in (x, y, z))
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], -1)


def test_lab_and_light_are_what_the_standards_say():
    pixels = noise()
    assert np.abs(into("lab", pixels) - lab_by_formula(pixels)).max() < 5e-3  # of 100
    assert into("light", np.float32([[[0, 0.5, 1]]]))[0, 0] == pytest.approx([0, 0.21404, 1], abs=1e-5)
    for space in ("lab", "rgb", "light"):
        assert np.abs(out_of(space, into(space, pixels)) - pixels).max() < 5e-5
    assert as_shown(as_light(np.linspace(0, 1, 999))) == pytest.approx(np.linspace(0, 1, 999), abs=1e-6)


@pytest.mark.parametrize("space", ["lab", "rgb", "light"])
def test_an_affine_map_is_its_formula_in_its_space(space):
    chance, pixels = np.random.default_rng(1), noise(1, 0.3, 0.7)
    matrix = np.eye(3) + chance.uniform(-0.1, 0.1, (3, 3))
    offset = chance.uniform(-0.03, 0.03, 3) * (100 if space == "lab" else 1)
    into_it = {"lab": lab_by_formula, "rgb": np.array, "light": as_light}[space]
    found = into_it(apply_colour(pixels, affine(space, matrix, offset)))
    inside = (found > 0).all(-1) if space != "lab" else np.ones(found.shape[:2], bool)
    gap = np.abs(found - (into_it(pixels) @ matrix.T + offset))[inside] / (100 if space == "lab" else 1)
    assert gap.max() < 1e-3


def test_curves_and_cubes_are_exact_at_their_nodes_and_straight_between():
    curves = ColourMap("curves", "rgb", levels(3) ** np.float32([0.5, 1, 2]))
    at = levels(3)[None]
    assert np.abs(apply_colour(at, curves)[0] - curves.numbers).max() < 1e-6
    middle = (at[:, 1:] + at[:, :-1]) / 2
    assert np.abs(apply_colour(middle, curves)[0] - (curves.numbers[1:] + curves.numbers[:-1]) / 2).max() < 1e-6
    cube = ColourMap("cube", "rgb", grid()[..., ::-1] ** 2)  # channels change places
    pixels = grid().reshape(17, -1, 3)
    assert np.abs(apply_colour(pixels, cube) - pixels[..., ::-1] ** 2).max() < 1e-6
    pixels = noise(2)
    assert np.abs(apply_colour(pixels, cube) - pixels[..., ::-1] ** 2).max() <= (1 / 16 / 2) ** 2 + 1e-6


@pytest.mark.parametrize(
    "change",
    [*(affine(space, np.eye(3), np.zeros(3)) for space in ("rgb", "light", "lab")),
     ColourMap("curves", "rgb", levels(3)), ColourMap("cube", "rgb", grid())],
)  # fmt: skip
def test_the_map_that_changes_nothing(change):
    assert np.abs(apply_colour(noise(3), change) - noise(3)).max() < 5e-5
    assert np.allclose(change.weakened(0.3).numbers, change.numbers, atol=1e-6)


def test_what_a_map_gives_stays_within_white_and_black():
    steep = [
        affine("rgb", 9 * np.eye(3), np.full(3, -4.0)), affine("light", 9 * np.eye(3), np.full(3, -4.0)),
        affine("lab", 9 * np.eye(3), np.full(3, -300.0)), ColourMap("curves", "rgb", 9 * levels(3) - 4),
        ColourMap("cube", "rgb", 9 * grid() - 4),
    ]  # fmt: skip
    for change in steep:
        found = apply_colour(noise(4, -0.1, 1.1), change)
        assert found.min() == 0 and found.max() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("form", ["curves", "cube"])
def test_a_pixel_that_is_no_number_spoils_no_other(form):
    pixels, change = noise(7), ColourMap(form, "rgb", levels(3) if form == "curves" else grid())
    pixels[3, 4] = np.nan
    found = apply_colour(pixels, change)
    pixels[3, 4] = found[3, 4] = 0
    assert np.abs(found - pixels).max() < 1e-6


def test_strength_and_average_are_straight_lines_between_maps():
    pixels = noise(5, 0.3, 0.6)
    strong = affine("rgb", 1.2 * np.eye(3), np.array([0.1, 0, -0.1]))
    for share in (0, 0.25, 1):
        expected = pixels + share * (apply_colour(pixels, strong) - pixels)
        assert np.abs(apply_colour(pixels, strong.weakened(share)) - expected).max() < 1e-6
    weak = affine("rgb", np.eye(3), np.zeros(3))
    between = averaged([strong, weak, weak], np.array([2, 1, 1]))
    assert np.allclose(between.numbers, strong.weakened(0.5).numbers, atol=1e-7)
    odd = affine("rgb", np.random.default_rng(0).normal(size=(3, 3)), np.full(3, 1 / 3))
    assert np.array_equal(averaged([odd] * 7, np.random.default_rng(1).random(7)).numbers, odd.numbers)


def by_hand(pixels, **numbers):
    return apply_colour(pixels, set_by_hand(**numbers))


def test_brightness_and_contrast_follow_their_formula():
    x = np.linspace(0, 1, 11, dtype=np.float32)[None, :, None].repeat(3, 2)
    assert np.allclose(by_hand(x, brightness=20), np.clip(x + 0.2, 0, 1), atol=1e-6)
    assert np.allclose(by_hand(x, contrast=50), np.clip((x - 0.5) * 1.5 + 0.5, 0, 1), atol=1e-6)
    assert np.allclose(by_hand(x, brightness=-10, contrast=-100), 0.4, atol=1e-6)
    half = as_shown(2 * as_light(x))
    assert np.allclose(by_hand(x, contrast=100, brightness=21.404, linear=True), np.clip(half, 0, 1), atol=1e-4)


def test_saturation_moves_away_from_the_pixels_own_luma():
    x = noise(6, 0.3, 0.6)
    luma = (x @ LUMA)[..., None]
    assert np.allclose(by_hand(x, saturation=-100), luma.repeat(3, 2), atol=1e-6)
    assert np.allclose(by_hand(x, saturation=50), luma + 1.5 * (x - luma), atol=1e-6)


@pytest.mark.parametrize("linear", [False, True])
def test_temperature_and_tint_are_stops_of_light_and_keep_a_greys_luma(linear):
    grey = np.full((2, 2, 3), 0.4, np.float32)
    stop = 2.0 if linear else 2 ** (1 / 2.2)  # as shown values have it
    space = "light" if linear else "rgb"
    for numbers, ratios in [
        ({"temperature": 50}, (stop**0.5, stop**-0.5)),
        ({"temperature": -50}, (stop**-0.5, stop**0.5)),
        ({"tint": 50}, (stop**0.5, stop**0.5)),
    ]:
        red, green, blue = into(space, by_hand(grey, linear=linear, **numbers))[0, 0]
        assert (red / green, blue / green) == pytest.approx(ratios, abs=1e-3)
        assert LUMA @ (red, green, blue) == pytest.approx(into(space, grey)[0, 0, 0], abs=1e-4)


def test_nothing_set_is_no_map():
    assert set_by_hand() is None and set_by_hand(linear=True) is None
    assert CURVE == 256  # a byte's levels lie on nodes
