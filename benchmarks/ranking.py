"""Does the table rank results rightly? A demo's folder -> five clips, each measured against the demo's plate and truth.

    python benchmarks/ranking.py out/demo [--out out/ranking]

The untouched plate, the true swap, the true swap blurred (sigma 2 px), the true swap moved by 6 px, and the demo's own
result. One column each; a star stands at the best of a row.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from semblance.app.terminal import TerminalProgress
from semblance.create.film import WHAT
from semblance.create.measure import measure
from semblance.measures.grades import METRICS
from semblance.media.probe import probe
from semblance.media.read import frame_times, read_frames
from semblance.runs import write_json
from semblance.trust.publish import EncodeOptions, open_segment_for, publish_clip
from semblance.types import Frame


def changed(clip: Path, out: Path, change: Callable[[np.ndarray], np.ndarray]) -> Path:
    """`clip` with every frame changed, in `out`."""
    info = probe(clip)
    piece = out.with_suffix(".segment.mkv")
    with open_segment_for(piece, info, EncodeOptions(), WHAT) as writer:
        for frame in read_frames(info):
            writer.write(Frame(frame.index, frame.time, change(frame.pixels)))
    publish_clip([piece], out, info, frame_times(info), WHAT)
    piece.unlink()
    return out


def blurred(pixels: np.ndarray) -> np.ndarray:
    """Out of focus."""
    return cv2.GaussianBlur(pixels, (0, 0), 2.0)


def moved(pixels: np.ndarray) -> np.ndarray:
    """Six pixels to the right."""
    return cv2.copyMakeBorder(pixels[:, :-6], 0, 0, 6, 0, cv2.BORDER_REPLICATE)


def best_of(name: str, values: list[float | None]) -> int:
    """Which of the values is the best, by the measure's own direction; -1 for none."""
    better = METRICS[name].better
    worth = {
        "lower": lambda value: -value,
        "higher": lambda value: value,
        "near 1": lambda value: -abs(value - 1),
        "near 0": lambda value: -abs(value),
    }[better]
    known = [(worth(value), -k) for k, value in enumerate(values) if value is not None]
    return -max(known)[1] if known else -1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("demo", type=Path)
    parser.add_argument("--out", type=Path, default=Path("out/ranking"))
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    demo, progress = asked.demo, TerminalProgress()
    truth = demo / "truth.mp4"
    clips = {
        "plate": demo / "plate.mp4",
        "truth": truth,
        "blurred": changed(truth, asked.out / "blurred.mp4", blurred),
        "moved": changed(truth, asked.out / "moved.mp4", moved),
        "result": demo / "result.mp4",
    }
    tables = {
        name: measure(clip, demo / "plate.mp4", demo / "source.mp4", truth, progress) for name, clip in clips.items()
    }
    progress.done()
    print(" " * 24 + "".join(f"{name:>10}" for name in clips) + "   better")
    for row in tables["truth"].rows:
        values = [tables[name][row.name].value for name in clips]
        best = best_of(row.name, values)
        cells = "".join(
            f"{'-' if value is None else f'{value:.3g}':>9}{'*' if k == best else ' '}"
            for k, value in enumerate(values)
        )
        print(f"{row.name:<24}{cells}   {row.better}")
    write_json(asked.out / "ranking.json", {name: table.as_json() for name, table in tables.items()})


if __name__ == "__main__":
    main()
