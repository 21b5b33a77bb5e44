"""How far one sound track lies behind another, found by sliding them over each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_ALIKE = 0.3  # correlation under which two waves, or two envelopes, are not the same sound
_BLOCK = 0.001  # seconds: grid of the envelopes
_SMOOTH = 0.02  # seconds over which loudness is averaged: a few periods of a deep voice


@dataclass(frozen=True, slots=True)
class Offset:
    """ms > 0: the first track is late. likeness 0..1 at that place. by: "wave" or "envelope".

    ms is NaN where the tracks have nothing in common or one is silent.
    """

    ms: float
    likeness: float
    by: str


def sound_offset(result: np.ndarray, plate: np.ndarray, rate: int, reach: float = 1.0) -> Offset:
    """Two waves (samples,) float at one rate in Hz -> Offset within +-reach seconds.

    The same recording is found by its wave, to a sample; other words of the same timing by the loudness, to some ms.
    """
    if not len(result) or not len(plate):
        return Offset(float("nan"), 0.0, "wave")
    lag, likeness = _best_lag(result, plate, round(reach * rate))
    if likeness >= _ALIKE:
        return Offset(1000 * lag / rate, likeness, "wave")
    step = max(round(rate * _BLOCK), 1)
    lag, likeness = _best_lag(*(envelope(wave, rate)[::step] for wave in (result, plate)), round(reach * rate / step))
    return Offset(1000 * lag * step / rate if likeness >= _ALIKE else float("nan"), likeness, "envelope")


def envelope(wave: np.ndarray, rate: int) -> np.ndarray:
    """(samples,) -> (samples,): root mean square over 20 ms, its own mean taken out."""
    size = max(round(rate * _SMOOTH), 1)
    power = np.convolve(np.asarray(wave, np.float64) ** 2, np.full(size, 1 / size), "same")
    loudness = np.sqrt(np.maximum(power, 0))
    return loudness - loudness.mean()


def _best_lag(late: np.ndarray, early: np.ndarray, reach: int) -> tuple[int, float]:
    """The shift by which `late` fits `early` best, and the correlation there; 0, 0.0 for silence."""
    late, early = np.asarray(late, np.float64), np.asarray(early, np.float64)
    power = np.sqrt((late**2).sum() * (early**2).sum())
    if power <= 0:
        return 0, 0.0
    reach = min(reach, len(late) - 1, len(early) - 1)
    size = 1 << (len(late) + len(early)).bit_length()  # room enough that nothing wraps around
    product = np.fft.irfft(np.fft.rfft(late, size) * np.conj(np.fft.rfft(early, size)), size)
    lags = np.arange(-reach, reach + 1)
    values = product[lags]
    best = int(values.argmax())
    return int(lags[best]), float(values[best] / power)
