"""Which pixels are face, which are person: frame pixels or landmarks in, masks (H, W) float32 0..1 out.

`hull_mask` draws the outline that the face mesh spans; it costs what the asked-for region costs, not the frame.
`PersonMask` owns mediapipe's selfie segmentation graph (model carried in the wheel) and finds people in a whole frame.
"""

from __future__ import annotations

import cv2
import numpy as np

from ..errors import InputError

_SUBPIXEL_BITS = 8  # fillConvexPoly takes fixed-point coordinates
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
    fixed = np.rint(hull * (1 << _SUBPIXEL_BITS)).astype(np.int32)
    cv2.fillConvexPoly(mask, fixed, 255, cv2.LINE_AA, _SUBPIXEL_BITS)
    return mask * np.float32(1 / 255)


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
