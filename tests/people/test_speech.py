"""Text to sound with phonemes: espeak-ng's dates against the sound itself, and what fills a clip."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest

from semblance.errors import InputError, SemblanceError
from semblance.people import speech
from semblance.people.speech import SENTENCES, SILENCE, Phoneme, Spoken, Voice, cut, speak, speak_all, strung, tiled


def loudness(spoken, start: float, end: float) -> float:
    """RMS between two times."""
    part = spoken.sound[0, round(start * spoken.rate) : round(end * spoken.rate)]
    return float(np.sqrt((part**2).mean()))


@pytest.fixture(scope="module")
def sentences() -> list[Spoken]:
    return speak_all(SENTENCES, Voice(variant="f2"))


def test_phonemes_tile_the_sound(sentences):
    for spoken in sentences:
        assert spoken.sound.dtype == np.float32 and spoken.sound.shape[0] == 1 and np.abs(spoken.sound).max() <= 1
        assert spoken.phonemes[0].start == 0 and spoken.phonemes[-1].end == pytest.approx(spoken.seconds)
        for one, other in zip(spoken.phonemes, spoken.phonemes[1:]):
            assert one.start < one.end == other.start


def test_known_words_have_known_phonemes():
    spoken = speak("Happy people.", Voice(language="en-gb"))
    symbols = [phoneme.symbol for phoneme in spoken.phonemes if phoneme.symbol != SILENCE]
    assert symbols == ["h", "a", "p", "i", "p", "iː", "p", "əl"]
    assert [phoneme.symbol for phoneme in spoken.phonemes if phoneme.stressed] == ["a", "iː"]
    assert len(spoken.words) == 2


def test_closures_of_p_are_quiet_and_vowels_are_loud(sentences):
    for spoken in sentences:
        whole = loudness(spoken, 0, spoken.seconds)
        for phoneme in spoken.phonemes:
            if phoneme.symbol == "p" and phoneme.start > 0.1:
                assert loudness(spoken, phoneme.start, phoneme.start + 0.02) < 0.12 * whole
            if phoneme.symbol in ("a", "ɑː") and phoneme.stressed:
                assert loudness(spoken, phoneme.start, phoneme.end) > 0.7 * whole


def test_sentences_hold_all_phonemes_of_english(sentences):
    heard = {phoneme.symbol for spoken in sentences for phoneme in spoken.phonemes}
    known = """p b t d k ɡ f v θ ð s z ʃ ʒ h m n ŋ l ɹ w j tʃ dʒ
               iː ɪ ɛ a ɑː ɒ ɔː ʊ uː ʌ ɜː ə eɪ aɪ ɔɪ əʊ aʊ iə eə ʊə"""
    assert not set(known.split()) - heard
    assert 35 <= len(SENTENCES) == len(set(SENTENCES))


def test_voices_differ_in_sound_and_agree_in_words():
    low, high = (speak("Good morning.", Voice(variant="m3", pitch=pitch)) for pitch in (10, 90))
    fast, slow = (speak("Good morning to you.", Voice(speed=speed)) for speed in (260, 120))
    assert [p.symbol for p in low.phonemes] == [p.symbol for p in high.phonemes]
    assert periods(high) > 1.2 * periods(low)
    assert fast.seconds < 0.7 * slow.seconds
    british, american = (speak("Hot car.", Voice(language=name)) for name in ("en-gb", "en-us"))
    assert [p.symbol for p in british.phonemes] != [p.symbol for p in american.phonemes]


def periods(spoken) -> float:
    """Pitch in Hz of the loudest 80 ms, from the autocorrelation."""
    sound, rate = spoken.sound[0], spoken.rate
    middle = np.convolve(sound**2, np.ones(round(0.08 * rate)), "same").argmax()
    part = sound[max(0, middle - round(0.04 * rate)) :][: round(0.08 * rate)]
    echo = np.correlate(part, part, "full")[len(part) :]
    first, last = round(rate / 400), round(rate / 50)
    return rate / (first + echo[first:last].argmax() + 1)


def test_same_bytes_from_another_process():
    code = (
        "import hashlib; from semblance.people.speech import speak, Voice;"
        "print(hashlib.sha256(speak('Five very fine voices.', Voice(variant='m4')).sound.tobytes()).hexdigest())"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    here = speak("Five very fine voices.", Voice(variant="m4")).sound.tobytes()
    assert other == hashlib.sha256(here).hexdigest()


@pytest.mark.parametrize("text", ["", "   ", "...", "?!"])
def test_text_without_a_word_is_refused(text):
    with pytest.raises(InputError, match="nothing to speak"):
        speak(text)


def test_bad_voices_are_refused():
    with pytest.raises(InputError, match="variant"):
        Voice(variant="m99")
    with pytest.raises(InputError, match="pitch"):
        Voice(pitch=100)


def test_missing_engine_is_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "espeakng_loader.py").write_text("raise ImportError('not here')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(SemblanceError, match="pip install espeakng-loader") as caught:
        speak("Hello.")
    assert "\n" not in str(caught.value)


def test_an_engine_that_dies_or_hangs_is_one_sentence(tmp_path, monkeypatch):
    loader = tmp_path / "espeakng_loader.py"
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    loader.write_text("import os; os._exit(7)")
    with pytest.raises(SemblanceError, match="code 7"):
        speak("Hello.")
    loader.write_text("import time; time.sleep(60)")
    monkeypatch.setattr(speech, "_START", 0.5)
    with pytest.raises(SemblanceError, match="did not answer"):
        speak("Hello.")


def tone(seconds: float, words: tuple[float, ...]) -> Spoken:
    """A made-up utterance of constant level: one phoneme a word."""
    rate = 1000
    ends = (*words[1:], seconds)
    phonemes = tuple(Phoneme(start, end, "a") for start, end in zip(words, ends))
    return Spoken(np.full((1, round(seconds * rate)), 0.5, np.float32), rate, phonemes, words)


def test_strung_parts_stand_where_they_should():
    whole = strung([tone(1.0, (0.0, 0.5)), tone(1.0, (0.0, 0.4))], [0.2, 0.3], 2.2)
    assert whole.sound.shape == (1, 2200)
    spans = [(round(p.start, 6), round(p.end, 6), p.symbol) for p in whole.phonemes]
    # the second part has 0.7 - 0.12 s of room: it is cut at its second word
    assert spans == [(0, 0.2, "_"), (0.2, 0.7, "a"), (0.7, 1.2, "a"), (1.2, 1.5, "_"), (1.5, 1.9, "a"), (1.9, 2.2, "_")]
    assert not whole.sound[0, :200].any() and not whole.sound[0, 1200:1500].any() and not whole.sound[0, 1900:].any()
    assert (whole.sound[0, 200:1200] == 0.5).all() and (whole.sound[0, 1500:1880] == 0.5).all()
    assert whole.sound[0, 1899] == 0  # faded, so that the cut does not click


def test_what_does_not_fit_is_silence():
    assert cut(tone(1.0, (0.0, 0.5)), 0.4) is None
    whole = strung([tone(1.0, (0.0, 0.5))], [0.1], 0.5)
    assert whole.phonemes == (Phoneme(0.0, 0.5, SILENCE),) and not whole.sound.any()


def test_tiled_fills_gaps_and_joins_silences():
    given = [Phoneme(0.1, 0.2, SILENCE), Phoneme(0.2, 0.5, "a"), Phoneme(0.6, 1.4, "b")]
    assert tiled(given, 1.0) == (
        Phoneme(0.0, 0.2, SILENCE),
        Phoneme(0.2, 0.5, "a"),
        Phoneme(0.5, 0.6, SILENCE),
        Phoneme(0.6, 1.0, "b"),
    )
