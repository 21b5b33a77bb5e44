"""One file per published system; the prefix is its kind (swap_, reenact_, mask_, ...). Found by file name.

Listing and describing read file names and docstrings only: torch is imported when a model file is loaded.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from ..errors import ModelError, nearest
from ..runs import Progress

if TYPE_CHECKING:
    from torch import Tensor, nn

DEFAULT = "swap_mesh"
OPENINGS = "openings.json"
"""In a run's folder: what create/calibrate.py found."""
KINDS = ("swap", "reenact", "mask", "lips", "voice", "restore", "generate", "translate", "detect")


@dataclass(frozen=True, slots=True)
class Moment:
    """How far a run is, for models whose losses change on the way."""

    samples: int = 0  # pictures seen
    share: float = 0.0  # of the run, 0..1; 0 for a run without an end


@dataclass(frozen=True, slots=True, eq=False)
class Phase:
    """One optimiser's share of a training step: its parameters, its loss and its optimiser's numbers.

    losses(net, batch, moment) -> named scalars whose sum is lowered; none: nothing moves at this moment. Phases run in
    order on one batch; a phase may leave tensors in the batch for those after it. While a phase runs, the weights of
    the others stand still.
    """

    name: str
    parameters: list  # of nn.Parameter
    losses: Callable[[nn.Module, dict[str, Tensor], Moment], dict[str, Tensor]]
    learning_rate: float
    betas: tuple[float, float]
    epsilon: float = 1e-8
    optimiser: str = "adam"  # adam, adabelief or rmsprop
    moving: float = 1.0  # share of the weights that a step moves, drawn anew each time
    swings: bool = False  # learning rate to zero and back every 500 steps (SAEHD's companion of `moving`)
    clip: float = 0.0  # largest norm of the gradient over all parameters; 0: any


def list_models() -> list[str]:
    """Names of all model files, sorted."""
    files = Path(__file__).parent.glob("*_*.py")
    return sorted(file.stem for file in files if file.stem.split("_")[0] in KINDS)


def describe(name: str) -> str:
    """The first line of a model file's docstring. Raises ModelError for an unknown name."""
    tree = ast.parse(_path(name).read_text(encoding="utf-8"))
    return (ast.get_docstring(tree) or "").partition("\n")[0]


def load_model_file(name: str) -> ModuleType:
    """Import a model file (and with it torch). Raises ModelError for an unknown name."""
    return import_module(f".{_path(name).stem}", __name__)


def choose_preset(module: ModuleType, preset: str):
    """A model file's Config by preset name. Raises ModelError for an unknown one."""
    if preset not in module.PRESETS:
        name = module.__name__.rpartition(".")[2]
        raise ModelError(f"{name} has no preset '{preset}'.{nearest(preset, module.PRESETS)}")
    return module.PRESETS[preset]


def load_swapper(run: Path, progress: Progress | None = None) -> tuple[ModuleType, nn.Module, dict]:
    """What prediction needs of a run's newest whole checkpoint.

    Returns the model file, its net with the averaged (EMA) weights in eval mode on the CPU, and the header, whose
    "config" holds size and coverage. Raises ModelError where the run holds no usable checkpoint of a swap model.
    """
    import torch

    from ..weights import load_checkpoint

    checkpoint = load_checkpoint(Path(run) / "checkpoints", progress or Progress(), prefix="ema.")
    header = checkpoint.header
    if not header["model"].startswith("swap_"):
        raise ModelError(f"{run} holds a '{header['model']}', which does not swap faces; give the run of a swap model.")
    module = load_model_file(header["model"])
    net = module.Net(module.Config(**header["config"]))
    weights = {name.removeprefix("ema."): torch.from_numpy(value) for name, value in checkpoint.tensors.items()}
    try:
        net.load_state_dict(weights)
    except RuntimeError:
        raise ModelError(
            f"The weights in {checkpoint.path} do not fit {header['model']}; they come from another version of it."
        ) from None
    header["openings"] = _openings(Path(run) / OPENINGS)
    return module, net.eval(), header


def _openings(path: Path) -> dict | None:
    """What was found when the run's mouths and eyes were tried; None for a run that was not tried yet."""
    if not path.exists():
        return None
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        at, change = ([[float(value) for value in row] for row in told[name]] for name in ("at", "change"))
        whole = len(at) == 3 and [len(row) for row in at] == [len(row) for row in change] and all(map(len, at))
    except (ValueError, KeyError, TypeError):
        whole = False
    if not whole:
        raise ModelError(f"{path} is damaged; remove it (mouths and eyes are as learned then) or train the run on.")
    return told


def _path(name: str) -> Path:
    known = list_models()
    if name not in known:
        raise ModelError(f"There is no model '{name}'.{nearest(name, known)}")
    return Path(__file__).parent / f"{name}.py"
