"""Prints how fast clips are read and written at 720p, and how much memory that takes.

    python benchmarks/media.py [--seconds 20] [--codecs h264 hevc av1 vp9 ffv1]

The clip is synthesised: a moving, noisy pattern, about as hard to encode as hand-held footage.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from semblance.media.probe import probe
from semblance.media.read import frame_times, read_frames
from semblance.media.write import EncodeOptions, join_segments, open_segment
from semblance.types import Patch
from tests.clips import Track, make_clip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--codecs", nargs="+", default=["h264", "hevc", "av1", "vp9", "ffv1"])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clip = make_clip(
            Path(folder) / "plate.mp4",
            size=(1280, 720),
            frames=25 * arguments.seconds,
            noise=6,
            sound=[Track()],
            settings={"preset": "veryfast", "crf": "20"},
        )
        megabytes = clip.stat().st_size / 1e6
        print(f"plate: 1280x720, {25 * arguments.seconds} frames, h264, {megabytes:.1f} MB")
        measure_reading(clip)
        for codec in arguments.codecs:
            measure_writing(clip, codec, Path(folder))


def measure_reading(clip: Path) -> None:
    """frame_times and read_frames on their own."""
    info = probe(clip)
    began = time.perf_counter()
    times = frame_times(info)
    print(f"frame_times: {1e3 * (time.perf_counter() - began):.0f} ms for {len(times)} frames")
    began, used = time.perf_counter(), time.process_time()
    count = sum(1 for _ in read_frames(info))
    report("read to RGB", count, began, used)


def measure_writing(clip: Path, codec: str, folder: Path) -> None:
    """Read, lay a face-sized patch over every frame, encode, join."""
    info, times = probe(clip), frame_times(probe(clip))
    patch = np.random.default_rng(0).integers(100, 140, (300, 300, 3), dtype=np.uint8)
    suffix = ".mkv" if codec == "ffv1" else ".mp4"
    segment, out = folder / f"{codec}.segment.mkv", folder / f"{codec}{suffix}"
    began, used, inside = time.perf_counter(), time.process_time(), 0.0
    count = 0
    with open_segment(segment, info, EncodeOptions(codec=codec), {}) as writer:
        for frame in read_frames(info):
            entered = time.perf_counter()
            writer.write(frame, [Patch(400, 200, patch)])
            inside += time.perf_counter() - entered
            count += 1
    report(f"read + patch + {codec}", count, began, used)
    print(f"    inside write: {1e3 * inside / count:.1f} ms a frame; {segment.stat().st_size / 1e6:.1f} MB")
    began = time.perf_counter()
    join_segments([segment], out, info, times, {})
    print(f"    join: {1e3 * (time.perf_counter() - began):.0f} ms")


def report(name: str, count: int, began: float, used: float) -> None:
    wall, cpu = time.perf_counter() - began, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{name}: {count / wall:.0f} frames/s, {1e3 * cpu / count:.1f} ms CPU a frame, peak memory {peak:.0f} MB")


if __name__ == "__main__":
    main()
