"""Faces as DeepFaceLab and faceswap write them, made by other means than the package's own writers."""

from __future__ import annotations

import pickle
import struct
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from semblance.faceset.foreign_align import dfl_matrix, faceswap_matrix
from semblance.faceset.landmarks68 import points_68
from semblance.media.image import encode_picture
from semblance.media.probe import probe
from semblance.media.read import read_frames


def frames_of(clip: Path) -> list[np.ndarray]:
    return [frame.pixels for frame in read_frames(probe(clip))]


def points_of(row: pd.Series) -> np.ndarray:
    return points_68(np.asarray(row["landmarks"]).reshape(-1, 3))


def embedded(jpeg: bytes, pickled: bytes) -> bytes:
    """A JPEG with these bytes in APP15, behind APP0."""
    end = 4 + struct.unpack(">H", jpeg[4:6])[0]
    return jpeg[:end] + b"\xff\xef" + struct.pack(">H", len(pickled) + 2) + pickled + jpeg[end:]


def dfl_face(frame: np.ndarray, points: np.ndarray, name: str, size: int = 256, **changes) -> bytes:
    """What DeepFaceLab stores of a whole face: lists and numpy arrays side by side; changes: other metadata."""
    matrix = dfl_matrix(points, size, "whole_face")
    crop = cv2.warpAffine(frame, matrix, (size, size), flags=cv2.INTER_LANCZOS4)
    facts = {
        "face_type": "whole_face",
        "landmarks": cv2.transform(points[:, None], matrix)[:, 0].tolist(),
        "source_filename": name,
        "source_rect": np.array([1, 2, 3, 4]),
        "source_landmarks": points,
        "image_to_face_mat": matrix,
        "xseg_mask": np.frombuffer(cv2.imencode(".png", np.zeros((8, 8), np.uint8))[1], np.uint8),
        **changes,
    }
    return embedded(encode_picture(crop, ".jpg", {}), pickle.dumps(facts))


def dfl_pak(faces: list[tuple[dict, bytes]]) -> bytes:
    """A pak with DeepFaceLab's own slip: the last offset counts from the file's beginning."""
    body = pickle.dumps([config for config, _ in faces], 4)
    head = struct.pack("<QQ", 1, len(body)) + body
    offsets = np.cumsum([0] + [len(jpeg) for _, jpeg in faces])
    start = len(head) + 8 * len(offsets)
    offsets[-1] += start
    return head + struct.pack(f"<{len(offsets)}Q", *offsets) + b"".join(jpeg for _, jpeg in faces)


def faceswap_face(frame: np.ndarray, points: np.ndarray, name: str, size: int = 256) -> bytes:
    """A face of faceswap 2.x, with a mask in its metadata."""
    crop = cv2.warpAffine(frame, faceswap_matrix(points, size), (size, size), flags=cv2.INTER_CUBIC)
    facts = {
        "alignments": {
            "x": 1, "y": 2, "w": 3, "h": 4, "landmarks_xy": points.astype(np.float32).tolist(), "identity": {},
            "mask": {"components": {"mask": b"x\x9c\x00'\"", "affine_matrix": [[1.0, 0.0, 2.0], [0.0, 1.0, 3.0]],
                                    "interpolator": 2, "stored_size": 128, "stored_centering": "face"}},
        },
        "source": {"alignments_version": 2.4, "original_filename": name, "face_index": 0, "source_filename": name,
                   "source_is_video": False, "source_frame_dims": frame.shape[:2]},
    }  # fmt: skip
    return encode_picture(crop, ".png", {"faceswap": str(facts)})
