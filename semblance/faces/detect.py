"""A frame -> boxes where faces are. Full-range BlazeFace (Bazarevsky et al. 2019) as mediapipe 0.10.21 carries it.

The detector looks at 192 x 192 pixels, so a face much smaller than a tenth of the frame escapes it, and so does one
that lies on its side; `thorough` looks again at the picture turned, and at overlapping parts of half the size.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import cv2
import numpy as np

from .landmarks import quiet

_LOOK = 384  # longer side in pixels to which a picture is brought first; mediapipe would shrink it less carefully


@dataclass(frozen=True, slots=True)
class Box:
    """x0, y0, x1, y1 in frame pixels, confidence 0..1."""

    x0: float
    y0: float
    x1: float
    y1: float
    score: float

    @property
    def centre(self) -> tuple[float, float]:
        return (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2

    @property
    def size(self) -> float:
        return max(self.x1 - self.x0, self.y1 - self.y0)


class FaceDetector:
    """Owns mediapipe's graph, some threads and 20 MB, until it is closed; not for use by two threads at once.

    Knows nothing of earlier frames.
    """

    def __init__(self, confidence: float = 0.5) -> None:
        with quiet():
            from mediapipe.python.solutions.face_detection import FaceDetection

            self._detector = FaceDetection(model_selection=1, min_detection_confidence=confidence)
            self._detector.process(np.zeros((192, 192, 3), np.uint8))

    def find(self, pixels: np.ndarray, thorough: bool = False) -> list[Box]:
        """pixels (H, W, 3) uint8 RGB -> boxes, surest first; thorough: if there is none, the picture lying on its sides
        and on its head, and parts of it, too."""
        boxes = self._look(pixels, 0, 0)
        height, width = pixels.shape[:2]
        if not boxes and thorough:
            for turns in (1, 2, 3):
                found = self._look(np.rot90(pixels, turns), 0, 0)
                boxes += [_turned_back(box, turns, width, height) for box in found]
        if not boxes and thorough:
            for row, column in itertools.product(range(3), range(3)):
                top, left = height * row // 4, width * column // 4
                boxes += self._look(pixels[top : top + height // 2, left : left + width // 2], left, top)
        return distinct(boxes)

    def close(self) -> None:
        """Give back the graph's threads and memory; mediapipe keeps both when the object is merely dropped."""
        if self._detector is not None:
            self._detector.close()
            self._detector = None

    def _look(self, part: np.ndarray, left: int, top: int) -> list[Box]:
        height, width = part.shape[:2]
        if min(height, width) < 16:
            return []
        scale = _LOOK / max(height, width)
        if scale < 1:
            size = max(round(width * scale), 1), max(round(height * scale), 1)
            part = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
        answer = self._detector.process(np.ascontiguousarray(part)).detections or []
        found = []
        for detection in answer:
            box = detection.location_data.relative_bounding_box
            x0, y0 = left + box.xmin * width, top + box.ymin * height
            found.append(Box(x0, y0, x0 + box.width * width, y0 + box.height * height, float(detection.score[0])))
        return found


def _turned_back(box: Box, turns: int, width: int, height: int) -> Box:
    """A box found in a picture that was turned by so many quarters (np.rot90), in the picture as it was."""
    x0, y0, x1, y1 = {
        1: (width - box.y1, box.x0, width - box.y0, box.x1),
        2: (width - box.x1, height - box.y1, width - box.x0, height - box.y0),
        3: (box.y0, height - box.x1, box.y1, height - box.x0),
    }[turns]
    return Box(x0, y0, x1, y1, box.score)


def overlap(a, b) -> float:
    """Area shared by two boxes (x0, y0, x1, y1, ...) over the area of the smaller one."""
    ax0, ay0, ax1, ay1 = corners(a)
    bx0, by0, bx1, by1 = corners(b)
    shared = max(min(ax1, bx1) - max(ax0, bx0), 0) * max(min(ay1, by1) - max(ay0, by0), 0)
    smaller = min((ax1 - ax0) * (ay1 - ay0), (bx1 - bx0) * (by1 - by0))
    return shared / smaller if smaller > 0 else 0.0


def corners(box) -> tuple[float, float, float, float]:
    """x0, y0, x1, y1 of a Box or of a plain tuple."""
    return (box.x0, box.y0, box.x1, box.y1) if isinstance(box, Box) else tuple(box[:4])


def distinct(boxes: list[Box]) -> list[Box]:
    """Surest first, without those that cover half of a surer one."""
    kept: list[Box] = []
    for box in sorted(boxes, key=lambda box: -box.score):
        if all(overlap(box, other) < 0.5 for other in kept):
            kept.append(box)
    return kept
