"""Mouth shapes: lips that must shut do, vowels that must open do, and neighbours colour each other."""

import numpy as np
import pytest

from semblance.people.performance import EXPRESSIONS
from semblance.people.speech import SENTENCES, SILENCE, Phoneme, Voice, speak_all
from semblance.people.visemes import PARAMETERS, VISEMES, lip_opening, mouth_curves, parts_of

RATE = 500  # readings a second: finer than the shortest /b/ (18 ms)


def said(*symbols: str, each: float = 0.1) -> list[Phoneme]:
    """Stressed phonemes of equal length between two silences of 0.5 s."""
    spans = [Phoneme(0.0, 0.5, SILENCE)]
    for symbol in symbols:
        spans.append(Phoneme(spans[-1].end, spans[-1].end + each, symbol, True))
    return [*spans, Phoneme(spans[-1].end, spans[-1].end + 0.5, SILENCE)]


def read(phonemes) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    times = np.arange(round(phonemes[-1].end * RATE)) / RATE
    return times, mouth_curves(phonemes, times)


def at(curve: np.ndarray, time: float) -> float:
    return float(curve[min(len(curve) - 1, round(time * RATE))])


@pytest.fixture(scope="module", params=[("en-gb", "f2"), ("en-us", "m3")], ids=lambda voice: voice[0])
def sentences(request):
    language, variant = request.param
    return [spoken.phonemes for spoken in speak_all(SENTENCES, Voice(language=language, variant=variant))]


def test_every_sign_of_english_has_its_viseme(sentences):
    for phonemes in sentences:
        for phoneme in phonemes:
            signs = [sign for sign in phoneme.symbol if sign.isalpha() and sign != "ː"]
            assert set(signs) <= {*VISEMES, "t", "d"}, phoneme.symbol


def test_length_marks_are_no_sound_and_unknown_signs_are_neutral():
    assert parts_of("iː") == ["i"] and parts_of("n̩") == ["n"] and parts_of("aɪə") == ["a", "ɪ", "ə"]
    assert parts_of("tʃ") == ["ʃ"] and parts_of("Ж") == ["ə"] and parts_of(SILENCE) == [SILENCE]


def test_the_table_names_what_there_is():
    for targets in VISEMES.values():
        assert set(targets) <= set(PARAMETERS) and all(0 <= value <= 1 for value in targets.values())
    for name in read(said("a"))[1]:
        assert name in EXPRESSIONS or {f"{name}_L", f"{name}_R"} <= set(EXPRESSIONS)


def test_lips_shut_in_every_p_b_m(sentences):
    for phonemes in sentences:
        opening = lip_opening(read(phonemes)[1])
        for phoneme in phonemes:
            if phoneme.symbol in ("p", "b", "m"):
                assert at(opening, phoneme.centre) < 0.12 * opening.max(), phoneme


def test_stressed_open_vowels_open(sentences):
    for phonemes in sentences:
        times, curves = read(phonemes)
        opening = lip_opening(curves)
        for phoneme in phonemes:
            if phoneme.symbol in ("a", "æ", "ɑː", "aɪ", "aʊ") and phoneme.stressed:
                assert opening[(times >= phoneme.start) & (times < phoneme.end)].max() > 0.3, phoneme


def test_curves_are_weights_and_smooth(sentences):
    for phonemes in sentences:
        for name, curve in read(phonemes)[1].items():
            assert curve.min() >= 0 and curve.max() <= 1
            step = round(0.04 * RATE)
            limit = 0.3 if name == "jawOpen" else 0.45
            assert np.abs(curve[step:] - curve[:-step]).max() < limit, name


def test_shapes_are_those_of_the_sounds():
    middle = 0.55
    shapes = {symbol: read(said(symbol))[1] for symbol in ("w", "iː", "f", "s", "ʃ", "ɑː", "p")}
    strongest = {
        "mouthPucker": "w",
        "mouthSmile": "iː",
        "mouthRollLower": "f",
        "mouthFunnel": "ʃ",
        "jawOpen": "ɑː",
        "mouthPress": "p",
    }
    for name, symbol in strongest.items():
        heights = {other: at(curves[name], middle) for other, curves in shapes.items()}
        assert max(heights, key=heights.get) == symbol, (name, heights)
    assert at(shapes["s"]["jawOpen"], middle) < 0.1 and at(lip_opening(shapes["s"]), middle) > 0.12  # teeth, not lips


def test_vowels_colour_the_consonants_before_them():
    lips = {vowel: at(read(said("t", vowel))[1]["mouthPucker"], 0.55) for vowel in ("uː", "iː")}
    assert lips["uː"] > 0.15 and lips["iː"] < 0.05  # the lips of "too" are round before the vowel begins


def test_silence_is_a_relaxed_shut_mouth():
    opening = lip_opening(read([Phoneme(0.0, 2.0, SILENCE)])[1])
    assert opening.max() < 0.02


def test_twice_as_dense_passes_through_the_same_values():
    phonemes = said("h", "a", "p", "i")
    coarse = mouth_curves(phonemes, np.arange(30) / 25)
    dense = mouth_curves(phonemes, np.arange(60) / 50)
    for name, curve in coarse.items():
        assert np.array_equal(curve, dense[name][::2])


def test_strength_opens_vowels_and_not_closures():
    phonemes = said("p", "ɑː", "p")
    times = np.arange(650) / RATE
    weak, strong = (lip_opening(mouth_curves(phonemes, times, strength)) for strength in (0.5, 1.3))
    assert at(strong, 0.65) > 1.8 * at(weak, 0.65) and at(strong, 0.55) < 0.12 * strong.max()
