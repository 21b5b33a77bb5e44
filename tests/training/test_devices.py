"""Two processes share each batch and come to the weights that one process comes to."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

import semblance
from semblance.runs import Progress
from semblance.training.batches import CropPair
from semblance.training.loop import train_model
from semblance.training.options import TrainOptions
from semblance.weights import load_checkpoint

TRAINING = """
import sys
import numpy as np
import torch
from semblance.training.batches import CropPair
from semblance.training.loop import train_model
from semblance.training.options import TrainOptions
torch.set_num_threads(1)
crops = np.load(sys.argv[1])
options = TrainOptions(accelerator="cpu", devices=2, precision="fp32", samples=160)
train_model("swap_original", "tiny", CropPair(crops["source"], crops["target"]), sys.argv[2], options)
"""


def test_two_processes_learn_what_one_learns(crops, tmp_path):
    np.savez(tmp_path / "crops.npz", source=crops[0], target=crops[1])
    script = tmp_path / "training.py"  # each further process runs the script again
    script.write_text(TRAINING)
    command = [sys.executable, str(script), str(tmp_path / "crops.npz"), str(tmp_path / "two")]
    here = {**os.environ, "PYTHONPATH": str(Path(semblance.__file__).parents[1])}
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False, env=here)
    assert done.returncode == 0, done.stderr
    options = TrainOptions(accelerator="cpu", precision="fp32", samples=160)
    train_model("swap_original", "tiny", CropPair(*crops), tmp_path / "one", options)
    one, two = (load_checkpoint(tmp_path / name / "checkpoints", Progress(), prefix="net.") for name in ("one", "two"))
    assert two.header["samples"] == 160
    for name, value in one.tensors.items():
        # Adam divides by gradients near zero, so that rounding is amplified here and there
        assert np.abs(two.tensors[name] - value).mean() < 1e-4, name
