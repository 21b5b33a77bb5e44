"""The verb `extract`: clips or folders of pictures -> a faceset, after the content gate, with a note of whose it is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..faceset.extract import ExtractOptions, check_extract
from ..faceset.extract import extract as extract_faces
from ..faceset.store import Faceset
from ..runs import Progress, StopSignal
from ..trust.content import check_content
from .permission import origin_of


def extract(
    clips: Sequence[Path | str],
    out: Path | str,
    options: ExtractOptions | None = None,
    progress: Progress | None = None,
    stop: StopSignal | None = None,
) -> Faceset:
    """Find, align and store every face of the clips; see faceset.extract. Raises Refused for sexual content."""
    check_extract(clips, Path(out))
    check_content(list(clips), progress, stop)
    faceset = extract_faces(clips, out, options, progress, stop)
    origin_of(faceset)
    return faceset
