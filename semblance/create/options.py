"""Which faces a swap replaces, and how its work is cut."""

from __future__ import annotations

from types import ModuleType
from typing import Literal

from pydantic import Field

from ..errors import InputError
from ..finish.mask_words import named
from ..finish.merge_options import MergeOptions
from ..options import Options
from ..trust.visible import VisibleMark


class SwapOptions(Options):
    """Which faces are replaced, and what becomes of frames where that cannot be done well."""

    who: Literal["target", "largest", "all"] = "target"
    """Faces to replace: the person the model was trained on as target, the largest face, or every face."""
    carry: int = Field(0, ge=0, le=12)
    """Bridge a face that is lost for up to so many frames from its neighbours; 0 leaves those frames as the plate."""
    bridge: int = Field(2, ge=0, le=12)
    """Fill up to so many frames in which the face was lost or drawn badly from the frames beside them, moved along with
    the picture; where that cannot be done surely, and with 0, they stay the plate."""
    stranger: float = Field(0.8, gt=0, le=2)
    """Leave a frame as the plate if its face is further from the target's identity than this (dlib distance)."""
    poorest: float = Field(0.12, gt=0, le=1)
    """Leave a frame as the plate if the model redraws its own target worse than this (mean error, 0 to 1)."""
    batch: int = Field(8, ge=1, le=256)
    """Faces that the model draws at once."""
    segment: float = Field(10.0, ge=1, le=600)
    """Seconds of film that are rendered as one piece: what a crash can cost."""
    restorer: str = "builtin"
    """What adds detail where --restore asks for it: "builtin", or the folder of a run of `semblance restore train`."""
    project: str = ""
    """What the result is for, where a consent covers one project only."""
    visible: VisibleMark = VisibleMark()


def check_mask(merge: MergeOptions, module: ModuleType) -> None:
    """Raises InputError if a mask drawn by the model is asked for and the model file (DRAWS_MASK) draws none."""
    draws = getattr(module, "DRAWS_MASK", False) or getattr(module, "SPACE", "crop") == "mesh"
    if merge.mask != "auto" and "model" in named(merge.mask) and not draws:
        name = module.__name__.rpartition(".")[2]
        raise InputError(f"{name} draws no mask of its own, so --mask cannot be {merge.mask}; choose hull or crop.")
