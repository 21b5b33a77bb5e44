"""What a user says is face: a painted mask or labelme polygons beside a picture -> mask (H, W) uint8, 255 = face.

    FOLDER/NAME.png (or FOLDER/faces/NAME.png)    the picture; JPEG and other formats too
    FOLDER/masks/NAME.png                         painted: white = face, black = not; as large as the picture
    NAME.json beside the picture                  polygons, as labelme writes them; later ones lie over earlier ones

A painted mask goes before polygons. Polygons called one of FACE are face; one of NOT_FACE cuts out of what was drawn
before it. labelme's points are in pixels from the picture's corner: (0.5, 0.5) is the middle of the first pixel.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ..errors import FacesetError, nearest
from ..media.image import read_picture

MASKS = "masks"
FACE = ("face", "skin", "include")
NOT_FACE = ("not face", "exclude", "occluder", "hand", "hair", "glasses", "microphone", "object", "background")
_FINER = 4  # polygons are drawn on a raster this much finer and averaged down: soft edges
_BITS = 4  # of a pixel's fraction, for cv2.fillPoly
_BEYOND = 1.0  # pixels by which a point may lie outside: a line drawn along the edge


@dataclass(frozen=True, slots=True, eq=False)
class Polygon:
    """points (N, 2) in pixels, pixel centres whole numbers; face: adds to the mask, or cuts out of it."""

    points: np.ndarray
    face: bool


def read_label(picture: Path, folder: Path, shape: tuple[int, int]) -> np.ndarray | None:
    """The mask (H, W) uint8 of a picture of `shape` (H, W); None where it has no label.

    folder: holds MASKS. Raises FacesetError, MediaError for a label that cannot be used.
    """
    painted = folder / MASKS / f"{picture.stem}.png"
    if painted.is_file():
        mask = read_picture(painted).mean(2).round().astype(np.uint8)
        if mask.shape != tuple(shape):
            raise FacesetError(
                f"{painted} is {mask.shape[1]}x{mask.shape[0]}, its picture {shape[1]}x{shape[0]}; "
                "paint the mask at the picture's size."
            )
        return mask
    drawn = picture.with_suffix(".json")
    return draw_polygons(read_polygons(drawn, shape), shape) if drawn.is_file() else None


def read_polygons(path: Path, shape: tuple[int, int]) -> list[Polygon]:
    """The polygons of a labelme file, in drawing order; shape: (H, W) of its picture.

    Raises FacesetError: no such file, no face in it, a label nobody knows, a point outside the picture, another size.
    """
    try:
        noted = json.loads(path.read_text(encoding="utf-8"))
        shapes = noted["shapes"]
        said = [(str(item["label"]), item.get("shape_type", "polygon"), item["points"]) for item in shapes]
        size = noted.get("imageHeight"), noted.get("imageWidth")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise FacesetError(f"{path} is no labelme file; draw polygons with labelme and save them again.") from None
    if None not in size and size != tuple(shape):
        raise FacesetError(
            f"{path} was drawn on a picture of {size[1]}x{size[0]}, the one beside it is {shape[1]}x{shape[0]}; "
            "draw it again."
        )
    polygons = [_polygon(path, *item, shape) for item in said]
    if not any(polygon.face for polygon in polygons):
        raise FacesetError(f"{path} holds no polygon called 'face'; draw the face's outline with labelme.")
    return polygons


def draw_polygons(polygons: list[Polygon], shape: tuple[int, int]) -> np.ndarray:
    """(H, W) uint8: polygons in order, those of a face white, others black; edges soft."""
    finer = _FINER if max(shape) <= 1024 else 1  # of a larger picture one pixel is fine enough
    canvas = np.zeros((shape[0] * finer, shape[1] * finer), np.uint8)
    for polygon in polygons:
        points = (polygon.points + 0.5) * finer - 0.5
        fixed = np.rint(points * (1 << _BITS)).astype(np.int32)
        cv2.fillPoly(canvas, [fixed], 255 if polygon.face else 0, cv2.LINE_8, _BITS)
    return cv2.resize(canvas, shape[::-1], interpolation=cv2.INTER_AREA) if finer > 1 else canvas


def _polygon(path: Path, label: str, kind: str, points, shape: tuple[int, int]) -> Polygon:
    name = label.strip().lower().replace("_", " ")
    if name not in FACE + NOT_FACE:
        raise FacesetError(f"{path} has a polygon called '{label}'.{nearest(name, FACE + NOT_FACE)}")
    try:
        corners = np.asarray(points, np.float64).reshape(-1, 2) - 0.5
    except (TypeError, ValueError):
        corners = np.empty((0, 2))
    if kind == "rectangle" and len(corners) == 2:
        (x0, y0), (x1, y1) = corners
        corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
    elif kind != "polygon" or len(corners) < 3 or not np.isfinite(corners).all():
        raise FacesetError(
            f"{path} has a '{label}' that is no polygon ({kind}, {len(corners)} points); draw it as a polygon."
        )
    edge = np.array([shape[1], shape[0]]) - 0.5
    outside = corners[((corners < -0.5 - _BEYOND) | (corners > edge + _BEYOND)).any(1)]
    if len(outside):
        x, y = outside[0] + 0.5
        raise FacesetError(
            f"{path} has a point at ({x:.0f}, {y:.0f}), outside of its picture of {shape[1]}x{shape[0]}; draw it again."
        )
    return Polygon(corners, name in FACE)
