"""Optimisers: gradients in, weights changed in place. Each can leave out a random share of the weights at every step.

AdaBelief and RMSprop as DeepFaceLab's SAEHD has them (2023 code); AdaBelief there differs from Zhuang et al. 2020: no
bias correction, the new mean in the variance, epsilon outside of the root alone. Adam is torch's fused one.

keep: the share of weights that move at a step, drawn afresh each time ("learning rate dropout", Lin et al. 2019; SAEHD
0.3, together with `cosine_dropout_factor`). It stands in `param_groups` and may change between steps. Draws depend on
the seed and the number of steps alone, so that a run taken up again goes on as if it had never stopped.
The state holds tensors only: "step", and the moments in the shape of their weight.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError, nearest

Kind = Literal["adam", "adabelief", "rmsprop"]
PORTION = 1 << 18
"""Weights that a CPU takes on at a time: 1 MB for each of weight, gradient and moments, which stay in its cache.
A layer of 16 million weights takes a quarter of the time that operations over the whole of it take."""
SLICE = 32_767
"""The most that torch gives to one thread unasked. Memory is what these sums wait for, more threads gain little; and
where another program holds a core, every operation on two threads waits for its turn."""


def make_optimiser(
    kind: Kind,
    parameters: Iterable[Tensor],
    learning_rate: float,  # SAEHD: 5e-5
    betas: tuple[float, float],  # decay of the mean and of the squares; RMSprop uses the second only (SAEHD: 0.9)
    epsilon: float,  # SAEHD: 1e-6
    keep: float = 1.0,  # share of the weights that move at a step (SAEHD's learning rate dropout: 0.3)
    seed: int = 0,  # of those draws
) -> torch.optim.Optimizer:
    """The optimiser of that name. Raises InputError for an unknown kind or a keep outside of 0..1."""
    if not 0 < keep <= 1:
        raise InputError(f"keep is the share of weights that move at a step: more than 0 and at most 1, not {keep}.")
    if kind == "adam":
        return Adam(parameters, learning_rate, betas, epsilon, keep, seed)
    if kind == "adabelief":
        return AdaBelief(parameters, learning_rate, betas, epsilon, keep, seed)
    if kind == "rmsprop":
        return RmsProp(parameters, learning_rate, betas[1], epsilon, keep, seed)
    raise InputError(f"There is no optimiser '{kind}'.{nearest(kind, ('adam', 'adabelief', 'rmsprop'))}")


def cosine_dropout_factor(iteration: int) -> float:
    """SAEHD's factor on the learning rate beside keep: from 1 to 0 and back in 500 steps."""
    return (math.cos(2 * math.pi * iteration / 500) + 1) / 2


class Adam(torch.optim.Adam):
    """torch's fused Adam (Kingma and Ba 2015); what should not move is put back after its step."""

    def __init__(
        self,
        parameters: Iterable[Tensor],
        learning_rate: float,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
        keep: float = 1.0,
        seed: int = 0,
    ) -> None:
        super().__init__(parameters, learning_rate, betas, epsilon, fused=True)
        for group in self.param_groups:
            group |= {"keep": keep, "seed": seed}

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None):
        chosen = [(group, _moving(group)) for group in self.param_groups if group["keep"] < 1]
        before = [[weight.clone() for weight in weights] for _, weights in chosen]
        loss = super().step(closure)
        for (group, weights), old in zip(chosen, before, strict=True):
            chance = _chance(group["seed"], [self.state[weight]["step"] for weight in weights])
            for now, then in _portions([weights, old]):
                for weight, previous, moves in zip(now, then, _draw(now, group["keep"], chance), strict=True):
                    weight.copy_(torch.where(moves, weight, previous))
        return loss


class _Dropping(torch.optim.Optimizer):
    """An optimiser whose step is weight -= learning rate * change(...), for the weights that move."""

    moments: tuple[str, ...]

    def change(self, group: dict, gradients: list[Tensor], *moments: list[Tensor]) -> list[Tensor]:
        """New tensors of what the learning rate multiplies; updates the moments in place."""
        raise NotImplementedError

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            weights = _moving(group)
            states = [self._state_of(weight) for weight in weights]
            for state in states:
                state["step"] += 1
            gradients = [weight.grad for weight in weights]
            moments = [[state[name] for state in states] for name in self.moments]
            chance = _chance(group["seed"], [state["step"] for state in states]) if group["keep"] < 1 else None
            for part, slopes, *averages in _portions([weights, gradients, *moments]):
                change = self.change(group, slopes, *averages)
                if chance is not None:
                    torch._foreach_mul_(change, _draw(part, group["keep"], chance))
                torch._foreach_add_(part, change, alpha=-group["lr"])
        return loss

    def _state_of(self, weight: Tensor) -> dict[str, Tensor]:
        state = self.state[weight]
        if not state:
            state["step"] = torch.zeros(())  # stays on the CPU: reading it must not wait for a GPU
            for name in self.moments:
                state[name] = torch.zeros_like(weight)
        return state


