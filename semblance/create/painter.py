"""A trained swapper and all that decides what it paints."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field
from types import ModuleType

import numpy as np
import torch

from ..errors import ModelError
from ..finish.mask_words import named
from ..finish.merge_options import MergeOptions
from ..finish.plan import MergePlan, Shot
from ..weights import load_base
from .occlusion_mask import MODEL, PRESET, OcclusionMask, open_occlusion_mask
from .options import SwapOptions
from .view import View, view_of


@dataclass(eq=False)
class Painter:
    """A trained swapper, and what it may paint: module and net, header, merge and swap options. fine: in sixteen bits a
    channel, for plates of more than eight, or for what is to be worked on further."""

    module: ModuleType
    net: torch.nn.Module
    header: dict
    plan: MergePlan
    options: SwapOptions
    fine: bool = False
    source: np.ndarray = field(init=False)  # (128,) who appears
    target: np.ndarray = field(init=False)  # (128,) who is replaced
    view: View = field(init=False)
    occlusion: OcclusionMask | None = field(init=False)
    settings: dict[MergeOptions, MergeOptions] = field(init=False)  # those of the plan -> with everything decided

    def __post_init__(self) -> None:
        notes = self.header["notes"]
        self.source = np.array(notes["source"]["identity"], np.float32)
        self.target = np.array(notes["target"]["identity"], np.float32)
        self.view = view_of(self.module, self.net, self.header, self.fine, self.options.restorer)
        self.occlusion = None
        self._follow(self.plan)

    def following(self, plan: MergePlan) -> Painter:
        """The same painter with another plan. Raises ModelError."""
        other = copy(self)
        other._follow(plan)
        return other

    def _follow(self, plan: MergePlan) -> None:
        self.plan, self.settings = plan, {merge: self.view.settled(merge) for merge in plan.each()}
        asked = any(named(merge.mask) & {"xseg", "xseg-new"} for merge in self.settings.values())
        keeps = any(merge.occluders == "keep" for merge in self.settings.values())
        has_net = load_base(MODEL, PRESET) is not None
        if asked and not has_net:
            raise ModelError(f"Masks named xseg need the net {MODEL}, which is not installed; choose --mask hull.")
        if has_net and (asked or keeps) and not self.occlusion:
            self.occlusion = open_occlusion_mask()

    def at(self, frame: int) -> MergeOptions:
        """The settings for a frame, with everything decided."""
        return self.settings[self.plan.at(frame)]

    def settled(self) -> MergePlan:
        """The plan with everything decided, to be told."""
        shots = (Shot(shot.first, shot.last, self.settings[shot.merge]) for shot in self.plan.shots)
        return MergePlan(self.settings[self.plan.whole], tuple(shots))

    def wants(self, *masks: str) -> bool:
        """Whether any of these masks is part of any setting."""
        return any(named(merge.mask) & set(masks) for merge in self.settings.values())

    @property
    def wanted(self) -> str:
        """Who is to be replaced, in words."""
        return {"target": "the person whom the model was trained to replace"}.get(self.options.who, "a face")

    def draw(self, looks: list) -> tuple[list, np.ndarray]:
        """Looks of the view -> what the model drew for each, and how badly it redraws the target of each (n,)."""
        drawn = [self.view.draw(looks[n : n + self.options.batch]) for n in range(0, len(looks), self.options.batch)]
        return [face for faces, _ in drawn for face in faces], np.concatenate([errors for _, errors in drawn])
