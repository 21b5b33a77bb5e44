"""Tracks moved by known times."""

import numpy as np
import pytest

from semblance.measures.sound import envelope, sound_offset

RATE = 8000


def words(seed, seconds=4.0, voice=0):
    """Noise in bursts, as speech is: `seed` sets the bursts, `voice` the noise."""
    count = int(seconds * RATE)
    loud = np.repeat(np.random.default_rng(seed).random(int(seconds * 10)) ** 3, RATE // 10)[:count]
    return loud * np.random.default_rng(100 + voice).standard_normal(count)


def late(wave, ms):
    shift = int(RATE * ms / 1000)
    return np.roll(np.pad(wave, RATE), shift)


@pytest.mark.parametrize("ms", [-250, -80, 0, 80, 400])
def test_the_same_sound_is_found_to_a_millisecond(ms):
    offset = sound_offset(late(words(1), ms), late(words(1), 0), RATE)
    assert offset.by == "wave" and offset.likeness > 0.95
    assert offset.ms == pytest.approx(ms, abs=1)


def test_another_voice_in_the_same_rhythm_is_found_by_its_loudness():
    offset = sound_offset(late(words(1, voice=1), 80), late(words(1, voice=2), 0), RATE)
    assert offset.by == "envelope" and offset.ms == pytest.approx(80, abs=5)


def test_louder_is_not_later():
    assert sound_offset(0.2 * words(1), words(1), RATE).ms == 0


def test_silence_has_no_offset():
    assert np.isnan(sound_offset(np.zeros(RATE), words(1), RATE).ms)
    assert np.isnan(sound_offset(np.zeros(0), words(1), RATE).ms)


def test_an_envelope_is_the_loudness_about_its_mean():
    wave = np.sin(2 * np.pi * 400 * np.arange(RATE) / RATE) * np.repeat([1.0, 3.0], RATE // 2)
    loud = envelope(wave, RATE)
    assert abs(loud.mean()) < 1e-9
    assert loud[RATE * 3 // 4] - loud[RATE // 4] == pytest.approx(2 / np.sqrt(2), abs=0.01)
