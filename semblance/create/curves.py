"""Figures over the frames of a clip, as an SVG: one field for each, with what is usual and the frames of a jump."""

from __future__ import annotations

from html import escape

import numpy as np

from ..measures.moments import TRACKS, Moment

_WIDTH, _FIELD, _GAP = 1000, 90, 34
_LEFT, _RIGHT, _TOP = 70, 980, 50
_ROOM = 0.08  # of a field, above and below its line


def curves(tracks: dict[str, np.ndarray], frames: list[int], moments: list[Moment], title: str) -> str:
    """tracks: name -> (N,) values, NaN leaves a gap; frames (N,): their numbers; moments are ringed."""
    shown = {name: values for name, values in tracks.items() if name != "softness" and np.isfinite(values).any()}
    height = _TOP + len(shown) * (_FIELD + _GAP) + 10
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" '
        'font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{_LEFT}" y="22" font-size="15">{escape(title)}</text>',
    ]
    for number, (name, values) in enumerate(shown.items()):
        names = {name, "softness"} if name == "sharpness" else {name}
        parts += _field(name, values, frames, [m for m in moments if m.name in names], _TOP + number * (_FIELD + _GAP))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _field(name: str, values: np.ndarray, frames: list[int], moments: list[Moment], top: float) -> list[str]:
    known = values[np.isfinite(values)]
    low, high, usual = float(known.min()), float(known.max()), float(np.median(known))
    room = _ROOM * (high - low or abs(high) or 1.0)
    low, high = low - room, high + room
    first, last = frames[0], max(frames[-1], frames[0] + 1)

    def across(frame: float) -> float:
        return _LEFT + (_RIGHT - _LEFT) * (frame - first) / (last - first)

    def down(value: float) -> float:
        return top + _FIELD * (high - value) / (high - low)

    parts = [
        f'<text x="{_LEFT}" y="{top - 6}"><tspan font-weight="bold">{name}</tspan>, {TRACKS[name].unit}; usual '
        f"{usual:.3g}</text>",
        f'<rect x="{_LEFT}" y="{top}" width="{_RIGHT - _LEFT}" height="{_FIELD}" fill="none" stroke="#ccc"/>',
        f'<line x1="{_LEFT}" x2="{_RIGHT}" y1="{down(usual):.1f}" y2="{down(usual):.1f}" stroke="#ccc" '
        'stroke-dasharray="4 4"/>',
    ]
    for value in (low + room, high - room):
        parts.append(f'<text x="{_LEFT - 6}" y="{down(value) + 4:.1f}" text-anchor="end">{value:.3g}</text>')
    for frame in np.unique(np.linspace(first, last, 11).astype(int)):
        parts.append(
            f'<text x="{across(frame):.1f}" y="{top + _FIELD + 13}" text-anchor="middle" fill="#888" '
            f'font-size="10">{frame}</text>'
        )
    for run in _unbroken(values):
        points = " ".join(f"{across(frames[k]):.1f},{down(values[k]):.1f}" for k in run)
        parts.append(f'<polyline points="{points}" fill="none" stroke="#1f6fb2" stroke-width="1.3"/>')
    for moment in moments:
        x, y = across(moment.frame), down(moment.value)
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="none" stroke="#c02f1d" stroke-width="2"/>')
        parts.append(f'<text x="{x + 8:.1f}" y="{max(y + 4, top + 12):.1f}" fill="#c02f1d">#{moment.frame}</text>')
    return parts


def _unbroken(values: np.ndarray) -> list[np.ndarray]:
    """Places of values that are there, in runs."""
    known = np.flatnonzero(np.isfinite(values))
    return np.split(known, np.flatnonzero(np.diff(known) > 1) + 1)
