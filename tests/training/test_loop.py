"""The loop on small pictures: it learns, keeps a record, stops, resumes, and recovers from broken numbers."""

import json

import numpy as np
import pytest

from semblance.errors import Busy, FacesetError, ModelError, OutputError, Stopped, TrainingError
from semblance.models import load_model_file, load_swapper
from semblance.runs import Progress, StopSignal, only_one, read_json_lines
from semblance.training.batches import CropPair
from semblance.training.loop import train_model
from semblance.training.options import TrainOptions
from semblance.weights import list_checkpoints, load_checkpoint

MODEL, PRESET = "swap_original", "tiny"
FP32 = {"precision": "fp32", "accelerator": "cpu"}


class Watcher(Progress):
    """Remembers what it hears; may ask for a stop after so many samples."""

    def __init__(self, stop=None, after=None):
        self.samples, self.notes, self.lines, self.stages = 0, [], [], []
        self.stop_signal, self.after = stop, after

    def stage(self, name, total=None, unit="frames"):
        self.stages.append((name, total, unit))

    def advance(self, count=1, note=""):
        self.samples += count
        self.notes.append(note)
        if self.after is not None and self.samples >= self.after:
            self.stop_signal.request()

    def say(self, text):
        self.lines.append(text)


def train(crops, run, samples=320, resume=False, progress=None, stop=None, pictures=None, **options):
    save = (lambda path, pixels: pictures.append((path, pixels))) if pictures is not None else lambda *_: None
    options = TrainOptions(samples=samples, **{**FP32, **options})
    return train_model(
        MODEL, PRESET, CropPair(*crops), run, options, resume, progress, stop, save, {"people": ["A", "B"]}
    )


def test_a_run_learns_and_keeps_its_record(crops, tmp_path):
    heard, pictures = Watcher(), []
    result = train(crops, tmp_path / "run", samples=1600, progress=heard, pictures=pictures)
    rows = read_json_lines(tmp_path / "run/stats.jsonl")
    first, last = (row["source"] + row["target"] for row in (rows[0], rows[-1]))
    assert last < 0.7 * first
    assert result.loss == pytest.approx(last)
    assert result.samples == heard.samples == rows[-1]["samples"] == 1600
    assert heard.stages == [("training", 1600, "samples")]
    assert "loss 0." in heard.notes[-1] and "samples/s" in heard.notes[-1]
    asked = json.loads((tmp_path / "run/options.json").read_text())
    assert (asked["model"], asked["preset"], asked["options"]["seed"]) == (MODEL, PRESET, 0)
    assert asked["config"] == load_checkpoint(tmp_path / "run/checkpoints", Progress()).header["config"]
    assert "torch" in json.loads((tmp_path / "run/environment.json").read_text())["versions"]
    assert "done: 1600 samples" in (tmp_path / "run/log.txt").read_text()
    path, sheet = pictures[-1]
    assert path.parent == tmp_path / "run/previews" and sheet.dtype == np.uint8
    assert sheet.shape[1] == 5 * 160 + 4 * 4


def test_the_same_seed_gives_the_same_weights(crops, tmp_path):
    nets = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        train(crops, tmp_path / name, samples=64, seed=seed)
        nets.append(load_checkpoint(tmp_path / name / "checkpoints", Progress(), prefix="net.").tensors)
    for name, value in nets[0].items():
        assert np.array_equal(value, nets[1][name])
    assert any(not np.array_equal(value, nets[2][name]) for name, value in nets[0].items())


def test_stopped_then_resumed_is_the_uninterrupted_run(crops, tmp_path):
    """Same samples, same moments, same learning rate: to the last bit, whatever the point of interruption."""
    train(crops, tmp_path / "whole", samples=480)
    stop = StopSignal()
    with pytest.raises(Stopped, match="--resume"):
        train(crops, tmp_path / "parts", samples=480, progress=Watcher(stop, after=150), stop=stop)
    kept = load_checkpoint(tmp_path / "parts/checkpoints", Progress())
    assert 150 <= kept.header["samples"] < 480
    heard = Watcher()
    result = train(crops, tmp_path / "parts", samples=None, resume=True, progress=heard)
    assert result.samples == 480 and heard.samples == 480 - kept.header["samples"]
    whole, parts = (load_checkpoint(tmp_path / name / "checkpoints", Progress()).tensors for name in ("whole", "parts"))
    assert whole.keys() == parts.keys()
    assert any(name.startswith("moments.swap.0.") for name in whole)
    for name, value in whole.items():
        assert np.array_equal(value, parts[name]), name
    samples = [row["samples"] for row in read_json_lines(tmp_path / "parts/stats.jsonl")]
    assert samples == sorted(samples)


