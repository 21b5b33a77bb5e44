"""Where on a face things are measured: landmark groups, and the bands around the edge of the mesh's hull.

Widths are shares of the face's width, so that they mean the same on a near and on a far face.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..faces.mask import hull_mask
from ..faces.openings import face_height

# mesh points of each part, in the order in which the jaw is walked from ear to ear
JAW = (234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361, 323, 454)
RIGHT_BROW, LEFT_BROW = (70, 63, 105, 66, 107), (336, 296, 334, 293, 300)  # upper edges
BROWS = (*RIGHT_BROW, *LEFT_BROW, 46, 53, 52, 65, 55, 285, 295, 282, 283, 276)
EYES = (33, 7, 163, 144, 145, 153, 154, 155, 133, 246, 161, 160, 159, 158, 157, 173,
        263, 249, 390, 373, 374, 380, 381, 382, 362, 466, 388, 387, 386, 385, 384, 398)  # fmt: skip
NOSE = (168, 6, 197, 195, 5, 4, 1, 2, 98, 97, 326, 327, 64, 294, 129, 358, 48, 278)
MOUTH = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 185, 40, 39, 37, 0, 267, 269, 270, 409,
         78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 191, 80, 81, 82, 13, 312, 311, 310, 415)  # fmt: skip
PARTS = {"jaw": JAW, "brows": BROWS, "eyes": EYES, "nose": NOSE, "mouth": MOUTH}

TEMPLES = (234, 454)
EYE_CORNERS = (33, 263)

INSIDE = 0.08  # the face without the zone in which masks are feathered
RING = (0.02, 0.15)  # the skin, hair and neck that a swap should leave alone, beside the face
HEAD = 0.20  # foreheads and jaws of an honest swap reach past the mesh; beyond this nothing may change
_ROOM = 0.30  # of the cut: what HEAD, the ring and the filters need


def face_width(points: np.ndarray) -> float:
    """points (478, 2 or 3) px -> px from temple to temple; in profile, where those fall together, 0.7 of the height."""
    across = np.linalg.norm(points[TEMPLES[0], :2] - points[TEMPLES[1], :2])
    return float(max(across, 0.7 * face_height(points), 1.0))


def eye_distance(points: np.ndarray) -> float:
    """px between the outer corners of the eyes."""
    return float(np.linalg.norm(points[EYE_CORNERS[0], :2] - points[EYE_CORNERS[1], :2]))


@dataclass(frozen=True, slots=True, eq=False)
class Regions:
    """The surroundings of one face, cut out of its frame.

    left, top: the cut's corner in the frame; inwards (h, w) float32: pixels from the hull's edge, negative outside;
    width: the face's width in px.
    """

    left: int
    top: int
    inwards: np.ndarray
    width: float

    def cut(self, pixels: np.ndarray) -> np.ndarray:
        """The cut of a frame (H, W, ...)."""
        height, width = self.inwards.shape
        return pixels[self.top : self.top + height, self.left : self.left + width]

    def scaled(self, scale: float) -> Regions:
        """The same for a cut that is `scale` < 1 times as large; its place in the frame has no meaning any more."""
        return Regions(0, 0, shrunk(self.inwards, scale) * np.float32(scale), self.width * scale)

    @property
    def hull(self) -> np.ndarray:
        """(h, w) bool."""
        return self.inwards > 0

    @property
    def face(self) -> np.ndarray:
        """(h, w) bool: the hull without its outermost 8 % of the width."""
        return self.inwards > INSIDE * self.width

    @property
    def ring(self) -> np.ndarray:
        """(h, w) bool: from 2 to 15 % of the width outside the hull."""
        return (self.inwards < -RING[0] * self.width) & (self.inwards > -RING[1] * self.width)

    def outside(self, shape: tuple[int, int]) -> np.ndarray:
        """shape (H, W) of the frame -> bool: all of it further than HEAD from the hull."""
        mask = np.ones(shape, bool)
        self.cut(mask)[:] = self.inwards < -HEAD * self.width
        return mask


def regions(points: np.ndarray, shape: tuple[int, int]) -> Regions | None:
    """points (478, 2 or 3) px of a face in a frame of shape (H, W); None where hardly any of it lies in the frame."""
    width = face_width(points)
    low, high = points[:, :2].min(0) - _ROOM * width, points[:, :2].max(0) + _ROOM * width
    left, top = (int(max(np.floor(v), 0)) for v in low)
    right, bottom = (int(min(np.ceil(v) + 1, limit)) for v, limit in zip(high, (shape[1], shape[0])))
    if right - left < 16 or bottom - top < 16:
        return None
    points = np.ascontiguousarray(points[:, :2], np.float32)
    hull = (hull_mask(points, (bottom - top, right - left), (left, top)) > 0.5).astype(np.uint8)
    if not hull.any():
        return None
    # distances are counted to the nearest pixel on the other side, so the edge itself lies half a pixel before it
    inside = cv2.distanceTransform(hull, cv2.DIST_L2, 5) - 0.5
    outside = cv2.distanceTransform(1 - hull, cv2.DIST_L2, 5) - 0.5 if not hull.all() else np.zeros_like(inside)
    return Regions(left, top, np.where(hull == 1, inside, -outside).astype(np.float32), width)


def shrunk(picture: np.ndarray, scale: float) -> np.ndarray:
    """(h, w, ...) -> scale < 1 times as large, by averaging."""
    size = tuple(max(round(side * scale), 1) for side in picture.shape[1::-1])
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)


def luma(pixels: np.ndarray) -> np.ndarray:
    """(H, W, 3) RGB 0..255 -> (H, W) float32 0..255, BT.601."""
    return cv2.cvtColor(np.ascontiguousarray(pixels, np.float32), cv2.COLOR_RGB2GRAY)


def lab(pixels: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 RGB -> (H, W, 3) float32 CIELAB (D65), L 0..100."""
    return cv2.cvtColor(np.ascontiguousarray(pixels, np.float32) / 255, cv2.COLOR_RGB2Lab)
