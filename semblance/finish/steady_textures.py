"""What a model drew of one face in neighbouring frames -> that of the frame in the middle, steadied in time.

The pictures go with the face (a texture in mesh space, an aligned crop), so that a pixel is the same place of it in
each. A net's answer trembles with what it is shown. Frames are averaged place by place as far as they are alike there
(a bilateral filter over time: Tomasi and Manduchi 1998): a lid that falls and a mouth that opens are left alone.
"""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

_ALIKE = 0.08  # of white: where a frame is so far from the middle one, it counts a quarter
_COARSE = 4  # pixels: over so many a place is compared
_SMALLEST = 8  # pixels of the coarse grid


def steadied_texture(run: Mapping[int, np.ndarray], reach: int) -> np.ndarray:
    """run: pictures (S, S, 3) float32 0..1 by their distance in frames from the middle one, which is 0; up to `reach`
    on either side count."""
    now = run[0]
    near = {away: each for away, each in run.items() if away and abs(away) <= reach and each.shape == now.shape}
    if not near:
        return now
    side = now.shape[0]
    grid = (max(side // _COARSE, _SMALLEST),) * 2
    coarse = cv2.resize(now, grid, interpolation=cv2.INTER_AREA)
    deviation = max(reach, 1) * 0.75
    total, weights = now.astype(np.float32), np.ones_like(now, np.float32)
    for away, each in near.items():
        apart = np.abs(cv2.resize(each, grid, interpolation=cv2.INTER_AREA) - coarse).max(2)
        weight = np.float32(np.exp(-((away / deviation) ** 2) / 2)) / np.square(1 + np.square(apart / _ALIKE))
        # what changes keeps those beside it out as well: half a lid must not come from another frame
        weight = cv2.erode(weight, np.ones((3, 3), np.uint8))
        weight = cv2.resize(weight, (side, side), interpolation=cv2.INTER_LINEAR)
        # OpenCV's passes: numpy's over an axis of three take five times as long
        weight = cv2.merge([weight] * 3)
        cv2.accumulateProduct(each, weight, total)
        cv2.accumulate(weight, weights)
    return cv2.divide(total, weights)
