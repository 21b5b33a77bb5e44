"""The folder of a training run: what was asked for, where, and what happened.

options.json      model, preset, config, options, notes: all that is needed to repeat the run
environment.json  machine and libraries of the first start
log.txt           one dated line per event
stats.jsonl       samples, seconds, rate, learning rate and losses, a line every few seconds
previews/         sheets by number of samples
checkpoints/      the newest three
openings.json     of a mesh model that was tried after training (create/calibrate.py)
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from ..errors import ModelError, OutputError, TrainingError, writing_failed
from ..options import Options
from ..runs import environment, read_json_lines, refuse_existing, write_json, write_text
from .options import LIMITS, MACHINE, TrainOptions


class RunRecord(Options):
    """What options.json holds."""

    model: str
    preset: str
    config: dict
    options: TrainOptions
    notes: dict


def refuse_run(run: Path) -> None:
    """Raises OutputError where `run` exists already."""
    if (run / "options.json").exists():
        raise OutputError(f"{run} holds a run already; go on with it by --resume or choose another folder with --out.")
    refuse_existing(run, "folder")


def begin_run(run: Path, record: RunRecord) -> None:
    """Write a new run's folder."""
    # first of all what --resume needs, in case of a kill between the two
    write_json(run / "options.json", record.model_dump(mode="json"))
    write_json(run / "environment.json", environment())
    log(run, f"begin: {record.model} {record.preset}, seed {record.options.seed}")


def resumed_record(run: Path, model: str, preset: str, options: TrainOptions) -> RunRecord:
    """The record of a run that goes on: limits and machine options are taken anew, what shapes the learning stays.

    Raises ModelError where `run` holds no run, or one of another model or preset.
    """
    path = run / "options.json"
    if not path.exists():
        raise ModelError(f"{run} holds no run to go on with; leave --resume away to begin one.")
    record = RunRecord.from_json(path.read_text(encoding="utf-8"), path)
    for kind, wanted in (("model", model), ("preset", preset)):
        if getattr(record, kind) != wanted:
            raise ModelError(
                f"{run} was begun as {kind} '{getattr(record, kind)}', not '{wanted}'; "
                f"ask for '{getattr(record, kind)}' or choose another folder with --out."
            )
    changes = {name: getattr(options, name) for name in MACHINE}
    if any(getattr(options, name) is not None for name in LIMITS):
        changes |= {name: getattr(options, name) for name in LIMITS}
    return record.changed(options=record.options.changed(**changes).model_dump())


def with_half_the_batch(run: Path, record: RunRecord) -> RunRecord:
    """The record of a run whose batches do not fit into memory, written anew. Raises TrainingError at one picture."""
    batch = int(record.config["batch"])
    if batch <= 1:
        raise TrainingError(
            f"Even one face a side does not fit into memory; choose a smaller --preset of {record.model}."
        )
    record = record.changed(config={**record.config, "batch": batch // 2})
    write_json(run / "options.json", record.model_dump(mode="json"))
    log(run, f"out of memory with batches of {batch}: on with {batch // 2}")
    return record


def log(run: Path, text: str) -> None:
    """Add a dated line to log.txt."""
    path = run / "log.txt"
    try:
        with open(path, "a", encoding="utf-8") as file:
            file.write(f"{datetime.now(UTC).isoformat(timespec='seconds')} {text}\n")
    except OSError as error:
        raise writing_failed(path, error) from error


def cut_statistics(run: Path, samples: int) -> None:
    """Drop the lines of stats.jsonl beyond `samples`: a killed run had learned them, and they are learned again."""
    rows = [row for row in read_json_lines(run / "stats.jsonl") if row["samples"] <= samples]
    write_text(run / "stats.jsonl", "".join(json.dumps(row) + "\n" for row in rows))


def header_facts(record: RunRecord) -> dict:
    """What a checkpoint's header says whatever the moment."""
    return {
        "model": record.model,
        "preset": record.preset,
        "config": json.loads(json.dumps(record.config)),
        "ranges": {"input": "(B, 3, S, S) RGB 0..1", "output": "(B, 3, S, S) RGB 0..1"},
        "notes": record.notes,
    }
