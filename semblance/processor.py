"""What this machine's processor multiplies fast, and how its cores are shared."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from threadpoolctl import threadpool_limits

from .runs import cores


def multiplies_bf16(kind: str) -> bool:
    """Whether bfloat16 products are native on "cpu" (AVX512-BF16, AMX) or "cuda"; emulated, they are slow."""
    if kind == "cuda":
        return torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False)
    if kind == "cpu":
        able = torch.cpu.get_capabilities()
        return bool(able.get("avx512_bf16") or able.get("amx_bf16"))
    return False


def bf16_if_native(wanted: bool = True) -> torch.autocast:
    """A context in which a net on the processor multiplies in bfloat16 where that is native: three digits, half the
    time."""
    return torch.autocast("cpu", torch.bfloat16, enabled=wanted and multiplies_bf16("cpu"))


@contextmanager
def cores_shared_by(stages: int) -> Iterator[None]:
    """While stages of a job run side by side, this thread's nets compute with its share of the cores, and numpy's
    products with one: OpenBLAS's threads spin for a tenth of a second after each, in hope of the next.

    Each thread sets it for itself (OpenMP's number of threads is a thread's own). On two cores a swap is a quarter
    faster so.
    """
    before = torch.get_num_threads()
    # of the cores, not of `before`: a thread takes that over from the one that began it, whose share it may be already
    torch.set_num_threads(max(1, min(before, cores() // stages)))
    try:
        with threadpool_limits(1, user_api="blas"):
            yield
    finally:
        torch.set_num_threads(before)
