"""How much of this machine's matrix speed training reaches, augmentation included.

    python benchmarks/train.py [--presets small paper] [--precisions fp32 bf16] [--seconds 10] [--json]

In one process: a large float32 matmul is timed, then each preset trains for some seconds through the pieces of the real
loop (crops -> stream on its thread -> step -> average). Operations are those of the network's layers, counted by
torch.utils.flop_counter, forward and backward; two per multiply-and-add. The target is 60 % of the matmul.
"""

from __future__ import annotations

import argparse
import json
import time
from contextlib import closing

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from semblance.faceset.match import Matches
from semblance.models import Moment, choose_preset, load_model_file
from semblance.streams import ahead
from semblance.training.batches import SIDES, CropPair
from semblance.training.device import open_fabric
from semblance.training.learner import build, step, to_device, update_average

STORED = 256
"""Side of a stored crop in pixels."""


def matmul_speed(side: int = 2048, seconds: float = 1.5) -> float:
    """float32 (side, side) @ (side, side) on the CPU: best of the repeats, in GFLOP/s."""
    a, b = torch.randn(side, side), torch.randn(side, side)
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        began = time.perf_counter()
        a @ b
        best = min(best, time.perf_counter() - began)
    return 2 * side**3 / best / 1e9


def operations_per_sample(module, config) -> float:
    """Floating point operations of the layers for one face, forward and backward."""
    net = module.Net(config)
    crops = torch.rand(1, 3, config.size, config.size)
    batch = dict.fromkeys(("source", "target", "source_truth", "target_truth"), crops)
    batch |= {f"{side}_{name}": crops[:, :1] for side in SIDES for name in getattr(module, "PLANES", ())}
    with FlopCounterMode(display=False) as counter:
        sum(module.phases(net, config)[0].losses(net, batch, Moment()).values()).backward()
    return counter.get_total_flops() / 2


def train_speed(model: str, preset: str, precision: str, seconds: float) -> dict:
    """Train on noise for some seconds after two steps to warm up; a step costs the same whatever the pictures."""
    module = load_model_file(model)
    config = choose_preset(module, preset)
    fabric = open_fabric("cpu", "auto", precision)
    learner = build(module, config, fabric, seed=0)
    crops = np.random.default_rng(0).integers(0, 256, (100, STORED, STORED, 3), np.uint8)
    planes = {side: dict.fromkeys(getattr(module, "PLANES", ()), crops[..., 0]) for side in SIDES}
    matches = Matches(*[np.arange(len(crops))[:, None]] * 2)
    made = CropPair(crops, crops, matches, planes).batches(config, 0, 0, config.batch, 0, 1)
    with closing(ahead(made, 3)) as batches:
        for _ in range(2):
            step(learner, fabric, to_device(next(batches), fabric), Moment())
        steps, began = 0, time.perf_counter()
        while steps == 0 or time.perf_counter() - began < seconds:
            step(learner, fabric, to_device(next(batches), fabric), Moment())
            steps += 1
            update_average(learner, 2 * config.batch, 2 * config.batch * steps, config.ema_samples)
        took = time.perf_counter() - began
    rate = 2 * config.batch * steps / took
    speed = rate * operations_per_sample(module, config) / 1e9
    return {
        "preset": preset, "precision": precision, "batch": config.batch, "samples_per_second": rate, "gflops": speed,
    }  # fmt: skip


def _line(row: dict) -> str:
    return (
        f"{row['preset']:6} {row['precision']}  batch {row['batch']:3} a side  "
        f"{row['samples_per_second']:8.1f} samples/s  {row['gflops']:6.1f} GFLOP/s = "
        f"{row['share_of_matmul']:.0%} of the float32 matmul's {row['matmul_gflops']:.0f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default="swap_original")
    parser.add_argument("--presets", nargs="+", default=["small", "paper"])
    parser.add_argument("--precisions", nargs="+", default=["fp32", "bf16"], choices=["fp32", "bf16"])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    arguments = parser.parse_args()
    rows = []
    for preset in arguments.presets:
        for precision in arguments.precisions:
            before = matmul_speed()
            row = train_speed(arguments.model, preset, precision, arguments.seconds)
            # other programs come and go: the matmul is timed on both sides of the training
            row["matmul_gflops"] = (before + matmul_speed()) / 2
            row["share_of_matmul"] = row["gflops"] / row["matmul_gflops"]
            rows.append(row)
            if not arguments.json:
                print(_line(row), flush=True)
    if arguments.json:
        print(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
