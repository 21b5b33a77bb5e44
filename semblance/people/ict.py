"""The ICT Face Model Light (USC Institute for Creative Technologies, MIT licence) as a Body.

Li et al. 2020, "Learning Formation of Physically-Based Face Attributes": 100 identity axes, 57 expressions after FACS.
Read from a repacked .npz (arrays: neutral, faces, faces_uv, uv, face_material, material_names, identity_deltas,
expression_deltas, expression_names); nothing of it is part of this package but the places of the landmarks on it.
"""

from __future__ import annotations

import zlib
from functools import lru_cache
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from ..errors import ModelError
from .body import BACK, FACE, GUMS, TEETH, Body

_ARRAYS = {
    "neutral", "faces", "faces_uv", "uv", "face_material", "material_names", "identity_deltas",
    "expression_deltas", "expression_names",
}  # fmt: skip
# eyeballs are drawn by eyes.py, rounder and with an iris that turns; tear film and occlusion shells are shaded instead,
# lashes are painted on the lids, with which they move
_MATERIALS = {"M_Face": FACE, "M_BackHead": BACK, "M_GumsTongue": GUMS, "M_Teeth": TEETH}
_EYEBALLS = ("M_ScleraRight", "M_ScleraLeft")
_NECK = (-13.5, -8.5)  # cm: base of the neck, where the jaw ends


@lru_cache(maxsize=1)
def ict_body(path: Path) -> Body:
    """Load the head from `path`. Raises ModelError if it is missing, damaged or something else."""
    arrays = _read(Path(path))
    try:
        return _assembled(arrays)
    except (ValueError, IndexError, TypeError) as error:
        raise ModelError(f"{path} is not the ICT head ({error}); fetch it again.") from None


def _assembled(arrays: dict[str, np.ndarray]) -> Body:
    """The file's arrays -> a Body. ValueError, IndexError or TypeError where they do not fit together."""
    names = [str(name) for name in arrays["material_names"]]
    kinds = np.array([_MATERIALS.get(name, 0) for name in names], np.uint8)
    wanted = kinds[arrays["face_material"]] > 0
    corners, corners_uv = arrays["faces"][wanted], arrays["faces_uv"][wanted]
    material = kinds[arrays["face_material"][wanted]]
    triangles, triangles_uv, material = _halves(corners, corners_uv, material)

    pairs, index = np.unique(
        np.stack([triangles.ravel(), triangles_uv.ravel()], 1), axis=0, return_inverse=True
    )  # one vertex for each pair of place and texture point
    place, texture = pairs[:, 0], pairs[:, 1]
    uv = arrays["uv"][texture] % 1.0
    weights = np.load(Path(__file__).with_name("ict_landmarks.npz"))
    first = _first_of(place, len(arrays["neutral"]))
    mean = arrays["neutral"][place].astype(np.float32)
    corners = [arrays["faces"][arrays["face_material"] == names.index(name)] for name in _EYEBALLS]
    balls = [np.unique(each[each >= 0]) for each in corners]
    boxes = [arrays["neutral"][ball] for ball in balls]
    centres = np.stack([(box.min(0) + box.max(0)) / 2 for box in boxes]).astype(np.float32)
    return Body(
        name="ict",
        mean=mean,
        identity=np.ascontiguousarray(arrays["identity_deltas"][:, place], np.float32),
        expression=np.ascontiguousarray(arrays["expression_deltas"][:, place], np.float32),
        expressions=tuple(str(name) for name in arrays["expression_names"]),
        triangles=index.reshape(-1, 3).astype(np.int32),
        material=material,
        uv=np.stack([uv[:, 0], 1 - uv[:, 1]], 1).astype(np.float32),
        weld=place.astype(np.int32),
        landmark_vertices=first[weights["vertices"]],
        landmark_weights=weights["weights"],
        eyeballs=centres,
        eye_identity=np.stack([arrays["identity_deltas"][:, ball].astype(np.float32).mean(1) for ball in balls], 1),
        eye_radius=float(np.mean([(box[:, 0].max() - box[:, 0].min()) / 2 for box in boxes])),
        neck=_NECK,
    )


def _read(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            missing = _ARRAYS - set(archive.files)
            if missing:
                raise ModelError(f"{path} is not the ICT head: it lacks {', '.join(sorted(missing))}.")
            return {name: archive[name] for name in _ARRAYS}
    except FileNotFoundError:
        raise ModelError(f"There is no head at {path}; give --body builtin, or the path of ict_facekit.npz.") from None
    except (OSError, ValueError, TypeError, EOFError, BadZipFile, KeyError, zlib.error) as error:
        raise ModelError(f"{path} cannot be read as the ICT head ({error}); fetch it again.") from None


def _halves(quads: np.ndarray, quads_uv: np.ndarray, material: np.ndarray):
    """Quads (-1: a triangle) -> triangles, theirs in the texture, and materials."""
    whole = quads[:, 3] >= 0
    both = [np.concatenate([q[:, [0, 1, 2]], q[whole][:, [0, 2, 3]]]) for q in (quads, quads_uv)]
    return both[0], both[1], np.concatenate([material, material[whole]])


def _first_of(place: np.ndarray, count: int) -> np.ndarray:
    """place (V,) -> (count,) int32: the first of our vertices at each of the model's places."""
    first = np.zeros(count, np.int32)
    first[place[::-1]] = np.arange(len(place), dtype=np.int32)[::-1]
    return first
