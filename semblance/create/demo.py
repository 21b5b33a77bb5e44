"""The verb `demo`: the whole story with people who don't exist, from an empty folder to a page with figures.

Film two people, film the true swap (the target's performance by the source), learn, swap, measure against the truth,
write a page.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass, fields
from dataclasses import replace as changed
from pathlib import Path

import numpy as np

from .. import __version__
from ..measures.rows import Measurement, Row
from ..media.probe import probe
from ..media.read import read_frames
from ..media.sheet import captioned, fitted, grid
from ..models import DEFAULT
from ..people.bodies import open_body
from ..people.film import Take, lit
from ..people.performance import PerformanceOptions, draw_performance
from ..people.person import draw_person, with_face_of
from ..people.scene import draw_scene
from ..runs import Clock, Progress, StopSignal, environment, write_json, written_whole
from ..training.options import TrainOptions
from ..trust.consent import Permission
from ..trust.publish import publish_picture
from .claims import drawn
from .film import chances, claim, film_clip, is_filmed
from .measure import measure
from .page import PageContent, write_page
from .replace import replace

_NOTE, _LAST = "demo.json", "measured.json"
_MOMENTS, _SIDE = 6, 256


@dataclass(frozen=True)
class Plan:
    """How much of everything."""

    size: int  # pixels
    source_seconds: float
    target_seconds: float
    minutes: float  # of training
    preset: str = "small"  # of the model


# On two cores, install aside: the whole demo in under 8 minutes, the quick one in under 3
FULL = Plan(size=400, source_seconds=8.0, target_seconds=5.0, minutes=4.0)
QUICK = Plan(size=288, source_seconds=4.0, target_seconds=3.0, minutes=1.0)


@dataclass(frozen=True)
class DemoResult:
    """Where everything lies, and how good the swap is."""

    page: Path
    measured: Measurement
    seconds: float

    def summary(self) -> str:
        """The last lines on the terminal."""
        done = f"Done in {self.seconds / 60:.1f} minutes, {self.measured.grades()}. Open {self.page} in a browser."
        return f"{self.measured.table()}\n{done}"


def demo(
    out: Path | str = Path("out/demo"),
    plan: Plan = FULL,
    seed: int = 11,
    body: str = "auto",
    progress: Progress | None = None,
    stop: StopSignal | None = None,
) -> DemoResult:
    """Film, learn, swap, measure; `out` gets every file and index.html.

    A folder of the same options goes on where it was stopped; where all is done, nothing is done again.
    Raises what film, replace and measure raise.
    """
    progress, stop, clock = progress or Progress(), stop or StopSignal(), Clock()
    out = Path(out)
    head = open_body(body)
    takes = cast(seed, head, plan)
    TrainOptions(minutes=plan.minutes, seed=seed)  # what cannot be is told before anything is filmed
    claim(out, _NOTE, {"seed": seed, "body": head.name, "plan": asdict(plan)})
    clips = {name: out / f"{name}.mp4" for name in ("source", "plate", "truth", "result")}
    if before := _finished(out, clips):
        return before
    with clock.of("film"):
        for name, take in takes.items():
            if not is_filmed(clips[name]):
                film_clip(take, clips[name], progress, stop)
    with clock.of("learn and swap"):
        if not (clips["result"].exists() and (out / "result.report" / "report.json").exists()):
            clips["result"].unlink(missing_ok=True)  # killed between the clip and its report; its pieces are there
            replace(
                clips["source"], clips["plate"], clips["result"], plan.minutes,
                preset=plan.preset, seed=seed, progress=progress, stop=stop,
            )  # fmt: skip
    with clock.of("measure"):
        tables = _measure(clips, progress, stop)
    with clock.of("page"):
        page = _page(out, clips, tables, plan, seed)
    write_json(out / _LAST, {"seconds": clock.seconds, **{name: t.as_json() for name, t in tables.items()}})
    return DemoResult(page, tables["result"], sum(clock.seconds.values()))


def cast(seed: int, body, plan: Plan) -> dict[str, Take]:
    """The three takes: the source's own footage, the plate, and the plate as the source would have played it."""
    source, target = chances(seed, 0), chances(seed, 1)
    size = (plan.size, plan.size)
    owns = PerformanceOptions(seconds=plan.source_seconds, yaw=25, speech=True)
    plays = PerformanceOptions(seconds=plan.target_seconds, yaw=15, speech=True)
    a, b = draw_person(source[0]), draw_person(target[0])
    plate = Take(b, draw_performance(target[1], plays), lit(draw_scene(target[2]), b), body, size)
    return {
        "source": Take(a, draw_performance(source[1], owns), lit(draw_scene(source[2]), a), body, size),
        "plate": plate,
        "truth": changed(plate, person=with_face_of(b, a)),
    }


