"""Performances: the same from the same seed at any rate, within their limits, and alive."""

import hashlib
import json
import subprocess
import sys
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from semblance.errors import InputError
from semblance.people.acting import STEADY, Act, drift, eased, stepped
from semblance.people.performance import EXPRESSIONS, PerformanceOptions, draw_performance, exact_rate
from semblance.people.speech import SILENCE, Voice

SEEDS = range(12)
ARRAYS = ("weights", "pose", "place", "gaze")


@pytest.fixture(scope="module")
def talking():
    return [draw_performance(seed) for seed in SEEDS]


@pytest.fixture(scope="module")
def silent():
    return [draw_performance(seed, PerformanceOptions(speech=False, seconds=9)) for seed in SEEDS]


def digest(performance) -> str:
    arrays = [getattr(performance, name) for name in ARRAYS]
    arrays += [performance.sound] if performance.sound is not None else []
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()


def test_shapes_kinds_and_ranges(talking, silent):
    for performance in [*talking, *silent]:
        frames = performance.frames
        assert frames == (150 if performance.sound is not None else 225) and performance.rate == 25
        widths = {"weights": len(EXPRESSIONS), "pose": 3, "place": 3, "gaze": 2}
        for name, width in widths.items():
            array = getattr(performance, name)
            assert array.shape == (frames, width) and array.dtype == np.float32 and np.isfinite(array).all()
        assert performance.weights.min() >= 0 and performance.weights.max() <= 1
        assert (np.abs(performance.pose).max(0) <= (20, 10, 6)).all()
        assert np.abs(performance.place).max() < 3 and (np.abs(performance.gaze).max(0) < (32, 22)).all()


def test_names_are_the_55_of_the_ict_face_kit():
    assert len(EXPRESSIONS) == len(set(EXPRESSIONS)) == 55
    assert {name[:-1] + "R" for name in EXPRESSIONS if name.endswith("_L")} <= set(EXPRESSIONS)


