"""kill -9 in the middle of training, then --resume: nothing older than the last save is lost."""

import signal
import subprocess
import sys
import time

import numpy as np

from semblance.runs import Progress, read_json_lines
from semblance.training.batches import CropPair
from semblance.training.loop import train_model
from semblance.training.options import TrainOptions
from semblance.weights import list_checkpoints, load_checkpoint

TRAINING = """
import sys
import numpy as np
import torch
from semblance.training.batches import CropPair
from semblance.training.loop import train_model
from semblance.training.options import TrainOptions
torch.set_num_threads(1)
crops = np.load(sys.argv[1])
options = TrainOptions(accelerator="cpu", precision="fp32", batch=2, save_every_seconds=0.3)
train_model("swap_original", "tiny", CropPair(crops["source"], crops["target"]), sys.argv[2], options)
"""


def test_kill_then_resume(crops, tmp_path):
    np.savez(tmp_path / "crops.npz", source=crops[0], target=crops[1])
    run = tmp_path / "run"
    process = subprocess.Popen([sys.executable, "-c", TRAINING, str(tmp_path / "crops.npz"), str(run)])
    try:
        deadline = time.monotonic() + 60
        while len(list_checkpoints(run / "checkpoints")) < 2 and time.monotonic() < deadline:
            assert process.poll() is None, "training ended by itself"
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    (run / "checkpoints" / ".000000999999.1-ab.part.safetensors").write_bytes(b"half a save")
    saved = int(list_checkpoints(run / "checkpoints")[0].stem)
    assert load_checkpoint(run / "checkpoints", Progress()).header["samples"] == saved > 0
    limit = saved + 40
    options = TrainOptions(accelerator="cpu", precision="fp32", samples=limit)
    result = train_model("swap_original", "tiny", CropPair(*crops), run, options, resume=True)
    assert result.samples == limit
    assert f"resume: {saved:012d}" in (run / "log.txt").read_text()
    rows = [row["samples"] for row in read_json_lines(run / "stats.jsonl")]
    assert rows == sorted(set(rows)) and rows[-1] == limit
    assert not [path for path in (run / "checkpoints").iterdir() if path.name.startswith(".")]
