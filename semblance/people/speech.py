"""Text -> sound with phonemes and their times, spoken by espeak-ng in a process of its own (see voice.py).

text, Voice -> Spoken: sound (1, samples) float32 -1..1 with its rate in Hz, phonemes in seconds from the first sample.
The phonemes tile the sound: each begins where the one before it ends, and silence is a phoneme too (SILENCE).
Same text and voice, same bytes.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from ..errors import InputError, SemblanceError
from ..options import Options

SILENCE = "_"
"""The symbol of a pause."""

STOPS = frozenset(("p", "t", "k", "tʃ"))
"""Voiceless stops: espeak-ng dates them from the burst, the silence of their closure lies before it."""

SENTENCES = (
    "Happy people buy big blue balloons.",
    "My mother made warm apple pie.",
    "Five very fine voices filled the valley.",
    "She should have pushed the shiny wish box.",
    "The treasure was a measure of pure pleasure.",
    "Which child chose the cheaper chair?",
    "George just judged a large orange bridge.",
    "Think of three thick things on Thursday.",
    "This weather is rather smooth for them, though.",
    "Yes, your yellow yacht is over yonder.",
    "The long song rang along the evening.",
    "Why would we wait for warmer water?",
    "Red roses rarely grow around here.",
    "Little lights fell slowly on the hill.",
    "Two tall boys enjoy noisy toys.",
    "How now, the brown cow went out of town.",
    "Go home alone and open the old gold coat.",
    "Say the name of the lake again today.",
    "I like to ride my bike at nine.",
    "He keeps the green leaf near the sea.",
    "The thin kitten sits in its basket.",
    "Ten men sent seven letters west.",
    "That black cat sat back on a mat.",
    "Come up, love, supper is done.",
    "Father parked the car far from the barn.",
    "A lot of hot coffee got lost in the shop.",
    "Tall Paul saw a small hawk at dawn.",
    "Look, the good cook took a full book.",
    "Who knew the moon could move so soon?",
    "The nurse heard the first bird at work.",
    "There is a rare pair of bears upstairs.",
    "We fear the deer is nearly here.",
    "I am sure the tour takes an hour.",
    "Sixty zebras passed the sleepy zoo.",
    "Could you give the big dog a good hug?",
    "Have a cup of tea with bread and jam.",
    "Nobody knows anything about the money.",
    "Please put the paper map in my pocket.",
    "What a beautiful view from above!",
    "Maybe tomorrow we meet at the market.",
)
"""Short sentences that hold all phonemes of English between them; the first of each kind of mouth shape come often."""

_FILES = {"en-gb": "gmw/en", "en-us": "gmw/en-US"}  # by file: "en-gb" is no name of a voice, "en" takes no variant
_CLOSURE = 0.09  # s, the longest closure of a stop after a pause; within words it is 30 to 60 ms
_STEP = 0.005  # s, by which a closure is felt for
_QUIET = 0.12  # of the text's level: closures have 0.1 of it (some voices echo) or less, the weakest bursts 0.15
_FADE = 0.012  # s, where a sentence is cut at a word: hides the click
_ENDING = 0.12  # s of silence kept after the last word of a clip
_START, _PER_LETTER = 20.0, 0.02  # s that the voice's process may take; it needs 0.1 s and 0.1 ms


class Voice(Options):
    """How somebody sounds."""

    language: Literal["en-gb", "en-us"] = "en-gb"
    """The kind of English."""
    variant: Literal["m1", "m2", "m3", "m4", "m5", "m6", "m7", "f1", "f2", "f3", "f4", "f5"] = "f2"
    """espeak-ng's voice: m1 to m7 are men's, f1 to f5 women's."""
    pitch: int = Field(50, ge=0, le=99)
    """How high: 0 to 99, 50 is the variant's own."""
    speed: int = Field(160, ge=80, le=300)
    """Words per minute."""


