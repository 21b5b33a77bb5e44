"""The one way out for synthetic media: label, write beside the place, read the label back, move into place.

Segments, clips and pictures that this package makes leave through here and nowhere else; what cannot be labelled does
not leave. Nothing is left behind on failure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from .. import __version__
from ..errors import OutputError
from ..media.encode import EncodeOptions, check_encode
from ..media.folder import pictures_in
from ..media.image import check_picture, read_tags, write_picture
from ..media.write import PictureFolderWriter, SegmentWriter, join_segments, open_segment
from ..types import ClipInfo, Wave

LABEL = {"synthetic_media": "yes", "software": f"Semblance {__version__}"}

__all__ = [
    "LABEL",
    "EncodeOptions",
    "check_encode",
    "check_picture",
    "label",
    "open_segment_for",
    "publish_clip",
    "publish_picture",
]


def label(what: str = "") -> dict[str, str]:
    """The tags of everything that leaves; `what` says in a few words what was made ("face swap")."""
    return {**LABEL, "what": what} if what else dict(LABEL)


@contextmanager
def open_segment_for(
    path: Path, info: ClipInfo, options: EncodeOptions, what: str = ""
) -> Iterator[SegmentWriter | PictureFolderWriter]:
    """A labelled segment, for publish_clip to join; see media.write.open_segment. Raises OutputError, InputError."""
    path = Path(path)
    with open_segment(path, info, options, label(what), lambda staged: require_label(staged, path)) as writer:
        yield writer


def publish_clip(
    segments: Sequence[Path], out: Path, info: ClipInfo, times: np.ndarray, what: str = "", wave: Wave | None = None
) -> None:
    """Join segments into the labelled clip (or folder of pictures) `out`; see media.write.join_segments.

    Raises OutputError, InputError, MediaError.
    """
    join_segments(segments, out, info, times, label(what), lambda staged: require_label(staged, out), wave)


def publish_picture(path: Path, pixels: np.ndarray, what: str = "") -> None:
    """Write (H, W, 3) uint8 RGB as a labelled PNG or JPEG. Raises OutputError, InputError."""
    write_picture(path, pixels, label(what), lambda staged: require_label(staged, path))


def require_label(staged: Path, path: Path) -> None:
    """Raises OutputError unless what lies at `staged`, bound for `path`, says that it is synthetic."""
    pieces = pictures_in(staged) if staged.is_dir() else [staged] * bool(staged.stat().st_size)
    for piece in pieces:
        tags = read_tags(piece)
        if any(tags.get(key) != value for key, value in LABEL.items()):
            raise OutputError(f"{path} was not written: its label as synthetic media did not stay in the file.")
