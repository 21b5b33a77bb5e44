"""Faces of DeepFaceLab or faceswap -> a faceset of ours: mesh, pose, identity and quality found anew in the pictures.

A face that came from us carries our own record and gets it back, but for the quality figures, which are taken of the
picture as it is now. Each face is cut again with our alignment, from its frame where that is there. The folder appears
whole at the end, or not at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import Field

from ..errors import FaceError, InputError, MediaError
from ..faces.align import COVERAGES
from ..faces.landmarks import MeshFinder
from ..media.folder import pictures_in
from ..options import Options
from ..runs import Progress, StopSignal, new_folder, refuse_existing, write_json
from ..streams import batches
from .arrivals import Arrivals, arrivals_at
from .foreign import ForeignFace
from .landmarks68 import face_unit
from .people import number_people
from .recut import NOTHING_KEPT, Passed, seen_faces, stored_rows
from .sheet import write_sheet
from .store import OPTIONS, PICTURES, Faceset, open_faceset, save_table

_BATCH = 8  # faces whose identity vectors are computed at once
_NAMED = 3  # pictures passed over that are named one by one
_LOOKS = 50  # pictures that tell how fine and how wide all are
_USUAL = "wide"  # as ExtractOptions has it
_SIZES = (64, 1024)  # as ExtractOptions has it


class ImportOptions(Options):
    """How the faces are cut again."""

    size: int | None = Field(None, ge=64, le=1024)
    """Side of the square crops in pixels (default: as fine as the pictures are)."""
    coverage: Literal["tight", "face", "wide", "head"] | None = None
    """How much of the head a crop shows (default: the most that the pictures hold)."""


def import_faceset(
    place: Path | str,
    out: Path | str,
    frames: Path | str | None = None,
    options: ImportOptions | None = None,
    progress: Progress | None = None,
    stop: StopSignal | None = None,
) -> Faceset:
    """Make the faceset `out` of what lies at `place`; frames: the folder of the frames that the faces came from.

    Raises InputError, MediaError, FaceError (no face could be read), FacesetError (damaged, or it could run code),
    OutputError, Stopped.
    """
    options, progress, stop = options or ImportOptions(), progress or Progress(), stop or StopSignal()
    place, out = Path(place), Path(out)
    refuse_existing(out, "faceset folder")
    arrivals = arrivals_at(place)
    shown = _frames_in(Path(frames)) if frames is not None else {}
    passed = Passed()
    faces = _read_all(arrivals, passed, progress, stop)
    if not faces:
        raise _nothing(arrivals, passed)
    if not shown and all(face.picture is None for face in faces):
        raise InputError(f"{place} lists faces but holds no pictures; name the folder of the frames with --frames.")
    options = _settled(options, faces)
    known = all(face.record for face in faces)  # then no mesh is looked for
    with new_folder(out, "faceset folder") as folder, nullcontext() if known else closing(MeshFinder()) as finder:
        (folder / PICTURES).mkdir()
        progress.stage("import", len(faces), "faces")
        cut = options.size, options.coverage
        seen = seen_faces(_named(faces), shown, finder, passed, progress, stop)
        rows = [row for group in batches(seen, _BATCH) for row in stored_rows(group, folder, *cut, progress)]
        progress.done()
        if not rows:
            raise _nothing(arrivals, passed)
        table = _table(rows, place)
        save_table(folder, table)
        write_json(folder / OPTIONS, {"clips": [str(place)], "imported": arrivals.kind, **options.model_dump()})
        write_sheet(Faceset(folder, table), "imported", out.name)
        stop.check(NOTHING_KEPT)
    _tell(passed, arrivals, progress)
    return open_faceset(out)


def _read_all(arrivals: Arrivals, passed: Passed, progress: Progress, stop: StopSignal) -> list[ForeignFace]:
    """The metadata of all faces, no picture yet; which face comes how often is known before the work begins."""
    faces = []
    progress.stage("read", len(arrivals.faces), "faces")
    for name, give in zip(arrivals.names, arrivals.faces):
        stop.check(NOTHING_KEPT)
        try:
            faces.append(give())
        except ValueError as error:
            passed.add(name, error)
        progress.advance()
    progress.done()
    return faces


def _frames_in(folder: Path) -> dict[str, Path]:
    """Frames by their name without its ending: tools that read a clip name frames after files that never were."""
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; give --frames the folder of the frames that the faces came from.")
    return {path.stem: path for path in pictures_in(folder)}


def _settled(options: ImportOptions, faces: list[ForeignFace]) -> ImportOptions:
    """Size and coverage where they were left open: as the faces were when they left us, or what the pictures hold."""
    ours = {(face.record["crop_size"], face.record["coverage"]) for face in faces if face.record}
    if len(ours) == 1 and all(face.record for face in faces):
        size, coverage = ours.pop()
        return options.changed(size=options.size or min(size, _SIZES[1]), coverage=options.coverage or coverage)
    looked_at = faces[:: -(-len(faces) // _LOOKS)]
    spans = [span for face in looked_at if (span := _span(face))] or [(COVERAGES[_USUAL][0], 160.0)]
    held, unit = np.median(spans, 0)
    coverage = options.coverage or ([name for name, (side, _) in COVERAGES.items() if side <= held] or ["tight"])[-1]
    fine = COVERAGES[coverage][0] * unit
    return options.changed(size=options.size or int(np.clip(16 * round(fine / 16), *_SIZES)), coverage=coverage)


def _span(face: ForeignFace) -> tuple[float, float] | None:
    """How many face units a picture spans, and pixels a unit; a frame counts as wide as _USUAL. None: damaged."""
    unit = face_unit(face.points)
    if face.picture is None:
        return COVERAGES[_USUAL][0], unit
    unit *= float(np.sqrt(abs(np.linalg.det(face.matrix[:, :2]))))
    try:
        return face.picture().shape[0] / unit, unit
    except (MediaError, ValueError):
        return None


def _named(faces: list[ForeignFace]) -> Iterator[tuple[str, int, ForeignFace]]:
    """Each face with a file name that no other has, and the number of faces in its frame."""
    taken: set[str] = set()
    in_frame = Counter(face.frame for face in faces)
    for number, face in enumerate(faces):
        stem = Path(face.name).stem or f"{number:06d}"
        name = f"{stem}.png" if stem.lower() not in taken else f"{stem}_{number:06d}.png"
        taken.add(stem.lower())
        yield name, in_frame[face.frame] if face.frame else 1, face


def _table(rows: list[dict], place: Path) -> pd.DataFrame:
    """Rows -> the table. Faces without our record come from no clip we know: each is a track of its own.

    A column more than others have, "frame", keeps the name of the frame's file for the way back.
    """
    table = pd.DataFrame(rows)
    if "track" not in table:
        table["track"] = np.nan
    fresh = table["track"].isna()
    table.loc[fresh, "source"] = str(place)
    table.loc[fresh, "track"] = np.arange(int(fresh.sum()))
    table["track"] = table["track"].astype(np.int64)
    table["person"] = number_people(table)
    return table


def _nothing(arrivals: Arrivals, passed: Passed) -> FaceError | MediaError:
    """What to raise where no face is left."""
    count = len(arrivals.faces)
    if count == 0:
        return FaceError(f"{arrivals.place} lists no faces; give another.")
    if passed.without_metadata == count:
        return MediaError(
            f"None of the {count} pictures in {arrivals.place} carries metadata of DeepFaceLab or faceswap; for plain "
            f"pictures use `semblance extract {arrivals.place} --out FACESET`."
        )
    reason, times = passed.reasons.most_common(1)[0]
    return FaceError(f"None of the {count} faces in {arrivals.place} could be read ({times}: {reason}).")


def _tell(passed: Passed, arrivals: Arrivals, progress: Progress) -> None:
    """Name what was passed over."""
    for line in passed.named[:_NAMED]:
        progress.say(f"Passed over: {line}")
    if len(passed.named) > _NAMED:
        progress.say(f"Passed over: {len(passed.named)} of {len(arrivals.faces)} in all.")
