"""The net that learns, its running average and its optimisers; one step; a snapshot of all of it and the way back.

A snapshot is a flat {name: tensor} on the CPU: "net.*" and "ema.*" weights, "moments.<phase>.<number>.*" of the
optimisers.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ..models import Moment, Phase
from ..nn.optimisers import cosine_dropout_factor, make_optimiser
from ..weights import load_base
from .batches import Batch

if TYPE_CHECKING:
    from lightning.fabric import Fabric

Tensors = dict[str, Tensor]


@dataclass(frozen=True, slots=True, eq=False)
class Learner:
    """Everything that changes while training."""

    net: nn.Module
    wrapped: nn.Module  # the same net behind Fabric: precision, many devices
    average: nn.Module  # exponential moving average of the net's weights
    phases: list[Phase]
    optimisers: list[torch.optim.Optimizer]
    stepping: list  # the same optimisers behind Fabric


def build(module: ModuleType, config, fabric: Fabric, seed: int) -> Learner:
    """A fresh net of a model file on the fabric's device, initialised from the seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = module.Net(config)
    phases = module.phases(net, config)
    optimisers = [_optimiser(phase, seed + number) for number, phase in enumerate(phases)]
    wrapped, *stepping = fabric.setup(net, *optimisers)
    average = copy.deepcopy(net).requires_grad_(False).eval()
    return Learner(net, wrapped, average, phases, optimisers, stepping)


def begin_with_base(learner: Learner, module: ModuleType, model: str, preset: str) -> bool:
    """Give a new net the weights that come with the package; whether there are any for this preset's sizes."""
    base = load_base(model, preset) if hasattr(module, "begin_with") else None
    if base is None:
        return False
    tensors = {name: torch.from_numpy(value) for name, value in base.items()}
    try:
        module.begin_with(learner.net, tensors)
    except RuntimeError:  # sizes were changed from the preset's
        return False
    learner.average.load_state_dict(learner.net.state_dict())
    return True


def _optimiser(phase: Phase, seed: int) -> torch.optim.Optimizer:
    return make_optimiser(
        phase.optimiser, phase.parameters, phase.learning_rate, phase.betas, phase.epsilon, phase.moving, seed
    )


def to_device(batch: Batch, fabric: Fabric) -> Tensors:
    """A batch as tensors on the fabric's device; see as_tensors."""
    return as_tensors(batch, fabric.device)


def as_tensors(batch: Batch, device: torch.device) -> Tensors:
    """Pictures uint8 (B, S, S, 3) -> float32 (B, 3, S, S) in 0..1, planes uint8 (B, S, S) -> (B, 1, S, S), float32
    numbers as they are; bytes travel, floats are made on the device."""
    moved = {name: torch.from_numpy(value).to(device, non_blocking=True) for name, value in batch.items()}
    return {name: _unpacked(value) if value.dtype == torch.uint8 else value for name, value in moved.items()}


def _unpacked(value: Tensor) -> Tensor:
    planes = value.permute(0, 3, 1, 2) if value.ndim == 4 else value[:, None]
    return planes.float().div_(255)


def step(learner: Learner, fabric: Fabric, batch: Tensors, moment: Moment) -> Tensors:
    """One optimiser step per phase that has losses now; returns them by name, not yet waited for."""
    found: Tensors = {}
    for phase, optimiser in zip(learner.phases, learner.stepping, strict=True):
        let_move(learner.phases, phase)
        losses = phase.losses(learner.wrapped, batch, moment)
        if not losses:
            continue
        optimiser.zero_grad()
        fabric.backward(torch.stack(list(losses.values())).sum())
        if phase.clip:
            torch.nn.utils.clip_grad_norm_(phase.parameters, phase.clip)
        optimiser.step()
        found.update({name: value.detach() for name, value in losses.items()})
    return found


def let_move(phases: list[Phase], moving: Phase) -> None:
    """Gradients are worked out for one phase's weights only."""
    if len(phases) > 1:
        for phase in phases:
            for parameter in phase.parameters:
                parameter.requires_grad_(phase is moving)


def forget_moments(learner: Learner) -> None:
    """Begin anew with every optimiser, as published schedules do when they change the loss."""
    for optimiser in learner.optimisers:
        optimiser.state.clear()


def set_learning_rate(learner: Learner, factor: float, steps: int) -> None:
    """Every phase's learning rate times `factor`; after so many `steps` of the run, for phases whose rate swings."""
    for phase, optimiser in zip(learner.phases, learner.optimisers, strict=True):
        swing = cosine_dropout_factor(steps) if phase.swings else 1.0
        for group in optimiser.param_groups:
            group["lr"] = phase.learning_rate * factor * swing


def update_average(learner: Learner, batch: int, samples: int, half_life: int) -> None:
    """Move the average towards the net. Its half-life in samples grows with the run up to `half_life`, so that the
    average of a young run is not made of its random beginning (as in StyleGAN 2's training loop)."""
    share = 1 - 0.5 ** (batch / max(min(half_life, 0.05 * samples), 1e-8))
    torch._foreach_lerp_(list(learner.average.parameters()), list(learner.net.parameters()), share)
    for mean, value in zip(learner.average.buffers(), learner.net.buffers(), strict=True):
        mean.copy_(value)


def snapshot(learner: Learner, into: Tensors | None = None) -> Tensors:
    """A copy on the CPU of all that changes; `into`: an older snapshot whose memory is used again."""
    into = into if into is not None else {}
    for name, value in _live(learner).items():
        if name in into:
            into[name].copy_(value)
        else:
            into[name] = value.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
    return into


def restore(learner: Learner, tensors: Tensors) -> None:
    """Bring back a snapshot. Raises KeyError or RuntimeError where it does not fit the net."""
    learner.net.load_state_dict(_part(tensors, "net."))
    learner.average.load_state_dict(_part(tensors, "ema."))
    for phase, optimiser in zip(learner.phases, learner.optimisers, strict=True):
        moments: dict[int, Tensors] = {}
        for name, value in _part(tensors, f"moments.{phase.name}.").items():
            number, _, kind = name.partition(".")
            like = phase.parameters[int(number)]
            # the fused optimiser walks through memory: moments must lie there in the order of their weights
            same = torch.empty_like(like).copy_(value) if value.shape == like.shape else value.clone()
            moments.setdefault(int(number), {})[kind] = same
        optimiser.load_state_dict({"state": moments, "param_groups": optimiser.state_dict()["param_groups"]})


def is_finite(learner: Learner) -> bool:
    """Whether no weight and no average is NaN or infinite."""
    both = [*learner.net.parameters(), *learner.average.parameters()]
    return bool(torch.isfinite(torch.stack(torch._foreach_norm(both))).all())


def _live(learner: Learner) -> Tensors:
    live = {f"net.{name}": value for name, value in learner.net.state_dict().items()}
    live |= {f"ema.{name}": value for name, value in learner.average.state_dict().items()}
    for phase, optimiser in zip(learner.phases, learner.optimisers, strict=True):
        for number, moments in optimiser.state_dict()["state"].items():
            live |= {f"moments.{phase.name}.{number}.{kind}": value for kind, value in moments.items()}
    return live


def _part(tensors: Tensors, prefix: str) -> Tensors:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
