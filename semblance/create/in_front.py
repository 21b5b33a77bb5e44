"""What stands before a face, and what is face at all, as the occlusion net sees it in plates and in drawn faces."""

from __future__ import annotations

import cv2
import numpy as np

from ..faces.align import crop_matrix, move, take_crop
from ..faces.mask import hull_mask
from ..finish.masks import erode_edge
from ..finish.placed_mask import PlacedMask
from ..types import Face
from .occlusion_mask import OcclusionMask
from .view import Laid

_RIM = 0.04  # of the occlusion net's picture: within so much of the outline its answer is that of the outline
_UNSURE = 0.25, 0.75


def seen_in(
    pixels: list[np.ndarray], faces: list[Face], net: OcclusionMask, aspect: float
) -> list[tuple[PlacedMask, PlacedMask]]:
    """Frames (H, W, 3) uint8 and a face in each -> where its own skin shows (nothing stands before it), and what the
    net says is face."""
    matrices = [crop_matrix(face.landmarks, net.size, "face", aspect) for face in faces]
    crops = [take_crop(frame, matrix, net.size) for frame, matrix in zip(pixels, matrices)]
    found = net(np.stack(crops))
    in_crops = [move(face.landmarks[:, :2], matrix) for face, matrix in zip(faces, matrices)]
    return [
        tuple(PlacedMask(each, matrix) for each in (within(mask, points), _decided(mask)))
        for mask, points, matrix in zip(found, in_crops, matrices)
    ]


def seen_in_drawn(laid: Laid, face: Face, net: OcclusionMask, aspect: float) -> PlacedMask:
    """What the net says is face in what the model drew, as it will lie over the plate."""
    matrix = crop_matrix(face.landmarks, net.size, "face", aspect)
    bottom = np.array([0.0, 0.0, 1.0])
    from_crop = np.vstack([matrix, bottom]) @ np.linalg.inv(np.vstack([laid.matrix, bottom]))
    drawn = cv2.convertScaleAbs(laid.crop, alpha=255)
    drawn = cv2.warpAffine(drawn, from_crop[:2], (net.size, net.size), borderMode=cv2.BORDER_REPLICATE)
    return PlacedMask(_decided(net(drawn[None])[0]), matrix)


def _decided(found: np.ndarray) -> np.ndarray:
    """(S, S) 0..1 of the net, which is unsure by half along every edge, made up its mind."""
    return np.clip((found - _UNSURE[0]) / (_UNSURE[1] - _UNSURE[0]), 0, 1)


def within(found: np.ndarray, points: np.ndarray) -> np.ndarray:
    """What the net found, (S, S) 0..1, decided, within the mesh's outline only: beyond it nothing counts as face to the
    net, and the model's own mask knows better."""
    side = found.shape[0]
    inner = erode_edge(hull_mask(points, found.shape), _RIM * side)
    inner = cv2.GaussianBlur(inner, (0, 0), _RIM * side / 2)
    return (1 - inner * (1 - _decided(found))).astype(np.float32)
