"""Every swap model after 3, 10 and 30 minutes on swaps of the world benchmark: one table, JSON, and a drawing.

    python benchmarks/quality.py [--out out/world] [--models swap_mesh swap_df] [--minutes 3 10 30]
                                 [--cases easy-1 pose-1] [--to docs/quality] [--collect]

Runs what is missing (benchmarks/world.py does each swap, and keeps it), shortest first, then writes TO.json and TO.svg.
--collect: only gathers what is there. What TO.json holds already and OUT does not is kept, each swap with the commit
that made it. A model learns as many faces as it would on a quiet machine in those minutes (RATES), so other work
changes no figure. The drawing shows medians over the swaps that every model has done at every length shown, so that no
line rests on easier swaps than another.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

from semblance.runs import environment, write_json, write_text

# faces a second of `small` alone on two cores with bfloat16 (benchmarks/train.py, docs/measured.md)
RATES = {"swap_mesh": 84, "swap_df": 93, "swap_liae": 99, "swap_gan": 93, "swap_original": 146}
CASES = ("easy-1", "pose-1", "light-1", "occluder-1", "fast-1")
SHOWN = {
    "true PSNR": "dB to the true swap, higher is better",
    "identity to source": "identity distance to the source, lower is better",
    "mouth error": "mouth, % of the face's height, lower is better",
    "sharpness": "sharpness of the plate's own, near 1 is better",
}
COLOURS = {
    "swap_mesh": "#c02f1d", "swap_df": "#1f6fb2", "swap_liae": "#2e8b57", "swap_gan": "#8a5cb5",
    "swap_original": "#777777",
}  # fmt: skip

Point = tuple[str, float]  # model, minutes


def folder(out: Path, model: str, minutes: float) -> Path:
    """Where benchmarks/world.py keeps such swaps."""
    return out / f"{model}-small-{minutes:g}-{samples(model, minutes)}-faces"


def samples(model: str, minutes: float) -> int:
    return round(60 * minutes * RATES[model])


def collect(out: Path, models: list[str], minutes: list[float], cases: list[str]) -> dict[Point, dict[str, dict]]:
    """(model, minutes) -> case -> figure -> value, of what is there."""
    found: dict[Point, dict[str, dict]] = defaultdict(dict)
    for model in models:
        for length in minutes:
            for case in cases:
                path = folder(out, model, length) / case / "measured.json"
                if path.exists():
                    measured = json.loads(path.read_text(encoding="utf-8"))
                    found[model, length][case] = {row["name"]: row["value"] for row in measured["rows"]}
                    found[model, length][case]["commit"] = measured.get("commit", "")
    return dict(found)


def with_earlier(found: dict[Point, dict[str, dict]], path: Path) -> dict[Point, dict[str, dict]]:
    """What was found, and of what an earlier run wrote to `path` all that was not found now."""
    kept = json.loads(path.read_text(encoding="utf-8"))["points"] if path.exists() else []
    both = {(point["model"], point["minutes"]): dict(point["swaps"]) for point in kept}
    for point, cases in found.items():
        both[point] = both.get(point, {}) | cases
    return both


def medians(found: dict[Point, dict[str, dict]]) -> tuple[list[str], dict[str, dict[Point, float]]]:
    """The swaps that every point has, and figure -> point -> median over them; NaN where none could be measured."""
    shared = sorted(set.intersection(*(set(cases) for cases in found.values()))) if found else []
    made: dict[str, dict[Point, float]] = {}
    for name in SHOWN:
        made[name] = {}
        for point, cases in found.items():
            values = [cases[case].get(name) for case in shared]
            values = [value for value in values if value is not None]
            made[name][point] = float(np.median(values)) if values else float("nan")
    return shared, made


def table(found: dict[Point, dict[str, dict]]) -> str:
    """A line for each model and length: medians over all of its own swaps, and how many those are."""
    names = ["true PSNR", "true SSIM", "identity to source", "pose error", "mouth error", "eye error", "flicker",
             "sharpness", "seam"]  # fmt: skip
    lines = [["model", "minutes", "faces", "swaps", *names]]
    for (model, minutes), cases in sorted(found.items(), key=lambda item: (item[0][1], item[0][0])):
        row = [model, f"{minutes:g}", str(samples(model, minutes)), str(len(cases))]
        for name in names:
            values = [figures[name] for figures in cases.values() if figures.get(name) is not None]
            row.append(f"{np.median(values):.3g}" if values else "-")
        lines.append(row)
    widths = [max(len(line[k]) for line in lines) for k in range(len(lines[0]))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)


def drawing(figures: dict[str, dict[Point, float]], minutes: list[float], shared: list[str]) -> str:
    """An SVG with a small plot for each figure: minutes (by their logarithm) across, a line for each model."""
    width, height, gap = 300, 190, 50
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * (width + gap) + gap} {2 * (height + 70) + 70}" '
        'font-family="sans-serif" font-size="11">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{gap}" y="22" font-size="13">Quality against minutes of training; medians over '
        f"{', '.join(shared)}</text>",
    ]
    for number, (name, unit) in enumerate(SHOWN.items()):
        left, top = gap + number % 2 * (width + gap), 60 + number // 2 * (height + 70)
        parts += _plot(figures[name], minutes, name, unit, (left, top, width, height))
    models = sorted({model for points in figures.values() for model, _ in points})
    for k, model in enumerate(models):
        x, y = gap + 120 * k, 2 * (height + 70) + 45
        parts.append(f'<rect x="{x}" y="{y}" width="14" height="4" fill="{COLOURS[model]}"/>')
        parts.append(f'<text x="{x + 20}" y="{y + 6}">{model}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _plot(points: dict[Point, float], minutes: list[float], name: str, unit: str, box: tuple) -> list[str]:
    left, top, width, height = box
    known = [value for value in points.values() if not np.isnan(value)]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    room = (high - low or abs(high) or 1.0) * 0.12
    low, high = low - room, high + room
    first, last = np.log(min(minutes)), np.log(max(minutes))

    def at(length: float, value: float) -> tuple[float, float]:
        share = (np.log(length) - first) / ((last - first) or 1)
        return left + width * (0.06 + 0.88 * share), top + height * (1 - (value - low) / (high - low))

    parts = [
        f'<text x="{left}" y="{top - 8}"><tspan font-weight="bold">{name}</tspan>: {unit}</text>',
        f'<rect x="{left}" y="{top}" width="{width}" height="{height}" fill="none" stroke="#bbb"/>',
    ]
    for length in minutes:
        x, _ = at(length, low)
        parts.append(f'<text x="{x:.0f}" y="{top + height + 14}" text-anchor="middle">{length:g} min</text>')
    for value in (low + room, high - room):
        _, y = at(minutes[0], value)
        parts.append(f'<text x="{left - 4}" y="{y + 4:.0f}" text-anchor="end">{value:.3g}</text>')
    for model in sorted({model for model, _ in points}):
        line = [at(length, value) for (who, length), value in sorted(points.items()) if who == model and value == value]
        drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in line)
        parts.append(f'<polyline points="{drawn}" fill="none" stroke="{COLOURS[model]}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{COLOURS[model]}"/>' for x, y in line]
    return parts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("out/world"))
    parser.add_argument("--models", nargs="+", default=list(RATES), choices=list(RATES))
    parser.add_argument("--minutes", nargs="+", type=float, default=[3.0, 10.0, 30.0])
    parser.add_argument("--cases", nargs="+", default=list(CASES))
    parser.add_argument("--to", type=Path, default=Path("docs/quality"))
    parser.add_argument("--collect", action="store_true", help="only gather what is there")
    asked = parser.parse_args()
    for minutes in [] if asked.collect else sorted(asked.minutes):
        for case in asked.cases:
            for model in asked.models:
                if (folder(asked.out, model, minutes) / case / "measured.json").exists():
                    continue
                command = [sys.executable, str(Path(__file__).with_name("world.py")), "--model", model]
                command += ["--minutes", f"{minutes:g}", "--alone", str(RATES[model]), "--only", case]
                subprocess.run([*command, "--out", str(asked.out)], check=True)
    found = collect(asked.out, asked.models, asked.minutes, asked.cases)
    found = with_earlier(found, asked.to.with_suffix(".json"))
    if not found:
        parser.error(f"nothing was found in {asked.out}; run it without --collect")
    shared, figures = medians(found)
    told = [
        {"model": model, "minutes": minutes, "faces": samples(model, minutes), "swaps": cases}
        for (model, minutes), cases in found.items()
    ]
    write_json(asked.to.with_suffix(".json"), {"environment": environment(), "points": told})
    write_text(asked.to.with_suffix(".svg"), drawing(figures, sorted({length for _, length in found}), shared))
    print(table(found))
    print(
        f"Stored in {asked.to}.json and {asked.to}.svg; the drawing's medians are over {', '.join(shared) or 'nothing'}"
    )


if __name__ == "__main__":
    main()
