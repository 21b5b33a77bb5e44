"""Checkpoints: one safetensors file with a JSON header in its metadata; the hash of its tensors is checked on loading.

{name: array} + facts -> `save_checkpoint` -> folder/000012800.safetensors (the newest three stay);
folder -> `load_checkpoint` -> Checkpoint, falling back to the file before a damaged one. Nothing is ever unpickled.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from .errors import ModelError
from .runs import Progress, written_whole

FORMAT = 1
"""Raised when a header or the names of tensors change their meaning."""
KEPT = 3
SUFFIX = ".safetensors"
LICENCE = "Apache-2.0 for the code; these weights are bound by the consent given for the faces they were trained on"
_HEADER = "semblance"


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """What one file holds: where it lies, its header and its tensors."""

    path: Path
    header: dict  # model, preset, config, samples, seconds, ranges, licence, format, sha256, notes
    tensors: dict[str, np.ndarray]


class _Damaged(Exception):
    """This one file cannot be used; the one before it may."""


def save_checkpoint(folder: Path, tensors: dict[str, np.ndarray], header: dict, kept: int = KEPT) -> Path:
    """Write folder/<samples>.safetensors whole or not at all, then remove all but the newest `kept`.

    header: JSON facts, at least model, preset, config and samples; format, licence and sha256 are added here.
    Raises OutputError where the folder cannot be written.
    """
    tensors = {name: np.asarray(tensors[name], order="C") for name in sorted(tensors)}
    header = {"format": FORMAT, "licence": LICENCE, **header, "sha256": _hash(tensors)}
    path = Path(folder) / f"{header['samples']:012d}{SUFFIX}"
    with written_whole(path) as temporary:
        try:
            save_file(tensors, temporary, metadata={_HEADER: json.dumps(header)})
        except SafetensorError as error:
            raise _system_error(error) from error
    for old in list_checkpoints(folder)[kept:]:
        old.unlink(missing_ok=True)
    return path


def _system_error(error: SafetensorError) -> OSError:
    """What the operating system said; safetensors hands it on as text only, "... (os error 28)"."""
    number = re.search(r"os error (\d+)", str(error))
    return OSError(int(number[1]), os.strerror(int(number[1]))) if number else OSError(str(error))


def list_checkpoints(folder: Path) -> list[Path]:
    """The checkpoints of a folder, newest first."""
    return sorted((path for path in Path(folder).glob(f"*{SUFFIX}") if path.stem.isdigit()), reverse=True)


def remove_unfinished(folder: Path) -> None:
    """Remove what a kill in the middle of a save left behind; only for the one process that writes to `folder`."""
    for part in Path(folder).glob(f".*.part{SUFFIX}"):
        part.unlink(missing_ok=True)


def load_checkpoint(
    folder: Path, progress: Progress, model: str | None = None, preset: str | None = None, prefix: str = ""
) -> Checkpoint:
    """The newest whole checkpoint of a folder; damaged ones are named through progress.say and passed over.

    model, preset: refuse a checkpoint of another; prefix: return only tensors whose name begins so (all are hashed).
    Raises ModelError where there is none, where all are damaged, of another model or preset, or of a newer format.
    """
    paths = list_checkpoints(folder)
    if not paths:
        raise ModelError(f"{folder} holds no checkpoint; give the folder of a run that was saved at least once.")
    for path in paths:
        try:
            header, tensors = _read(path)
        except _Damaged as damage:
            progress.say(f"{path.name} is damaged ({damage}); using the checkpoint before it.")
            continue
        _refuse_other(path, header, model, preset)
        return Checkpoint(path, header, {name: value for name, value in tensors.items() if name.startswith(prefix)})
    raise ModelError(f"All {len(paths)} checkpoints in {folder} are damaged; restore one from a copy or train again.")


def base_path(model: str, preset: str) -> Path:
    """Where the weights lie that come with the package, for new runs to begin with."""
    return Path(__file__).parent / "models" / "base" / f"{model}-{preset}{SUFFIX}"


def load_base(model: str, preset: str) -> dict[str, np.ndarray] | None:
    """The tensors (float32) that a new run of a model begins with; None where none come with the package.

    Raises ModelError where the file is damaged.
    """
    path = base_path(model, preset)
    if not path.exists():
        return None
    try:
        _, tensors = _read(path)
    except _Damaged as damage:
        raise ModelError(f"{path} is damaged ({damage}); install semblance again, or train --from-scratch.") from None
    return {name: value.astype(np.float32) for name, value in tensors.items()}


def save_base(model: str, preset: str, tensors: dict[str, np.ndarray], header: dict) -> Path:
    """Write base weights as float16; header: how they were made (recipe, seeds, figures)."""
    tensors = {name: np.ascontiguousarray(tensors[name], np.float16) for name in sorted(tensors)}
    header = {"format": FORMAT, "model": model, "preset": preset, **header, "sha256": _hash(tensors)}
    path = base_path(model, preset)
    with written_whole(path) as temporary:
        save_file(tensors, temporary, metadata={_HEADER: json.dumps(header)})
    return path


def _read(path: Path) -> tuple[dict, dict[str, np.ndarray]]:
    """Header and tensors of one file, both checked. Raises _Damaged, or ModelError for a newer format."""
    try:
        with safe_open(path, framework="numpy") as file:
            header = json.loads((file.metadata() or {})[_HEADER])
            newer = int(header["format"]) > FORMAT
            tensors = {} if newer else {name: file.get_tensor(name) for name in sorted(file.keys())}
    except (SafetensorError, OSError) as error:
        raise _Damaged(str(error)) from None
    except (KeyError, TypeError, ValueError):
        raise _Damaged("its header is missing or garbled") from None
    if newer:
        raise ModelError(
            f"{path} has format {header['format']}, this version reads up to {FORMAT}; update semblance to use it."
        )
    if header.get("sha256") != _hash(tensors):
        raise _Damaged("its hash does not match")
    return header, tensors


def _refuse_other(path: Path, header: dict, model: str | None, preset: str | None) -> None:
    for kind, wanted in (("model", model), ("preset", preset)):
        if wanted is not None and header[kind] != wanted:
            raise ModelError(
                f"{path} was trained as {kind} '{header[kind]}', not '{wanted}'; "
                f"ask for '{header[kind]}' or choose another folder with --out."
            )


def _hash(tensors: dict[str, np.ndarray]) -> str:
    """sha256 over names, shapes, types and bytes, in the order of the names."""
    digest = hashlib.sha256()
    for name, value in tensors.items():
        digest.update(f"{name} {value.dtype.str} {value.shape}\n".encode())
        digest.update(memoryview(value.reshape(-1)).cast("B"))
    return digest.hexdigest()
