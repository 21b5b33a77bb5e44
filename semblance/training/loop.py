"""The one training loop: two sets of crops -> a run folder with checkpoints, statistics and preview sheets.

Steps run in bursts of about half a second; between bursts the loop looks up: it reads the losses, guards against broken
numbers, reports, saves, draws a preview and listens for a stop. The process of rank 0 decides, the others follow.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..errors import FacesetError, ModelError, Stopped, TrainingError
from ..faceset.augment import shrink
from ..models import choose_preset, load_model_file
from ..runs import Progress, StopSignal, append_json_line
from ..weights import list_checkpoints, load_checkpoint
from .batches import Batch, ahead, stream
from .device import open_fabric
from .folder import RunRecord, begin_run, header_facts, log, resumed_record
from .guard import MEMORY, illness, learning_rate_factor
from .learner import (
    Learner,
    Tensors,
    build,
    is_finite,
    restore,
    set_learning_rate,
    snapshot,
    step,
    to_device,
    update_average,
)
from .options import TrainOptions, TrainResult
from .preview import choose_faces, preview_sheet
from .saver import Saver

if TYPE_CHECKING:
    from lightning.fabric import Fabric

BURST_SECONDS = 0.5
STATS_SECONDS = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """What stays the same during a run."""

    run: Path
    record: RunRecord
    options: TrainOptions
    module: ModuleType
    config: object  # the model file's Config
    fabric: Fabric
    learner: Learner
    saver: Saver
    faces: tuple[np.ndarray, np.ndarray]  # fixed source and target crops of the preview
    save_picture: Callable[[Path, np.ndarray], None]
    progress: Progress
    stop: StopSignal


@dataclass(slots=True, eq=False)
class Standing:
    """How far a run is."""

    samples: int = 0  # faces seen, both sides together
    seconds: float = 0.0
    factor: float = 1.0  # lowered by every roll-back
    rollbacks: int = 0
    in_a_row: int = 0  # roll-backs since the last good state was renewed
    burst: int = 1  # steps until the loop looks up again
    losses: dict[str, float] = field(default_factory=dict)
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=MEMORY))
    good: Tensors = field(default_factory=dict)  # the last good state
    saved_at: float = 0.0  # these three: seconds of the run
    drawn_at: float = 0.0
    noted_at: float = float("-inf")


def train_model(
    model: str,
    preset: str,
    source: np.ndarray,  # (N, S, S, 3) uint8 RGB aligned crops of who appears
    target: np.ndarray,  # (M, S, S, 3) uint8 RGB aligned crops of the clip to change
    run: Path,
    options: TrainOptions,
    resume: bool = False,
    progress: Progress | None = None,
    stop: StopSignal | None = None,
    save_picture: Callable[[Path, np.ndarray], None] = lambda path, pixels: None,
    notes: dict | None = None,
) -> TrainResult:
    """Train a model file's preset on two people; see folder.py for what `run` holds afterwards.

    save_picture(path, pixels (H, W, 3) uint8 RGB) writes a preview sheet; notes: JSON facts for the header (hashes of the
    facesets, people). resume: go on with `run` where its newest whole checkpoint stands.
    Raises FacesetError, ModelError, OutputError, TrainingError, and Stopped after a stop, with everything saved.
    """
    run, progress, stop = Path(run), progress or Progress(), stop or StopSignal()
    _check_crops(source, target)
    module = load_model_file(model)
    config = choose_preset(module, preset)
    chosen = {"batch": options.batch, "learning_rate": options.learning_rate}
    config = config.changed(**{name: value for name, value in chosen.items() if value is not None})
    record = RunRecord(
        model=model, preset=preset, config=config.model_dump(mode="json"), options=options.model_dump(), notes=notes or {}
    )
    if resume:
        record = resumed_record(run, model, preset, options)
        config = module.Config(**record.config)
    fabric = open_fabric(record.options.accelerator, record.options.devices, record.options.precision)
    if fabric.is_global_zero and not resume:
        begin_run(run, record)
    fabric.barrier()
    source, target = (shrink(crops, config.size, config.coverage) for crops in (source, target))
    learner = build(module, config, fabric, record.options.seed)
    faces = tuple(
        choose_faces(crops, record.options.preview_faces, config.size, config.coverage) for crops in (source, target)
    )
    saver = Saver(run / "checkpoints")
    job = Job(
        run, record, record.options, module, config, fabric, learner, saver, faces, save_picture, progress, stop
    )
    standing = _take_up(job) if resume else Standing()
    standing.good = snapshot(learner)
    numbers = stream(
        source, target, config.size, config.coverage, config.augment, record.options.seed, standing.samples // 2,
        config.batch, fabric.global_rank, fabric.world_size,
    )  # fmt: skip
    with ahead(numbers) as batches:
        return _train(job, standing, batches)


def _train(job: Job, standing: Standing, batches: Iterator[Batch]) -> TrainResult:
    """Burst after burst until a limit or a stop."""
    limit = job.options.samples
    job.progress.stage("training", None if limit is None else max(limit - standing.samples, 0), "samples")
    standing.saved_at = standing.drawn_at = standing.seconds
    while not _is_over(job, standing):
        began = time.perf_counter()
        _set_pace(job, standing)
        before = standing.samples
        losses = _burst(job, standing, batches)
        _look_up(job, standing, losses, before, began)
        if job.fabric.broadcast(job.stop.requested) if job.fabric.world_size > 1 else job.stop.requested:
            _save(job, standing)
            job.saver.wait()
            _log(job, f"stopped by the user at {standing.samples} samples")
            raise Stopped(
                f"Stopped after {standing.samples} samples; all is saved in {job.run}. "
                "Run the same command with --resume to go on."
            )
    _save(job, standing)
    _draw(job, standing)
    job.saver.wait()
    job.progress.done()
    _log(job, f"done: {standing.samples} samples in {standing.seconds:.0f} s, loss {_mean(standing):.4g}")
    path = job.fabric.broadcast(job.saver.newest)
    return TrainResult(
        job.run, path, standing.samples, standing.seconds, _mean(standing), standing.losses, standing.rollbacks
    )


def _burst(job: Job, standing: Standing, batches: Iterator[Batch]) -> dict[str, float]:
    """Some steps without waiting for a loss; returns the mean losses by name over all processes."""
    sums: Tensors = {}
    seen = 2 * job.config.batch
    for _ in range(standing.burst):
        losses = step(job.learner, job.fabric, to_device(next(batches), job.fabric))
        standing.samples += seen
        update_average(job.learner, seen, standing.samples, job.config.ema_samples)
        sums = {name: value + sums.get(name, 0) for name, value in losses.items()}
    means = torch.stack(list(sums.values())) / standing.burst
    if job.fabric.world_size > 1:
        means = job.fabric.all_reduce(means, reduce_op="mean")
    return dict(zip(sums, means.tolist(), strict=True))


def _look_up(job: Job, standing: Standing, losses: dict[str, float], before: int, began: float) -> None:
    """After a burst: guard, report, save, draw, and choose the length of the next one."""
    ill = illness(sum(losses.values()), standing.recent)
    if ill is None:
        standing.losses = losses
        standing.recent.append(sum(losses.values()))
    else:
        _roll_back(job, standing, ill)
    took = time.perf_counter() - began
    due = standing.seconds + took
    if ill is None and due - standing.saved_at >= job.options.save_every_seconds:
        _save(job, standing, wait=False)
    if ill is None and due - standing.drawn_at >= job.options.preview_every_seconds:
        _draw(job, standing)
        standing.drawn_at = due
    rate = (standing.samples - before) / took
    # at most twice as long as before: the first bursts are slower than the machine can go
    standing.burst = max(1, min(2 * standing.burst, round(standing.burst * BURST_SECONDS / took)))
    standing.seconds += time.perf_counter() - began
    _report(job, standing, rate, standing.samples - before)
    if job.fabric.world_size > 1:
        standing.burst, standing.seconds = job.fabric.broadcast((standing.burst, standing.seconds))


def _set_pace(job: Job, standing: Standing) -> None:
    """Learning rate by the share of the run that is done; no burst goes beyond the last sample asked for."""
    factor = learning_rate_factor(_share(job, standing), job.config.schedule)
    set_learning_rate(job.learner, factor * standing.factor)
    if job.options.samples is not None:
        left = job.options.samples - standing.samples
        standing.burst = max(1, min(standing.burst, -(-left // (2 * job.config.batch))))


def _report(job: Job, standing: Standing, rate: float, count: int) -> None:
    """The live line, and every few seconds a line of statistics."""
    if not job.fabric.is_global_zero:
        return
    left = ""
    if job.options.minutes is not None:
        seconds = max(round(60 * job.options.minutes - standing.seconds), 0)
        left = f", {seconds // 60}:{seconds % 60:02d} left"
    job.progress.advance(count, f"loss {_mean(standing):.4f}, {rate:.0f} samples/s{left}")
    if standing.seconds - standing.noted_at >= STATS_SECONDS or _is_over(job, standing):
        standing.noted_at = standing.seconds
        row = {
            "samples": standing.samples,
            "seconds": round(standing.seconds, 2),
            "rate": round(rate, 2),
            "learning_rate": job.learner.optimisers[0].param_groups[0]["lr"],
            **standing.losses,
        }
        append_json_line(job.run / "stats.jsonl", row)


def _save(job: Job, standing: Standing, wait: bool = True) -> None:
    """Renew the last good state and begin to write it; without `wait` only if the one before is written."""
    if job.saver.busy and not wait:
        return
    job.saver.wait()
    if not is_finite(job.learner):
        _roll_back(job, standing, "a weight is not a finite number")
    standing.good = snapshot(job.learner, standing.good)
    standing.saved_at = standing.seconds
    standing.in_a_row = 0
    if job.fabric.is_global_zero:
        header = {
            **header_facts(job.record),
            "samples": standing.samples,
            "seconds": round(standing.seconds, 3),
            "learning_rate_factor": standing.factor,
            "rollbacks": standing.rollbacks,
            "losses": standing.losses,
        }
        job.saver.save(standing.good, header)


def _roll_back(job: Job, standing: Standing, ill: str) -> None:
    """Return to the last good state with half the learning rate; the samples go on, so that the same batch is not met."""
    standing.rollbacks += 1
    standing.in_a_row += 1
    if standing.in_a_row > job.options.rollbacks:
        raise TrainingError(
            f"Training cannot go on: {ill} at {standing.samples} samples, after {job.options.rollbacks} roll-backs; "
            f"begin again with a smaller --learning-rate (now {job.config.learning_rate * standing.factor:g})."
        )
    restore(job.learner, standing.good)
    standing.factor /= 2
    text = f"{ill} at {standing.samples} samples: back to the last good state, learning rate halved"
    _log(job, text)
    job.progress.say(text[0].upper() + text[1:] + ".")


def _draw(job: Job, standing: Standing) -> None:
    """Publish a preview sheet of the averaged net."""
    if job.fabric.is_global_zero:
        title = f"{job.record.model} {job.record.preset}   {standing.samples} samples   loss {_mean(standing):.4f}"
        sheet = preview_sheet(job.module, job.learner.average, *job.faces, title)
        folder = job.run / "previews"
        folder.mkdir(exist_ok=True)
        job.save_picture(folder / f"{standing.samples:012d}.png", sheet)


def _take_up(job: Job) -> Standing:
    """Where the newest whole checkpoint stands; the beginning if the run was killed before its first."""
    if not list_checkpoints(job.saver.folder):
        _log(job, "resume: no checkpoint yet, from the beginning")
        return Standing()
    checkpoint = load_checkpoint(job.saver.folder, job.progress, job.record.model, job.record.preset)
    try:
        restore(job.learner, {name: torch.from_numpy(value) for name, value in checkpoint.tensors.items()})
    except (KeyError, RuntimeError, ValueError):
        raise ModelError(
            f"The weights in {checkpoint.path} do not fit {job.record.model}; they come from another version of it."
        ) from None
    header = checkpoint.header
    job.saver.newest = checkpoint.path
    _log(job, f"resume: {checkpoint.path.name}")
    return Standing(
        samples=header["samples"],
        seconds=header["seconds"],
        factor=header["learning_rate_factor"],
        rollbacks=header["rollbacks"],
        losses=header["losses"],
    )


def _share(job: Job, standing: Standing) -> float:
    """How much of the run is done, 0..1, by the limit that comes first; 0 without limits."""
    shares = [0.0]
    if job.options.minutes is not None:
        shares.append(standing.seconds / (60 * job.options.minutes))
    if job.options.samples is not None:
        shares.append(standing.samples / job.options.samples)
    return max(shares)


def _is_over(job: Job, standing: Standing) -> bool:
    return _share(job, standing) >= 1


def _mean(standing: Standing) -> float:
    """Mean of the last ten reported losses."""
    last = list(standing.recent)[-10:]
    return sum(last) / len(last) if last else sum(standing.losses.values())


def _log(job: Job, text: str) -> None:
    if job.fabric.is_global_zero:
        log(job.run, text)


def _check_crops(source: np.ndarray, target: np.ndarray) -> None:
    for name, crops in (("source", source), ("target", target)):
        if crops.ndim != 4 or crops.shape[1] != crops.shape[2] or crops.shape[3] != 3 or crops.dtype != np.uint8:
            raise FacesetError(
                f"The {name} crops are {crops.dtype} {crops.shape}; expected uint8 (N, S, S, 3), as a faceset gives them."
            )
        if len(crops) == 0:
            raise FacesetError(f"The {name} has no faces; extract some first.")