def test_a_run_can_be_made_longer(crops, tmp_path):
    train(crops, tmp_path / "run", samples=64)
    assert train(crops, tmp_path / "run", samples=128, resume=True).samples == 128
    done = train(crops, tmp_path / "run", samples=128, resume=True)
    assert done.samples == 128 and done.checkpoint.exists()


def test_a_run_is_trained_by_one_command_at_a_time(crops, tmp_path):
    train(crops, tmp_path / "run", samples=32)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*")}
    with only_one(tmp_path / "run"), pytest.raises(Busy, match="at work"):
        train(crops, tmp_path / "run", samples=64, resume=True)
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*")}
    assert train(crops, tmp_path / "run", samples=64, resume=True).samples == 64


def test_minutes_are_a_limit_too(crops, tmp_path):
    heard = Watcher()
    result = train(crops, tmp_path / "run", samples=None, minutes=0.02, progress=heard)
    assert 1.2 <= result.seconds < 4
    assert heard.stages[0][1] is None and heard.notes[-1].endswith("0:00 left")


def test_refusals(crops, tmp_path):
    train(crops, tmp_path / "run", samples=16)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(OutputError, match="--resume"):
        train(crops, tmp_path / "run")
    with pytest.raises(ModelError, match="'tiny', not 'paper'"):
        train_model(MODEL, "paper", CropPair(*crops), tmp_path / "run", TrainOptions(samples=16), resume=True)
    with pytest.raises(ModelError, match="no run"):
        train(crops, tmp_path / "nothing", resume=True)
    with pytest.raises(ModelError, match="Did you mean 'swap_original'"):
        train_model("swap_orignal", PRESET, CropPair(*crops), tmp_path / "new", TrainOptions(samples=16))
    with pytest.raises(ModelError, match="Did you mean 'tiny'"):
        train_model(MODEL, "tinny", CropPair(*crops), tmp_path / "new", TrainOptions(samples=16))
    with pytest.raises(FacesetError, match="source crops are float64"):
        train((crops[0] / 255, crops[1]), tmp_path / "new")
    with pytest.raises(FacesetError, match="target has no faces"):
        train((crops[0], crops[1][:0]), tmp_path / "new")
    assert sorted(tmp_path.rglob("*")) == before


def test_broken_numbers_roll_back_to_the_last_good_state(crops, tmp_path, monkeypatch):
    """One batch gives NaN: its gradients ruin every weight, and the run must go on from the state before."""
    module = load_model_file(MODEL)
    sound, calls = module.losses, []

    def losses(net, batch, *weights):
        calls.append(1)
        found = sound(net, batch, *weights)
        return {**found, "source": found["source"] * float("nan")} if len(calls) == 12 else found

    monkeypatch.setattr(module, "losses", losses)
    heard = Watcher()
    result = train(crops, tmp_path / "run", samples=800, progress=heard, save_every_seconds=0.2)
    assert result.rollbacks == 1 and result.samples == 800
    assert np.isfinite(result.loss)
    assert len(heard.lines) == 1 and "learning rate halved" in heard.lines[0]
    assert "the loss is nan" in (tmp_path / "run/log.txt").read_text()
    kept = load_checkpoint(tmp_path / "run/checkpoints", Progress())
    assert kept.header["learning_rate_factor"] == 0.5
    assert all(np.isfinite(value).all() for value in kept.tensors.values())
    rows = read_json_lines(tmp_path / "run/stats.jsonl")
    assert result.loss < 0.8 * (rows[0]["source"] + rows[0]["target"])


def test_numbers_that_stay_broken_end_the_run(crops, tmp_path, monkeypatch):
    module = load_model_file(MODEL)
    sound = module.losses
    monkeypatch.setattr(module, "losses", lambda *a: {name: value / 0 for name, value in sound(*a).items()})
    with pytest.raises(TrainingError, match="after 2 roll-backs"):
        train(crops, tmp_path / "run", rollbacks=2)
    assert list_checkpoints(tmp_path / "run/checkpoints") == []


