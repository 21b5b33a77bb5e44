"""How fast each model learns here, and how much of the machine's matrix speed that is, augmentation included.

    python benchmarks/train.py [--models swap_mesh swap_df] [--presets small paper] [--batches 4 8 16 64]
                               [--precisions fp32 bf16] [--seconds 10] [--json FILE]

Each line is a process of its own: a large float32 matmul is timed before and after (other programs come and go), then
the model learns from noise for some seconds through the pieces of the real loop (material -> stream on its thread ->
step -> average). Operations are those of the network's layers, forward and backward, two per multiply-and-add. "first":
seconds from the command to the end of the first step, imports included. "memory": the process's highest.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

from semblance.models import list_models

BEGAN = time.perf_counter()


def matmul_speed(side: int = 2048, seconds: float = 1.5) -> float:
    """float32 (side, side) @ (side, side) on the CPU: best of the repeats, in GFLOP/s."""
    import torch

    a, b = torch.randn(side, side), torch.randn(side, side)
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        began = time.perf_counter()
        a @ b
        best = min(best, time.perf_counter() - began)
    return 2 * side**3 / best / 1e9


def one(model: str, preset: str, batch: int, precision: str, seconds: float) -> dict:
    """One line of the table, measured in this process."""
    import resource

    from semblance.training.practice import training_speed

    imported = time.perf_counter() - BEGAN
    speed = training_speed(model, preset, seconds, precision, batch or None)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    matmul = matmul_speed()
    return {
        "model": model, "preset": preset, "batch": batch, "precision": precision,
        "samples_per_second": speed.samples_per_second, "gflops": speed.gflops, "matmul_gflops": matmul,
        "share_of_matmul": speed.gflops / matmul, "first_seconds": imported + speed.first, "memory_mb": memory,
    }  # fmt: skip


def line(row: dict) -> str:
    """A row for people."""
    return (
        f"{row['model']:14} {row['preset']:6} {row['precision']}  batch {row['batch'] or 'preset':>6}  "
        f"{row['samples_per_second']:7.1f} samples/s  {row['gflops']:6.1f} GFLOP/s = {row['share_of_matmul']:4.0%} of "
        f"the matmul's {row['matmul_gflops']:.0f}  first {row['first_seconds']:4.1f} s  {row['memory_mb']:5.0f} MB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=list_models())
    parser.add_argument("--presets", nargs="+", default=["small"])
    parser.add_argument("--batches", nargs="+", type=int, default=[0], help="pictures a side; 0: the preset's")
    parser.add_argument("--precisions", nargs="+", default=["fp32", "bf16"], choices=["fp32", "bf16"])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--json", type=Path, help="keep the rows there")
    parser.add_argument("--one", nargs=4, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        model, preset, batch, precision = asked.one
        print(json.dumps(one(model, preset, int(batch), precision, asked.seconds)))
        return
    rows = []
    for model in asked.models:
        for preset in asked.presets:
            for batch in asked.batches:
                for precision in asked.precisions:
                    told = subprocess.run(
                        [sys.executable, __file__, "--seconds", str(asked.seconds),
                         "--one", model, preset, str(batch), precision],
                        capture_output=True, text=True, check=False,
                    )  # fmt: skip
                    if told.returncode:
                        print(f"{model} {preset} batch {batch} {precision}: {told.stderr.strip().splitlines()[-1]}")
                        continue
                    rows.append(json.loads(told.stdout.splitlines()[-1]))
                    print(line(rows[-1]), flush=True)
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
