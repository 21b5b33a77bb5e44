"""Poisson blending (Perez, Gangnet, Blake, 2003): the face keeps its gradients and takes its level from the plate.

What is added to the face is a membrane (membrane.py) hung up on the differences of plate and face along the mask's
edge. Hung up on a line of pixels it trembles: the line moves with the mask, and each hair, hand or wall that crosses it
pulls the whole face along. So it is held softly over the whole of the mask's edge, and what lies far off its neighbours
there loses its say, by weights that narrow from round to round so that a little change stays little (Geman and McClure
1985; graduated as by Blake and Zisserman 1987). What is left at the edge then, hair and wall too, is met by a second
membrane that ends soon behind it. What still trembles there from frame to frame, a caller who has the neighbouring
frames takes out (steady_meetings.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit

from .blend import white_of
from .membrane import membrane

_SIDE = 64  # what is added is smooth: worked out at this side it is off by a quarter of one level of 255 at most
# lengths, shares of the face's size
_SOFTEN = 0.015  # a hard mask gets an edge of this deviation
_DIP = 0.25  # narrower dips of the mask within the face, at eyes and nose, are no edges
_TREND = 0.2  # differences are compared with their trend over so far
_LEVEL = 0.05  # over so far the level evens out what it is held by
_FOLLOW, _BEHIND = 0.02, 0.06  # the same where the edge itself is met, and how soon that ends behind it
_INNER = 4  # weights of the trend: greatest where the mask is 4 / 5
_OUTLIERS = 0.4, 0.2, 0.1, 0.05  # of white: a difference so far off the trend weighs a quarter; one round each
_ROUGHLY, _FINELY = 1e-2, 2e-3  # of the largest difference: how near to its equations a trend and a face are brought
_LEAST_FACE = 4.0  # pixels


@dataclass(frozen=True, slots=True, eq=False)
class Meeting:
    """How far plate and face are apart where they meet, on a small grid over the mask's rectangle: difference (n, m, 3)
    float32, plate - face, -1..1; edge (n, m) 0..1, where they meet; weight (n, m) 0..1, the same without outliers."""

    difference: np.ndarray
    edge: np.ndarray
    weight: np.ndarray


def poisson_blend(
    plate: np.ndarray,
    face: np.ndarray,
    mask: np.ndarray,
    bare: np.ndarray | None = None,
    mixed: np.ndarray | None = None,
    met: tuple[Meeting, Meeting] | None = None,
) -> np.ndarray:
    """plate and face (h, w, 3) uint8 or uint16, mask (h, w) float32 0..1 -> the face, of the same depth, on the plate's
    level, still to be laid down with the mask.

    bare (h, w) 0..1: where the mask's edge is one of skin, not of something that stands before the face; mixed: where
    the plate's gradient is the stronger one it takes the face's place, so that the plate's moles and wrinkles show
    through (section 3, mixing gradients); met: how they meet here, and the same steadied over time, which sets the
    level; else found here.
    """
    now, meeting = met or (meeting_of(plate, face, mask, bare),) * 2
    height, width = mask.shape
    grid = now.edge.shape[::-1]
    size = _size(mask)
    small = size * grid[1] / height
    if mixed is not None:
        held, weight = (cv2.resize(each, (width, height), interpolation=cv2.INTER_LINEAR)
                        for each in (meeting.difference, meeting.weight))  # fmt: skip
        slopes = _stronger_slopes(plate, face, mixed if bare is None else mixed * bare)
        added = membrane(held, weight / np.float32(_LEVEL * size) ** 2, slopes, _FINELY)
        level = cv2.resize(added, grid, interpolation=cv2.INTER_AREA)
        added += cv2.resize(at_the_edge(now, level, small), (width, height), interpolation=cv2.INTER_LINEAR)
    else:
        level = level_of(meeting, small)
        added = cv2.resize(level + at_the_edge(now, level, small), (width, height), interpolation=cv2.INTER_LINEAR)
    return cv2.add(face, white_of(face) * added, dtype=cv2.CV_8U if face.dtype == np.uint8 else cv2.CV_16U)


def meeting_of(plate: np.ndarray, face: np.ndarray, mask: np.ndarray, bare: np.ndarray | None = None) -> Meeting:
    """Where and how far apart plate and face meet; arguments as in poisson_blend."""
    height, width = mask.shape
    step = max(1.0, max(height, width) / _SIDE)
    grid = (max(1, round(width / step)), max(1, round(height / step)))
    difference = cv2.subtract(plate, face, dtype=cv2.CV_32F) * np.float32(1 / white_of(face))
    shows = np.ones(grid[::-1], np.float32)
    if bare is not None:  # a cell that is half hand, half cheek, tells of the cheek
        difference *= bare[..., None]
        shows = cv2.resize(bare, grid, interpolation=cv2.INTER_AREA)
    difference, soft = (cv2.resize(each, grid, interpolation=cv2.INTER_AREA) for each in (difference, mask))
    difference /= np.maximum(shows, 1e-3)[..., None]
    size = _size(mask) / step
    soft = _without_dips(soft, size)
    soft = cv2.GaussianBlur(soft, (0, 0), max(1.0, _SOFTEN * size), borderType=cv2.BORDER_REPLICATE)
    # the trend is told by the inner edge, where the plate is skin: of a wall that begins along the outer one half the
    # differences are, and neither half would be the outliers
    inner = np.power(soft, _INNER) * (1 - soft) * shows / np.float32(_TREND * size) ** 2
    say = np.float32(1)
    for outlier in _OUTLIERS:
        off = np.maximum.reduce(cv2.split(np.abs(difference - membrane(difference, inner * say, close=_ROUGHLY))))
        say = 1 / np.square(1 + np.square(off / np.float32(outlier)))
    edge = 4 * soft * (1 - soft) * shows
    return Meeting(difference, edge, edge * say)


def level_of(meeting: Meeting, size: float) -> np.ndarray:
    """What brings a face of so many cells to the plate's level, (n, m, 3)."""
    return membrane(meeting.difference, meeting.weight / np.float32(_LEVEL * size) ** 2)


