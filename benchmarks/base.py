"""What the shipped base weights are worth: the same run with them and from scratch, judged on faces it never saw.

    python benchmarks/base.py [--people out/base-mesh/people] [--pairs 2] [--samples 300 1200 4800]

People who were kept out when the base was made (scripts/train_base_mesh.py), filmed where they are missing; of each,
every fifth face is kept back. Each length is a whole run with its own cosine. The error is the mean absolute difference
of the target's and the source's redrawn faces (0..255), eyes and mouth counted as training counts them, over what is
seen.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))

from train_base_mesh import HELD_OUT, MODEL, PEOPLE, film_person, load_person

from semblance.app.terminal import TerminalProgress
from semblance.faceset.textures import Textures
from semblance.models import choose_preset, load_model_file
from semblance.runs import write_json
from semblance.training.learner import as_tensors
from semblance.training.loop import train_model
from semblance.training.mesh_pair import MeshPair
from semblance.training.options import TrainOptions
from semblance.weights import load_checkpoint


def textures(path: Path, size: int, kept_back: bool) -> Textures:
    """One person: the faces to learn from, or those kept back; mean and rest always of the former."""
    about = load_person(path, size)
    rows = np.arange(len(about["pictures"]))
    learned, back = rows[rows % 5 != 0], rows[rows % 5 == 0]
    small = about["pictures"][learned].mean(0).round().astype(np.uint8)
    mean = cv2.resize(small, (2 * size, 2 * size), interpolation=cv2.INTER_CUBIC)
    chosen = back if kept_back else learned
    return Textures(about["pictures"][chosen], about["seen"][chosen], about["expressions"][chosen], mean, about["rest"])


def error_of(run: Path, size: int, pair: MeshPair) -> float:
    """Mean absolute error 0..255 of the averaged net on faces kept back."""
    module = load_model_file(MODEL)
    checkpoint = load_checkpoint(run / "checkpoints", progress=_Silent(), prefix="ema.")
    net = module.Net(module.Config(**checkpoint.header["config"])).eval()
    net.load_state_dict({k.removeprefix("ema."): torch.from_numpy(v) for k, v in checkpoint.tensors.items()})
    errors = []
    with torch.inference_mode():
        for name, person in (("source", pair.source), ("target", pair.target)):
            batch = as_tensors(
                {"x": person.pictures, "seen": person.seen, "told": person.expressions}, torch.device("cpu")
            )
            drawn = net.draw(net.encode(batch["x"], batch["told"], name), name).clamp(0, 1)
            where = batch["seen"] * net.weight
            errors.append(float(((drawn - batch["x"]).abs() * where).sum() / (3 * where.sum())))
    return 255 * float(np.mean(errors))


class _Silent:
    def say(self, text: str) -> None:
        print(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=Path, default=Path("out/base-mesh/people"))
    parser.add_argument("--pairs", type=int, default=2)
    parser.add_argument("--samples", type=int, nargs="+", default=[300, 1200, 4800])
    parser.add_argument("--out", type=Path, default=Path("out/base-benefit"))
    asked = parser.parse_args()
    if 2 * asked.pairs > HELD_OUT:
        parser.error(f"{asked.pairs} pairs were asked for; {HELD_OUT} people were kept out: at most {HELD_OUT // 2}")
    size = choose_preset(load_model_file(MODEL), "small").size
    asked.people.mkdir(parents=True, exist_ok=True)
    paths = [asked.people / f"{number:04d}.npz" for number in range(PEOPLE - HELD_OUT, PEOPLE)][: 2 * asked.pairs]
    for path in paths:
        if not path.exists():
            film_person(int(path.stem), path, TerminalProgress())
    rows = []
    for samples in asked.samples:
        row = {"samples": samples}
        for start, scratch in (("base", False), ("scratch", True)):
            errors = []
            for k in range(asked.pairs):
                one, other = paths[2 * k], paths[2 * k + 1]
                pair = MeshPair(textures(one, size, False), textures(other, size, False))
                back = replace(pair, source=textures(one, size, True), target=textures(other, size, True))
                run = asked.out / f"{start}-{samples}-{k}"
                shutil.rmtree(run, ignore_errors=True)
                train_model(MODEL, "small", pair, run, TrainOptions(samples=samples, from_scratch=scratch, seed=k))
                errors.append(error_of(run, size, back))
            row[start] = round(float(np.mean(errors)), 3)
        rows.append(row)
        print(json.dumps(row), flush=True)
    write_json(asked.out / "base.json", rows)


if __name__ == "__main__":
    main()
