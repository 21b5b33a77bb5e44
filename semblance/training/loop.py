"""The one training loop: a model file and material -> a run folder with checkpoints, statistics and preview sheets.

Steps run in bursts of about half a second; between bursts the loop looks up: it reads the losses, guards against broken
numbers, reports, saves, draws a preview and listens for a stop. The process of rank 0 decides, the others follow.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np
import torch

from ..errors import Stopped
from ..models import choose_preset, load_model_file
from ..runs import Progress, StopSignal, only_one
from ..streams import ahead
from .batches import Batch, Material
from .changes import changed_by
from .device import hand_back_memory, is_out_of_memory, open_fabric
from .folder import RunRecord, begin_run, refuse_run, resumed_record, with_half_the_batch
from .guard import illness
from .job import Job, Standing, is_over, learning_rate_of, mean_loss, moment_of, note
from .keeping import draw, report, roll_back, save, take_up
from .learner import (
    Tensors,
    begin_with_base,
    build,
    forget_moments,
    set_learning_rate,
    snapshot,
    step,
    to_device,
    update_average,
)
from .options import TrainOptions, TrainResult
from .saver import Saver

BURST_SECONDS = 0.5
BATCHES_AHEAD = 3


def train_model(
    model: str,
    preset: str,
    material: Material,
    run: Path,
    options: TrainOptions,
    resume: bool = False,
    progress: Progress | None = None,
    stop: StopSignal | None = None,
    save_picture: Callable[[Path, np.ndarray], None] = lambda path, pixels: None,
    notes: dict | None = None,
) -> TrainResult:
    """Train a model file's preset on `material`; see folder.py for what `run` holds afterwards.

    save_picture(path, pixels (H, W, 3) uint8 RGB) writes a preview sheet; notes: JSON facts for the header (hashes of
    the facesets, people). resume: go on with `run` where its newest whole checkpoint stands. A batch that does not fit
    into memory is halved until it does, and the run goes on from its last checkpoint.
    Raises FacesetError, ModelError, OutputError, TrainingError, and Stopped after a stop, with everything saved.
    """
    run, progress, stop = Path(run), progress or Progress(), stop or StopSignal()
    if resume:
        record = resumed_record(run, model, preset, options)
    else:
        refuse_run(run)
        record = _new_record(model, preset, options, notes or {}, material.has_matches)
    while True:
        try:
            return _run(record, material, run, resume, progress, stop, save_picture)
        except (torch.OutOfMemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
        record, resume = with_half_the_batch(run, record), True  # not in the handler: it holds on to the net
        progress.say(f"Out of memory: the run goes on with batches of {record.config['batch']} a side.")


def _run(
    record: RunRecord,
    material: Material,
    run: Path,
    resume: bool,
    progress: Progress,
    stop: StopSignal,
    save_picture: Callable[[Path, np.ndarray], None],
) -> TrainResult:
    """Begin a run, or take it up, and carry it to its end."""
    module = load_model_file(record.model)
    config, options = module.Config(**record.config), record.options
    hand_back_memory()
    fabric = open_fabric(options.accelerator, options.devices, options.precision)
    with ExitStack() as held:
        if fabric.is_global_zero:
            if not resume:
                begin_run(run, record)
            held.enter_context(only_one(run))
        fabric.barrier()
        learner = build(module, config, fabric, options.seed)
        # what a model knows before it learns; a checkpoint, where there is one, takes its place
        if hasattr(module, "acquaint"):
            module.acquaint(learner.net, material)
            module.acquaint(learner.average, material)
        if not options.from_scratch:
            begin_with_base(learner, module, record.model, record.preset)
        examples = material.examples(config, options.preview_faces)
        saver = Saver(run / "checkpoints")
        job = Job(
            run, record, options, module, config, fabric, learner, saver, material.sides, examples, save_picture,
            progress, stop,
        )  # fmt: skip
        standing = take_up(job) if resume else Standing()
        standing.good, standing.moment = snapshot(learner), moment_of(job, standing)
        begin = standing.samples // material.sides
        made = material.batches(config, options.seed, begin, config.batch, fabric.global_rank, fabric.world_size)
        return _train(job, standing, held.enter_context(closing(ahead(made, BATCHES_AHEAD))))


def _new_record(model: str, preset: str, options: TrainOptions, notes: dict, matched: bool) -> RunRecord:
    """The preset with what the options change of it, ready for options.json; without matched pairs none are learned."""
    config = changed_by(choose_preset(load_model_file(model), preset), options.change)
    chosen = {"batch": options.batch, "learning_rate": options.learning_rate}
    if getattr(config, "match", 0) and not matched:
        chosen["match"] = 0.0
    config = config.changed(**{name: value for name, value in chosen.items() if value is not None})
    return RunRecord(
        model=model,
        preset=preset,
        config=config.model_dump(mode="json"),
        options=options.model_dump(),
        notes=notes,
    )


def _train(job: Job, standing: Standing, batches: Iterator[Batch]) -> TrainResult:
    """Burst after burst until a limit or a stop."""
    limit = job.options.samples
    job.progress.stage("training", None if limit is None else max(limit - standing.samples, 0), "samples")
    standing.saved_at = standing.drawn_at = standing.seconds
    while not is_over(job, standing):
        began = time.perf_counter()
        before = standing.samples
        losses = _burst(job, standing, batches)
        _look_up(job, standing, losses, before, began)
        if _agreed(job, job.stop.requested):
            save(job, standing)
            job.saver.wait()
            note(job, f"stopped by the user at {standing.samples} samples")
            raise Stopped(
                f"Stopped after {standing.samples} samples; all is saved in {job.run}. "
                "Run the same command with --resume to go on."
            )
    save(job, standing)
    draw(job, standing)
    job.saver.wait()
    job.progress.done()
    note(job, f"done: {standing.samples} samples in {standing.seconds:.0f} s, loss {mean_loss(standing):.4g}")
    path = job.fabric.broadcast(job.saver.newest)
    loss = sum(standing.losses.values())
    return TrainResult(job.run, path, standing.samples, standing.seconds, loss, standing.losses, standing.rollbacks)


def _burst(job: Job, standing: Standing, batches: Iterator[Batch]) -> dict[str, float]:
    """Some steps without waiting for a loss; returns the mean losses by name over all processes."""
    sums: Tensors = {}
    seen = job.sides * job.config.batch
    turn = getattr(job.module, "turn", None)
    burst = _length(job, standing)
    for _ in range(burst):
        moment = moment_of(job, standing)
        factor = learning_rate_of(job, moment) * standing.factor
        set_learning_rate(job.learner, factor, standing.samples // seen)
        losses = step(job.learner, job.fabric, to_device(next(batches), job.fabric), moment)
        standing.samples += seen
        now = moment_of(job, standing)
        if turn and turn(job.learner.net, job.learner.average, job.config, standing.moment, now):
            forget_moments(job.learner)
            standing.recent.clear()  # losses of another kind: neither a leap nor a measure of one
            standing.saved_at = float("-inf")  # a roll-back to before the turn would undo it
        standing.moment = now
        update_average(job.learner, seen, standing.samples, job.config.ema_samples)
        sums = {name: value + sums.get(name, 0) for name, value in losses.items()}
    means = torch.stack(list(sums.values())) / burst
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
        roll_back(job, standing, ill)
    took = time.perf_counter() - began
    due = standing.seconds + took
    saving = due - standing.saved_at >= job.options.save_every_seconds and not job.saver.busy
    drawing = due - standing.drawn_at >= job.options.preview_every_seconds
    took, due, saving, drawing = _agreed(job, (took, due, saving, drawing))
    if ill is None and saving:
        save(job, standing)
    if ill is None and drawing:
        draw(job, standing)
        standing.drawn_at = due
    # at most twice as long as before: the first bursts are slower than the machine can go
    standing.burst = max(1, min(2 * standing.burst, round(standing.burst * BURST_SECONDS / took)))
    standing.seconds = _agreed(job, standing.seconds + time.perf_counter() - began)
    report(job, standing, (standing.samples - before) / took, standing.samples - before)


def _agreed(job: Job, decided):
    """What rank 0 decided, by its clock: all processes must save and end at the same step."""
    return job.fabric.broadcast(decided) if job.fabric.world_size > 1 else decided


def _length(job: Job, standing: Standing) -> int:
    """Steps of the next burst; none goes beyond the last sample asked for."""
    if job.options.samples is None:
        return standing.burst
    left = -(-(job.options.samples - standing.samples) // (job.sides * job.config.batch))
    return max(1, min(standing.burst, left))
