"""`semblance doctor`: the machine, its speed, and what is missing, each in a line."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from ..errors import SemblanceError
from ..runs import environment


def examine() -> str:
    """Lines for a person; measures the machine's matrix speed (about a second)."""
    facts = environment()
    lines = [f"python     {facts['python']} on {facts['system']}, {facts['cores']} cores"]
    lines += [f"library    {name} {version}" for name, version in facts["versions"].items()]
    lines.append(_matrix_speed())
    lines.append(_faces())
    free = shutil.disk_usage(Path.cwd()).free / 2**30
    lines.append(f"disk       {free:.0f} GB free here" + ("" if free > 5 else ": little; a long clip needs some"))
    return "\n".join(lines)


def _matrix_speed() -> str:
    import torch

    from ..processor import multiplies_bf16

    if torch.cuda.is_available():
        return f"GPU        {torch.cuda.get_device_name(0)}"
    a = torch.randn(2048, 2048)
    a @ a
    began = time.perf_counter()
    for _ in range(5):
        a @ a
    speed = 5 * 2 * 2048**3 / (time.perf_counter() - began) / 1e9
    half = "bfloat16 too" if multiplies_bf16("cpu") else "float32 only"
    return f"matrix     {speed:.0f} GFLOP/s, {half}; no GPU"


def _faces() -> str:
    from ..faces.identity import identity_net
    from ..faces.landmarks import MeshFinder

    try:
        MeshFinder()
        identity_net()
    except (SemblanceError, ImportError, RuntimeError) as error:
        return f"faces      NOT WORKING: {error}; run `make install` again"
    return "faces      mesh and identity models are there"