def test_same_seed_same_bytes_and_others_differ(talking):
    assert digest(draw_performance(3)) == digest(talking[3])
    assert len({digest(performance) for performance in talking}) == len(talking)
    code = (
        "import hashlib; from semblance.people.performance import draw_performance as draw; p = draw(3);"
        "arrays = (p.weights, p.pose, p.place, p.gaze, p.sound);"
        "print(hashlib.sha256(b''.join(a.tobytes() for a in arrays)).hexdigest())"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert other == digest(talking[3])


@pytest.mark.parametrize("speech", [True, False])
def test_twice_the_rate_is_the_same_performance(speech):
    slow, fast = (draw_performance(5, PerformanceOptions(rate=rate, speech=speech)) for rate in (25, 50))
    for name in ARRAYS:
        assert np.array_equal(getattr(fast, name)[::2], getattr(slow, name)), name
    assert not speech or np.array_equal(slow.sound, fast.sound)


def test_the_head_turns_nearly_as_far_as_asked():
    for seed in range(40):
        for seconds, yaw, pace in ((4, 20, 1), (6, 60, 1), (6, 20, 3), (20, 45, 0.5)):
            asked = PerformanceOptions(seconds=seconds, yaw=yaw, pace=pace, speech=False)
            reach = np.abs(draw_performance(seed, asked).pose[:, 0]).max()
            assert 0.78 * yaw <= reach <= yaw, (seed, seconds, yaw, pace)


def test_motion_is_smooth_and_pace_makes_it_faster(talking):
    speeds = {}
    for pace in (0.4, 1, 3):
        asked = PerformanceOptions(speech=False, pace=pace, seconds=12, rate=50)
        poses = [draw_performance(seed, asked).pose for seed in SEEDS]
        speeds[pace] = np.mean([np.abs(np.diff(pose[:, 0])).mean() * 50 for pose in poses])
    assert speeds[0.4] < 0.6 * speeds[1] and speeds[3] > 1.8 * speeds[1]
    for performance in talking:
        assert np.abs(np.diff(performance.pose, axis=0)).max() < 6  # degrees a frame: 150 degrees/s
        assert np.abs(np.diff(performance.pose, n=2, axis=0)).max() < 3  # no jerks


def test_still_people_are_still():
    asked = PerformanceOptions(yaw=0, pitch=0, roll=0, liveliness=0, speech=False)
    performance = draw_performance(1, asked)
    assert not performance.pose.any()
    others = [n for n, name in enumerate(EXPRESSIONS) if not name.startswith(("eyeBlink", "eyeLook"))]
    assert performance.weights[:, others].max() < 0.1


def test_eyes_turn_back_while_the_head_turns(talking):
    slopes = []
    for performance in talking:
        head, eyes = np.diff(performance.pose[:, 0]), np.diff(performance.gaze[:, 0])
        turning = (np.abs(head) > 1) & (np.abs(eyes + STEADY * head) < 1.5)  # without the frames of a saccade
        slopes += list(eyes[turning] / head[turning])
    assert len(slopes) > 50 and -1 < np.median(slopes) < -0.7


def test_gaze_rests_and_jumps():
    """In 1 kHz readings of a still head: fixations of 0.3 to 2 s, jumps of 40 to 60 ms."""
    asked = PerformanceOptions(yaw=0, pitch=0, roll=0, speech=False, seconds=20, rate=200)
    lengths = []
    for seed in SEEDS:
        gaze = draw_performance(seed, asked).gaze
        fast = np.flatnonzero(np.abs(np.diff(gaze, axis=0)).max(1) * 200 > 25)  # degrees/s
        starts = fast[np.flatnonzero(np.diff(fast, prepend=-100) > 10)]
        ends = fast[np.flatnonzero(np.diff(fast, append=10**6) > 10)]
        assert ((ends - starts + 1) / 200 <= 0.065).all()
        lengths += list(np.diff(starts) / 200)
    assert min(lengths) >= 0.28 and 0.5 < np.median(lengths) < 2.2


def test_lids_follow_the_gaze():
    performance = draw_performance(2, PerformanceOptions(speech=False, seconds=10))
    right = performance.gaze[:, 0] > 3  # to the picture's right, the person's left
    assert right.any() and (~right).any()
    assert (performance.weight("eyeLookOut_L")[right] > 0).all() and (
        performance.weight("eyeLookIn_R")[right] > 0
    ).all()
    assert (performance.weight("eyeLookIn_L")[right] == 0).all() and (
        performance.weight("eyeLookOut_R")[right] == 0
    ).all()
    up = performance.gaze[:, 1] > 1
    assert up.any() and (performance.weight("eyeLookUp_L")[up] > 0).all()
    assert (performance.weight("eyeLookDown_L")[up] == 0).all()


def test_blinks_come_every_two_to_five_seconds(talking):
    for seed in SEEDS:
        blink = draw_performance(seed, PerformanceOptions(seconds=30, speech=False)).weight("eyeBlink_L")
        shut = np.flatnonzero(blink > 0.95)
        starts = shut[np.diff(shut, prepend=-100) > 2] / 25
        assert starts[0] < 3 and (np.diff(starts) > 1.9).all() and (np.diff(starts) < 5.5).all()
        assert 0.01 < np.mean(blink > 0.5) < 0.15
    for seed in range(60):
        assert draw_performance(seed, PerformanceOptions(seconds=3, speech=False)).weight("eyeBlink_R").max() > 0.9


def test_left_and_right_are_nearly_but_not_quite_alike(talking):
    for performance in talking:
        for name in ("mouthSmile", "browInnerUp"):
            left, right = performance.weight(f"{name}_L"), performance.weight(f"{name}_R")
            assert left.max() > 0.1 and np.corrcoef(left, right)[0, 1] > 0.97
            assert 0.002 < np.abs(left - right).max() < 0.3


def test_jaws_do_not_jump(talking, silent):
    for performance in [*talking, *silent]:
        assert np.abs(np.diff(performance.weight("jawOpen"))).max() < 0.35
    lively = draw_performance(1, PerformanceOptions(liveliness=2, pace=5, speech=False, seconds=30))
    assert np.abs(np.diff(lively.weight("jawOpen"))).max() < 0.5


def test_silent_mouths_open_well_within_any_three_seconds(silent):
    for performance in silent:
        jaw = performance.weight("jawOpen")
        windows = np.lib.stride_tricks.sliding_window_view(jaw, 75)
        assert windows.max(1).min() > 0.6 and jaw.max() < 0.95 and jaw.min() < 0.05
        assert performance.sound is None and performance.voice is None and performance.sound_rate == 0
        assert performance.phoneme_at(0) == SILENCE and len(performance.phonemes) == 1


def test_smiles_come_and_go(silent):
    for performance in silent:
        smile = performance.weight("mouthSmile_L")
        assert smile.max() > 0.25 and smile.min() < 0.1


def envelope(performance) -> np.ndarray:
    """Loudness (N,) of the sound, over a Hann window of 0.12 s around each frame's time."""
    window = np.hanning(round(0.12 * performance.sound_rate))
    power = np.convolve(performance.sound[0] ** 2, window / window.sum(), "same")
    at = [round(frame / performance.rate * performance.sound_rate) for frame in range(performance.frames)]
    return np.sqrt(np.maximum(0, power[at]))


def test_jaw_and_sound_agree(talking):
    agreement = [np.corrcoef(envelope(p), p.weight("jawOpen"))[0, 1] for p in talking]
    assert min(agreement) > 0.4 and np.mean(agreement) > 0.6
    strangers = [np.corrcoef(envelope(a), b.weight("jawOpen"))[0, 1] for a, b in pairwise(talking)]
    assert np.mean(strangers) < 0.3


def test_phonemes_and_sound_fill_the_clip(talking):
    for performance in talking:
        assert performance.sound.shape == (1, 6 * performance.sound_rate)
        assert performance.phonemes[0].start == 0 and performance.phonemes[-1].end == pytest.approx(6)
        assert all(one.end == other.start for one, other in zip(performance.phonemes, performance.phonemes[1:]))
        spoken = sum(p.end - p.start for p in performance.phonemes if p.symbol != SILENCE)
        assert spoken > 3
        level = np.sqrt((performance.sound**2).mean())
        for phoneme in performance.phonemes:
            if phoneme.symbol == SILENCE and phoneme.end - phoneme.start > 0.3:
                inner = performance.sound[0, round((phoneme.start + 0.05) * performance.sound_rate) :]
                inner = inner[: round((phoneme.end - phoneme.start - 0.1) * performance.sound_rate)]
                assert np.sqrt((inner**2).mean()) < 0.1 * level


def test_phoneme_at_is_the_one_spoken_then(talking):
    performance = talking[0]
    for phoneme in performance.phonemes:
        inside = [frame for frame in range(performance.frames) if phoneme.start <= frame / 25 < phoneme.end]
        assert {performance.phoneme_at(frame) for frame in inside} <= {phoneme.symbol}
    for frame in (-1, 150):
        with pytest.raises(InputError, match="frames 0 to 149"):
            performance.phoneme_at(frame)


def test_given_words_are_spoken_once_by_the_given_voice():
    voice = Voice(variant="m2", language="en-gb")
    performance = draw_performance(0, PerformanceOptions(text="Papa."), voice)
    symbols = [p.symbol for p in performance.phonemes if p.symbol != SILENCE]
    assert symbols == ["p", "ɐ", "p", "ɑː"] and performance.voice == voice
    assert performance.phonemes[-1].symbol == SILENCE and performance.phonemes[-1].start < 1.5
    other = draw_performance(0, PerformanceOptions(text="Papa."))
    assert other.voice != voice


@pytest.mark.parametrize(("seconds", "rate"), [(0.04, 25), (0.3, 24), (1.0, 29.97), (2.5, 12), (3.3, 23.976)])
def test_odd_lengths_have_exactly_their_sound(seconds, rate):
    performance = draw_performance(4, PerformanceOptions(seconds=seconds, rate=rate))
    assert performance.frames == max(1, round(seconds * exact_rate(rate)))
    exact = performance.frames / performance.rate * performance.sound_rate
    assert abs(performance.sound.shape[1] - exact) <= 0.5
    assert performance.phonemes[-1].end == pytest.approx(performance.seconds)


def test_television_rates():
    assert exact_rate(29.97) == Fraction(30000, 1001) and exact_rate(23.976) == Fraction(24000, 1001)
    assert exact_rate(25.0) == 25 and exact_rate(30.0) == 30 and exact_rate(12.5) == Fraction(25, 2)


def test_the_record_can_be_drawn_again_from_its_json(talking):
    told = json.loads(json.dumps(talking[2].to_dict()))
    again = draw_performance(told["seed"], PerformanceOptions(**told["options"]), Voice(**told["voice"]))
    assert digest(again) == digest(talking[2])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("seconds", value) for value in (0, -1, 601, float("nan"))),
        *(("rate", value) for value in (0.5, 241)),
        *(("yaw", value) for value in (91, -1)),
        *(("liveliness", value) for value in (-1, 3)),
        *(("pitch", 90), ("roll", -3), ("pace", 0), ("speed", 1)),
    ],
)
def test_options_that_cannot_be(name, value):
    with pytest.raises(InputError, match=f"option '{name}'|Option '{name}'"):
        PerformanceOptions(**{name: value})


