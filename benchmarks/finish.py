"""How well faces are put back: merge settings against each other, the trial's choice, occluders, and the time it takes.

    python benchmarks/finish.py --case NAME PLATE RUN [--case ...] [--frames 50] [--out out/finish] [--hd PLATE RUN]
    python benchmarks/finish.py --world out/world/swap_mesh-small-3-13500-faces [...]

Each case is a plate and a run that draws its person's new face. A stretch of frames from the middle of the plate is
drawn once, then merged with twelve fixed settings and with what the trial (create/choose.py) chose for the clip from a
few frames; figures and score are those of measures/finish_score.py over the whole stretch, before encoding. --world:
the swaps that benchmarks/world.py left there; where something stands before the face, the final masks are held against
the truth. --hd: milliseconds a frame of every stage on a large clip. Cases that are done already are not done again.
"""

from __future__ import annotations

import argparse
import json
from contextlib import closing
from itertools import islice
from pathlib import Path

import numpy as np

from semblance.create.choose import choose_merge
from semblance.create.options import SwapOptions
from semblance.create.painter import Painter
from semblance.create.render import draw_faces, merged_frames
from semblance.create.trial import Look, attempt
from semblance.create.watch import watch
from semblance.finish.merge_options import MergeOptions
from semblance.finish.plan import MergePlan
from semblance.measures.masks import score_masks
from semblance.measures.truth import REGIONS, masks_path
from semblance.media.probe import probe
from semblance.media.read import frame_times, read_frames
from semblance.models import load_swapper
from semblance.runs import Clock, Progress, StopSignal, environment, write_json

FIXED: dict[str, dict] = {
    "usual": {},
    "bands": {"blend": "bands"},
    "poisson": {"blend": "poisson"},
    "opencv": {"blend": "opencv"},
    "mkl": {"colour": "mkl"},
    "mean": {"colour": "mean"},
    "mix": {"colour": "mix"},
    "small": {"erode": 8.0, "feather": 10.0},
    "wide": {"erode": 0.0, "feather": 10.0},
    "soft": {"feather": 18.0},
    "sharp": {"sharpen": 0.7},
    "mkl, bands": {"colour": "mkl", "blend": "bands"},
}
SHOWN = ("seam", "seam, worst part", "sharpness", "flicker", "double edges", "identity to source")
_FACE = [REGIONS[name] for name in ("skin", "eyes", "mouth", "lips")]


class _Told(Progress):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)


