"""Which pixels are face, which are person: frame pixels or landmarks in, masks (H, W) float32 0..1 out.

`hull_mask` draws the outline that the face mesh spans, `spared_mask` what a watermark keeps off; they cost what the
asked-for region costs, not the frame.
`PersonMask` owns mediapipe's selfie segmentation graph (model carried in the wheel) and finds people in a whole frame.
"""

from __future__ import annotations

import cv2
import numpy as np

from ..errors import InputError
from .mesh_space import LEFT_LIDS, OUTER_LIPS, RIGHT_LIDS

_SUBPIXEL_BITS = 8  # fillConvexPoly takes fixed-point coordinates
_SIDES = 234, 454  # mesh points where the face is widest
_COARSE = 64  # pixels of face width on which eyes and mouth are drawn
_AROUND, _SOFT = 0.06, 0.03  # of the face's width: how far around them, and how softly it ends
_SKIN_SPARED = 0.5  # of a face between its features
_LINE_REACH = 0.6  # pixels by which its antialiased line stands out beyond the polygon (measured)


def hull_mask(landmarks: np.ndarray, shape: tuple[int, int], offset: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    """The filled, antialiased hull of the face mesh.

    landmarks (N, 2 or 3) in pixels; shape (h, w) of the mask wanted; offset (x, y) of its top left pixel, so that a
    region of a large frame can be asked for alone. Returns (h, w) float32 0..1. Seen from the front the hull is the
    mesh's face oval; all points are taken because in profile the nose stands out beyond that oval.
    """
    mask = np.zeros(shape, np.uint8)
    hull = cv2.convexHull(np.ascontiguousarray(landmarks[:, :2], np.float32))[:, 0] - np.asarray(offset, np.float32)
    inwards = hull.mean(0) - hull
    length = np.maximum(np.linalg.norm(inwards, axis=1, keepdims=True), 1e-6)
    hull += inwards * np.minimum(_LINE_REACH / length, 1)
    _fill(mask, hull, 255)
    return mask * np.float32(1 / 255)


def spared_mask(landmarks: np.ndarray, shape: tuple[int, int], offset: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    """Where a watermark would change what a face is read as: 1 on eyes and mouth with what is close around them, half
    on the rest of it, softly: landmarks (478, 2 or 3), shape, offset and result as in hull_mask. Drawn coarsely, for it
    is smooth: the cost is that of enlarging it."""
    width = float(np.linalg.norm(np.subtract(*landmarks[list(_SIDES), :2])))
    step = max(width / _COARSE, 1.0)
    room = int(np.ceil((_AROUND + 3 * _SOFT) * width / step)) + 1  # what lies beyond the edge reaches in
    points = (landmarks[:, :2] - np.asarray(offset) + 0.5) / step - 0.5 + room
    small = np.zeros([int(np.ceil(side / step)) + 2 * room for side in shape], np.uint8)
    for lines in (OUTER_LIPS, RIGHT_LIDS, LEFT_LIDS):
        _fill(small, points[[*lines[0], *lines[1]]], 255)
    around = 2 * round(_AROUND * width / step) + 1
    small = cv2.dilate(small, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (around, around)))
    skin = np.zeros_like(small)
    _fill(skin, points, round(255 * _SKIN_SPARED))
    small = cv2.max(small, skin) * np.float32(1 / 255)
    small = cv2.GaussianBlur(small, (0, 0), max(_SOFT * width / step, 0.5))
    corner = 0.5 / step - 0.5 + room
    back = np.array([[1 / step, 0, corner], [0, 1 / step, corner]])
    return cv2.warpAffine(small, back, shape[::-1], flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                          borderMode=cv2.BORDER_REPLICATE)  # fmt: skip


def _fill(mask: np.ndarray, points: np.ndarray, level: int) -> None:
    """Draw the hull of points (N, 2) into mask (h, w) uint8, in place."""
    fixed = np.rint(cv2.convexHull(points.astype(np.float32)) * (1 << _SUBPIXEL_BITS)).astype(np.int32)
    cv2.fillConvexPoly(mask, fixed, level, cv2.LINE_AA, _SUBPIXEL_BITS)


class PersonMask:
    """Finds people in frames; owns the mediapipe graph, so keep one per thread and close it (or use `with`)."""

    def __init__(self) -> None:
        # importing mediapipe takes most of a second, and only this mask needs it here
        from mediapipe.python.solutions.selfie_segmentation import SelfieSegmentation

        # model 0 looks at 256x256 pixels; model 1 at 256x144 and loses the chin's edge in upright pictures
        self._graph = SelfieSegmentation(model_selection=0)

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """pixels (H, W, 3) uint8 RGB -> (H, W) float32, 1 = person. Raises InputError on other arrays."""
        if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:
            raise InputError(f"A person mask needs (H, W, 3) uint8 RGB pixels, not {pixels.shape} {pixels.dtype}.")
        found = self._graph.process(np.ascontiguousarray(pixels)).segmentation_mask
        return np.clip(found, 0, 1).astype(np.float32)

    def close(self) -> None:
        """Frees the graph."""
        self._graph.close()

    def __enter__(self) -> PersonMask:
        return self

    def __exit__(self, *error) -> None:
        self.close()