def test_nothing_to_say_and_negative_seeds_are_refused():
    with pytest.raises(InputError, match="nothing to speak"):
        draw_performance(0, PerformanceOptions(text="...?"))
    with pytest.raises(InputError, match="seed"):
        draw_performance(-1)


def test_moves_are_minimum_jerk():
    assert np.allclose(eased(np.array([-1, 0, 0.5, 1, 2])), [0, 0, 0.5, 1, 1])
    times = np.linspace(0, 4, 4001)
    curve = stepped(np.array([1.0]), np.array([1.0, 3.0]), np.array([1.0, 0.5]), np.array([[3.0], [0.0]]))(times)[:, 0]
    assert np.allclose(curve[[0, 1000, 1500, 2000, 3000, 3500, 4000]], [1, 1, 2, 3, 3, 0, 0])
    assert np.abs(np.diff(curve)).max() * 1000 == pytest.approx(1.875 * 3 / 0.5, rel=1e-3)  # peak speed of the course


def test_acts_come_stay_and_go():
    act = Act({"jawOpen": 1.0}, begin=1.0, attack=0.4, hold=1.0, release=0.6)
    assert np.allclose(
        act.course(np.array([0.9, 1.0, 1.2, 1.4, 2.0, 2.4, 2.7, 3.0, 9.0])), [0, 0, 0.5, 1, 1, 1, 0.5, 0, 0]
    )


def test_drift_stays_within_one():
    values = drift(np.random.default_rng(0), 5, 0.1, 0.5)(np.linspace(0, 600, 20000))
    assert values.shape == (20000, 5) and 0.8 < np.abs(values).max() <= 1 and np.abs(values.mean(0)).max() < 0.05
