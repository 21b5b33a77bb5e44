"""Measuring a head: renders of the built-in body give its own mean back; footage too, through the landmarker."""

from dataclasses import replace

import numpy as np
import pytest

from semblance.errors import FaceError, InputError, MediaError, Stopped
from semblance.media.image import write_picture
from semblance.people.builtin import builtin_body, read_measures
from semblance.people.fit import FitOptions, fit_head, principal_axes
from semblance.people.mend import close_lips, steady, symmetric_pairs, untangler
from semblance.people.person import draw_person
from semblance.people.render import Actor, Moment
from semblance.people.scene import draw_scene
from semblance.people.twins import mirror_twins, mirrored
from semblance.runs import StopSignal

BODY = builtin_body()


def test_renders_of_a_body_give_its_mean_back(tmp_path):
    out = tmp_path / "again.npz"
    result = fit_head(BODY, out, FitOptions(people=8, least=7, axes=5, size=192))
    assert result.people >= 7 and result.axes == 5 and 0.3 < result.explained <= 1
    assert result.error < 0.06  # the landmarker sees what was drawn
    again = read_measures(out)
    shipped = read_measures()
    spread = np.sqrt((shipped.identity**2).sum((0, 2))).mean()
    gap = np.linalg.norm(again.mean - shipped.mean, axis=1).mean()
    assert gap < spread / np.sqrt(result.people) + 0.15  # what so few people leave to chance, and 1.5 mm
    assert set(again.expressions) == set(BODY.expressions)
    blink = again.expressions.index("eyeBlink_L")
    assert np.allclose(again.expression[blink], read_measures().expression[blink], atol=0.15)
    assert len(builtin_body(out).mean) == len(BODY.mean)


def test_footage_gives_the_mean_back_as_the_landmarker_sees_it(tmp_path):
    clips = []
    for person in range(3):
        folder = tmp_path / f"person {person}"
        folder.mkdir()
        drawn = draw_person(60 + person)
        plain = replace(drawn, bearing={}, identity=0.6 * drawn.identity)  # a closed mouth, near the mean
        actor = Actor(plain, BODY, draw_scene(person), (224, 224))
        for frame, yaw in enumerate((-8, 8)):
            still = Moment(np.zeros(len(BODY.expressions), np.float32), (yaw, 0, 0), (0, 0, 0), (0, 0))
            write_picture(folder / f"{frame}.png", actor.shoot(still).pixels, {})
        clips.append(folder)
    out = tmp_path / "head.npz"
    result = fit_head(clips, out, FitOptions(least=3, every=1))
    assert result.people == 3 and 3 <= result.frames <= 6 and not result.missed
    measures = read_measures(out)
    gap = np.linalg.norm((measures.mean - read_measures().mean)[:, :2], axis=1)
    assert gap.mean() < 0.6  # cm, three people
    assert measures.expressions == read_measures().expressions
    assert builtin_body(out).expressions == BODY.expressions


def test_too_few_faces_and_unreadable_clips_are_one_sentence(tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    write_picture(empty / "0.png", np.full((120, 160, 3), 128, np.uint8), {})
    with pytest.raises(FaceError, match="of 0 people"):
        fit_head([empty], tmp_path / "x.npz", FitOptions(least=2))
    (tmp_path / "bad.mp4").write_bytes(b"no clip")
    with pytest.raises(MediaError, match=r"bad\.mp4"):
        fit_head([tmp_path / "bad.mp4"], tmp_path / "x.npz")
    with pytest.raises(InputError, match="No clips"):
        fit_head([], tmp_path / "x.npz")
    with pytest.raises(InputError, match="npz"):
        fit_head([empty], tmp_path / "x.dat")
    assert not (tmp_path / "x.npz").exists()


def test_it_stops_when_asked(tmp_path):
    stop = StopSignal()
    stop.request()
    with pytest.raises(Stopped):
        fit_head(BODY, tmp_path / "x.npz", FitOptions(people=5, least=2, size=96), stop=stop)
    assert not (tmp_path / "x.npz").exists()


def test_twins_are_each_others_and_mirroring_twice_changes_nothing():
    twins = mirror_twins()
    assert (twins[twins] == np.arange(len(twins))).all() and twins[33] == 263 and twins[1] == 1
    mean = read_measures().mean
    assert np.allclose(mirrored(mirrored(mean)), mean)


def test_expressions_are_paired_by_name():
    rng = np.random.default_rng(0)
    names = ("blink_L", "blink_R", "jawLeft", "jawRight", "jawOpen")
    paired = symmetric_pairs(rng.normal(size=(5, 468, 3)), names)
    for left, right in ((0, 1), (2, 3), (4, 4)):
        assert np.allclose(mirrored(paired[left]), paired[right])


def test_closed_lips_stay_closed_for_everybody():
    measures = read_measures()
    closed = close_lips(measures.mean)
    assert np.abs(closed[13] - closed[14]).max() < 0.03
    assert np.allclose(steady(measures.identity)[:, 13], steady(measures.identity)[:, 14])


def test_points_that_swapped_places_are_put_back():
    mean = read_measures().mean
    torn = mean.copy()
    torn[[205, 50]] = torn[[50, 205]]  # two points of a cheek
    calm = untangler(torn)
    healed = calm(torn)
    assert np.linalg.norm(healed[205] - mean[205]) < 0.4 * np.linalg.norm(torn[205] - mean[205])
    assert (healed[[10, 33, 1]] == torn[[10, 33, 1]]).all()


def test_axes_have_unit_deviation():
    rng = np.random.default_rng(0)
    mean = read_measures().mean
    bases = rng.normal(size=(3, 468, 3))
    points = mean + np.einsum("pk,kvc->pvc", rng.normal(0, [3, 2, 1], (500, 3)), bases)
    centre, axes, explained = principal_axes(points, 40)
    assert len(axes) == 6 and explained == pytest.approx(1)  # three, and their mirror images
    both = np.concatenate([points, mirrored(points)]) - centre
    flat = axes.reshape(6, -1)
    scores = both.reshape(1000, -1) @ flat.T / (flat**2).sum(1)
    assert np.allclose(scores.std(0), 1, atol=0.01) and np.allclose(np.corrcoef(scores.T), np.eye(6), atol=1e-6)
