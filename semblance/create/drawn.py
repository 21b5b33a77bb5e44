"""What a swap knows of a frame while its new faces are made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..finish.face_colours import FaceColours
from ..finish.merge import Placed
from ..finish.placed_mask import PlacedMask
from ..finish.poisson import Meeting
from ..types import Face, Frame
from .job import Record
from .view import Laid


@dataclass(slots=True, eq=False)
class NewFace:
    """A face that is to be replaced, what the model sees of it, and in time what it drew, how that lies over the plate,
    what becomes of its colours, how it moves (x, y, frame pixels in a frame's time), and how it meets the plate: in its
    own frame, and steadied."""

    face: Face
    carried: bool
    look: Any = None
    drawn: Any = None
    free: PlacedMask | None = None
    seen: dict[str, PlacedMask] = field(default_factory=dict)
    laid: Laid | None = None
    colours: FaceColours | None = None
    motion: tuple[float, float] = (0.0, 0.0)
    placed: Placed | None = None
    met: tuple[Meeting, Meeting] | None = None


@dataclass(slots=True, eq=False)
class DrawnFrame:
    """A frame of the plate, what is told of it, and its new faces, largest first."""

    frame: Frame
    record: Record
    parts: list[NewFace]
    passed: list[tuple[Face, str]] = field(default_factory=list)  # faces that stay as they are, and why
    fine: bool = False
