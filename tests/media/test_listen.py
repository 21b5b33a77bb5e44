"""Sound as samples, counted from the first picture."""

import numpy as np
import pytest

from semblance.errors import MediaError
from semblance.media.listen import read_wave
from tests.clips import Track, make_clip


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mpg"])
def test_a_tone_comes_at_its_pitch_and_its_time(tmp_path, suffix):
    clip = make_clip(tmp_path / f"a{suffix}", frames=50, sound=[Track(440)])
    wave = read_wave(clip, 8000, 60)
    assert wave.dtype == np.float32 and abs(len(wave) / 8000 - 2) < 0.06
    spectrum = np.abs(np.fft.rfft(wave[4000:12000]))
    assert spectrum.argmax() == 440
    assert np.abs(wave[4000:12000]).max() == pytest.approx(0.3, abs=0.05)


def test_sound_that_starts_late_begins_with_silence(tmp_path):
    wave = read_wave(make_clip(tmp_path / "a.mp4", frames=50, sound=[Track(440, delay=0.4)]), 8000, 60)
    assert np.abs(wave[: int(0.35 * 8000)]).max() < 0.01
    assert np.abs(wave[int(0.45 * 8000) : int(0.6 * 8000)]).max() > 0.2


def test_only_so_much_is_read(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", frames=50, sound=[Track()])
    assert len(read_wave(clip, 8000, 0.5)) == 4000


def test_without_sound_there_is_none(tmp_path):
    assert read_wave(make_clip(tmp_path / "a.mp4"), 8000, 60) is None
    assert read_wave(tmp_path, 8000, 60) is None
    with pytest.raises(MediaError, match="There is no file"):
        read_wave(tmp_path / "b.mp4", 8000, 60)
