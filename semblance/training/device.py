"""Hardware -> a Lightning Fabric that moves nets and batches there; which precision the hardware is good at."""

from __future__ import annotations

import ctypes
import logging
import os
import sys
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING

import torch

from ..errors import InputError
from ..processor import multiplies_bf16

if TYPE_CHECKING:
    from lightning.fabric import Fabric


LARGE = 4 << 20
"""Bytes from which on memory is handed back to the system at once."""


def hand_back_memory() -> None:
    """Keep glibc from growing its heap without end.

    Where another thread allocates at the same time (batches are made ahead), freed tensors of a few megabytes leave
    holes that are never closed: on a busy machine a run of 2,000 steps grew to 9 GB. Costs about 4 % of the speed.
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another C library has no such call, nor this trouble
            mallopt = ctypes.CDLL(None).mallopt
            mallopt(-3, LARGE)  # M_MMAP_THRESHOLD
            mallopt(-1, 16 * LARGE)  # M_TRIM_THRESHOLD


def is_out_of_memory(error: Exception) -> bool:
    """Whether torch could not get the memory it asked for, on a GPU or on the processor."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def open_fabric(accelerator: str, devices: int | str, precision: str) -> Fabric:
    """Start Fabric; with several devices this returns once in each process.

    accelerator, devices, precision: as in TrainOptions; "auto" is decided here. Raises InputError for a device that
    this machine lacks.
    """
    from lightning.fabric import Fabric  # five seconds on a cold disk

    here = {
        "cuda": torch.cuda.device_count(),
        "mps": int(torch.backends.mps.is_available()),
        "cpu": os.cpu_count() or 1,
    }
    if accelerator == "auto":
        accelerator = next(kind for kind, count in here.items() if count)
    if here[accelerator] < (1 if devices == "auto" else int(devices)):
        raise InputError(
            f"This machine has {here[accelerator]} devices of kind '{accelerator}', {devices} were asked for; "
            "leave --accelerator and --devices away to use what is there."
        )
    if precision == "auto":
        precision = "bf16" if multiplies_bf16(accelerator) else "fp32"
    # Fabric's own remarks (autocast in use, how many processes) are in the run's options and log
    for part in ("fabric", "pytorch"):
        logging.getLogger(f"lightning.{part}").setLevel(logging.WARNING)
    names = {"fp32": "32-true", "bf16": "bf16-mixed"}
    count = 1 if accelerator == "cpu" and devices == "auto" else devices
    # a phase moves some of a net's weights: the others have no gradient to wait for
    several = (here[accelerator] if count == "auto" else int(count)) > 1
    strategy = "ddp_find_unused_parameters_true" if several else "auto"
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*srun.*")
        fabric = Fabric(accelerator=accelerator, devices=count, precision=names[precision], strategy=strategy)
    fabric.launch()
    return fabric