def test_a_damaged_newest_checkpoint_costs_one_save(crops, tmp_path):
    train(crops, tmp_path / "run", samples=64)
    train(crops, tmp_path / "run", samples=128, resume=True)
    newest = list_checkpoints(tmp_path / "run/checkpoints")[0]
    newest.write_bytes(newest.read_bytes()[:-40])
    heard = Watcher()
    result = train(crops, tmp_path / "run", samples=160, resume=True, progress=heard)
    assert result.samples == 160 and heard.samples == 96
    assert "damaged" in heard.lines[0]


def test_overfits_one_picture_a_side_and_swaps_with_the_source_decoder(crops, tmp_path):
    import torch

    from semblance.faceset.augment import middle

    pair = crops[0][:1], crops[1][:1]
    train(pair, tmp_path / "run", samples=1600, batch=2)
    module, net, header = load_swapper(tmp_path / "run")
    size, coverage = header["config"]["size"], header["config"]["coverage"]
    source, target = (torch.from_numpy(middle(side, size, coverage)).permute(0, 3, 1, 2).float() / 255 for side in pair)
    with torch.inference_mode():
        again = module.swap(net, source, "source")[0], module.swap(net, target, "target")[0]
        swapped, _ = module.swap(net, target)
    assert (again[0] - source).abs().mean() < 0.05
    assert (again[1] - target).abs().mean() < 0.05
    # the source's decoder has only ever drawn the source
    assert (swapped - source).abs().mean() < 0.5 * (swapped - target).abs().mean()


def test_the_loop_runs_in_bf16_where_the_processor_has_it(crops, tmp_path):
    from semblance.processor import multiplies_bf16

    if not multiplies_bf16("cpu"):
        pytest.skip("this processor multiplies no bfloat16")
    result = train(crops, tmp_path / "run", samples=640, precision="bf16")
    rows = read_json_lines(tmp_path / "run/stats.jsonl")
    assert result.loss < 0.7 * (rows[0]["source"] + rows[0]["target"])
    kept = load_checkpoint(tmp_path / "run/checkpoints", Progress()).tensors
    assert {value.dtype for value in kept.values()} == {np.dtype(np.float32)}


def test_a_batch_that_does_not_fit_is_halved_and_the_run_goes_on(crops, tmp_path, monkeypatch):
    import torch

    from semblance.training import loop

    real, batches = loop.step, []

    def step(learner, fabric, batch, moment):
        batches.append(len(batch["source"]))
        if len(batch["source"]) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(learner, fabric, batch, moment)

    monkeypatch.setattr(loop, "step", step)
    heard = Watcher()
    result = train(crops, tmp_path / "run", samples=40, progress=heard)
    assert batches[:3] == [8, 4, 2] and set(batches[2:]) == {2} and result.samples == 40
    assert "batches of 2 a side" in heard.lines[-1]
    assert json.loads((tmp_path / "run/options.json").read_text())["config"]["batch"] == 2
    monkeypatch.setattr(loop, "step", lambda *_: (_ for _ in ()).throw(torch.OutOfMemoryError("no")))
    with pytest.raises(TrainingError, match="Even one face"):
        train(crops, tmp_path / "none", samples=40)


def test_a_run_killed_before_its_first_checkpoint_knows_its_people_when_resumed(tmp_path):
    """What a model is told before it learns is told again."""
    from test_mesh_pair import person

    from semblance.training.folder import begin_run
    from semblance.training.loop import _new_record
    from semblance.training.mesh_pair import MeshPair

    pair, options = MeshPair(person(1), person(2)), TrainOptions(samples=8, from_scratch=True, **FP32)
    begin_run(tmp_path / "run", _new_record("swap_mesh", "tiny", options, {}, True))
    train_model("swap_mesh", "tiny", pair, tmp_path / "run", options, resume=True)
    kept = load_checkpoint(tmp_path / "run/checkpoints", Progress()).tensors
    assert np.allclose(kept["net.source_mean"], pair.source.mean.transpose(2, 0, 1) / 255, atol=1e-6)
