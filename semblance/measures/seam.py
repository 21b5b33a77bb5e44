"""Colour steps across the edge of what was changed, against the steps that the plate has there by nature.

In CIELAB, so that a step of 2.3 is the least that is noticed (dE 1976). The edge is that of the area in which result
and plate differ, kept within the head; where hardly anything differs, it is the mesh's hull.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .regions import HEAD, Regions, lab, shrunk

_NOISE = 1.5, 3.0  # dE of blurred encoder noise, usual and most; between them half of a weak change marks its edge
_LEAST = 0.1  # of the hull: a smaller changed area is no swap
_POINTS = 96
_LEAST_STEP = 1.0  # dE: under it a step is noise, and a ratio of two says nothing
_WIDEST = 200.0  # px of face width; larger faces are brought down to it, as the bands below are shares of the width
_DEPTHS = 5
_NEAR, _FAR = (0.01, 2.0), (0.03, 6.0)  # share of the face's width, least px: the bands that are compared


@dataclass(frozen=True, slots=True, eq=False)
class Edge:
    """points (P, 2) x, y in the cut; outwards (P, 2) unit normals."""

    points: np.ndarray
    outwards: np.ndarray


def changed_area(result: np.ndarray, plate: np.ndarray, around: Regions) -> np.ndarray:
    """LAB cuts (h, w, 3) of both -> (h, w) bool: one area without holes, no further out than the head may reach."""
    gap = cv2.GaussianBlur(result - plate, (0, 0), max(0.01 * around.width, 0.8))
    change = np.linalg.norm(gap, axis=-1)
    limit = np.clip(np.median(change[around.hull]) / 2, *_NOISE)
    changed = (change > limit) & (around.inwards > -HEAD * around.width)
    reach = max(round(0.06 * around.width), 1)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    padded = cv2.copyMakeBorder(changed.astype(np.uint8), reach, reach, reach, reach, cv2.BORDER_CONSTANT)
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, kernel)[reach:-reach, reach:-reach]
    outlines, _ = cv2.findContours(closed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    area = np.zeros_like(closed)
    if outlines:
        cv2.drawContours(area, [max(outlines, key=cv2.contourArea)], -1, 1, cv2.FILLED)
    return area.astype(bool) if area.sum() >= _LEAST * around.hull.sum() else around.hull


def edge_of(area: np.ndarray, width: float) -> Edge:
    """The outline of an area (h, w) bool, evenly sampled, without the parts along the cut's own border."""
    soft = cv2.GaussianBlur(area.astype(np.float32), (0, 0), max(0.015 * width, 1.0))
    outlines, _ = cv2.findContours((soft > 0.5).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not outlines:
        return Edge(np.zeros((0, 2)), np.zeros((0, 2)))
    outline = max(outlines, key=len)[:, 0].astype(np.float64)
    points = outline[np.linspace(0, len(outline), _POINTS, endpoint=False).astype(int)]
    slope = [cv2.Sobel(soft, cv2.CV_32F, *axis, ksize=5) for axis in ((1, 0), (0, 1))]
    x, y = points.astype(int).T
    normal = -np.stack([part[y, x] for part in slope], axis=-1)
    length = np.linalg.norm(normal, axis=-1, keepdims=True)
    far = _band(width)[-1] + 1
    inside = ((points > far) & (points < np.array(area.shape[::-1]) - 1 - far)).all(1)
    good = inside & (length[:, 0] > 1e-6)
    # findContours walks on the area's outermost pixels; the edge is half a pixel further
    outwards = normal[good] / length[good]
    return Edge(points[good] + 0.5 * outwards, outwards)


def colour_steps(picture: np.ndarray, edge: Edge, width: float) -> np.ndarray:
    """LAB cut (h, w, 3) -> (P, 3): mean colour just inside the edge minus that just outside."""
    depths = _band(width)
    inner, outer = (_mean_along(picture, edge, side * depths) for side in (-1, 1))
    return inner - outer


def seam(result: np.ndarray, plate: np.ndarray, around: Regions) -> tuple[float, float, float]:
    """Cuts (h, w, 3) uint8 RGB of both -> dE between the result's step and the plate's: median and 90th percentile of
    the points along the edge; the result's usual step over the plate's. NaN where the edge lies out of the frame."""
    if around.width > _WIDEST:
        scale = _WIDEST / around.width
        around, result, plate = around.scaled(scale), shrunk(result, scale), shrunk(plate, scale)
    result, plate = lab(result), lab(plate)
    edge = edge_of(changed_area(result, plate, around), around.width)
    if len(edge.points) < 8:
        return float("nan"), float("nan"), float("nan")
    new, old = colour_steps(result, edge, around.width), colour_steps(plate, edge, around.width)
    excess = np.linalg.norm(new - old, axis=-1)
    usual = [max(float(np.median(np.linalg.norm(steps, axis=-1))), _LEAST_STEP) for steps in (new, old)]
    return float(np.median(excess)), float(np.percentile(excess, 90)), usual[0] / usual[1]


def _band(width: float) -> np.ndarray:
    near, far = (max(share * width, least) for share, least in (_NEAR, _FAR))
    return np.linspace(near, far, _DEPTHS)


def _mean_along(picture: np.ndarray, edge: Edge, depths: np.ndarray) -> np.ndarray:
    places = edge.points[:, None] + depths[None, :, None] * edge.outwards[:, None]  # (P, D, 2)
    x, y = (places[..., axis].astype(np.float32) for axis in (0, 1))
    return cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).mean(1)
