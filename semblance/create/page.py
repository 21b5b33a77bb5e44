"""The page with which the verb `demo` ends: clips in step, pictures, figures and a curve in one index.html.

It opens straight from the disk, without a server and without network: style, script and curve are inside it, clips and
pictures beside it. page.html, page.css and page.js are its template, looks and behaviour.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import quote

import numpy as np

from .. import __version__
from ..errors import InputError
from ..measures.grades import METRICS
from ..runs import read_json_lines, write_text

POINTS = 160  # of a smoothed line: more than a screen can show of so smooth a thing
_RAW = 400  # faint points a loss
_SMOOTH = 0.02  # width (sigma) of the smoothing, as a share of the whole time
_NOT_LOSSES = {"samples", "seconds", "rate", "learning_rate"}
_COLOURS = 6  # of lines, in page.css
_WIDTH, _HEIGHT = 1000, 360  # of the curve, in its own units
_LEFT, _RIGHT, _TOP, _BOTTOM = 76, 966, 14, 318  # of the field inside it
_DASH = "–"
_BOUNDS = {"lower": "≤ {}", "higher": "≥ {}", "near 1": "{}–{}", "near 0": "within ±{}"}
_BEFORE, _AFTER = ("plate", "target", "before"), ("result", "swap", "after")


@dataclass(frozen=True)
class PageContent:
    """What the page shows. Clips and pictures are pairs (caption, path) that lie in the page's folder.

    A caption "name: what it is" shows its name in bold. tables: (caption, Measurement.as_json()), the result's first;
    stats: stats.jsonl of the training; previews: its pictures, early to late; next_steps: (what, command);
    facts: (name, value).
    """

    title: str
    summary: str
    clips: tuple[tuple[str, Path], ...]
    strips: tuple[tuple[str, Path], ...]
    tables: tuple[tuple[str, dict], ...]
    stats: Path | None
    previews: tuple[Path, ...]
    next_steps: tuple[tuple[str, str], ...]
    facts: tuple[tuple[str, str], ...]


def write_page(folder: Path | str, content: PageContent) -> Path:
    """Write folder/index.html, whole, and return its path.

    Raises InputError for a file that is missing, or lies outside the folder; OutputError.
    """
    folder = Path(folder)
    rows = None if content.stats is None else read_json_lines(_there(content.stats))
    sections = [
        _clips(folder, content.clips),
        _strips(folder, content.strips),
        metric_table(content.tables),
        _training(folder, rows, content.previews),
        _next_steps(content.next_steps),
    ]
    page = Template(_part("page.html")).substitute(
        title=escape(content.title),
        summary=escape(content.summary),
        generator=escape(f"Semblance {__version__}"),
        style=_part("page.css"),
        script=_part("page.js"),
        sections="\n".join(filter(None, sections)),
        facts=_facts(content.facts),
    )
    write_text(folder / "index.html", page)
    return folder / "index.html"


def _part(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8").strip()


def _there(path: Path | str) -> Path:
    """The path, if there is a file; InputError."""
    if not Path(path).is_file():
        raise InputError(f"{path} is missing, but the page shows it; make it first or leave it out.")
    return Path(path)


def _address(folder: Path, path: Path | str) -> str:
    """What an attribute needs to name a file of the folder. InputError if it is missing or lies elsewhere."""
    there, home = _there(path).resolve(), folder.resolve()
    if not there.is_relative_to(home):
        raise InputError(f"{path} lies outside {folder}, so the page could not take it along; copy it into {folder}.")
    return escape(quote(there.relative_to(home).as_posix()))


def _caption(text: str) -> str:
    name, colon, rest = text.partition(":")
    return f"<b>{escape(name)}</b>{colon}{escape(rest)}" if colon else f"<b>{escape(text)}</b>"


def _section(title: str, told: str, *parts: str) -> str:
    """Nothing where all parts are empty."""
    if not any(parts):
        return ""
    quiet = f'<p class="quiet">{told}</p>' if told else ""
    return "\n".join(["<section>", f"<h2>{title}</h2>", quiet, *filter(None, parts), "</section>"])


# clips and pictures


def _clips(folder: Path, clips: Sequence[tuple[str, Path]]) -> str:
    """The clips, each with its own controls; the script puts those for all of them in their place."""
    if not clips:
        return ""
    figures = [
        f'<figure><video src="{address}" controls loop muted playsinline preload="auto">'
        f'<a href="{address}">{escape(caption)}</a></video><figcaption>{_caption(caption)}</figcaption></figure>'
        for caption, address in ((caption, _address(folder, path)) for caption, path in clips)
    ]
    left, right = before_and_after([caption.partition(":")[0] for caption, _ in clips])
    start = f'<div class="clips" data-left="{left}" data-right="{right}">'
    told = "All clips run in step: one button and one slider move them together."
    return _section("The clips", told, start, *figures, "</div>")


def before_and_after(names: Sequence[str]) -> tuple[int, int]:
    """Which two clips to lay over each other: plate and result if their names say so."""

    def named(words: tuple[str, ...]) -> list[int]:
        return [k for k, name in enumerate(names) if any(word in name.lower() for word in words)]

    left = (named(_BEFORE) or [0])[0]
    rights = [k for k in (*named(_AFTER), *range(len(names))) if k != left]
    return left, (rights or [left])[0]


def _pictures(folder: Path, pictures: Sequence[tuple[str, Path]], kind: str) -> str:
    """Pictures under captions (markup), each a link to its full size."""
    if not pictures:
        return ""
    figures = []
    for caption, path in pictures:
        address = _address(folder, path)
        figures.append(
            f'<figure><a href="{address}"><img src="{address}" alt="" decoding="async"></a>'
            f"<figcaption>{caption}</figcaption></figure>"
        )
    return "\n".join([f'<div class="{kind}">', *figures, "</div>"])


def _strips(folder: Path, strips: Sequence[tuple[str, Path]]) -> str:
    pictures = [(_caption(caption), path) for caption, path in strips]
    return _section("Moments", "Click a picture for its full size.", _pictures(folder, pictures, "strips"))


# the figures


def metric_table(tables: Sequence[tuple[str, dict]]) -> str:
    """One row a measure, in the order of the first table; one column of values a table."""
    if not tables:
        return ""
    found = [{row["name"]: row for row in table["rows"]} for _, table in tables]
    names = list(dict.fromkeys(name for rows in found for name in rows))
    heads = [f'<th scope="col">{escape(caption)}{_grades(table["rows"])}</th>' for caption, table in tables]
    body = []
    for name in names:
        rows = [rows.get(name) for rows in found]
        cells = [_value(caption, row) for (caption, _), row in zip(tables, rows)]
        body.append(f'<tr><th scope="row">{escape(name)}</th>{"".join(cells)}{_yardstick(name, rows)}</tr>')
    remarks = [f"<li>{escape(caption)}: {escape(note)}</li>" for caption, table in tables for note in table["notes"]]
    told = "The noise floor is what the plate scores against itself, encoded once more; nothing finer can be told."
    return _section(
        "The figures",
        told,
        f'<table><thead><tr><th scope="col">Measure</th>{"".join(heads)}'
        '<th scope="col">Noise floor</th><th scope="col">Better</th></tr></thead>',
        f"<tbody>{''.join(body)}</tbody></table>",
        f'<ul class="quiet">{"".join(remarks)}</ul>' if remarks else "",
        _reasons(found),
    )


def _grades(rows: Sequence[dict]) -> str:
    counts = [(word, sum(row["grade"] == word for row in rows)) for word in ("good", "fair", "poor")]
    return f"<small>{', '.join(f'{count} {word}' for word, count in counts if count)}</small>"


def _value(caption: str, row: dict | None) -> str:
    """One value with unit, grade and note."""
    start = f'<td class="value" data-column="{escape(caption)}">'
    if row is None:
        return f"{start}{_DASH}</td>"
    number = _number(row["value"], row["name"])
    unit = f"<small>{escape(row['unit'])}</small>" if row["unit"] and number != _DASH else ""
    known = row["grade"] in ("good", "fair", "poor")
    grade = f'<span class="grade {row["grade"]}">{row["grade"]}</span>' if known else ""
    note = f'<small class="note">{escape(row["note"])}</small>' if row["note"] else ""
    return f'{start}<span class="line"><b>{number}</b>{unit}{grade}</span>{note}</td>'


def _yardstick(name: str, rows: Sequence[dict | None]) -> str:
    """Noise floor and direction, of the first table that has them."""
    there = [row for row in rows if row is not None]
    floors = [number for number in (_number(row["floor"], name) for row in there) if number != _DASH]
    better = there[0]["better"]
    bounds = [_bound(name, better, there[0]["thresholds"][word]) for word in ("good", "fair")]
    return (
        f'<td class="floor" data-column="Noise floor">{floors[0] if floors else _DASH}</td>'
        f'<td class="better" data-column="Better"><span>{escape(better)}</span>'
        f"<small>good {bounds[0]}, fair {bounds[1]}</small></td>"
    )


def _bound(name: str, better: str, bound: float | Sequence[float]) -> str:
    numbers = [f"{value:g}" for value in (bound if isinstance(bound, (list, tuple)) else [bound])]
    shares = " %" if name.startswith("landmark error") else ""  # their value is in px, their grade is of the share
    return _BOUNDS[better].format(*numbers) + shares


def _reasons(found: Sequence[dict[str, dict]]) -> str:
    whys = {name: row["thresholds"]["why"] for rows in found for name, row in rows.items()}
    items = "".join(f"<dt>{escape(name)}</dt><dd>{escape(why)}</dd>" for name, why in whys.items())
    return f"<details><summary>Why good and fair end where they do</summary><dl>{items}</dl></details>"


def _number(value: float | None, name: str) -> str:
    """A value with the digits of its measure; a dash for None, NaN and infinity."""
    if value is None or not math.isfinite(value):
        return _DASH
    return f"{value:.{METRICS[name].digits if name in METRICS else 3}f}"


# the training


def _training(folder: Path, rows: list[dict] | None, previews: Sequence[Path]) -> str:
    """Curve and previews; nothing where neither was given. rows: lines of stats.jsonl, in the order of writing."""
    parts = []
    if rows is not None:
        series = losses_of(rows)
        told = "The training was too short for a curve."
        if series:
            faces, seconds = rows[-1]["samples"], rows[-1]["seconds"]
            told = f"{faces:,} faces in {seconds / 60:.1f} minutes, {faces / seconds:.0f} faces/s."
        parts += [f'<p class="quiet">{told}</p>', training_curve(series) if series else ""]
    pictures = [(_when(path, rows or []), path) for path in previews]
    return _section("The training", "", *parts, _pictures(folder, pictures, "previews"))


def _when(path: Path, rows: list[dict]) -> str:
    """The caption of a preview, whose name ends in the number of faces seen."""
    digits = Path(path).stem.rpartition("-")[2]
    if not digits.isdecimal():
        return _caption(Path(path).stem)
    faces = int(digits)
    at = np.interp(faces, [row["samples"] for row in rows], [row["seconds"] for row in rows]) / 60 if rows else None
    return f"<b>{faces:,} faces</b>" + ("" if at is None else f", {at:.1f} minutes")


def losses_of(rows: Sequence[dict]) -> dict[str, np.ndarray]:
    """Lines of stats.jsonl -> for each loss (N, 2) minutes and values, in time, if at least two are finite."""
    names = dict.fromkeys(name for row in rows for name in row if name not in _NOT_LOSSES)
    series = {}
    for name in names:
        pairs = [(row["seconds"] / 60, row[name]) for row in rows if isinstance(row.get(name), (int, float))]
        points = np.array(sorted(pair for pair in pairs if all(map(math.isfinite, pair)))).reshape(-1, 2)
        if len(points) > 1 and points[0, 0] < points[-1, 0]:
            series[name] = points
    return series


def smoothed(points: np.ndarray, count: int = POINTS) -> np.ndarray:
    """(N, 2) minutes and values -> (count, 2): a Gaussian mean at evenly spaced minutes from the first to the last."""
    minutes, values = points.T
    at = np.linspace(minutes[0], minutes[-1], count)
    least = float(np.diff(minutes).max()) / 4  # also amid a gap there are neighbours
    width = np.clip(0.2 * (at - at[0]), least, max(_SMOOTH * (at[-1] - at[0]), least))  # narrow where losses fall fast
    weights = np.exp(-0.5 * ((at[:, None] - minutes) / width[:, None]) ** 2)
    return np.stack([at, (weights @ values) / weights.sum(1)], 1)


@dataclass(frozen=True, slots=True)
class _Axis:
    """Values from low to high along a line from start to end, in the curve's units; log: by their ratios."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def place(self, values: np.ndarray | float) -> np.ndarray | float:
        low, high, values = (np.log(v) if self.log else v for v in (self.low, self.high, values))
        return self.start + (self.end - self.start) * (values - low) / (high - low)

    def ticks(self) -> list[float]:
        """Round values inside: 1, 2, 5 times a power of ten."""
        if self.log:
            powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)))
            candidates = [step * 10.0**power for power in powers for step in (1, 2, 5)]
        else:
            rough = (self.high - self.low) / 6
            power = 10.0 ** math.floor(math.log10(rough))
            step = power * next(factor for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
            candidates = [step * k for k in range(math.ceil(self.low / step), math.floor(self.high / step) + 1)]
        return [value for value in candidates if self.low <= value <= self.high * 1.0001]


def training_curve(series: dict[str, np.ndarray], count: int = POINTS) -> str:
    """Legend and inline SVG of losses_of(): smoothed lines of `count` points over faint raw ones."""
    every = np.concatenate(list(series.values()))
    (first, low), (last, high) = every.min(0), every.max(0)
    log = low > 0 and high / low >= 5
    margin = 1.0 if log else 0.05 * (high - low) or 1.0
    across = _Axis(min(first, 0.0), last, _LEFT, _RIGHT)
    up = _Axis(low / 1.1 if log else low - margin, high * 1.1 if log else high + margin, _BOTTOM, _TOP, log)
    legend, raw, lines = [], [], []
    for number, (name, points) in enumerate(series.items()):
        style, smooth = f"s{number % _COLOURS}", smoothed(points, count)
        thin = points[:: math.ceil(len(points) / _RAW)]
        dots = "".join(f"M{x:.1f} {y:.1f}h.01" for x, y in zip(across.place(thin[:, 0]), up.place(thin[:, 1])))
        line = " ".join(f"{x:.2f},{y:.1f}" for x, y in zip(across.place(smooth[:, 0]), up.place(smooth[:, 1])))
        raw.append(f'<path class="raw {style}" d="{dots}"/>')
        lines.append(f'<polyline class="{style}" points="{line}"/>')
        swatch = (
            f'<svg viewBox="0 0 30 8" aria-hidden="true"><line class="{style}" x1="2" y1="4" x2="28" y2="4"/></svg>'
        )
        legend.append(f"<li>{swatch}{escape(name)}: {smooth[-1, 1]:.3g} at the end</li>")
    told = "loss, on a logarithmic scale" if log else "loss"
    return (
        f'<ul class="legend">{"".join(legend)}</ul><svg class="curve" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{told}, over minutes">{_frame(across, up, told)}{"".join(raw + lines)}</svg>'
    )


def _frame(across: _Axis, up: _Axis, told: str) -> str:
    """Axes, ticks and what they mean."""
    parts = [f'<path class="axis" fill="none" d="M{_LEFT} {_TOP}V{_BOTTOM}H{_RIGHT}"/>']
    for value in up.ticks():
        y = up.place(value)
        parts.append(f'<path class="grid" d="M{_LEFT} {y:.1f}H{_RIGHT}"/>')
        parts.append(f'<text x="{_LEFT - 10}" y="{y:.1f}" dy=".35em" text-anchor="end">{value:g}</text>')
    for value in across.ticks():
        x = across.place(value)
        parts.append(f'<path class="axis" d="M{x:.1f} {_BOTTOM}v6"/>')
        parts.append(f'<text x="{x:.1f}" y="{_BOTTOM + 10}" dy=".8em" text-anchor="middle">{value:g} min</text>')
    parts.append(f'<text x="{_RIGHT}" y="{_TOP}" dy=".8em" text-anchor="end">{told}</text>')
    return "".join(parts)


# what next, facts


def _next_steps(steps: Sequence[tuple[str, str]]) -> str:
    boxes = [
        f'<figure><figcaption>{escape(what)}</figcaption><div class="box"><pre><code>{escape(command)}</code></pre>'
        '<button type="button" hidden>Copy</button></div></figure>'
        for what, command in steps
    ]
    return _section("What next", "", '<div class="commands">' + "".join(boxes) + "</div>") if boxes else ""


def _facts(facts: Sequence[tuple[str, str]]) -> str:
    items = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts)
    return f"<dl>{items}</dl>" if items else ""
