"""Colours steadied over time: exact where nothing changes, quiet where it trembles, on time where the light changes."""

import numpy as np
import pytest

from semblance.finish.colour import affine, apply_colour, into
from semblance.finish.face_colours import FaceColours
from semblance.finish.fit_colours import fit_colours
from semblance.finish.steady_colours import REACH, steadied_colours
from semblance.streams import with_neighbours

TRANSFERS = ("lab", "mean", "lct", "mkl", "idt", "sot", "hist", "mix")
SHADES = np.linspace(0.3, 0.6, 4, dtype=np.float32)[:, None] * np.float32([1.0, 0.8, 0.7])
SIDE = 32


def skin(seed=0, grain=0.0, light=1.0):
    """A face of (SIDE, SIDE) pixels that always has the same shades, under a light, with grain of its own."""
    even = np.random.default_rng(99).uniform(-1, 1, (SIDE, SIDE, 3))
    pixels = np.array([0.5, 0.4, 0.35]) + even @ np.array([[0.06, 0.05, 0.04], [0, 0.03, 0], [0, 0, 0.03]])
    noise = np.random.default_rng(seed).normal(0, 1, pixels.shape)
    return np.clip(light * pixels + grain * noise, 0, 1).astype(np.float32)


def measured(transfer, plate, crop=None):
    change = fit_colours(transfer, skin() if crop is None else crop, plate, np.ones((SIDE, SIDE), np.float32))
    return FaceColours(change, SHADES, float(SIDE * SIDE))


def steadied(frames):
    """Colours of each frame, by track -> steadied."""
    return [steadied_colours(window) for _, window in with_neighbours(frames, REACH, lambda told: told, {})]


def shades(colours):
    """What becomes of the face's shades in each frame: (frames, 4, 3) Lab."""
    return np.stack([into("lab", apply_colour(SHADES[None], each.change))[0] for each in colours])


@pytest.mark.parametrize("transfer", TRANSFERS)
def test_a_steady_clip_has_exactly_steady_colours(transfer):
    found = steadied([{0: measured(transfer, skin(light=1.2))} for _ in range(12)])
    assert all(np.array_equal(each[0].change.numbers, found[0][0].change.numbers) for each in found)


@pytest.mark.parametrize("transfer", TRANSFERS)
def test_trembling_is_taken_away(transfer):
    frames = [measured(transfer, skin(n, 0.012, 1 + 0.005 * np.sin(7 * n))) for n in range(30)]
    before, after = shades(frames), shades([each[0] for each in steadied([{0: each} for each in frames])])
    steps = [np.linalg.norm(np.diff(each, axis=0), axis=2).mean() for each in (before, after)]
    assert steps[1] < 0.4 * steps[0]
    assert np.linalg.norm((after - before).mean(0), axis=1).max() < 0.2  # and nothing else


@pytest.mark.parametrize("transfer", TRANSFERS)
def test_a_flash_is_followed_in_its_frame_and_leaves_no_trace_in_others(transfer):
    """One frame of ten is brighter; the crop is steady. The face jumps no more than the plate's light, nor less."""
    lights = [1.3 if n % 10 == 5 else 1.0 for n in range(30)]
    plates = [skin(light=light) for light in lights]
    frames = [{0: measured(transfer, plate)} for plate in plates]
    after = shades([each[0] for each in steadied(frames)])
    jumps = np.linalg.norm(np.diff(after, axis=0), axis=2).max(1)
    light = np.linalg.norm(np.diff([into("lab", plate) for plate in plates], axis=0), axis=3)
    plain = np.linalg.norm(np.diff(shades([each[0] for each in frames]), axis=0), axis=2).max(1)
    assert (jumps <= plain + 0.01).all() and (jumps <= light.max((1, 2)) + 0.3).all()
    flashes = plain > 3
    assert flashes.sum() == 6 and (jumps[flashes] > 0.9 * plain[flashes]).all()
    assert jumps[~flashes].max() < 0.5


def test_a_slow_change_of_light_is_kept_without_lag():
    lights = 1 + 0.008 * np.arange(25)
    frames = [measured("mean", skin(light=light)) for light in lights]
    before, after = shades(frames), shades([each[0] for each in steadied([{0: each} for each in frames])])
    assert np.abs(after - before)[REACH:-REACH].max() < 0.1


def test_a_cut_to_another_light_is_on_time():
    lights = [1.0] * 10 + [0.6] * 10
    frames = [measured("lab", skin(n, 0.02, light)) for n, light in enumerate(lights)]
    before, after = shades(frames), shades([each[0] for each in steadied([{0: each} for each in frames])])
    assert np.linalg.norm(after[:10].mean(0) - before[:10].mean(0), axis=1).max() < 0.3
    assert np.linalg.norm(after[9] - before[:10].mean(0), axis=1).max() < 1.0
    assert np.linalg.norm(after[10] - before[10:].mean(0), axis=1).max() < 1.0


def shifted(by, seen=100.0):
    return FaceColours(affine("rgb", np.eye(3), np.full(3, by)), SHADES, seen)


def offset(colours):
    return float(colours.change.numbers[0, 3])


def test_a_lost_track_begins_anew():
    """Track 0 is gone in one frame: what is before and what is after it know nothing of each other."""
    frames = [{0: shifted(0.0)}] * 5 + [{1: shifted(0.02)}] + [{0: shifted(0.01)}] * 5
    found = steadied(frames)
    assert [offset(each[0]) for each in found[:5]] == [0.0] * 5
    assert [offset(each[0]) for each in found[6:]] == pytest.approx([0.01] * 5)
    assert list(found[5]) == [1] and offset(found[5][1]) == pytest.approx(0.02)


def test_shots_that_match_colours_in_other_ways_do_not_mix():
    """A track may run on where a shot with settings of its own begins."""
    before, after = measured("mean", skin(light=1.1)), measured("idt", skin(light=1.1))
    found = steadied([{0: before}] * 3 + [{0: None}] + [{0: after}] * 3)
    assert [each[0].change.form for each in found] == ["affine"] * 4 + ["cube"] * 3
    assert all(np.array_equal(each[0].change.numbers, before.change.numbers) for each in found[:3])
    assert all(np.array_equal(each[0].change.numbers, after.change.numbers) for each in found[4:])


def test_two_tracks_do_not_mix():
    found = steadied([{0: shifted(0.0), 1: shifted(0.01)}] * 6)
    assert all(offset(each[0]) == 0 and offset(each[1]) == pytest.approx(0.01) for each in found)


def test_a_face_that_could_not_be_measured_takes_what_is_around_it():
    frames = [{0: shifted(0.02)}, {0: None}, {0: shifted(0.04)}]
    assert offset(steadied(frames)[1][0]) == pytest.approx(0.03)
    assert steadied([{0: None}, {0: None}]) == [{0: None}, {0: None}]


def test_what_was_hardly_seen_counts_little():
    frames = [{0: shifted(0.0)}, {0: shifted(0.02, seen=1.0)}, {0: shifted(0.0)}]
    assert offset(steadied(frames)[1][0]) < 0.002
