"""Phonemes with their times -> curves of the mouth, with coarticulation by dominance functions.

Cohen and Massaro, "Modeling coarticulation in synthetic visual speech" (1993): every segment s wants a target T of
each mouth parameter and pulls with a dominance D(t) = alpha * exp(-theta * |t - s|); the mouth is the mean of all
targets weighted by their dominances. Here the distance is counted from the segment's core, not its centre, so that long
sounds are held, and is rounded at zero, so that curves have no corner. A small alpha lets the neighbours through (the
lips of a /t/ are those of the vowel after it), a large one insists (the lips of a /p/ are shut, whatever is around).

The curves are functions of continuous time: asked at 50 pictures a second they pass through the values at 25.
Lips are shut through `closure`, 0 open .. 1 shut: it becomes as much mouthClose as the jaw is open, the way blendshapes
close lips over an open jaw, and takes away all else that parts them.
"""

from __future__ import annotations

from collections.abc import Sequence
from unicodedata import category

import numpy as np

from .speech import SILENCE, Phoneme

_NAMES = {
    "jaw": "jawOpen",
    "funnel": "mouthFunnel",
    "pucker": "mouthPucker",
    "press": "mouthPress",
    "roll_lower": "mouthRollLower",
    "roll_upper": "mouthRollUpper",
    "lower": "mouthLowerDown",
    "upper": "mouthUpperUp",
    "smile": "mouthSmile",
    "stretch": "mouthStretch",
    "shrug": "mouthShrugUpper",
}
PARAMETERS = (*_NAMES, "closure")
"""What a viseme says of the mouth, each 0..1; what it does not name is 0."""


def _each(signs: str, targets: dict[str, float]) -> dict[str, dict[str, float]]:
    return dict.fromkeys(signs, targets)


_LIPS = {"closure": 1.0, "jaw": 0.08}
_TEETH = {"closure": 0.4, "jaw": 0.1, "roll_lower": 0.55, "upper": 0.3}
_TONGUE = {"jaw": 0.14, "lower": 0.22, "upper": 0.12, "stretch": 0.1}
_HISS = {"jaw": 0.06, "lower": 0.34, "upper": 0.24, "stretch": 0.25, "smile": 0.1}
_HUSH = {"jaw": 0.08, "funnel": 0.5, "pucker": 0.25, "lower": 0.24, "upper": 0.18}
_BACK = {"jaw": 0.18, "lower": 0.12}
_NEUTRAL = {"jaw": 0.24, "lower": 0.08}

VISEMES: dict[str, dict[str, float]] = {
    SILENCE: {"closure": 0.9, "jaw": 0.03, "press": 0.03},
    **_each("pb", {**_LIPS, "press": 0.4, "roll_lower": 0.1, "roll_upper": 0.1}),
    "m": {**_LIPS, "press": 0.22, "roll_lower": 0.05, "roll_upper": 0.05},
    **_each("fv", _TEETH),
    **_each("θð", {"jaw": 0.13, "lower": 0.3, "upper": 0.14}),
    **_each("tdnɾ", _TONGUE),
    "l": {**_TONGUE, "jaw": 0.2},
    **_each("sz", _HISS),
    **_each("ʃʒ", _HUSH),
    "ɹ": {"jaw": 0.14, "funnel": 0.35, "pucker": 0.3, "lower": 0.1},
    "w": {"jaw": 0.08, "pucker": 0.75, "funnel": 0.3},
    "j": {"jaw": 0.12, "smile": 0.22, "stretch": 0.2, "lower": 0.12},
    **_each("kɡŋx", _BACK),
    **_each("hʔ", {"jaw": 0.24, "lower": 0.1}),
    "i": {"jaw": 0.15, "smile": 0.35, "stretch": 0.3, "lower": 0.22, "upper": 0.08},
    **_each("ɪᵻ", {"jaw": 0.21, "smile": 0.2, "stretch": 0.15, "lower": 0.15}),
    **_each("eɛ", {"jaw": 0.36, "smile": 0.1, "stretch": 0.25, "lower": 0.2, "upper": 0.08}),
    **_each("aæ", {"jaw": 0.52, "stretch": 0.22, "lower": 0.25, "upper": 0.1}),
    "ɑ": {"jaw": 0.6, "lower": 0.15},
    "ɒ": {"jaw": 0.5, "funnel": 0.25, "lower": 0.1},
    "ɔ": {"jaw": 0.42, "funnel": 0.45, "pucker": 0.22},
    **_each("ʌɐ", {"jaw": 0.43, "lower": 0.12}),
    "ɜ": {"jaw": 0.32, "funnel": 0.15, "lower": 0.12},
    **_each("əɚ", _NEUTRAL),
    "o": {"jaw": 0.35, "funnel": 0.5, "pucker": 0.35},
    "ʊ": {"jaw": 0.19, "funnel": 0.35, "pucker": 0.4},
    "u": {"jaw": 0.12, "funnel": 0.3, "pucker": 0.75},
}
"""Targets of the parts of espeak-ng's English symbols. /tʃ/, /aɪ/, /ɔːɹ/ are the sequences they are written as."""

