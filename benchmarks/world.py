"""Twenty swaps between ten people who don't exist, from easy to hard, each measured against the true swap.

    python benchmarks/world.py [--out out/world] [--model swap_original] [--preset small] [--minutes 10] [--alone 100]
                               [--only 1,2]
                               [--body builtin] [--merge '{"colour": "rct"}']

With --alone RATE each swap learns as many faces as a machine that makes RATE a second alone would in those minutes,
however long it takes: other work on the machine then changes no figure.

The list is fixed and seeded: the same for every model and merge setting. Clips are filmed once into OUT/clips-BODY;
each swap has a folder of its own under OUT/MODEL-PRESET-MINUTES (another body and merge options are named behind that);
what is there already is not done again, so the benchmark can be stopped and go on. It ends with one table and
world.json: commit, machine, versions, every figure, medians and spreads.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from semblance import replace
from semblance.app.terminal import TerminalProgress
from semblance.create.film import chances, film_clip, is_filmed
from semblance.create.measure import measure
from semblance.finish.merge_options import MergeOptions
from semblance.people.bodies import open_body
from semblance.people.body import Body
from semblance.people.film import Take, lit
from semblance.people.performance import PerformanceOptions, draw_performance
from semblance.people.person import Person, draw_person, with_face_of
from semblance.people.scene import draw_scene
from semblance.runs import Progress, StopSignal, environment, write_json

SEED, PEOPLE, SIZE = 2026, 10, 320
SOURCE_SECONDS, PLATE_SECONDS = 8.0, 5.0
SHOWN = (
    "identity to source", "identity to target", "pose error", "mouth correlation", "eye correlation",
    "expression error", "flicker", "sharpness", "seam", "double edges", "true PSNR", "true SSIM",
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One swap: numbers of two of the people, and what makes the plate hard."""

    name: str
    source: int
    target: int
    yaw: float = 12.0
    hard: float = 0.0
    pace: float = 1.0
    occluder: str = ""


CASES = (
    *(Case(f"easy-{k + 1}", k, (k + 5) % 10) for k in range(4)),
    *(Case(f"pose-{k + 1}", k + 4, (k + 7) % 10, yaw=28.0 + 5 * k) for k in range(4)),
    *(Case(f"light-{k + 1}", (k + 8) % 10, (k + 1) % 10, yaw=18.0, hard=1.0) for k in range(4)),
    *(
        Case(f"occluder-{k + 1}", k + 2, (k + 8) % 10, yaw=15.0, occluder=kind)
        for k, kind in enumerate(("hand", "microphone", "strand", "hand"))
    ),
    *(Case(f"fast-{k + 1}", (k + 6) % 10, k + 3, yaw=30.0, hard=0.4, pace=2.5) for k in range(4)),
)


def person(number: int) -> Person:
    """One of the ten."""
    return draw_person(chances(SEED, number)[0])


def takes(case: Case, body: Body) -> dict[str, Take]:
    """The plate, and the same played by the source."""
    number = CASES.index(case)
    seeds = chances(SEED, 100 + number)
    acting = PerformanceOptions(seconds=PLATE_SECONDS, yaw=case.yaw, pace=case.pace, speech=True)
    target = person(case.target)
    plate = Take(
        target,
        draw_performance(seeds[1], acting),
        lit(draw_scene(seeds[2], case.hard), target),
        body,
        (SIZE, SIZE),
        case.occluder,
    )
    truth = Take(
        with_face_of(target, person(case.source)), plate.performance, plate.scene, body, plate.size, case.occluder
    )
    return {"plate": plate, "truth": truth}


def source_take(number: int, body: Body) -> Take:
    """What a model learns the source from: easy footage of their own."""
    seeds = chances(SEED, number)
    acting = PerformanceOptions(seconds=SOURCE_SECONDS, yaw=30, speech=True)
    who = person(number)
    return Take(who, draw_performance(seeds[1], acting), lit(draw_scene(seeds[2]), who), body, (SIZE, SIZE))


