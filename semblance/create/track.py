"""What is known of the faces of each frame, in numbers, for programs that go on working with them: track.json."""

from __future__ import annotations

import json

import numpy as np

from ..faces.align import crop_matrix, invert, move
from ..media.transfer import curve_of
from ..trust.publish import Claim, LayerOptions, label
from ..types import ClipInfo, Face
from .job import hash_of_clip
from .render import MergedFrame, Painter

SQUARE, COVERAGE = 512, "face"  # the upright square around a face that matrices lead to: forehead to chin
_CONVENTIONS = {
    "points": "x, y in pixels of the stored frame, centres of pixels are whole numbers, from the upper left pixel's",
    "matrix": "2 x 3, from points of the frame to those of an upright square around the face of `square` x `square`",
    "corners": "of that square in the frame: its outer corners, upper left first, then clockwise",
    "pose": "degrees; yaw > 0: turned to the picture's right, pitch > 0: looks up, roll > 0: leans clockwise",
    "landmarks": "478 points x, y, z of the face mesh (MediaPipe's order); z as x, smaller is nearer",
    "time": "seconds from the clip's first frame",
    "number": "in the names of the files; the clip's first frame is 1",
}


def track_row(item: MergedFrame, aspect: float) -> dict:
    """A frame and its faces, those that were replaced and those that were not."""
    faces = [_face_row(laid.face, aspect, "", laid.carried) for laid in item.laid[::-1]]
    faces += [_face_row(face, aspect, why) for face, why in item.passed]
    frame = item.frame
    row = {"index": frame.index, "number": frame.index + 1, "time": round(frame.time, 6), "faces": faces}
    return row if item.laid else {**row, "left_as_the_plate": item.record.reason}


def _face_row(face: Face, aspect: float, why: str, carried: bool = False) -> dict:
    matrix = square_of(face, aspect)
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * SQUARE - 0.5
    return {
        "track": face.track,
        "swapped": not why,
        "why_not": why,
        "carried_over": carried,
        "box": _rounded(face.box, 2),
        "pose": dict(zip(("yaw", "pitch", "roll"), _rounded(face.pose, 3))),
        "square": SQUARE,
        "matrix": _rounded(matrix, 9),
        "corners": _rounded(move(corners, invert(matrix)), 3),
        "landmarks": _rounded(face.landmarks, 3),
    }


def square_of(face: Face, aspect: float) -> np.ndarray:
    """(2, 3): frame pixels -> pixels of the upright square."""
    return crop_matrix(face.landmarks, SQUARE, COVERAGE, aspect)


def _rounded(values, digits: int) -> list:
    return np.round(np.asarray(values, np.float64), digits).tolist()


def track_of(
    info: ClipInfo, rows: list[dict], frames: int, painter: Painter, layers: LayerOptions, claim: Claim
) -> str:
    """The whole of track.json, a line a frame; frames: of the plate, those that cannot be decoded counted."""
    exr = layers.format == "exr"
    about = {
        **label(claim.what),
        "format": 1,
        "plate": {
            "file": info.path.name,
            "sha256": hash_of_clip(info.path),
            "width": info.width,
            "height": info.height,
            "rate": str(info.rate),
            "pixel_aspect": str(info.pixel_aspect),
            "frames": frames,
            "pixel_format": info.pixel_format,
            "range": info.colour_range,
            "matrix": info.colour_matrix,
            "primaries": info.colour_primaries,
            "transfer": info.colour_transfer,
        },
        "layers": {
            "files": layers.format,
            "alpha": "multiplied into R, G, B; face.R, face.G, face.B are straight" if exr else "straight",
            "light": f"linear, from {curve_of(info)}" if exr else "the plate's own curve",
            "uv_of": layers.uv,
            "uv": "u to the right, v up from the lower left corner, 0 to 1; third channel: 1 where there is a place",
            "clip": {"none": None}.get(layers.video, layers.video),
            "to_match_swap": "plate * (1 - alpha) + face * alpha, in the plate's own curve",
        },
        "conventions": _CONVENTIONS,
        "model": {key: painter.header[key] for key in ("model", "preset", "samples", "sha256")},
        "merge": painter.settled().as_json(),
        "watermark": claim.watermark,
    }
    lines = ",\n".join(f"  {json.dumps(row)}" for row in rows)
    return f'{json.dumps(about, indent=1)[:-2]},\n "frames": [\n{lines}\n ]\n}}\n'
