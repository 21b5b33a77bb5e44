"""Poisson blending by known answers, and how steady it is when nothing but noise and the mask's edge moves."""

import cv2
import numpy as np
import pytest

from semblance.finish.blend import alpha_blend, seamless_clone
from semblance.finish.poisson import meeting_of, poisson_blend
from semblance.finish.steady_meetings import REACH, steadied_meetings
from semblance.streams import with_neighbours

RNG = np.random.default_rng(0)
H, W = 200, 160
Y, X = np.mgrid[:H, :W].astype(np.float32)


def oval(x=80.0, y=100.0, grown=0.0, soft=12.0):
    """A face's mask (H, W): half as wide as high edges apart, its edge falling over `soft` pixels."""
    inside = 1 - np.hypot((X - x) / 56, (Y - y) / 76)
    return np.clip(0.5 + (inside * 64 + grown) / soft, 0, 1).astype(np.float32)


MASK = oval()
CORE = MASK == 1
DETAIL = (14 * np.sin(X / 3) * np.cos(Y / 4))[..., None].astype(np.float32)


def picture(values):
    return np.clip(np.rint(values + np.zeros((H, W, 3))), 0, 255).astype(np.uint8)


def laid(plate, face, mask=MASK, **asked):
    return alpha_blend(plate, poisson_blend(plate, face, mask, **asked), mask)


@pytest.mark.parametrize("mask", [MASK, oval(soft=1), oval(soft=40)])
def test_a_face_that_is_off_by_a_constant_becomes_the_plate(mask):
    plate = picture(110 + DETAIL)
    face = picture(plate + np.array([40.0, -30, 10]))
    assert np.abs(laid(plate, face, mask).astype(int) - plate).max() <= 1


def test_a_face_under_another_light_gets_the_plates():
    """A change that runs across the picture is a membrane's own shape; only at the sides the soft hold shows."""
    plate = picture(110 + DETAIL + 0.25 * (X[..., None] - 80) + 0.1 * (Y[..., None] - 100))
    difference = laid(plate, picture(120 + DETAIL)).astype(float) - plate
    assert np.sqrt((difference[MASK > 0] ** 2).mean()) < 2 and np.abs(difference).max() < 6


def test_the_face_keeps_its_detail_and_takes_the_plates_colour():
    plate, face = picture((180, 140, 120)), picture(np.array([120, 120, 150]) + DETAIL)
    out = laid(plate, face)
    assert np.abs(out[CORE].mean(0) - (180, 140, 120)).max() < 2
    assert np.std(out[CORE] - face[CORE].astype(float), axis=0).max() < 1.5


def test_it_is_the_solution_of_its_equations():
    """Level and edge of a small picture, whose equations can be written out; see membrane.py."""
    small = (44, 52)
    plate, face = (cv2.resize(picture(p), small[::-1], interpolation=cv2.INTER_AREA)
                   for p in (90 + DETAIL + X[..., None] / 3, 120 - DETAIL))  # fmt: skip
    mask = cv2.resize(MASK, small[::-1], interpolation=cv2.INTER_AREA)
    blended, meeting = poisson_blend(plate, face, mask), meeting_of(plate, face, mask)
    assert meeting.weight.shape == small
    difference, area = (plate.astype(float) - face).reshape(-1, 3), mask.sum()
    level = solved(small, meeting.weight / (0.05**2 * area), difference)
    at_edge = solved(small, meeting.edge / (0.02**2 * area), difference - level, 1 / (0.06**2 * area))
    assert np.abs(at_edge).max() > 3
    assert np.abs(blended - (face + (level + at_edge).reshape(plate.shape))).max() < 0.55  # rounded to bytes


def solved(shape, weight, wanted, fade=0.0):
    """Directly: the smoothest field (h * w, 3) held by weight (h, w) to what is wanted, by `fade` to nothing."""
    number = np.arange(shape[0] * shape[1]).reshape(shape)
    equations = np.diag(weight.ravel().astype(float) + fade)
    for one, other in ((number[1:], number[:-1]), (number[:, 1:], number[:, :-1])):
        for a, b in zip(one.ravel(), other.ravel()):
            equations[a, b] = equations[b, a] = -1
            equations[a, a] += 1
            equations[b, b] += 1
    return np.linalg.solve(equations, weight.reshape(-1, 1) * wanted)


