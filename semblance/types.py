"""The records that travel between rooms, and THE page on axes, ranges, colour order, units and frames of reference.

Convention:
    - pixels (H, W, 3) uint8 RGB on the clip floor; (B, 3, H, W) float32 RGB 0..1 on the tensor floor
    - points (x, y) in pixels of the upright frame; pixel centres are whole numbers; origin top left; y grows downwards
    - landmarks (478, 3): x, y as points; z in the same unit, smaller = nearer to the camera
    - matrix (2, 3) float64 maps frame pixels -> crop pixels; a crop never travels without its matrix
    - pose = (yaw, pitch, roll) in degrees; yaw > 0: the face turns to the picture's right; pitch > 0: it looks up;
      roll > 0: the head leans clockwise in the picture
    - time in seconds from the clip's first frame; rates are Fractions in frames per second
    - mask (H, W) float32 0..1, 1 = face
    - pixel_aspect = width / height of one stored pixel; frames keep their stored (anamorphic) pixels
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

LANDMARKS = 478
IDENTITY_SIZE = 128


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """One sound track: codec name, rate in Hz, channels, seconds."""

    codec: str
    rate: int
    channels: int
    duration: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Wave:
    """Sound: samples (channels, S) float32 -1..1 with its rate in Hz."""

    samples: np.ndarray
    rate: int


@dataclass(frozen=True, slots=True)
class ClipInfo:
    """What a clip says of itself. Sizes are those of the upright frame (rotation flag applied).

    frames and duration are the container's word or an estimate; None where nothing is known.
    """

    path: Path
    container: str
    codec: str
    width: int
    height: int
    rate: Fraction
    frames: int | None
    duration: float | None
    pixel_format: str
    pixel_aspect: Fraction = Fraction(1)
    rotation: int = 0  # degrees clockwise that were applied to bring frames upright: 0, 90, 180, 270
    colour_range: str = "unspecified"  # "tv", "pc", "unspecified"
    colour_matrix: str = "unspecified"  # "bt709", "smpte170m", ...
    colour_primaries: str = "unspecified"  # "bt709", "bt2020", ...
    colour_transfer: str = "unspecified"  # "bt709", "iec61966-2-1" (sRGB), "smpte2084" (PQ), ...
    variable_rate: bool = False
    interlaced: bool = False  # two half pictures of two moments in each frame
    audio: tuple[AudioInfo, ...] = ()


@dataclass(frozen=True, slots=True)
class Frame:
    """One upright picture of a clip. `native` is the decoder's own frame in its own pixel format; what is written back
    is that frame with patches laid over it, so that pixels outside the patches never pass through RGB."""

    index: int
    time: float
    pixels: np.ndarray  # (H, W, 3) uint8 RGB
    native: Any = None


@dataclass(frozen=True, slots=True)
class Patch:
    """New pixels for a rectangle of a frame: x, y of its top left corner, pixels (h, w, 3) RGB, uint8, or uint16
    (0..65535) for a plate that is deeper; spared (h, w) float32 0..1 or None: where the watermark is kept off."""

    x: int
    y: int
    pixels: np.ndarray
    spared: np.ndarray | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """What lies over a rectangle of a frame and is still to be blended: x, y of its top left corner, face (h, w, 3)
    uint16 RGB in the plate's curve, not multiplied by the mask, mask (h, w) float32 0..1, and uv (h, w, 3) float32
    0..1: where each pixel lies on a texture, right and up from its lower left corner, and whether it lies on it."""

    x: int
    y: int
    face: np.ndarray
    mask: np.ndarray
    uv: np.ndarray | None

    def of(self, canvas: np.ndarray) -> np.ndarray:
        """The view of this rectangle in a picture (H, W, ...) of the frame."""
        height, width = self.mask.shape
        return canvas[self.y : self.y + height, self.x : self.x + width]


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One face in one frame (frame pixels). `track` says which run of frames it belongs to."""

    landmarks: np.ndarray  # (478, 3) float32
    score: float = 1.0  # detector's confidence 0..1
    pose: tuple[float, float, float] = (0.0, 0.0, 0.0)
    track: int = 0

    @property
    def box(self) -> tuple[float, float, float, float]:
        """x0, y0, x1, y1 around the mesh points."""
        low, high = self.landmarks[:, :2].min(0), self.landmarks[:, :2].max(0)
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])

    @property
    def size(self) -> float:
        """Longer side of the box in pixels."""
        x0, y0, x1, y1 = self.box
        return max(x1 - x0, y1 - y0)

    def with_(self, **changes) -> Face:
        """A copy with some fields changed."""
        return replace(self, **changes)
