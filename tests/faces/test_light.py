"""Light is carried over, skin is not."""

import cv2
import numpy as np

from semblance.faces.light import _FADES, _STIFF, _relax, light_between, relit
from semblance.faces.wrap import texels

SIDE = 64
ALL = np.ones((SIDE, SIDE), np.float32)
NONE = np.zeros((SIDE, SIDE), np.float32)


def skin():
    rng = np.random.default_rng(0)
    noise = cv2.GaussianBlur(rng.normal(0, 1, (SIDE, SIDE, 3)).astype(np.float32), (0, 0), 2)
    return np.clip(np.float32([0.55, 0.4, 0.32]) + 0.05 * noise, 0, 1)


def lab(picture):
    return cv2.cvtColor(picture.astype(np.float32), cv2.COLOR_RGB2Lab)


def apart(one, other, where):
    return np.linalg.norm(lab(one) - lab(other), axis=2)[where].mean()


def lit_from_the_side(picture):
    across = np.linspace(0.6, 1.35, SIDE, dtype=np.float32)[None, :, None]
    return np.clip(picture * across * np.float32([1.0, 0.95, 0.85]), 0, 1)


MIDDLE = np.zeros((SIDE, SIDE), bool)
MIDDLE[12:52, 12:52] = True


def test_the_same_skin_under_another_light_is_found_again():
    own, wanted = skin(), lit_from_the_side(skin())
    assert apart(own, wanted, MIDDLE) > 6
    found = relit(own, light_between(own, wanted, ALL, NONE))
    assert apart(found, wanted, MIDDLE) < 1.5


def test_brows_and_beard_are_no_light():
    own, wanted = skin(), lit_from_the_side(skin())
    own[18:22, 12:52] = 0.1
    own[44:52, 20:44] = 0.12
    found = relit(own, light_between(own, wanted, ALL, NONE))
    clear = MIDDLE.copy()
    clear[14:26], clear[40:56] = False, False
    assert apart(found, wanted, clear) < 3
    assert found[20, 30].max() < 0.25  # still dark


def test_equal_light_changes_nothing_and_half_the_strength_half_as_much():
    own, wanted = skin(), lit_from_the_side(skin())
    assert np.abs(relit(own, light_between(own, own, ALL, ALL)) - own).max() < 2e-3
    whole, half = (relit(own, light_between(own, wanted, ALL, NONE), share) for share in (1.0, 0.5))
    assert apart(own, half, MIDDLE) == np.clip(apart(own, half, MIDDLE), 0.3 * apart(own, whole, MIDDLE),
                                               0.7 * apart(own, whole, MIDDLE))  # fmt: skip


def test_at_the_edge_the_two_meet_whatever_the_polynomial_says():
    own, wanted = skin(), skin()
    wanted[:, :8] *= np.float32([1.3, 1.1, 0.8])  # a cheek of its own colour, where the edge is
    edge = NONE.copy()
    edge[:, 2:7] = 1
    trust = ALL.copy()
    with_edge = relit(own, light_between(own, wanted, trust, edge))
    without = relit(own, light_between(own, wanted, trust, NONE))
    where = edge > 0
    where[:8], where[-8:] = False, False
    assert apart(with_edge, wanted, where) < 0.5 * apart(without, wanted, where)
    far = np.zeros_like(MIDDLE)
    far[16:48, 36:60] = True
    assert apart(with_edge, own, far) < 3


def test_where_nothing_is_seen_nothing_changes():
    assert np.abs(light_between(skin(), lit_from_the_side(skin()), NONE, NONE).change).max() == 0


def test_the_membrane_is_the_solution_of_its_equations():
    side, chance = 16, np.random.default_rng(4)
    weight = np.where(chance.random((side, side)) < 0.3, chance.random((side, side)), 0) + _FADES
    held = chance.normal(size=(side, side, 3)) * weight[..., None]
    number = np.arange(side * side).reshape(side, side)
    matrix = np.diag(weight.ravel())
    for a, b in ((number[:, :-1], number[:, 1:]), (number[:-1], number[1:])):
        for i, j in zip(a.ravel(), b.ravel()):
            matrix[[i, j], [i, j]] += _STIFF
            matrix[[i, j], [j, i]] -= _STIFF
    dense = np.linalg.solve(matrix, held.reshape(-1, 3)).reshape(side, side, 3)
    found = np.zeros_like(held)
    _relax(found, held, weight)
    assert np.abs(found - dense).max() < 1e-3


def test_where_nothing_is_known_light_goes_on_as_its_slope_does():
    own, wanted = skin(), lit_from_the_side(skin())
    wanted[:, :10] *= np.linspace(0.5, 1, 10, dtype=np.float32)[None, :, None]  # what is known of it bends at its end
    known = ALL.copy()
    known[:, 26:] = 0
    change = light_between(own, wanted, known, NONE).change[..., 0]
    whole = light_between(own, lit_from_the_side(skin()), ALL, NONE).change[..., 0]
    inside = texels(32).inside
    assert np.abs(change - whole)[inside].max() < 0.6  # cubes alone would run to the limit there
    assert np.abs(change - whole)[:, 4:12][inside[:, 4:12]].mean() < 0.12


def test_a_gain_between_two_skins_leaves_teeth_white_and_in_order():
    own = np.full((SIDE, SIDE, 3), 0.35, np.float32)
    wanted = np.full((SIDE, SIDE, 3), 0.62, np.float32)
    own[48:52, 24:40] = np.linspace(0.5, 0.8, 16, dtype=np.float32)[None, :, None]  # lips to teeth
    found = relit(own, light_between(own, wanted, ALL, NONE))
    before, after = (lab(picture)[50, 24:40, 0] for picture in (own, found))
    assert np.abs(lab(found)[16:40, 16:48, 0] - lab(wanted)[16:40, 16:48, 0]).max() < 2
    assert (np.diff(after[1:-1]) > 0).all()
    assert (after > before).all()
    assert after[4] < 93 and after[-1] < 98  # the skin's gain would bring teeth to 100 and beyond from the fifth on
