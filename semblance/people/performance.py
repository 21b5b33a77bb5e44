"""What a person does in front of the camera: head, eyes, lids, brows, mouth and voice, from a seed.

PerformanceOptions, seed -> Performance: N frames of expression weights, head pose and gaze, with the sound and its
phonemes. Chance is drawn once into plans (when, how far; see acting.py); a plan is a function of continuous time that
is then read at the frames, so that the same seed at twice the rate is the same performance sampled twice as densely.
Any person can play any performance; the voice belongs to the performance.

Signs are those of types.py: yaw > 0 to the picture's right, which is the person's left; names in _L are the person's.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from pydantic import Field

from ..errors import InputError
from ..options import Options
from .acting import (
    Act,
    Curve,
    blinks,
    brow_flashes,
    gaze_motion,
    head_motion,
    moods,
    mouth_acting,
    place_motion,
    rest_motion,
)
from .speech import SENTENCES, SILENCE, Phoneme, Spoken, Voice, draw_voice, speak_all, strung
from .visemes import mouth_curves

_NAMES = """
    browDown_L browDown_R browInnerUp_L browInnerUp_R browOuterUp_L browOuterUp_R cheekPuff_L cheekPuff_R
    cheekRaiser_L cheekRaiser_R cheekSquint_L cheekSquint_R eyeBlink_L eyeBlink_R eyeLookDown_L eyeLookDown_R
    eyeLookIn_L eyeLookIn_R eyeLookOut_L eyeLookOut_R eyeLookUp_L eyeLookUp_R eyeSquint_L eyeSquint_R eyeWide_L
    eyeWide_R jawForward jawLeft jawOpen jawRight mouthClose mouthDimple_L mouthDimple_R mouthFrown_L mouthFrown_R
    mouthFunnel mouthLeft mouthLowerDown_L mouthLowerDown_R mouthPress_L mouthPress_R mouthPucker mouthRight
    mouthRollLower mouthRollUpper mouthShrugLower mouthShrugUpper mouthSmile_L mouthSmile_R mouthStretch_L
    mouthStretch_R mouthUpperUp_L mouthUpperUp_R noseSneer_L noseSneer_R
"""
EXPRESSIONS: tuple[str, ...] = tuple(_NAMES.split())
"""Names of the expression weights, in the order of Performance.weights: those of the ICT FaceKit (2020)."""

_HEAD, _PLACE, _GAZE, _BLINK, _BROWS, _MOODS, _REST, _MOUTH, _SPEECH = range(9)  # each has a chance of its own
_LOOKS = {"Side": 35.0, "Up": 25.0, "Down": 30.0}  # degrees at which eyeLook* weights are 1
_LONGEST_PAUSE, _SHORTEST_SENTENCE = 0.8, 1.0  # s


class PerformanceOptions(Options):
    """How long, how far and how lively somebody acts, and what is said."""

    seconds: float = Field(6.0, gt=0, le=600)
    """Length of the clip in seconds."""
    rate: float = Field(25.0, ge=1, le=240)
    """Frames per second; 23.976, 29.97 and 59.94 mean 24, 30 and 60 times 1000/1001."""
    yaw: float = Field(20.0, ge=0, le=90)
    """Largest turn of the head to either side, degrees."""
    pitch: float = Field(10.0, ge=0, le=60)
    """Largest turn of the head up or down, degrees."""
    roll: float = Field(6.0, ge=0, le=60)
    """Largest lean of the head to either side, degrees."""
    pace: float = Field(1.0, ge=0.1, le=5)
    """Speed of head and eyes: 3 is fast, 0.3 slow."""
    liveliness: float = Field(1.0, ge=0, le=2)
    """Strength of expressions: 0 none, 1 as people are, 2 an actor's."""
    speech: bool = True
    """Speak; without speech the mouth acts in silence."""
    text: str = Field("", max_length=20_000)
    """What is said, once, cut at a word where it is too long; empty: sentences chosen by the seed fill the clip."""


