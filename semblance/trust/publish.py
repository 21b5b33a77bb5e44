"""The one way out for synthetic media: mark, label, write beside the place, sign, read back, move into place.

Segments, clips and pictures that this package makes leave through here and nowhere else; what cannot be marked,
labelled and signed does not leave, and clips are looked at once more by the content gate. Nothing is left behind on
failure.

Three labels, since each is lost in another way: the watermark in the pixels (trust/watermark.py), tags in the
container, and the signed manifest (trust/manifest.py). Segments are pieces of work: marked and tagged, signed only when
joined.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np

from .. import __version__
from ..errors import OutputError
from ..media.encode import EncodeOptions, check_encode
from ..media.folder import pictures_in
from ..media.image import check_picture, read_tags, write_picture
from ..media.join import Check
from ..media.native import paste
from ..media.write import PictureFolderWriter, SegmentWriter, join_segments, open_segment
from ..runs import hash_of, written_whole
from ..types import ClipInfo, Frame, Patch, Wave
from .consent import note_use
from .keys import Identity, open_identity
from .leaving import Lookout, pass_all
from .ledger import open_ledger
from .manifest import Claim, read_manifest, sidecar_of, sign
from .marking import Marking, payload_of
from .visible import Marker, VisibleMark, visible_patch

LABEL = {"synthetic_media": "yes", "software": f"Semblance {__version__}"}

_STILL = 0.6  # of a clip's mark: no codec takes it from a picture, and frames shown in it have marks of their own

__all__ = [
    "LABEL",
    "Claim",
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


class LabelledWriter:
    """A segment's writer that lays the visible mark, if one was asked for, over all else, and has frames looked at."""

    def __init__(
        self, writer: SegmentWriter | PictureFolderWriter, marker: Marker | None, lookout: Lookout | None
    ) -> None:
        self._writer, self._marker, self._lookout = writer, marker, lookout

    def write(self, frame: Frame, patches: Sequence[Patch] = ()) -> None:
        """Encode the frame with the patches laid over it. Raises Refused."""
        if self._lookout and self._lookout.wants(frame.time):
            self._lookout.see(frame.time, paste(frame.pixels, patches))
        if self._marker:
            patches = [*patches, self._marker.patch(frame.pixels)]
        self._writer.write(frame, patches)


@contextmanager
def open_segment_for(
    path: Path,
    info: ClipInfo,
    options: EncodeOptions,
    claim: Claim,
    visible: VisibleMark | None = None,
    over: str = "",
) -> Iterator[LabelledWriter]:
    """A marked and labelled segment, for publish_clip to join; see media.write.open_segment. claim.watermark: laid over
    each frame, unless it is '' (data, which the content gate does not look at either); over: the payload that the plate
    carries already. Raises OutputError, InputError, Refused."""
    path = Path(path)
    lookout = Lookout(info) if claim.watermark else None
    marker = visible_patch(info.width, info.height, visible, float(info.pixel_aspect)) if visible else None
    alter = Marking(claim.watermark, over) if claim.watermark else None
    check = lambda staged: require_label(staged, path)  # noqa: E731
    with open_segment(path, info, options, label(claim.what), check, alter) as writer:
        yield LabelledWriter(writer, marker, lookout)
    if lookout:
        lookout.note(path)


def publish_clip(
    segments: Sequence[Path], out: Path, info: ClipInfo, times: np.ndarray, claim: Claim, wave: Wave | None = None
) -> dict[str, float]:
    """Join segments into the labelled and signed clip (or folder of pictures) `out`; see media.write.join_segments.

    Returns what the content gate saw, {} for data. Its use of each consent is noted in the ledger just before it
    leaves. Raises OutputError, InputError, MediaError, Refused (content, or a consent was revoked meanwhile).
    """
    out = Path(out)
    seen = pass_all(segments, info) if claim.watermark else {}
    with sealing(out, claim) as seal:
        join_segments(segments, out, info, times, label(claim.what), seal, wave)
    return seen


def publish_picture(path: Path, pixels: np.ndarray, claim: Claim, mark: bool = True) -> None:
    """Write (H, W, 3) uint8 RGB as a labelled and signed PNG or JPEG. mark: with a watermark (the claim's, or one that
    follows from its pixels); not for data, such as masks, that it would change. Raises OutputError, InputError."""
    path = Path(path)
    if mark:
        payload = claim.watermark or payload_of(claim.what, pixels.shape, sha256(pixels.tobytes()).hexdigest())
        claim, pixels = replace(claim, watermark=payload), np.array(pixels)
        Marking(payload, gain=_STILL).rgb(pixels)
    with sealing(path, claim) as seal:
        write_picture(path, pixels, label(claim.what), seal)


@contextmanager
def sealing(out: Path, claim: Claim) -> Iterator[Check]:
    """A function that seals what is about to be moved to `out`: checks its tags, signs it, reads the signature back,
    and notes the use of consents. Where the body fails no manifest is left beside `out`."""
    beside: list[Path] = []

    def seal(staged: Path) -> None:
        require_label(staged, out)
        identity = open_identity()
        pieces = pictures_in(staged) if staged.is_dir() else [staged] * bool(staged.stat().st_size)
        for piece in pieces:
            beside.extend(_signed(piece, out, claim, identity))
        if claim.consent:
            made = hash_of(*pieces)
            with open_ledger() as ledger:
                for entry in claim.consent:
                    note_use(ledger, entry, made, claim.what, claim.watermark)

    try:
        yield seal
    except BaseException:
        for path in beside:
            path.unlink(missing_ok=True)
        raise


def _signed(staged: Path, out: Path, claim: Claim, identity: Identity) -> list[Path]:
    """Sign one file and read it back; the manifest's own file, where it does not fit inside. Raises OutputError."""
    apart = sign(staged, staged.suffix, claim, identity)
    if apart is not None:
        with written_whole(sidecar_of(staged)) as temporary:
            temporary.write_bytes(apart)
    found = read_manifest(staged)
    if found.state != "ours" or found.claim != replace(claim, ingredients=found.claim.ingredients):
        sidecar_of(staged).unlink(missing_ok=True)
        why = f" ({found.problems[0]})" if found.problems else ""
        raise OutputError(f"{out} was not written: its signed manifest cannot be read back{why}.")
    if apart is None:
        return []
    os.replace(sidecar_of(staged), sidecar_of(out))
    return [sidecar_of(out)]


def require_label(staged: Path, path: Path) -> None:
    """Raises OutputError unless what lies at `staged`, bound for `path`, says that it is synthetic."""
    pieces = pictures_in(staged) if staged.is_dir() else [staged] * bool(staged.stat().st_size)
    for piece in pieces:
        tags = read_tags(piece)
        if any(tags.get(key) != value for key, value in LABEL.items()):
            raise OutputError(f"{path} was not written: its label as synthetic media did not stay in the file.")