@dataclass(frozen=True, slots=True)
class Phoneme:
    """One sound of speech: start and end in seconds, its IPA symbol without stress marks, primary stress or not."""

    start: float
    end: float
    symbol: str
    stressed: bool = False

    @property
    def centre(self) -> float:
        """Its middle in seconds."""
        return (self.start + self.end) / 2


@dataclass(frozen=True, eq=False)
class Spoken:
    """Speech with its truth."""

    sound: np.ndarray  # (1, samples) float32 -1..1
    rate: int  # Hz
    phonemes: tuple[Phoneme, ...]  # tile the sound
    words: tuple[float, ...]  # seconds at which words begin

    @property
    def seconds(self) -> float:
        """Length of the sound."""
        return self.sound.shape[1] / self.rate


def draw_voice(chance: np.random.Generator) -> Voice:
    """A voice by chance; women's are placed a little higher within their variant, as the variants differ little."""
    variant = str(chance.choice([f"m{n}" for n in range(1, 8)] + [f"f{n}" for n in range(1, 6)]))
    low, high = (30, 60) if variant.startswith("m") else (45, 75)
    language = "en-gb" if chance.random() < 0.5 else "en-us"
    pitch, speed = int(chance.integers(low, high + 1)), int(chance.integers(140, 181))
    return Voice(language=language, variant=variant, pitch=pitch, speed=speed)


def speak(text: str, voice: Voice | None = None) -> Spoken:
    """Say one text. Raises InputError if nothing in it can be spoken, SemblanceError if espeak-ng is not there."""
    return speak_all([text], voice)[0]


def speak_all(texts: Sequence[str], voice: Voice | None = None) -> list[Spoken]:
    """Say several texts, one Spoken each, in one process. Raises as `speak`."""
    voice = voice or Voice()
    request = {
        "texts": [_in_one_line(text) for text in texts],
        "voice": f"{_FILES[voice.language]}+{voice.variant}",
        "pitch": voice.pitch,
        "speed": voice.speed,
    }
    header, samples = _ask(request)
    spoken, at = [], 0
    for text, part in zip(texts, header["spoken"], strict=True):
        sound = samples[None, at : at + part["samples"]]
        at += part["samples"]
        phonemes = _phonemes(part["phonemes"], sound[0], header["rate"])
        if all(phoneme.symbol == SILENCE for phoneme in phonemes):
            raise InputError(f"There is nothing to speak in {text[:40]!r}; give a text with words in it.")
        words = tuple(sample / header["rate"] for sample in part["words"])
        spoken.append(Spoken(sound, header["rate"], phonemes, words))
    return spoken


def strung(parts: Sequence[Spoken], pauses: Sequence[float], seconds: float) -> Spoken:
    """Speak `parts` one after the other, pauses[k] seconds of silence before part k, until `seconds` are full.

    What does not fit is cut at the start of a word, and what remains is silence. The sound is exactly
    round(seconds * rate) samples long; the phonemes tile 0..seconds.
    """
    rate = parts[0].rate
    sound = np.zeros((1, round(seconds * rate)), np.float32)
    phonemes, words, at = [], [], 0
    for part, pause in zip(parts, pauses, strict=True):
        at += round(pause * rate)
        room = sound.shape[1] / rate - _ENDING - at / rate
        piece = part if part.seconds <= room else cut(part, room)
        if piece is None:
            break
        begin = at / rate
        sound[:, at : at + piece.sound.shape[1]] = piece.sound
        phonemes += [replace(p, start=p.start + begin, end=p.end + begin) for p in piece.phonemes]
        words += [word + begin for word in piece.words]
        at += piece.sound.shape[1]
        if piece is not part:
            break
    return Spoken(sound, rate, tiled(phonemes, seconds), tuple(words))