class AdaBelief(_Dropping):
    """m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) (g - m)^2 with the new m; weight -= lr m / (sqrt(v) + epsilon)."""

    moments = ("mean", "variance")

    def __init__(
        self,
        parameters: Iterable[Tensor],
        learning_rate: float = 5e-5,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-6,
        keep: float = 1.0,
        seed: int = 0,
    ) -> None:
        super().__init__(parameters, {"lr": learning_rate, "betas": betas, "eps": epsilon, "keep": keep, "seed": seed})

    def change(self, group: dict, gradients: list[Tensor], mean: list[Tensor], variance: list[Tensor]) -> list[Tensor]:
        first, second = group["betas"]
        torch._foreach_lerp_(mean, gradients, 1 - first)
        surprise = torch._foreach_sub(gradients, mean)
        torch._foreach_mul_(variance, second)
        torch._foreach_addcmul_(variance, surprise, surprise, 1 - second)
        return _over_root(mean, variance, group["eps"])


class RmsProp(_Dropping):
    """v = rho v + (1 - rho) g^2; weight -= lr g / (sqrt(v) + epsilon)."""

    moments = ("squares",)

    def __init__(
        self,
        parameters: Iterable[Tensor],
        learning_rate: float = 5e-5,
        rho: float = 0.9,
        epsilon: float = 1e-6,
        keep: float = 1.0,
        seed: int = 0,
    ) -> None:
        super().__init__(parameters, {"lr": learning_rate, "rho": rho, "eps": epsilon, "keep": keep, "seed": seed})

    def change(self, group: dict, gradients: list[Tensor], squares: list[Tensor]) -> list[Tensor]:
        torch._foreach_mul_(squares, group["rho"])
        torch._foreach_addcmul_(squares, gradients, gradients, 1 - group["rho"])
        return _over_root(gradients, squares, group["eps"])


def _over_root(above: list[Tensor], squares: list[Tensor], epsilon: float) -> list[Tensor]:
    # the root by a detour: torch wakes its other threads for the straight one, however short the slice (see SLICE)
    root = torch._foreach_reciprocal(torch._foreach_rsqrt(squares))
    torch._foreach_add_(root, epsilon)
    return torch._foreach_div(above, root)


def _moving(group: dict) -> list[Tensor]:
    return [weight for weight in group["params"] if weight.grad is not None]


def _portions(columns: list[list[Tensor]]) -> Iterator[list[list[Tensor]]]:
    """Lists of equally shaped tensors -> the same lists in parts: on a CPU, about PORTION weights in slices."""
    if not columns[0]:
        return
    if columns[0][0].device.type != "cpu":
        yield columns
        return
    held, part = 0, [[] for _ in columns]
    for row in zip(*columns, strict=True):
        row = [x.unsqueeze(0) if x.ndim == 0 else x for x in row]
        # whole rows of the first axis: views in any memory format
        rows = max(1, SLICE * len(row[0]) // max(1, row[0].numel()))
        for slices in zip(*(x.split(rows) for x in row), strict=True):
            for column, piece in zip(part, slices, strict=True):
                column.append(piece)
            held += slices[0].numel()
            if held >= PORTION:
                yield part
                held, part = 0, [[] for _ in columns]
    if part[0]:
        yield part


def _chance(seed: int, steps: list[Tensor]) -> torch.Generator | None:
    """The generator of one step's draws, made of the seed and the number of steps."""
    if not steps:
        return None
    step = int(torch.stack(steps).max())
    # torch's generator on the CPU looks at 32 bits of its seed only; mixed, both numbers count
    mixed = int(np.random.SeedSequence((seed, step)).generate_state(1)[0])
    return torch.Generator(steps[0].device).manual_seed(mixed)


def _draw(like: list[Tensor], keep: float, chance: torch.Generator) -> list[Tensor]:
    """Booleans in the shapes of `like`, true with the probability keep (to 1 / 65,536).

    Four draws of 16 bits out of each of 64: a third of the time of torch's bernoulli_.
    """
    count = sum(x.numel() for x in like)
    bits = torch.empty(-(-count // 4), dtype=torch.int64, device=chance.device)
    bits.random_(-(2**63), None, generator=chance)
    pieces = bits.view(torch.int16)[:count].split([x.numel() for x in like])
    below = round(keep * 65_536) - 32_768
    return [(piece < below).view(x.shape) for x, piece in zip(like, pieces, strict=True)]
