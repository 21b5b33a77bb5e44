"""The verb `faceset import`: faces of another tool -> a faceset, which stays only if the content gate lets it pass."""

from __future__ import annotations

import shutil
from pathlib import Path

from ..errors import SemblanceError
from ..faceset.importing import ImportOptions
from ..faceset.importing import import_faceset as import_faces
from ..faceset.store import PICTURES, Faceset
from ..runs import Progress, StopSignal
from ..trust.content import check_content


def import_faceset(
    place: Path | str,
    out: Path | str,
    frames: Path | str | None = None,
    options: ImportOptions | None = None,
    progress: Progress | None = None,
    stop: StopSignal | None = None,
) -> Faceset:
    """See faceset.importing. The gate looks at what was brought in: before that it may lie in a pak. Raises Refused for
    sexual content; nothing is left then."""
    faceset = import_faces(place, out, frames, options, progress, stop)
    try:
        check_content(faceset.folder / PICTURES, progress, stop)
    except SemblanceError:
        shutil.rmtree(faceset.folder, ignore_errors=True)
        raise
    return faceset