_SOUNDS = ("Ll", "Lo", "Lu")  # Unicode's letters, without those that modify the one before (long, syllabic)
_VOWELS = frozenset("iɪᵻeɛaæɑɒɔʌɐɜəɚoʊu")
_ROUNDING, _SHUTTING = ("funnel", "pucker"), ("closure", "press", "roll_lower", "roll_upper")
_THETA = {
    **dict.fromkeys(PARAMETERS, 20.0),  # 1/s: the jaw follows within 0.05 s
    **dict.fromkeys(_ROUNDING, 11.0),  # rounding begins early and lingers, 0.1 s
    **dict.fromkeys(_SHUTTING, 50.0),
    "closure": 85.0,  # lips meet and part within 0.03 s, or a short /a/ between two of them would not be seen
}
_INSISTS = 12.0  # alpha of what a sound cannot be made without: lips shut in /p/, rounded in /w/
_CORE = 0.4  # of a segment, around its centre, where its pull is full
_ROUNDED = 0.008  # s around the core's border over which |distance| is made smooth
_REACH = 0.5  # s beyond which a segment's pull is nothing (exp(-0.5 * 11) = 0.4 %)


def parts_of(symbol: str) -> list[str]:
    """The visemes of a symbol in their order: 'aɪ' -> a, ɪ; 'tʃ' -> ʃ (the hush is prepared during the stop); unknown
    signs count as /ə/, length and syllable marks as nothing."""
    if symbol in ("tʃ", "dʒ"):
        return [symbol[1]]
    parts = [sign if sign in VISEMES else "ə" for sign in symbol if category(sign) in _SOUNDS or sign == SILENCE]
    return parts or ["ə"]


def mouth_curves(phonemes: Sequence[Phoneme], times: np.ndarray, strength: float = 1.0) -> dict[str, np.ndarray]:
    """Curves of the mouth for phonemes that tile the clip, at ascending times (N,) in seconds.

    strength: how far vowels open, 1 = as in clear talk. Returns (N,) float64 0..1 for each blendshape, named without
    side: jawOpen, mouthClose, mouthFunnel, mouthPucker, mouthPress, mouthRollLower, mouthRollUpper, mouthLowerDown,
    mouthUpperUp, mouthSmile, mouthStretch, mouthShrugUpper.
    """
    pull = {name: np.full(len(times), 1e-6) for name in PARAMETERS}  # far from everything the mouth rests
    sums = {name: np.full(len(times), 1e-6 * VISEMES[SILENCE].get(name, 0.0)) for name in PARAMETERS}
    for start, end, viseme, stress in _segments(phonemes):
        low, high = np.searchsorted(times, (start - _REACH, end + _REACH))
        beyond = _beyond_core(times[low:high], start, end, viseme)
        for name in PARAMETERS:
            dominance = _alpha(viseme, name) * np.exp(-_THETA[name] * beyond)
            target = VISEMES[viseme].get(name, 0.0)
            if name == "jaw" and viseme in _VOWELS:
                target *= stress * strength
            pull[name][low:high] += dominance
            sums[name][low:high] += dominance * target
    mouth = {name: sums[name] / pull[name] for name in PARAMETERS}
    shut = mouth.pop("closure")
    for name in ("lower", "upper", "funnel"):
        mouth[name] = mouth[name] * (1 - shut)
    curves = {_NAMES[name]: np.clip(values, 0, 1) for name, values in mouth.items()}
    curves["mouthClose"] = np.clip(shut * curves["jawOpen"], 0, 1)
    return curves


def lip_opening(curves: dict[str, np.ndarray]) -> np.ndarray:
    """How far apart the lips are, about 0..1, from what mouth_curves returns: jaw less closing, and lips drawn away."""
    apart = 0.35 * (curves["mouthLowerDown"] + curves["mouthUpperUp"]) + 0.15 * curves["mouthFunnel"]
    return np.maximum(0, curves["jawOpen"] - curves["mouthClose"] + apart - 0.1 * curves["mouthPress"])


def _segments(phonemes: Sequence[Phoneme]) -> list[tuple[float, float, str, float]]:
    """(start, end, viseme, opening of its vowels): a stressed vowel opens further than one that is not."""
    segments = []
    for phoneme in phonemes:
        parts = parts_of(phoneme.symbol)
        step = (phoneme.end - phoneme.start) / len(parts)
        stress = 1.15 if phoneme.stressed else 0.85
        for number, part in enumerate(parts):
            segments.append((phoneme.start + number * step, phoneme.start + (number + 1) * step, part, stress))
    return segments


def _beyond_core(times: np.ndarray, start: float, end: float, viseme: str) -> np.ndarray:
    """Seconds from each time to the segment's core, smooth at its border. Silence is all core: it has no gesture."""
    half = (end - start) / 2 * (1.0 if viseme == SILENCE else _CORE)
    beyond = np.maximum(0, np.abs(times - (start + end) / 2) - half)
    return np.sqrt(beyond**2 + _ROUNDED**2) - _ROUNDED


def _alpha(viseme: str, name: str) -> float:
    """How hard a viseme pulls at a parameter."""
    if name in _SHUTTING and VISEMES[viseme].get("closure", 0) >= 0.4 and viseme != SILENCE:
        return _INSISTS
    if name in _ROUNDING and (viseme in _VOWELS or viseme in "wɹʃʒ"):
        return 2.0 if VISEMES[viseme].get("pucker", 0) >= 0.25 else 1.0
    if viseme == SILENCE:
        return 0.6
    if viseme in "pbm":
        return 0.7  # their jaw and rounding are their neighbours'
    if viseme in "szʃʒfv":
        return 1.6  # the teeth must meet
    return 1.3 if viseme in _VOWELS else 0.5