def run_case(case: Case, asked: argparse.Namespace, folder: Path, body: Body, progress: Progress) -> dict:
    """Film what is missing, swap, measure; returns the measurement as JSON and keeps it in the folder."""
    stop, clips = StopSignal(), asked.out / f"clips-{body.name}"
    done = folder / case.name / "measured.json"
    if done.exists():
        return json.loads(done.read_text(encoding="utf-8"))
    clips.mkdir(parents=True, exist_ok=True)
    done.parent.mkdir(parents=True, exist_ok=True)
    source = clips / f"source-{case.source}.mp4"
    if not is_filmed(source):
        film_clip(source_take(case.source, body), source, progress, stop)
    paths = {name: clips / f"{case.name}-{name}.mp4" for name in ("plate", "truth")}
    for name, take in takes(case, body).items():
        if not is_filmed(paths[name]):
            film_clip(take, paths[name], progress, stop)
    result = done.parent / "result.mp4"
    if not (result.exists() and (done.parent / "result.report" / "report.json").exists()):
        result.unlink(missing_ok=True)  # killed between the clip and its report
        replace(
            source, paths["plate"], result, asked.minutes, asked.model, asked.preset,
            samples=asked.samples, merge=asked.merge, progress=progress, stop=stop,
        )  # fmt: skip
    figures = measure(result, paths["plate"], source, paths["truth"], progress, stop).as_json()
    report = json.loads((done.parent / "result.report" / "report.json").read_text(encoding="utf-8"))
    figures |= {"case": asdict(case), "swapped": report["swapped"], "frames": report["frames"], "commit": commit()}
    write_json(done, figures)
    return figures


def values_of(figures: dict) -> dict[str, float]:
    """Row name -> value; NaN where a figure could not be had."""
    return {row["name"]: np.nan if row["value"] is None else row["value"] for row in figures["rows"]}


def table(results: dict[str, dict]) -> str:
    """One line a swap, then median and the middle half."""
    heads = ["swap", "frames", *SHOWN]
    lines = [heads]
    columns = np.array([[values_of(figures).get(name, np.nan) for name in SHOWN] for figures in results.values()])
    for (name, figures), row in zip(results.items(), columns, strict=True):
        lines.append([name, f"{figures['swapped']}/{figures['frames']}", *(f"{value:.3g}" for value in row)])
    for name, share in (("median", 50), ("25 %", 25), ("75 %", 75)):
        lines.append([name, "", *(f"{value:.3g}" for value in np.nanpercentile(columns, share, axis=0))])
    widths = [max(len(line[k]) for line in lines) for k in range(len(heads))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)


def folder_name(asked: argparse.Namespace, body: Body) -> str:
    """One for each body, model and merge setting, so that no figure is taken for another's."""
    changed = asked.merge.model_dump(exclude_defaults=True)
    others = [body.name] * (body.name != "builtin") + [f"{key}={value}" for key, value in sorted(changed.items())]
    if asked.samples:
        others.append(f"{asked.samples}-faces")
    return "-".join([asked.model, asked.preset, f"{asked.minutes:g}", *others]).replace("/", "_")


def commit() -> str:
    """The checkout's commit, with a plus if it was changed since."""
    told = subprocess.run(["git", "describe", "--always", "--dirty=+"], capture_output=True, text=True, check=False)
    return told.stdout.strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("out/world"))
    parser.add_argument("--model", default="swap_original")
    parser.add_argument("--preset", default="small")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--alone", type=float, default=None, help="samples a second of this model on a quiet machine")
    parser.add_argument("--body", default="builtin")
    parser.add_argument("--only", default="", help="names or numbers (1 to 20) of swaps, with commas")
    parser.add_argument("--merge", type=json.loads, default={}, help="merge options as JSON")
    asked = parser.parse_args()
    asked.merge = MergeOptions(**asked.merge)
    asked.samples = asked.alone and round(60 * asked.minutes * asked.alone)
    body = open_body(asked.body)
    wanted = {part for part in asked.only.split(",") if part}
    cases = [case for k, case in enumerate(CASES) if not wanted or case.name in wanted or str(k + 1) in wanted]
    if not cases:
        parser.error(f"no swap is called {asked.only}; known: 1 to {len(CASES)}, {', '.join(c.name for c in CASES)}")
    folder = asked.out / folder_name(asked, body)
    progress, results = TerminalProgress(), {}
    for case in cases:
        results[case.name] = run_case(case, asked, folder, body, progress)
        progress.done()
        told = {
            "commit": commit(), "environment": environment(), "body": body.name, "model": asked.model,
            "preset": asked.preset, "minutes": asked.minutes, "samples": asked.samples,
            "merge": asked.merge.model_dump(), "swaps": results,
        }  # fmt: skip
        write_json(folder / "world.json", told)
    print(table(results))
    print(f"Stored in {folder / 'world.json'}")


if __name__ == "__main__":
    main()
