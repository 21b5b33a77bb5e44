"""Figures of a whole clip -> rows of a table, as text for people and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np

from .grades import METRICS, grade


@dataclass(frozen=True, slots=True, eq=False)
class Figure:
    """One measure over a clip.

    values (N,): one a frame, NaN where it could not be had; frames (N,): their numbers; value: the one number, by
    default the median; ends: frames at either end for which it cannot exist; graded: what is held against the
    thresholds where that is not the value itself.
    """

    values: np.ndarray
    frames: Sequence[int]
    value: float | None = None
    note: str = ""
    ends: int = 0
    graded: float | None = None

    @property
    def one(self) -> float:
        """The value, NaN if no frame has one."""
        if self.value is not None:
            return float(self.value)
        return float(np.nanmedian(self.values)) if np.isfinite(self.values).any() else float("nan")

    @property
    def missing(self) -> tuple[int, ...]:
        """Numbers of the frames without a value."""
        last = len(self.values) - self.ends
        return tuple(int(self.frames[k]) for k in range(self.ends, last) if np.isnan(self.values[k]))


@dataclass(frozen=True, slots=True)
class Row:
    """A measure as it is shown. None: not to be had (the note says why).

    value: the one number, for most measures the median; median, p5, p95, spread: over the frames.
    """

    name: str
    unit: str
    better: str
    value: float | None
    median: float | None
    p5: float | None
    p95: float | None
    spread: float | None
    floor: float | None
    grade: str
    note: str
    missing: tuple[int, ...] = ()


@dataclass(frozen=True)
class Measurement:
    """All rows, what was measured (about), and remarks that concern several rows."""

    rows: tuple[Row, ...]
    about: dict
    notes: tuple[str, ...] = field(default=())

    def __getitem__(self, name: str) -> Row:
        """The row of that name; KeyError."""
        return {row.name: row for row in self.rows}[name]

    def table(self) -> str:
        """Aligned plain text, one line a row, then the remarks."""
        head = ("measure", "value", "unit", "better", "noise floor", "grade", "note")
        lines = [head, *(_cells(row) for row in self.rows)]
        widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
        right = {1, 4}  # numbers
        text = [
            "  ".join(
                cell.rjust(width) if column in right else cell.ljust(width)
                for column, (cell, width) in enumerate(zip(line, widths))
            ).rstrip()
            for line in lines
        ]
        return "\n".join([*text, *self.notes])

    def grades(self) -> str:
        """How many figures are good, fair and poor, in words."""
        words = [row.grade for row in self.rows]
        told = [f"{words.count(word)} {word}" for word in ("good", "fair", "poor") if word in words]
        return f"{', '.join(told) or 'none'} of {len(words)} figures"

    def as_json(self) -> dict:
        """The same as plain values, for json.dump."""
        rows = []
        for row in self.rows:
            values = asdict(row)
            values["missing"] = ranges(row.missing)
            values["frames_missing"] = len(row.missing)
            values["thresholds"] = {key: getattr(METRICS[row.name], key) for key in ("good", "fair", "why")}
            rows.append(values)
        return {**self.about, "rows": rows, "notes": list(self.notes)}


def make_row(name: str, figure: Figure, floor: float | None = None) -> Row:
    """The row of a measure; floor: what the plate scores against its own re-encoded self."""
    metric, value = METRICS[name], figure.one
    seen = figure.values[np.isfinite(figure.values)]
    p5, p95, spread = (
        (float(np.percentile(seen, 5)), float(np.percentile(seen, 95)), float(seen.std())) if len(seen) else (None,) * 3
    )
    told = f"not in frames {ranges(figure.missing)}" if figure.missing else ""
    if figure.missing and not len(seen):
        told = "in no frame"
    return Row(
        name=name,
        unit=metric.unit,
        better=metric.better,
        value=_or_none(value),
        median=float(np.median(seen)) if len(seen) else None,
        p5=p5,
        p95=p95,
        spread=spread,
        floor=_or_none(floor),
        grade=grade(name, value if figure.graded is None else figure.graded),
        note="; ".join(filter(None, (figure.note, told))),
        missing=figure.missing,
    )


def ranges(numbers: Iterable[int]) -> str:
    """12, 13, 14, 30 -> "12-14, 30"."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def _cells(row: Row) -> tuple[str, ...]:
    digits = METRICS[row.name].digits

    def shown(value: float | None) -> str:
        return "-" if value is None else f"{value:.{digits}f}"

    return row.name, shown(row.value), row.unit, row.better, shown(row.floor), row.grade, row.note


def _or_none(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)
