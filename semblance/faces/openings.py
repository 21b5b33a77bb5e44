"""How far a mouth and two eyes stand open, and how to open or shut them a little more on a face's points.

A face that is drawn over another's points is not always read as open as those were: thin lips on a full mouth, lids
that never shut in the source's footage. What is read too much or too little is known from trying it (see
create/calibrate.py); `opening_change` makes up for it: lips and lids move, the skin around them less and less.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ..types import LANDMARKS
from .face_triangles import POINTS
from .landmarks import LOWER_LID, LOWER_LIP, UPPER_LID, UPPER_LIP
from .mean_face import mean_face
from .mesh_space import HOLES, OUTER_LIPS

_FOREHEAD, _CHIN = 10, 152
_MIDDLES = {"mouth": (UPPER_LIP, LOWER_LIP), "right eye": (UPPER_LID, LOWER_LID), "left eye": (386, 374)}
_REACH = {"mouth": 0.16, "right eye": 0.10, "left eye": 0.10}  # face units over which a movement fades into the skin
LID_SHARE = 0.8  # of an eye's opening the upper lid does so much


def face_height(points: np.ndarray) -> float:
    """px from the top of the forehead to the chin."""
    return float(np.linalg.norm(points[_FOREHEAD, :2] - points[_CHIN, :2]))


def gaps(points: np.ndarray) -> np.ndarray:
    """points (478 or more, 2 or 3), square pixels -> (3,) mouth, the person's right and left eye, in face heights."""
    height = max(face_height(points), 1e-6)
    pairs = np.array(list(_MIDDLES.values()))
    return np.linalg.norm(points[pairs[:, 0], :2] - points[pairs[:, 1], :2], axis=1) / height


def opening_change(points: np.ndarray, change: np.ndarray) -> np.ndarray:
    """Change of form (468, 3) in face units, axes as the mean face's, that opens mouth and eyes by `change` (3,) face
    heights; nothing shuts further than to touch. points (478 or more, 2 or 3): the face as it stands."""
    wanted = np.maximum(change, -gaps(points)) * face_height(mean_face())
    moved = np.zeros((POINTS, 3))
    moved[:, 1] = _ways() @ wanted
    return moved


@lru_cache(maxsize=1)
def opening_points() -> np.ndarray:
    """(478,) float32 0..1: how much each landmark goes along where a mouth or an eye opens; irises do not."""
    ways = np.abs(_ways())
    share = np.zeros(LANDMARKS, np.float32)
    share[:POINTS] = (ways / ways.max(0)).max(1)
    return share


@lru_cache(maxsize=1)
def _ways() -> np.ndarray:
    """(468, 3): how far down each point goes as each opening grows by one."""
    face = mean_face()[:POINTS]
    columns = []
    for name, (upper, lower) in HOLES.items():
        upper, lower = list(upper), list(lower)
        share = 0.5 if name == "mouth" else LID_SHARE
        # in the middle all of it, at the corners nothing
        one, other = face[upper[0], 0], face[upper[-1], 0]
        across = np.clip((face[:, 0] - one) / (other - one), 0, 1)
        profile = np.sin(across * np.pi) ** 0.7
        above, below = list(upper), list(lower)
        if name == "mouth":
            above, below = above + list(OUTER_LIPS[0]), below + list(OUTER_LIPS[1])
        near = [np.linalg.norm(face[:, None, :2] - face[None, line, :2], axis=2).min(1) for line in (above, below)]
        fade = np.clip(1 - np.minimum(*near) / _REACH[name], 0, 1)
        fade = fade * fade * (3 - 2 * fade)
        up = near[0] < near[1]
        up[above], up[below] = True, False
        columns.append(np.where(up, -share, 1 - share) * profile * fade)
    return np.column_stack(columns)