def test_a_close_up_is_solved_small_and_looks_the_same():
    plate = picture(110 + 0.2 * (X[..., None] - 80) + 20 * np.sin(Y[..., None] / 30))
    large = [cv2.resize(each, (640, 800), interpolation=cv2.INTER_CUBIC) for each in (plate, picture(130))]
    mask = cv2.resize(MASK, (640, 800))
    blended = poisson_blend(*large, mask)
    same = cv2.resize(laid(plate, picture(130)), (640, 800), interpolation=cv2.INTER_CUBIC)
    assert np.abs(alpha_blend(large[0], blended, mask).astype(int) - same)[mask > 0.9].max() <= 2


def shimmer(blend, plates, faces, masks):
    """Levels of 255 by which what is added to the face's middle changes from frame to frame, deviation."""
    added = [
        cv2.resize(blend(*frame).astype(np.float32) - frame[1], (20, 25), interpolation=cv2.INTER_AREA)
        for frame in zip(plates, faces, masks)
    ]
    inner = cv2.resize(oval(grown=-8), (20, 25), interpolation=cv2.INTER_AREA) == 1
    return float(np.diff(np.stack(added), axis=0)[:, inner].std())


def still_clip(scene, frames=12, jitter=1.0):
    """A still plate and face with noise of three levels, and a mask that jitters by a pixel."""
    chance = np.random.default_rng(1)
    skin = picture((190, 150, 130) + DETAIL + 0.15 * (X[..., None] - 80))
    face = picture((170, 150, 140) + 0.5 * DETAIL)
    plates, faces, masks = [], [], []
    for n in range(frames):
        plate = scene(skin, n).astype(float)
        plates.append(picture(plate + chance.normal(0, 3, plate.shape)))
        faces.append(face)
        moved = chance.normal(0, jitter, 3)
        masks.append(oval(80 + moved[0], 100 + moved[1], moved[2], soft=8))
    return plates, faces, masks


def bare_skin(skin, n):
    return skin


def beside_a_wall(skin, n):
    """A blue wall begins where the mask's edge ends, now a pixel within, now a pixel without."""
    out = skin.copy()
    out[(X > 80) & (oval(grown=4, soft=1) == 0)] = (60, 90, 160)
    return out


def a_mask_too_wide(skin, n):
    """The wall begins three pixels within the middle of the mask's edge."""
    out = skin.copy()
    out[(X > 80) & (oval(grown=-3, soft=1) == 0)] = (60, 90, 160)
    return out


def under_hair(skin, n):
    """Dark strands that hang over the forehead's edge and sway."""
    out = skin.copy()
    ends = 48 + 6 * np.sin(X / 9)
    out[(np.sin((X + 1.5 * np.sin(n)) / 2.2) > 0.4) & (ends > Y)] = (40, 30, 25)
    return out


@pytest.mark.parametrize("scene", [bare_skin, beside_a_wall, a_mask_too_wide, under_hair])
def test_three_times_steadier_than_opencv(scene):
    clip = still_clip(scene)
    ours = shimmer(poisson_blend, *clip)
    assert ours < shimmer(seamless_clone, *clip) / 3
    assert ours < (1.2 if scene is a_mask_too_wide else 0.3)


def test_a_hand_that_comes_in_from_the_side_does_not_tint_the_face():
    plate, face = picture((190, 150, 130)), picture((170, 150, 140))
    usual = laid(plate, face).astype(int)
    at_once = []
    for reach in range(0, 40, 4):
        handed = plate.copy()
        handed[90:120, : 22 + reach] = (80, 60, 50)
        out = laid(handed, face).astype(int)
        at_once.append(out)
        far = (X > 100) & CORE
        assert np.abs(out - usual)[far].max() <= 2
    steps = np.abs(np.diff(np.stack(at_once), axis=0))[:, (X > 70) & CORE]
    assert steps.max() <= 2