def at_the_edge(meeting: Meeting, level: np.ndarray, size: float) -> np.ndarray:
    """What is to be added to a level (n, m, 3) along the edge alone, (n, m, 3)."""
    hold, fade = meeting.edge / np.float32(_FOLLOW * size) ** 2, np.float32(1 / (_BEHIND * size) ** 2)
    # two weights at once, the one towards what is left and the other towards nothing
    return membrane((meeting.difference - level) * (hold / (hold + fade))[..., None], hold + fade)


def _without_dips(mask: np.ndarray, size: float) -> np.ndarray:
    """The mask with its narrow dips filled."""
    reach = max(1, round(_DIP * size / 2))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    filled = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return np.maximum(mask, filled)


def _size(mask: np.ndarray) -> float:
    """Side of a square as large as the mask, pixels."""
    return max(float(mask.sum()), _LEAST_FACE) ** 0.5


def _stronger_slopes(plate: np.ndarray, face: np.ndarray, where: np.ndarray) -> np.ndarray:
    """(h, w, 3): by how much each pixel's neighbours differ more in the plate than in the face, where they do and as
    far as `where` (h, w) 0..1 lets them."""
    pull = np.zeros(plate.shape, np.float32)
    _add_slopes(plate, face, where.astype(np.float32), white_of(face), pull)
    return pull


@njit(cache=True, nogil=True)
def _add_slopes(plate, face, where, white, pull):
    height, width, channels = plate.shape
    in_plate, in_face = np.zeros(channels, np.float32), np.zeros(channels, np.float32)
    for y in range(height):
        for x in range(width):
            for down, right in ((0, 1), (1, 0)):
                v, u = y + down, x + right
                if v == height or u == width:
                    continue
                stronger = np.float32(0)
                for c in range(channels):
                    in_plate[c] = np.float32(plate[v, u, c]) - np.float32(plate[y, x, c])
                    in_face[c] = np.float32(face[v, u, c]) - np.float32(face[y, x, c])
                    stronger += in_plate[c] ** 2 - in_face[c] ** 2
                if stronger <= 0:
                    continue
                share = min(where[y, x], where[v, u]) / np.float32(white)
                for c in range(channels):
                    slope = share * (in_plate[c] - in_face[c])
                    pull[v, u, c] += slope
                    pull[y, x, c] -= slope
