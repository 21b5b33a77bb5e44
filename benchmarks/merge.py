"""How long one face takes to be laid into a 720p frame on one core: tables, then one line of JSON.

    python benchmarks/merge.py [--repeats 40]

The face is synthetic (noise on a gradient under an ellipse of 478 landmarks), turned by 10 degrees; its longer side is
given in frame pixels. The crop covers 1.4 times that. Times are the thread's own, so that a busy machine counts less.
Targets: a 300 px face within 8 ms with the default options; of that its colours, measured and changed, within 2 ms
for linear transfers and 10 ms for those of whole distributions.

Then how many faces of 256 px are blended a second: the bare equation (membrane: a hard mask, three channels, solved to
1e-4; target 50 a second on 2 cores, a thread each) and each way of joining face and plate.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from functools import partial

import cv2
import numpy as np

from semblance.finish.bands import band_blend
from semblance.finish.blend import alpha_blend, seamless_clone
from semblance.finish.membrane import membrane
from semblance.finish.merge import merge_face
from semblance.finish.merge_options import MergeOptions
from semblance.finish.poisson import poisson_blend

FACES = (80, 300, 600)  # longer side in frame pixels
CROPS = (64, 128, 256)
COVERAGE = 1.4
TARGET_MS = 8.0
OPTIONS = {
    "default": MergeOptions(),
    "colour none": MergeOptions(colour="none"),
    "sharpen": MergeOptions(sharpen=1),
    **{blend: MergeOptions(blend=blend) for blend in ("bands", "poisson", "poisson-mixed", "opencv")},
}
SOLVED = 256  # pixels a side
TARGET_RATE, CORES = 50.0, 2
COLOURS_TARGET_MS = {
    "lab": 2.0,
    "mean": 2.0,
    "lct": 2.0,
    "mkl": 2.0,
    "idt": 10.0,
    "sot": 10.0,
    "hist": 10.0,
    "mix": 10.0,
}
COLOURS = {
    f"{transfer}{' in light' if light else ''}": MergeOptions(colour=transfer, linear_light=light)
    for light in (False, True)
    for transfer in COLOURS_TARGET_MS
    if not light or transfer not in ("lab", "mix")  # which have a curve of their own
}


def synthetic_face(size: float, crop_side: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """plate (720, 1280, 3) uint8, landmarks (478, 3), crop (S, S, 3) float32 and its matrix."""
    chance = np.random.default_rng(0)
    y, x = np.mgrid[:720, :1280]
    plate = np.stack([60 + x / 9, 60 + y / 6, 160 - x / 20], -1) + chance.normal(0, 6, (720, 1280, 3))
    turn = np.linspace(0, 2 * np.pi, 478, endpoint=False)
    roll = np.radians(10)
    axes = np.array([[np.cos(roll), np.sin(roll)], [-np.sin(roll), np.cos(roll)]])
    oval = np.column_stack([0.4 * size * np.cos(turn), 0.5 * size * np.sin(turn)]) @ axes + (640, 360)
    linear = axes * crop_side / (COVERAGE * size)
    matrix = np.column_stack([linear, (crop_side - 1) / 2 - linear @ (640, 360)])
    crop = 0.5 + 0.1 * chance.standard_normal((crop_side, crop_side, 3)).astype(np.float32)
    return plate.clip(0, 255).astype(np.uint8), np.column_stack([oval, 0 * turn]), crop.clip(0, 1), matrix


def measure(repeats: int) -> list[dict]:
    """Median milliseconds for each face size, crop size and set of options."""
    rows = []
    for size in FACES:
        for crop_side in CROPS:
            face = synthetic_face(size, crop_side)
            for name, options in OPTIONS.items():
                ms = milliseconds(partial(merge_face, *face, options), repeats)
                rows.append({"face": size, "crop": crop_side, "options": name, "ms": ms})
    return rows


def measure_colours(repeats: int) -> list[dict]:
    """What matching colours adds to a 300 px face: median milliseconds more than without, measured and applied."""
    rows = []
    for crop_side in CROPS:
        face = synthetic_face(300, crop_side)
        without = milliseconds(partial(merge_face, *face, MergeOptions(colour="none")), repeats)
        for name, options in COLOURS.items():
            ms = milliseconds(partial(merge_face, *face, options), repeats) - without
            rows.append({"crop": crop_side, "colour": name, "ms": ms})
    return rows


def blends() -> dict:
    """Name -> what joins a face of SOLVED pixels with its plate."""
    chance = np.random.default_rng(0)
    y, x = np.mgrid[:SOLVED, :SOLVED] - (SOLVED - 1) / 2
    inside = 0.45 * SOLVED - np.hypot(1.2 * x, y) + 4 * np.sin(5 * np.arctan2(y, x))
    mask = np.clip(0.5 + inside / (0.08 * SOLVED), 0, 1).astype(np.float32)
    held = np.where(mask > 0.5, 0, np.inf).astype(np.float32)
    plate, face = (chance.normal(level, 8, (SOLVED, SOLVED, 3)).clip(0, 255).astype(np.uint8) for level in (150, 120))
    difference = (plate.astype(np.float32) - face) / 255
    return {
        "membrane": lambda: membrane(difference, held),
        "alpha": lambda: alpha_blend(plate, face, mask),
        "bands": lambda: band_blend(plate, face, mask),
        "poisson": lambda: poisson_blend(plate, face, mask),
        "poisson-mixed": lambda: poisson_blend(plate, face, mask, mixed=np.ones(mask.shape, np.float32)),
        "opencv": lambda: seamless_clone(plate, face, mask),
    }


def measure_blends(repeats: int) -> dict[str, float]:
    """Median milliseconds of one thread for each of blends()."""
    return {name: milliseconds(blend, repeats) for name, blend in blends().items()}


def milliseconds(work: Callable, repeats: int) -> float:
    """Median of one thread's own time, after a first call that is not counted."""
    work()
    times = []
    for _ in range(repeats):
        start = time.thread_time()
        work()
        times.append(1000 * (time.thread_time() - start))
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=40)
    repeats = parser.parse_args().repeats
    cv2.setNumThreads(1)
    rows = measure(repeats)
    print("face px  crop px  " + "".join(f"{name:>14}" for name in OPTIONS) + "   (ms, median)")
    for at in range(0, len(rows), len(OPTIONS)):
        group = rows[at : at + len(OPTIONS)]
        print(f"{group[0]['face']:7}  {group[0]['crop']:7}  " + "".join(f"{row['ms']:14.2f}" for row in group))
    worst = max(row["ms"] for row in rows if row["face"] == 300 and row["options"] == "default")
    verdict = "met" if worst <= TARGET_MS else "MISSED"
    print(f"300 px face, default options: {worst:.2f} ms, target {TARGET_MS} ms: {verdict}")
    colours = measure_colours(repeats)
    print("\ncolours of a 300 px face   " + "".join(f"{f'{side} px crop':>14}" for side in CROPS) + "   (ms, median)")
    for name in COLOURS:
        times = [row["ms"] for row in colours if row["colour"] == name]
        target = COLOURS_TARGET_MS[name.split()[0]]
        met = "met" if max(times) <= target else "MISSED"
        print(f"{name:26} " + "".join(f"{ms:14.2f}" for ms in times) + f"   target {target} ms: {met}")
    print()
    solved = measure_blends(repeats)
    for name, ms in solved.items():
        print(f"{name:14} of {SOLVED} px: {ms:6.2f} ms, {1000 * CORES / ms:6.0f} a second on {CORES} cores")
    rate = 1000 * CORES / solved["membrane"]
    print(f"membrane: {rate:.0f} faces/s, target {TARGET_RATE:.0f}: {'met' if rate >= TARGET_RATE else 'MISSED'}")
    told = {"worst_default_300_ms": worst, "target_ms": TARGET_MS, "solved_per_s": rate, "target_per_s": TARGET_RATE}
    print(json.dumps({"benchmark": "merge", **told, "blends_ms": solved, "rows": rows, "colours": colours}))


if __name__ == "__main__":
    main()
