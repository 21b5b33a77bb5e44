"""What stands before a face, and what is face at all, as the occlusion net sees it in plates and in drawn faces."""

from __future__ import annotations

import cv2
import numpy as np

from ..faces.align import crop_matrix, move, take_crop
from ..faces.mask import hull_mask
from ..faceset.textures import Bare
from ..finish.masks import erode_edge
from ..finish.placed_mask import PlacedMask
from ..types import Face
from .occlusion_mask import OcclusionMask
from .view import Laid

_RIM = 0.04  # of the occlusion net's picture: within so much of the outline its answer is that of the outline
# more likely than not is not enough: a rim of plate around a hand is still skin, a rim of new face on it a finger lost
_UNSURE = 0.5, 0.9
_SURE = 0.6, 0.93
_SPOT = 0.05, 0.025  # of the face's area: the least that stands amid a face, and that comes in from its outline
_NEAR = 0.065  # of the net's picture: so near the outline
_SOFT = 9  # pixels: a spot and its soft edge


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
        tuple(PlacedMask(each, matrix) for each in (over_the_edge(decided(mask), points), decided(mask)))
        for mask, points, matrix in zip(found, in_crops, matrices)
    ]


def bare_with(net: OcclusionMask) -> Bare:
    """What load_textures asks of each face's crop, told by the occlusion net: where it is sure. What is learned from
    loses little by a doubt too many, and would take a rim of what stands there for skin."""

    def bare(crop: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        matrix = crop_matrix(landmarks, net.size, "face")
        found = net(take_crop(crop, matrix, net.size)[None])[0]
        sure = cv2.erode(decided(found, _SURE), np.ones((3, 3), np.uint8))
        points = move(landmarks[:, :2], matrix)
        free = _without_spots(within(sure, points), hull_mask(points, found.shape))
        return PlacedMask(free, matrix).on(np.eye(2, 3), len(crop))

    return bare


def _without_spots(free: np.ndarray, outline: np.ndarray) -> np.ndarray:
    """The mask (S, S) without what is small and lies amid the face (outline (S, S)): what stands before a face comes in
    from beyond it or is as large as glasses, a dark spot between two lips is the mouth."""
    covered = (free < 0.5).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(covered)
    rim = erode_edge(outline, _NEAR * len(free)) < 0.5
    free = free.copy()
    for k in range(1, count):
        here = labels == k
        least = _SPOT[int((here & rim).any())] * outline.sum()
        if stats[k, cv2.CC_STAT_AREA] < least:
            free[cv2.dilate(here.astype(np.uint8), np.ones((_SOFT, _SOFT), np.uint8)) > 0] = 1
    return free


def seen_in_drawn(laid: Laid, face: Face, net: OcclusionMask, aspect: float) -> PlacedMask:
    """What the net says is face in what the model drew, as it will lie over the plate."""
    matrix = crop_matrix(face.landmarks, net.size, "face", aspect)
    bottom = np.array([0.0, 0.0, 1.0])
    from_crop = np.vstack([matrix, bottom]) @ np.linalg.inv(np.vstack([laid.matrix, bottom]))
    drawn = cv2.convertScaleAbs(laid.crop, alpha=255)
    drawn = cv2.warpAffine(drawn, from_crop[:2], (net.size, net.size), borderMode=cv2.BORDER_REPLICATE)
    return PlacedMask(decided(net(drawn[None])[0]), matrix)


def decided(found: np.ndarray, unsure: tuple[float, float] = _UNSURE) -> np.ndarray:
    """(S, S) 0..1 of the net, which is unsure along every edge, made up its mind."""
    return np.clip((found - unsure[0]) / (unsure[1] - unsure[0]), 0, 1)


def within(face: np.ndarray, points: np.ndarray) -> np.ndarray:
    """What is face, (S, S) 0..1, within the mesh's outline only: beyond it nothing counts as face to the net, and the
    model's own mask knows better."""
    inner = cv2.GaussianBlur(_inner(points, len(face)), (0, 0), _RIM * len(face) / 2)
    return (1 - inner * (1 - face)).astype(np.float32)


def over_the_edge(face: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The same, but at the outline and beyond the net is asked for what is face, and the rest takes after the place
    within that is nearest: a hand that lies over a cheek goes on over its edge."""
    side = len(face)
    inner = _inner(points, side)
    sure = inner > 0.99
    if not sure.any():
        return np.ones_like(face)
    _, nearest = cv2.distanceTransformWithLabels(
        (~sure).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    told = np.zeros(nearest.max() + 1, np.float32)
    told[nearest[sure]] = face[sure]
    beyond = np.maximum(cv2.GaussianBlur(told[nearest], (0, 0), _RIM * side / 4), face)
    inner = cv2.GaussianBlur(inner, (0, 0), _RIM * side / 2)
    return (inner * face + (1 - inner) * beyond).astype(np.float32)


def _inner(points: np.ndarray, side: int) -> np.ndarray:
    """(side, side) 0..1: well within the mesh's outline."""
    return erode_edge(hull_mask(points, (side, side)), _RIM * side)