@dataclass(frozen=True, eq=False)
class Performance:
    """N frames of acting. Angles in degrees, cm, seconds; signs as in types.py."""

    seed: int
    rate: Fraction  # frames per second
    weights: np.ndarray  # (N, len(EXPRESSIONS)) float32 0..1
    pose: np.ndarray  # (N, 3) float32 yaw, pitch, roll
    place: np.ndarray  # (N, 3) float32 cm, shift of the head: x to the picture's right, y up, z towards the camera
    gaze: np.ndarray  # (N, 2) float32 yaw, pitch relative to the head
    phonemes: tuple[Phoneme, ...]  # tile the clip; one long SILENCE without speech
    sound: np.ndarray | None  # (1, samples) float32 -1..1, exactly N / rate seconds
    sound_rate: int  # Hz; 0 without sound
    options: PerformanceOptions
    voice: Voice | None = None

    @property
    def frames(self) -> int:
        """N."""
        return len(self.weights)

    @property
    def seconds(self) -> float:
        """N / rate."""
        return float(self.frames / self.rate)

    def weight(self, name: str) -> np.ndarray:
        """The curve (N,) of one of EXPRESSIONS."""
        return self.weights[:, EXPRESSIONS.index(name)]

    def phoneme_at(self, frame: int) -> str:
        """The symbol spoken while frame number `frame` is taken; InputError where there is no such frame."""
        if not 0 <= frame < self.frames:
            raise InputError(f"There is no frame {frame}; this performance has frames 0 to {self.frames - 1}.")
        at = bisect_right(self.phonemes, float(frame / self.rate), key=lambda phoneme: phoneme.start)
        return self.phonemes[max(0, at - 1)].symbol

    def to_dict(self) -> dict:
        """All that is needed to draw it again, and what is said when, for JSON."""
        return {
            "seed": self.seed,
            "options": self.options.model_dump(),
            "voice": self.voice.model_dump() if self.voice else None,
            "rate": str(self.rate),
            "frames": self.frames,
            "phonemes": [[round(p.start, 4), round(p.end, 4), p.symbol, p.stressed] for p in self.phonemes],
        }


def draw_performance(seed: int, options: PerformanceOptions | None = None, voice: Voice | None = None) -> Performance:
    """Draw a performance; `voice` instead of the one that the seed chooses.

    Same seed and options, same bytes. Raises InputError for a negative seed or a text without a word, SemblanceError if
    speech is asked for and espeak-ng is not there.
    """
    options = options or PerformanceOptions()
    if seed < 0:
        raise InputError(f"A seed cannot be {seed}; give a whole number from 0 up.")
    rate = exact_rate(options.rate)
    frames = max(1, round(options.seconds * rate))
    length = float(frames / rate)
    times = np.array([float(frame / rate) for frame in range(frames)])
    spoken, phonemes = None, (Phoneme(0.0, length, SILENCE),)
    if options.speech:
        chance = _chance(seed, _SPEECH)
        drawn = draw_voice(chance)  # drawn in any case, so that the sentences do not depend on who speaks them
        voice = voice or drawn
        spoken = _say(chance, options, voice, length)
        phonemes = spoken.phonemes
    head, eyes, place = _bearing(seed, options, phonemes)
    gaze = eyes(times)
    return Performance(
        seed=seed,
        rate=rate,
        weights=_face(seed, options, phonemes, times, gaze).weights(),
        pose=head(times).astype(np.float32),
        place=place(times).astype(np.float32),
        gaze=gaze.astype(np.float32),
        phonemes=phonemes,
        sound=spoken.sound if spoken else None,
        sound_rate=spoken.rate if spoken else 0,
        options=options,
        voice=voice if spoken else None,
    )


def exact_rate(rate: float) -> Fraction:
    """Frames per second as a Fraction; within 0.001 of a television rate (n * 1000/1001) that rate is meant."""
    television = Fraction(round(rate * 1.001) * 1000, 1001)
    if rate != round(rate) and abs(television - Fraction(rate)) < Fraction(1, 1000):
        return television
    return Fraction(rate).limit_denominator(1000)


def _chance(seed: int, stream: int) -> np.random.Generator:
    return np.random.default_rng([seed, stream])