def _finished(out: Path, clips: dict[str, Path]) -> DemoResult | None:
    """What an earlier call came to, where all of it is there still; measured.json is written last."""
    page = out / "index.html"
    if not (page.exists() and clips["result"].exists() and all(is_filmed(clips[n]) for n in clips if n != "result")):
        return None
    try:
        told = json.loads((out / _LAST).read_text(encoding="utf-8"))
        values = told["result"]
        names = [field.name for field in fields(Row) if field.name != "missing"]
        rows = tuple(
            Row(**{name: row[name] for name in names}, missing=numbers(row["missing"])) for row in values["rows"]
        )
        about = {key: value for key, value in values.items() if key not in ("rows", "notes")}
        return DemoResult(page, Measurement(rows, about, tuple(values["notes"])), sum(told["seconds"].values()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def numbers(text: str) -> tuple[int, ...]:
    """ "12-14, 30" -> 12, 13, 14, 30; see measures.rows.ranges."""
    runs = [run.split("-") for run in text.split(", ") if run]
    return tuple(number for run in runs for number in range(int(run[0]), int(run[-1]) + 1))


def _measure(clips: dict[str, Path], progress: Progress, stop: StopSignal) -> dict[str, Measurement]:
    """The result; beside it what an untouched plate and a perfect swap would score."""
    return {
        name: measure(clips[clip], clips["plate"], clips["source"], clips["truth"], progress, stop)
        for name, clip in (("result", "result"), ("truth", "truth"), ("plate", "plate"))
    }


def _page(out: Path, clips: dict[str, Path], tables: dict[str, Measurement], plan: Plan, seed: int) -> Path:
    """Strips, previews and index.html."""
    publish_picture(out / "strip.png", _strip(clips), drawn("plate, result and truth", Permission("synthetic")))
    previews = _previews(out, clips["result"].with_name("result.mp4.work") / "model" / "previews")
    report = out / "result.report"
    told = environment()
    return write_page(
        out,
        PageContent(
            title="A face swap, measured against the truth",
            summary=(
                "Nobody on this page exists. Two people were drawn by a computer and filmed; a small network learned "
                "both of them from their clips; the second one's face was replaced by the first one's. Because the "
                "people are drawn, the perfect result could be filmed too: the same performance by the other person. "
                "The figures hold the swap against it, beside what the untouched plate and the perfect result score."
            ),
            clips=(
                ("source: who shall appear", clips["source"]),
                ("plate: the clip to change", clips["plate"]),
                ("result: the swap", clips["result"]),
                ("truth: what a perfect swap would be", clips["truth"]),
            ),
            strips=(
                ("plate, result and truth at six moments", out / "strip.png"),
                ("the result's faces, with their distance to the source", report / "sheet.png"),
            ),
            tables=tuple(
                (caption, tables[name].as_json())
                for name, caption in (
                    ("result", "the swap"), ("truth", "a perfect swap"), ("plate", "the untouched plate"),
                )
            ),
            stats=_copied(out, clips["result"].with_name("result.mp4.work") / "model" / "stats.jsonl"),
            previews=previews,
            next_steps=(
                ("swap faces in your own clips, of people who agreed",
                 "semblance replace --source a.mp4 --target b.mp4 --out c.mp4 --minutes 10"),
                ("film other people who don't exist",
                 f"semblance people film --out {out.parent / 'people'} --seed {seed + 1} --speech"),
                ("measure any result", "semblance measure RESULT --target CLIP --source CLIP"),
            ),
            facts=(
                ("seed", str(seed)),
                ("frames", f"{plan.size}x{plan.size} pixels"),
                ("minutes of training", f"{plan.minutes:g}"),
                ("model", f"{DEFAULT}, {plan.preset}"),
                ("Semblance", __version__),
                ("Python", str(told.get("python", ""))),
            ),
        ),
    )  # fmt: skip


def _copied(out: Path, stats: Path) -> Path | None:
    """The training's figures, beside the page: the working folder may be removed later."""
    if not stats.exists():
        return None
    with written_whole(out / stats.name) as temporary:
        shutil.copyfile(stats, temporary)
    return out / stats.name


def _previews(out: Path, folder: Path) -> tuple[Path, ...]:
    """A few of the training's own pictures, early to late; they carry their label already."""
    there = sorted(folder.glob("*.png")) if folder.is_dir() else []
    chosen = [there[k] for k in sorted({round(k) for k in np.linspace(0, len(there) - 1, 4)})] if there else []
    kept = []
    for picture in chosen:
        with written_whole(out / f"preview-{picture.name}") as temporary:
            shutil.copyfile(picture, temporary)
        kept.append(out / f"preview-{picture.name}")
    return tuple(kept)


def _strip(clips: dict[str, Path]) -> np.ndarray:
    """Rows plate, result, truth; columns moments of the clip."""
    plate = probe(clips["plate"])
    rows = []
    for name in ("plate", "result", "truth"):
        info = probe(clips[name])
        tiles = []
        for at in np.linspace(0, (plate.frames or 1) - 1, _MOMENTS).astype(int):
            frame = next(read_frames(info, start=int(at)))
            tiles.append(captioned(fitted(frame.pixels, _SIDE, _SIDE), f"{name}, {frame.time:.2f} s"))
        rows.append(grid(tiles, _MOMENTS))
    return np.vstack(rows)