def run_case(plate: Path, run: Path, frames: int) -> dict:
    """Scores and figures of all settings on one stretch, and what the trial chose."""
    info, told = probe(plate), _Told()
    length = len(frame_times(info))
    painter = Painter(*load_swapper(run), MergePlan(auto=True), SwapOptions())
    plan = choose_merge(info, painter, length, told, StopSignal())
    start = max((length - frames) // 2, 0)
    looks = [stretch(painter, plate, start, start + frames)]
    aspect, clock = float(info.pixel_aspect), Clock()
    tried = {
        name: attempt(looks, painter, MergeOptions(**change), aspect, clock, True) for name, change in FIXED.items()
    }
    tried["auto"] = attempt(looks, painter, plan.whole, aspect, clock, True)
    result = {name: {"score": each.score, **each.figures} for name, each in tried.items()}
    changed = plan.whole.model_dump(exclude_defaults=True)
    return {"plate": plate.name, "settings": result, "chosen": changed, "told": told.lines[-1],
            "masks": masks_of(plate, painter.following(plan), start, start + frames)}  # fmt: skip


def stretch(painter: Painter, plate: Path, start: int, stop: int) -> Look:
    """Frames [start, stop), drawn."""
    info, clock = probe(plate), Clock()
    with closing(
        draw_faces(watch(info, start, stop, 0, clock, 4), painter, float(info.pixel_aspect), clock, 8)
    ) as drawn:
        frames = list(drawn)
    return Look(frames[len(frames) // 2].frame.index, frames)


def masks_of(plate: Path, painter: Painter, start: int, stop: int) -> dict | None:
    """Where something stands before the face: how much of it the merge leaves alone, and how its mask fits the truth
    (the face's own pixels: a fringe over it is none), within the face that it would cover without an occluder. None
    where no truth lies beside the plate, or nothing covers the face."""
    path = masks_path(plate)
    if not path.exists():
        return None
    kept, bare = (_masks(plate, painter, start, stop, occluders) for occluders in ("keep", "cover"))
    drawn, truth, cover = [], [], []
    for regions in islice(read_frames(probe(path)), start, stop):
        shown = regions.pixels[..., 0]
        face = bare[regions.index] > 0.5
        drawn.append(kept[regions.index])
        cover.append((shown == REGIONS["occluder"]) & face)
        truth.append(face & np.isin(shown, _FACE))
    cover = np.array(cover)
    if not cover.any():
        return None
    seen = cover.any((1, 2))
    score = score_masks(np.array(drawn)[seen], np.array(truth)[seen], cover[seen])
    return {"overlap": score.overlap, "left out": score.left_out, "kept": score.kept, "frames": int(seen.sum())}


def _masks(plate: Path, painter: Painter, start: int, stop: int, occluders: str) -> dict[int, np.ndarray]:
    """(H, W) float32 of each frame: how much of each of its pixels is new."""
    painter = painter.following(MergePlan(painter.plan.whole.changed(occluders=occluders)))
    masks = {}
    with merged_frames(probe(plate), start, stop, painter, Clock()) as merged:
        for item in merged:
            mask = masks.setdefault(item.frame.index, np.zeros(item.frame.pixels.shape[:2], np.float32))
            for face in item.laid:
                patch, (h, w) = face.merged.patch, face.merged.mask.shape
                mask[patch.y : patch.y + h, patch.x : patch.x + w] = face.merged.mask
    return masks


def measure_time(plate: Path, run: Path, merge: MergeOptions) -> dict[str, float]:
    """Milliseconds a frame by the clock in each stage, while the others run beside it; "merge" is the finishing."""
    info, clock = probe(plate), Clock()
    painter = Painter(*load_swapper(run), MergePlan(merge), SwapOptions(who="largest", poorest=1))
    count = 0
    with merged_frames(info, 0, len(frame_times(info)), painter, clock) as merged:
        for _ in merged:
            count += 1
    return {stage: 1000 * seconds / count for stage, seconds in clock.seconds.items()}


def table(cases: dict[str, dict]) -> str:
    """For each case: the usual, the best of the fixed, and the trial's choice."""
    lines = [["case", "settings", "score", *SHOWN]]
    for name, case in cases.items():
        fixed = {key: row for key, row in case["settings"].items() if key != "auto"}
        best = min(fixed, key=lambda key: fixed[key]["score"])
        chosen = ", ".join(f"{key} {value}" for key, value in case["chosen"].items()) or "the usual"
        rows = (("usual", "usual"), (f"best: {best}", best), (f"auto: {chosen}", "auto"))
        for label, key in rows:
            row = case["settings"][key]
            figures = [f"{row.get(figure, np.nan):.3g}" for figure in SHOWN]
            lines.append([name, label, f"{row['score']:.2f}", *figures])
    widths = [max(len(line[k]) for line in lines) for k in range(len(lines[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)) for line in lines)


def summary(cases: dict[str, dict]) -> str:
    won = [
        case["settings"]["auto"]["score"] <= min(row["score"] for key, row in case["settings"].items() if key != "auto")
        for case in cases.values()
    ]
    near = [
        case["settings"]["auto"]["score"]
        <= 1.02 * min(row["score"] for key, row in case["settings"].items() if key != "auto")
        for case in cases.values()
    ]
    lines = [
        f"auto at least as good as the best of {len(FIXED)} fixed settings: {sum(won)} of {len(won)} "
        f"({sum(near)} within 2 %)"
    ]
    for figure in SHOWN:
        values = [case["settings"]["auto"].get(figure, np.nan) for case in cases.values()]
        lines.append(f"  {figure:22} median {np.nanmedian(values):.3g}")
    for name, case in cases.items():
        if case["masks"]:
            masks = case["masks"]
            lines.append(
                f"  {name}: {100 * masks['left out']:.1f} % of what stands before the face is the plate's, mask and "
                f"truth overlap by {masks['overlap']:.3f} (IoU), {masks['frames']} frames"
            )
    return "\n".join(lines)


def world_cases(folder: Path) -> list[tuple[str, Path, Path]]:
    """The swaps that benchmarks/world.py left in a folder: name, plate, run."""
    clips = folder.parent / "clips-builtin"
    found = []
    for case in sorted(path for path in folder.iterdir() if path.is_dir()):
        run = case / "result.mp4.work" / "model"
        if (run / "options.json").exists() and (case / "measured.json").exists():
            found.append((f"{folder.name.split('-')[0]} {case.name}", clips / f"{case.name}-plate.mp4", run))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", nargs=3, action="append", default=[], metavar=("NAME", "PLATE", "RUN"))
    parser.add_argument("--world", nargs="*", type=Path, default=[])
    parser.add_argument("--only", nargs="*", default=[], help="names of the world's cases")
    parser.add_argument("--hd", nargs=2, type=Path, default=None, metavar=("PLATE", "RUN"))
    parser.add_argument("--frames", type=int, default=50)
    parser.add_argument("--out", type=Path, default=Path("out/finish"))
    asked = parser.parse_args()
    cases = [(name, Path(plate), Path(run)) for name, plate, run in asked.case]
    for folder in asked.world:
        cases += [each for each in world_cases(folder) if not asked.only or each[0].split()[-1] in asked.only]
    done: dict[str, dict] = {}
    for name, plate, run in cases:
        note = asked.out / f"{name.replace(' ', '-')}.json"
        if not note.exists():
            note.parent.mkdir(parents=True, exist_ok=True)
            write_json(note, run_case(plate, run, asked.frames))
        done[name] = json.loads(note.read_text(encoding="utf-8"))
        print(f"{name}: {done[name]['told']}", flush=True)
    if done:
        print(table(done), summary(done), sep="\n\n")
        write_json(asked.out / "finish.json", {"environment": environment(), "cases": done})
    if asked.hd:
        for name, change in (("usual", {}), ("mkl, bands", FIXED["mkl, bands"]), ("poisson", FIXED["poisson"])):
            stages = measure_time(*asked.hd, MergeOptions(**change))
            print(f"{name}: " + ", ".join(f"{stage} {ms:.1f}" for stage, ms in stages.items()) + " ms a frame")


if __name__ == "__main__":
    main()
