"""Frames per second and memory of `extract` and `swap` on a 720p clip: whole processes, timed from outside.


    python benchmarks/verbs.py --clip ../shared/data/grid/lrwp9a.mpg [--seconds 12] [--model RUN] [--json OUT.json]

The clip is enlarged to 1280x720 (face about 370 px high) and played forth and back until it is `--seconds` long. Memory
is sampled twice a second; "flat" compares its median in the second quarter of the run with that of the last quarter.
The rate is the verb's own (`extract: N frames in T s`), start-up apart; the whole command's seconds stand beside it.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from semblance.media.probe import probe
from semblance.media.read import read_frames
from semblance.runs import environment

WIDTH, HEIGHT, RATE = 1280, 720, 25


def enlarge(clip: Path, seconds: float, out: Path) -> Path:
    """A 720p H.264 clip with sound out of a small one, played forth and back."""
    frames = [cv2.resize(f.pixels, (900, HEIGHT), interpolation=cv2.INTER_LANCZOS4) for f in read_frames(probe(clip))]
    order = [*range(len(frames)), *range(len(frames) - 2, 0, -1)]
    with av.open(str(out), "w") as container:
        stream = container.add_stream("libx264", Fraction(RATE), options={"crf": "18", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        sound = container.add_stream("aac", 44100)
        for number in range(round(seconds * RATE)):
            canvas = np.full((HEIGHT, WIDTH, 3), 96, np.uint8)
            canvas[:, 190:1090] = frames[order[number % len(order)]]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(canvas, format="rgb24")))
        container.mux(stream.encode())
        for number in range(round(seconds)):
            wave = np.sin(np.arange(44100) * 2 * np.pi * 220 / 44100).astype(np.float32)[None] / 8
            piece = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
            piece.sample_rate, piece.pts = 44100, number * 44100
            container.mux(sound.encode(piece))
        container.mux(sound.encode())
    return out


def run(name: str, arguments: list[str]) -> dict:
    """Run one verb; its own rate, the whole time, and how much memory it held."""
    command = [sys.executable, "-m", "semblance.app.cli", *arguments]
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    samples = []
    while process.poll() is None:
        samples.append(resident(process.pid))
        time.sleep(0.5)
    text = process.stdout.read()
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}:\n{text}")
    frames, seconds = re.search(rf"^{name}: (\d+) frames in ([\d.]+) s", text, re.M).groups()
    quarter = max(len(samples) // 4, 1)
    return {
        "verb": name,
        "frames": int(frames),
        "frames_per_second": round(int(frames) / float(seconds), 1),
        "whole_seconds": round(time.perf_counter() - began, 1),
        "peak_MB": round(max(samples)),
        "flat": round(statistics.median(samples[-quarter:]) / statistics.median(samples[quarter : 2 * quarter]), 3),
    }


def resident(pid: int) -> float:
    """Megabytes of memory that a process holds now."""
    try:
        line = next(row for row in Path(f"/proc/{pid}/status").read_text().splitlines() if row.startswith("VmRSS"))
    except (OSError, StopIteration):
        return 0.0
    return int(line.split()[1]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=12)
    parser.add_argument("--model", type=Path, help="a run folder: measures swap too")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clip = enlarge(asked.clip, asked.seconds, Path(folder) / "clip.mp4")
        rows = [run("extract", ["extract", str(clip), "--out", f"{folder}/faceset"])]
        if asked.model:
            rows.append(run("swap", ["swap", str(clip), "--model", str(asked.model), "--out", f"{folder}/out.mp4"]))
    for row in rows:
        print("  ".join(f"{key} {value}" for key, value in row.items()))
    if asked.json:
        asked.json.write_text(json.dumps({"rows": rows, "environment": environment()}, indent=2) + "\n")


if __name__ == "__main__":
    main()