def cut(spoken: Spoken, seconds: float) -> Spoken | None:
    """The words of `spoken` that end within `seconds`, faded out; None where not even the first does."""
    ends = [word for word in spoken.words if 0 < word <= seconds]
    if not ends:
        return None
    count, end = round(ends[-1] * spoken.rate), ends[-1]
    sound = spoken.sound[:, :count].copy()
    fade = min(count, round(_FADE * spoken.rate))
    sound[:, count - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
    phonemes = tuple(replace(p, end=min(p.end, end)) for p in spoken.phonemes if p.start < end)
    return Spoken(sound, spoken.rate, phonemes, tuple(word for word in spoken.words if word < end))


def tiled(phonemes: Sequence[Phoneme], seconds: float) -> tuple[Phoneme, ...]:
    """Phonemes in order -> the same within 0..seconds, gaps filled with SILENCE, neighbouring silences made one."""
    result: list[Phoneme] = []

    def add(phoneme: Phoneme) -> None:
        if phoneme.end <= phoneme.start:
            return
        if result and result[-1].symbol == phoneme.symbol == SILENCE:
            result[-1] = replace(result[-1], end=phoneme.end)
        else:
            result.append(phoneme)

    at = 0.0
    for phoneme in phonemes:
        start, end = min(max(phoneme.start, at), seconds), min(phoneme.end, seconds)
        add(Phoneme(at, start, SILENCE))
        add(replace(phoneme, start=start, end=end))
        at = max(at, end)
    add(Phoneme(at, seconds, SILENCE))
    return tuple(result)


def _in_one_line(text: str) -> str:
    return " ".join(text.split())


def _ask(request: dict) -> tuple[dict, np.ndarray]:
    """The header and the samples (count,) float32 that the voice's process answers with."""
    # by its path and not by -m: the same copy of the package whatever the working folder; -P keeps ours out of its way
    command = [sys.executable, "-P", str(Path(__file__).with_name("voice.py"))]
    patience = _START + _PER_LETTER * sum(map(len, request["texts"]))
    try:
        done = subprocess.run(command, input=json.dumps(request).encode(), capture_output=True, timeout=patience)
    except subprocess.TimeoutExpired:
        raise SemblanceError(f"The voice did not answer within {patience:.0f} seconds; try a shorter text.") from None
    line, _, sound = done.stdout.partition(b"\n")
    if done.returncode or not line:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise SemblanceError(
            f"Speech could not be made: its process ended with code {done.returncode} ({last or 'no word why'}); "
            "type: pip install --force-reinstall espeakng-loader, or go without speech."
        )
    header = json.loads(line)
    if "error" in header:
        raise SemblanceError(f"Speech could not be made: {header['error']}, or go without speech.")
    return header, np.frombuffer(sound, np.int16).astype(np.float32) / 32768


def _phonemes(marks: list, sound: np.ndarray, rate: int) -> tuple[Phoneme, ...]:
    """Marks [[sample, IPA], ...] of one text -> its phonemes; the closure of a voiceless stop is given to the stop."""
    begins, symbols, stresses = [], [], []
    for sample, mark in marks:
        symbol = mark.replace("ˈ", "").replace("ˌ", "")
        begins.append(_closure(sound, sample, rate) if symbol in STOPS else sample)
        symbols.append(symbol or SILENCE)
        stresses.append("ˈ" in mark)
    ends = [*begins[1:], len(sound)]
    spans = zip(begins, ends, symbols, stresses)
    phonemes = [Phoneme(begin / rate, end / rate, symbol, stress) for begin, end, symbol, stress in spans]
    return tiled(phonemes, len(sound) / rate)


def _closure(sound: np.ndarray, burst: int, rate: int) -> int:
    """The sample where the quiet before a burst begins, at most _CLOSURE seconds back; `burst` if there is none."""
    step = round(_STEP * rate)
    limit = _QUIET * _level(sound)
    last = burst - round(0.003 * rate)  # espeak-ng dates the burst to a few ms
    begin = last
    while begin - step >= max(0, burst - _CLOSURE * rate) and _level(sound[begin - step : begin]) < limit:
        begin -= step
    return begin if begin < last else burst


def _level(sound: np.ndarray) -> float:
    return float(np.sqrt(np.mean(sound**2)))
