"""Noise in the form of faces, to time a model on without any footage: a step costs the same whatever it sees."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass
from types import ModuleType

import numpy as np
import torch

from ..faces.expression import SIZE as EXPRESSION
from ..faceset.masked import MaskedCrops
from ..faceset.sharp import SharpFaces
from ..faceset.textures import Textures
from ..models import Moment, choose_preset, load_model_file
from ..streams import ahead
from .batches import SIDES, CropPair, Material
from .device import hand_back_memory, open_fabric
from .learner import build, let_move, step, to_device, update_average
from .mesh_pair import MeshPair

FACES, STORED = 60, 256


@dataclass(frozen=True, slots=True)
class Speed:
    """samples_per_second: faces seen, forward, backward, update and augmentation included; gflops: operations of the
    network's layers a second, two for each multiply-and-add; first: seconds until the first step was done."""

    samples_per_second: float
    gflops: float
    first: float


def practice(module: ModuleType, config) -> Material:
    """Noise of the kind that a model file learns from."""
    chance = np.random.default_rng(0)
    pictures = chance.integers(0, 256, (FACES, STORED, STORED, 3), np.uint8)
    kind = module.__name__.rpartition(".")[2].partition("_")[0]
    if kind == "restore":
        return SharpFaces(pictures)
    if kind == "mask":
        return MaskedCrops([(pictures, np.full(pictures.shape[:3], 255, np.uint8))])
    if getattr(module, "SPACE", "crop") == "mesh":
        return MeshPair(*(_textures(chance, config.size) for _ in SIDES))
    planes = {name: np.full(pictures.shape[:3], 255, np.uint8) for name in getattr(module, "PLANES", ())}
    return CropPair(pictures, pictures, None, dict.fromkeys(SIDES, planes), dict.fromkeys(SIDES, np.zeros(FACES)))


def training_speed(
    model: str, preset: str, seconds: float = 5.0, precision: str = "auto", batch: int | None = None
) -> Speed:
    """Train on noise for some seconds, after two steps to warm up, on the processor."""
    began = time.perf_counter()
    module = load_model_file(model)
    config = choose_preset(module, preset)
    if getattr(config, "match", 0):
        config = config.changed(match=0.0) if getattr(module, "SPACE", "crop") == "crop" else config
    if batch is not None:
        config = config.changed(batch=batch)
    hand_back_memory()
    fabric = open_fabric("cpu", "auto", precision)
    learner = build(module, config, fabric, seed=0)
    material = practice(module, config)
    seen = material.sides * config.batch
    with closing(ahead(material.batches(config, 0, 0, config.batch, 0, 1), 3)) as batches:
        first = 0.0
        for _ in range(2):
            step(learner, fabric, to_device(next(batches), fabric), Moment())
            first = first or time.perf_counter() - began
        steps, began = 0, time.perf_counter()
        while steps == 0 or time.perf_counter() - began < seconds:
            step(learner, fabric, to_device(next(batches), fabric), Moment())
            steps += 1
            update_average(learner, seen, seen * steps, config.ema_samples)
        took = time.perf_counter() - began
        work = operations(learner, to_device(next(batches), fabric)) / seen
    rate = seen * steps / took
    return Speed(rate, rate * work / 1e9, first)


def operations(learner, batch) -> int:
    """Floating point operations of the layers for one batch, forward and backward, all phases.

    Products of a loss's own (the means of nn/similarity.py) are no layer's: there and back they are left out.
    """
    from torch.utils.flop_counter import FlopCounterMode

    total = 0
    for phase in learner.phases:
        let_move(learner.phases, phase)
        with FlopCounterMode(display=False) as counter:
            losses = phase.losses(learner.net, batch, Moment())
            everywhere, in_net = (counter.get_flop_counts().get(k, {}) for k in ("Global", type(learner.net).__name__))
            own = sum(everywhere.get(p, 0) - in_net.get(p, 0) for p in (torch.ops.aten.mm, torch.ops.aten.bmm))
            if losses:
                sum(losses.values()).backward()
        total += counter.get_total_flops() - 2 * own
    return total


def _textures(chance: np.random.Generator, size: int) -> Textures:
    return Textures(
        chance.integers(0, 256, (FACES, size, size, 3), np.uint8),
        np.full((FACES, size, size), 255, np.uint8),
        chance.normal(size=(FACES, EXPRESSION)).astype(np.float32),
        chance.integers(0, 256, (2 * size, 2 * size, 3), np.uint8),
        np.zeros(EXPRESSION, np.float32),
    )
