"""A face in a picture -> its crop, and what the picture tells of it; alike for footage and other tools' faces."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..faces.align import crop_matrix, move, take_crop
from ..faces.quality import measure_quality
from ..media.image import encode_picture
from ..types import Face

TAGS = {"comment": "Aligned crop of camera footage, made by Semblance for training; not synthetic."}


def cut_face(
    pixels: np.ndarray, face: Face, size: int, coverage: str, aspect: float = 1.0, matrix: np.ndarray | None = None
) -> tuple[np.ndarray, dict]:
    """A face's crop (size, size, 3) uint8, and the columns of its row that its picture tells.

    pixels (H, W, 3) uint8 with the face in them; matrix: how to cut instead of by the landmarks
    """
    matrix = crop_matrix(face.landmarks, size, coverage, aspect) if matrix is None else matrix
    crop = take_crop(pixels, matrix, size)
    height, width = pixels.shape[:2]
    x, y = face.landmarks[:, 0], face.landmarks[:, 1]
    quality = measure_quality(crop, move(face.landmarks[:, :2], matrix))
    return crop, {
        "matrix": matrix.ravel(), "landmarks": face.landmarks.ravel(), "box": np.array(face.box),
        "yaw": face.pose[0], "pitch": face.pose[1], "roll": face.pose[2], "score": face.score,
        "size": face.size, "sharpness": quality.sharpness, "exposure": quality.exposure,
        "contrast": quality.contrast, "tint_a": quality.tint[0], "tint_b": quality.tint[1],
        "occluded": quality.occluded,
        "inside": float(((x >= 0) & (x < width) & (y >= 0) & (y < height)).mean()),
    }  # fmt: skip


def store_crop(path: Path, crop: np.ndarray) -> None:
    """Write a crop of footage as PNG, marked as what it is."""
    path.write_bytes(encode_picture(crop, ".png", TAGS))