def test_what_stands_before_the_face_has_no_say():
    skin, face = picture((190, 150, 130)), picture((170, 150, 140))
    bare = np.ones((H, W), np.float32)
    bare[60:150, :90] = 0
    outs = []
    for colour in ((20, 200, 30), (250, 250, 250)):
        plate = skin.copy()
        plate[60:150, :90] = colour
        outs.append(laid(plate, face, bare=bare)[CORE & (bare == 1)].astype(int))
    assert np.abs(outs[0] - outs[1]).max() <= 3
    assert np.abs(outs[0].mean(0) - (190, 150, 130)).max() < 2


def test_mixed_gradients_let_a_mole_through_and_keep_the_faces_own_lines():
    plate, face = picture((190, 150, 130)), picture((170, 140, 140))
    cv2.circle(plate, (70, 120), 4, (90, 60, 50), -1)
    face[70:74, 60:100] = (60, 40, 40)
    alone, mixed = laid(plate, face).astype(int), laid(plate, face, mixed=np.ones((H, W), np.float32)).astype(int)
    assert np.abs(alone[120, 70] - (190, 150, 130)).max() < 8
    assert np.abs(mixed[120, 70] - (90, 60, 50)).max() < 12
    assert mixed[72, 80, 0] < 100 and alone[72, 80, 0] < 100
    assert np.abs(mixed[140:150, 75:85].mean((0, 1)) - (190, 150, 130)).max() < 4
    elsewhere = (np.abs(Y - 120) > 12).astype(np.float32)  # the mole lies where the plate has no say
    assert np.abs(laid(plate, face, mixed=elsewhere).astype(int) - alone)[100:140, 40:120].max() <= 3


def test_neighbours_halve_what_is_left_of_the_shimmer():
    clip = list(zip(*still_clip(under_hair)))
    windows = with_neighbours([{7: meeting_of(*frame)} for frame in clip], REACH, lambda told: told, {})
    steady = iter([steadied_meetings(window)[7] for _, window in windows])
    alone = shimmer(poisson_blend, *zip(*clip))

    def steadied(*frame):
        return poisson_blend(*frame, met=(meeting_of(*frame), next(steady)))

    assert shimmer(steadied, *zip(*clip)) < 0.6 * alone


def test_a_lamp_that_goes_on_is_followed_in_its_very_frame():
    """The face stays grey, the plate jumps by 60 levels: the level jumps with it, nothing of it a frame early."""
    face = picture((170, 150, 140))
    plates = [picture((150, 130, 120))] * 4 + [picture((210, 190, 180))] * 4
    meetings = [{0: meeting_of(plate, face, MASK)} for plate in plates]
    windows = with_neighbours(meetings, REACH, lambda told: told, {})
    met = [(now[0], steadied_meetings(window)[0]) for now, window in windows]
    levels = [poisson_blend(plate, face, MASK, met=each)[80:120, 60:100].mean() for plate, each in zip(plates, met)]
    assert levels == pytest.approx([133.3] * 4 + [193.3] * 4, abs=1.5)


def test_a_meeting_steadied_by_its_like_is_itself():
    meeting = meeting_of(picture(110 + DETAIL), picture(130 - DETAIL), MASK)
    steady = steadied_meetings([{}, {3: meeting}, {3: meeting}, {3: meeting}, {3: None}])
    assert np.abs(steady[3].difference - meeting.difference)[meeting.weight > 1e-3].max() < 1e-5
    assert np.abs(steady[3].weight - meeting.weight).max() < 1e-6
    assert steadied_meetings([{}, {3: None}, {3: meeting}]) == {3: None}


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (3, 200), (40, 2)])
@pytest.mark.parametrize("mixed", [False, True])
def test_slivers_and_empty_masks(shape, mixed):
    plate, face = (RNG.integers(0, 256, (*shape, 3), np.uint8) for _ in range(2))
    for mask in (np.ones(shape, np.float32), np.zeros(shape, np.float32), RNG.uniform(0, 1, shape).astype(np.float32)):
        blended = poisson_blend(plate, face, mask, mixed=np.ones(shape, np.float32) if mixed else None)
        assert blended.shape == face.shape and blended.dtype == np.uint8
    nothing = np.zeros(shape, np.float32)
    if not mixed:
        assert np.array_equal(poisson_blend(plate, face, np.ones(shape, np.float32), bare=nothing), face)
