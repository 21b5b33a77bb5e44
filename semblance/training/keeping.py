"""What the loop does when it looks up: report, save, roll back, draw, and take up a run where its checkpoint stands."""

from __future__ import annotations

import torch

from ..errors import ModelError, TrainingError
from ..runs import append_json_line
from ..weights import list_checkpoints, load_checkpoint, remove_unfinished
from .folder import cut_statistics, header_facts
from .job import Job, Standing, is_over, mean_loss, note
from .learner import is_finite, restore, snapshot
from .preview import preview_sheet

STATS_SECONDS = 2.0


def report(job: Job, standing: Standing, rate: float, count: int) -> None:
    """The live line, and every few seconds a line of statistics."""
    if not job.fabric.is_global_zero:
        return
    left = ""
    if job.options.minutes is not None:
        seconds = max(round(60 * job.options.minutes - standing.seconds), 0)
        left = f", {seconds // 60}:{seconds % 60:02d} left"
    job.progress.advance(count, f"loss {mean_loss(standing):.4f}, {rate:.0f} samples/s{left}")
    if standing.seconds - standing.noted_at >= STATS_SECONDS or is_over(job, standing):
        standing.noted_at = standing.seconds
        row = {
            "samples": standing.samples,
            "seconds": round(standing.seconds, 2),
            "rate": round(rate, 2),
            "learning_rate": job.learner.optimisers[0].param_groups[0]["lr"],
            **standing.losses,
        }
        append_json_line(job.run / "stats.jsonl", row)


def save(job: Job, standing: Standing) -> None:
    """Renew the last good state, once the one before is written, and begin to write it."""
    job.saver.wait()
    if not is_finite(job.learner):
        roll_back(job, standing, "a weight is not a finite number")
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


def roll_back(job: Job, standing: Standing, ill: str) -> None:
    """Return to the last good state with half the learning rate; the samples go on, so that no batch is met again."""
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
    note(job, text)
    job.progress.say(text[0].upper() + text[1:] + ".")


def draw(job: Job, standing: Standing) -> None:
    """Publish a preview sheet of the averaged net."""
    if job.fabric.is_global_zero:
        title = f"{job.record.model} {job.record.preset}   {standing.samples} samples   loss {mean_loss(standing):.4f}"
        sheet = preview_sheet(job.module, job.learner.average, job.examples, title)
        folder = job.run / "previews"
        folder.mkdir(exist_ok=True)
        job.save_picture(folder / f"{standing.samples:012d}.png", sheet)


def take_up(job: Job) -> Standing:
    """Where the newest whole checkpoint stands; the beginning if the run was killed before its first."""
    if not list_checkpoints(job.saver.folder):
        note(job, "resume: no checkpoint yet, from the beginning")
        return Standing()
    if job.fabric.is_global_zero:
        remove_unfinished(job.saver.folder)
    checkpoint = load_checkpoint(job.saver.folder, job.progress, job.record.model, job.record.preset)
    try:
        restore(job.learner, {name: torch.from_numpy(value) for name, value in checkpoint.tensors.items()})
    except (KeyError, RuntimeError, ValueError):
        raise ModelError(
            f"The weights in {checkpoint.path} do not fit {job.record.model}; they come from another version of it."
        ) from None
    header = checkpoint.header
    job.saver.newest = checkpoint.path
    if job.fabric.is_global_zero:
        cut_statistics(job.run, header["samples"])
    note(job, f"resume: {checkpoint.path.name}")
    return Standing(
        samples=header["samples"],
        seconds=header["seconds"],
        factor=header["learning_rate_factor"],
        rollbacks=header["rollbacks"],
        losses=header["losses"],
    )
