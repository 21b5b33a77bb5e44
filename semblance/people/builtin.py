"""The body that is shipped with the package: a head of a few hundred control points, subdivided.

Its measures (head.npz: a mean face, axes of identity and of expression at the face mesh's 468 points) come from fit.py,
run over renders of random identities of the ICT Face Model Light (USC Institute for Creative Technologies, MIT licence;
Li et al. 2020): statistics of many heads that never were. The rest is sculpted: control.py, head_parts.py.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from ..errors import ModelError
from ..faces.face_triangles import POINTS
from ..runs import written_whole
from ..types import LANDMARKS
from .body import Body
from .control import Control, eyeballs, follow, growth, jaw_motion, sculpt
from .head_parts import Part, ears, mouth_parts
from .skin import LIPS_INNER
from .subdivide import Level, subdivide

HEAD = Path(__file__).with_name("head.npz")
EYE_RADIUS = 1.5  # cm
_LEVELS = 2
_NECK = (-13.5, -8.5)  # cm: base of the neck, where the jaw ends
# A mesh of 468 points holds less of a person than a scan does. The first axes (size, length, width) soon turn into
# caricature, and the recogniser tells nobody apart by them; the later ones shape eyes, nose and mouth. Found with it:
# 78 % of pairs over 0.55 as measured, 92 to 94 % when the later axes reach twice as far.
_WIDER = (0, 12), (1.1, 1.8)
_ARRAYS = {"mean", "sculpt", "identity", "expression", "expressions"}


@dataclass(frozen=True, eq=False)
class Measures:
    """What fit.py measures, at the face mesh's 468 points, cm."""

    mean: np.ndarray  # (468, 3)
    sculpt: np.ndarray  # (468, 3) the face that skull, neck and mouth were sculpted around
    identity: np.ndarray  # (K, 468, 3) one standard deviation each
    expression: np.ndarray  # (E, 468, 3)
    expressions: tuple[str, ...]


@lru_cache(maxsize=2)
def builtin_body(path: Path = HEAD) -> Body:
    """The shipped head, or the one that fit_head wrote to `path`. Raises ModelError if it is missing or damaged.

    Its axes of identity are the measured ones, widened (see _WIDER).
    """
    measures = read_measures(path)
    axes = np.arange(len(measures.identity))
    wider = np.interp(axes, _WIDER[0], _WIDER[1]).astype(np.float32)
    return assemble(replace(measures, identity=measures.identity * wider[:, None, None]))