def _say(chance: np.random.Generator, options: PerformanceOptions, voice: Voice, length: float) -> Spoken:
    """The clip's speech, exactly `length` seconds; pauses are drawn for every sentence, said or not."""
    if options.text.strip():
        texts = [options.text]
    else:
        count = 1 + math.ceil(length / _SHORTEST_SENTENCE)
        orders = [chance.permutation(len(SENTENCES)) for _ in range(math.ceil(count / len(SENTENCES)))]
        texts = [SENTENCES[number] for number in np.concatenate(orders)[:count]]
    pauses = chance.uniform(0.35, _LONGEST_PAUSE, len(texts))
    pauses[0] = min(chance.uniform(0.15, 0.4), 0.1 * length)
    return strung(speak_all(texts, voice), pauses, length)


def _bearing(seed: int, options: PerformanceOptions, phonemes: Sequence[Phoneme]) -> tuple[Curve, Curve, Curve]:
    """Head (T,) -> (T, 3), eyes (T,) -> (T, 2), place (T,) -> (T, 3)."""
    limits = np.array([options.yaw, options.pitch, options.roll])
    head = head_motion(_chance(seed, _HEAD), options.seconds, limits, options.pace, beats_of(phonemes))
    eyes = gaze_motion(_chance(seed, _GAZE), options.seconds, options.pace, head)
    return head, eyes, place_motion(_chance(seed, _PLACE), options.pace, head)


def _face(
    seed: int, options: PerformanceOptions, phonemes: Sequence[Phoneme], times: np.ndarray, gaze: np.ndarray
) -> _Face:
    """All expression curves at times (N,), eyes included, gaze (N, 2)."""
    seconds, lively = options.seconds, options.liveliness
    face = _Face(times)
    face.add_looks(gaze)
    acts = blinks(_chance(seed, _BLINK), seconds)
    acts += brow_flashes(_chance(seed, _BROWS), seconds, lively, beats_of(phonemes) if options.speech else None)
    acts += moods(_chance(seed, _MOODS), seconds, lively if options.speech else 0.7 * lively)
    if options.speech:
        for name, values in mouth_curves(phonemes, times, 0.7 + 0.3 * lively).items():
            face.add(name, values)
    else:
        acts += mouth_acting(_chance(seed, _MOUTH), seconds, lively, options.pace)
    for act in acts:
        face.add_act(act)
    stir = rest_motion(_chance(seed, _REST), [(p.start, p.end) for p in phonemes if p.symbol == SILENCE])
    for name, values in stir(times).items():
        face.add(name, values)
    return face


def beats_of(phonemes: Sequence[Phoneme]) -> list[float]:
    """Seconds at which stressed vowels begin: what head and brows move to."""
    return [phoneme.start for phoneme in phonemes if phoneme.stressed]


class _Face:
    """Sums up expression curves over times (N,); names without side go to both sides, `lean` > 0 more to the left."""

    def __init__(self, times: np.ndarray):
        self.times = times
        self._curves = {name: np.zeros(len(times)) for name in EXPRESSIONS}

    def add(self, name: str, values: np.ndarray, lean: float = 0.0) -> None:
        """Add values (N,) to a weight."""
        if name in self._curves:
            self._curves[name] += values
        else:
            self._curves[f"{name}_L"] += values * (1 + lean)
            self._curves[f"{name}_R"] += values * (1 - lean)

    def add_act(self, act: Act) -> None:
        """Add a shape that comes and goes."""
        values = act.course(self.times)
        for name, height in act.shape.items():
            self.add(name, height * values, act.lean)

    def add_looks(self, gaze: np.ndarray) -> None:
        """Lids and eyes that go with gaze (N, 2)."""
        yaw, pitch = gaze[:, 0] / _LOOKS["Side"], gaze[:, 1]
        for name, values in (("Out_L", yaw), ("In_R", yaw), ("In_L", -yaw), ("Out_R", -yaw)):
            self.add(f"eyeLook{name}", np.maximum(0, values))
        self.add("eyeLookUp", np.maximum(0, pitch / _LOOKS["Up"]))
        self.add("eyeLookDown", np.maximum(0, -pitch / _LOOKS["Down"]))

    def weights(self) -> np.ndarray:
        """(N, len(EXPRESSIONS)) float32 0..1; a shut eye is not wide at once."""
        for side in "LR":
            self._curves[f"eyeWide_{side}"] *= 1 - np.clip(self._curves[f"eyeBlink_{side}"], 0, 1)
        return np.clip(np.stack([self._curves[name] for name in EXPRESSIONS], axis=1), 0, 1).astype(np.float32)