def read_measures(path: Path = HEAD) -> Measures:
    """Read what fit_head wrote. Raises ModelError."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            missing = _ARRAYS - set(archive.files)
            if missing:
                raise ModelError(f"{path} is not a built-in head: it lacks {', '.join(sorted(missing))}; fit it again.")
            arrays = {name: archive[name] for name in _ARRAYS}
    except FileNotFoundError:
        raise ModelError(f"There is no head at {path}; make one with 'semblance people fit'.") from None
    except (OSError, ValueError, EOFError, BadZipFile, KeyError) as error:
        raise ModelError(f"{path} cannot be read as a built-in head ({error}); fit it again.") from None
    names = tuple(str(name) for name in arrays.pop("expressions"))
    points = {name: array.astype(np.float64) for name, array in arrays.items()}
    return Measures(**points, expressions=names)


def write_measures(path: Path, measures: Measures) -> None:
    """Write head.npz, whole or not at all. Half floats err by a fiftieth of a millimetre, which no picture shows.

    Raises OutputError.
    """
    with written_whole(path) as temporary:
        np.savez_compressed(
            temporary,
            mean=measures.mean.astype(np.float32),
            sculpt=measures.sculpt.astype(np.float32),
            identity=measures.identity.astype(np.float16),
            expression=measures.expression.astype(np.float16),
            expressions=np.array(measures.expressions),
        )


def assemble(measures: Measures) -> Body:
    """A Body from measures: control points, subdivision, and the parts that do not deform."""
    control = sculpt(measures.sculpt, _half_asleep(measures))
    levels = _levels(control)
    parts = [*mouth_parts(measures.sculpt[list(LIPS_INNER)].mean(0)), *ears()]
    is_jaw = np.array([name.startswith("jaw") for name in measures.expressions])
    shift = measures.mean - measures.sculpt
    mean = _fine(levels, (control.points + follow(control, shift[None])[0])[None])
    identity = _fine(levels, follow(control, measures.identity))
    expression = _fine(levels, follow(control, measures.expression, is_jaw))
    carried = [
        (
            part.vertices + _carried(control, part, shift[None])[0],
            _carried(control, part, measures.identity),
            jaw_motion(control.face, measures.expression, is_jaw, part.vertices) * part.jaw,
        )
        for part in parts
    ]
    triangles, material, uv = _joined(control, levels, parts)
    places = np.repeat(np.arange(POINTS), 3).reshape(-1, 3)
    irises = np.zeros((LANDMARKS - POINTS, 3), np.int64)
    balls = eyeballs(measures.mean)
    moved = eyeballs(measures.mean + measures.identity) - balls
    weights = np.zeros((LANDMARKS, 3), np.float32)
    weights[:, 0] = 1
    return Body(
        name="builtin",
        mean=np.concatenate([mean[0], *(part[0] for part in carried)]).astype(np.float32),
        identity=np.concatenate([identity, *(part[1] for part in carried)], 1).astype(np.float32),
        expression=np.concatenate([expression, *(part[2] for part in carried)], 1).astype(np.float32),
        expressions=measures.expressions,
        triangles=triangles,
        material=material,
        uv=uv,
        weld=np.arange(len(uv), dtype=np.int32),
        landmark_vertices=np.concatenate([places, irises]).astype(np.int32),
        landmark_weights=weights,
        eyeballs=balls.astype(np.float32),
        eye_identity=moved.astype(np.float32),
        eye_radius=EYE_RADIUS,
        neck=_NECK,
    )


def _half_asleep(measures: Measures) -> np.ndarray:
    """(468, 3): the face with lids nearly closed, as which it is laid out: a lid that opens folds away its skin."""
    blinks = [k for k, name in enumerate(measures.expressions) if name.startswith("eyeBlink")]
    return measures.sculpt + 0.65 * measures.expression[blinks].sum(0)


def _carried(control: Control, part: Part, moved: np.ndarray) -> np.ndarray:
    """How a part grows with faces that differ by moved (B, 468, 3): (B, V, 3)."""
    return growth(control.face, moved, part.vertices, LIPS_INNER if part.mouth else None)


def _levels(control: Control) -> list[Level]:
    levels, triangles, count = [], control.triangles, len(control.points)
    for _ in range(_LEVELS):
        levels.append(subdivide(triangles, count))
        triangles, count = levels[-1].triangles, len(levels[-1].index)
    return levels


def _fine(levels: list[Level], points: np.ndarray) -> np.ndarray:
    """points (B, N, 3) -> (B, V, 3). Subdivision rounds; the face's points are pushed so that they stay where they were
    measured (two steps of the fixed point P + (goal - smooth(P)))."""
    batch, count = points.shape[:2]
    goal = np.ascontiguousarray(points.transpose(1, 0, 2).reshape(count, -1))
    pushed = goal
    for _ in range(2):
        smooth = _smooth(levels, pushed)[:POINTS]
        pushed = pushed.copy()
        pushed[:POINTS] += goal[:POINTS] - smooth
    fine = _smooth(levels, pushed)
    return fine.reshape(len(fine), batch, 3).transpose(1, 0, 2)


def _smooth(levels: list[Level], values: np.ndarray) -> np.ndarray:
    for level in levels:
        values = level(values)
    return values


def _joined(control: Control, levels: list[Level], parts: list[Part]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Triangles, materials and texture of the whole body."""
    material = control.material
    for level in levels:
        material = material[level.parents]
    uv = _smooth(levels, control.uv)
    triangles, start = [levels[-1].triangles], len(uv)
    for part in parts:
        triangles.append(part.triangles + start)
        start += len(part.vertices)
    materials = [material, *(np.full(len(part.triangles), part.material, np.uint8) for part in parts)]
    texture = np.concatenate([uv, *(part.uv for part in parts)])
    return np.concatenate(triangles).astype(np.int32), np.concatenate(materials), texture.astype(np.float32)
