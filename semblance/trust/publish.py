"""The one way out for synthetic media: mark, label, write beside the place, sign, read back, move into place.

Segments, clips and pictures that this package makes leave through here and nowhere else; what cannot be marked,
labelled and signed does not leave, and clips are looked at once more by the content gate. Nothing is left behind on
failure.

Three labels, since each is lost in another way: the watermark in the pixels (trust/watermark.py), tags in the
container, and the signed manifest (trust/sign.py). Segments are pieces of work: marked and tagged, signed only when
joined.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np

from .. import __version__
from ..errors import OutputError
from ..media.alpha_video import SUFFIXES as VIDEO_SUFFIXES
from ..media.alpha_video import AlphaVideo
from ..media.encode import EncodeOptions, check_encode
from ..media.fine import deepened
from ..media.folder import pictures_in
from ..media.image import check_picture, read_tags, write_picture
from ..media.join import Check
from ..media.layer_files import FACE, UV, LayerFiles, LayerOptions, check_layers
from ..media.native import paste
from ..media.write import PictureFolderWriter, SegmentWriter, join_segments, open_segment
from ..runs import Progress, StopSignal, hash_of, new_folder, write_text, written_whole
from ..types import ClipInfo, Frame, Layer, Patch, Wave
from .claim import Claim
from .consent import note_use
from .keys import Identity, open_identity
from .leaving import Lookout, pass_all
from .ledger import open_ledger
from .manifest import read_manifest
from .marking import Marking, payload_of
from .sign import sign
from .signable import sidecar_of
from .visible import Marker, VisibleMark, visible_patch

LABEL = {"synthetic_media": "yes", "software": f"Semblance {__version__}"}

_VIDEO = "face.segment.mkv"  # in a folder of layers: the clip's part, until it is joined
_LAYER = 1.5  # of a frame's mark: of a composite with a layer, only the face carries it; found at crf 23 by this much
_STILL = 0.6  # of a clip's mark: no codec takes it from a picture, and frames shown in it have marks of their own

__all__ = [
    "LABEL",
    "VIDEO_SUFFIXES",
    "Claim",
    "EncodeOptions",
    "LayerOptions",
    "check_encode",
    "check_layers",
    "check_picture",
    "label",
    "open_layers_for",
    "open_segment_for",
    "publish_clip",
    "publish_layers",
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


class LabelledLayers:
    """A writer of layers that marks each face as the whole frame would be marked, and has frames looked at."""

    def __init__(self, files: LayerFiles, video: AlphaVideo | None, marking: Marking, lookout: Lookout) -> None:
        self._files, self._video, self._marking, self._lookout = files, video, marking, lookout

    def write(self, frame: Frame, patches: Sequence[Patch], layer: Layer | None) -> None:
        """Write the layer of a frame, None for an empty one; patches: the same, blended. Raises Refused."""
        if self._lookout.wants(frame.time):
            self._lookout.see(frame.time, paste(frame.pixels, patches))
        layer = None if layer is None else self._marked(frame, layer)
        self._files.write(frame.index, layer)
        if self._video:
            self._video.write(frame.index, layer)

    def _marked(self, frame: Frame, layer: Layer) -> Layer:
        """With the part of the frame's mark that lies there: a composite carries it as far as the face reaches."""
        canvas = deepened(frame.pixels)
        layer.of(canvas)[...] = layer.face
        self._marking.rgb(canvas)
        nothing = (layer.face == 0).all(2, keepdims=True)  # beyond what was drawn
        return replace(layer, face=np.where(nothing, np.uint16(0), layer.of(canvas)))


@contextmanager
def open_layers_for(
    path: Path, info: ClipInfo, options: LayerOptions, claim: Claim, frames: range
) -> Iterator[LabelledLayers]:
    """A new folder of marked and labelled layers of a stretch of frames, for publish_layers to gather. options.uv:
    whether there is a UV map, not of what. Raises OutputError, InputError, Refused."""
    path, tags = Path(path), label(claim.what)
    lookout = Lookout(info)
    with new_folder(path, "segment") as folder:
        files = LayerFiles(folder, info, options.format, options.uv != "none", tags, frames)
        video = None if options.video == "none" else AlphaVideo(folder / _VIDEO, info, options.video, tags)
        whole = False
        try:
            yield LabelledLayers(files, video, Marking(claim.watermark, gain=_LAYER), lookout)
            files.close()
            whole = True
        finally:
            if video:
                video.close(whole)
    lookout.note(path)


def publish_layers(
    pieces: Sequence[Path],
    out: Path,
    info: ClipInfo,
    times: np.ndarray,
    options: LayerOptions,
    claim: Claim,
    track: str,
    progress: Progress,
    stop: StopSignal,
) -> dict[str, float]:
    """Gather folders of layers into the new folder `out`: pictures and clip, labelled and signed one by one, and
    track.json. Returns what the content gate saw. Raises OutputError, InputError, MediaError, Refused, Stopped."""
    seen = pass_all(pieces, info)
    data = replace(claim, what=f"UV map of a {claim.what}", watermark="")
    with new_folder(out, "folder") as folder:
        for kind in (FACE, UV):
            _gather([piece / kind for piece in pieces if (piece / kind).is_dir()], folder / kind)
        if options.video != "none":
            video = folder / f"{FACE}{VIDEO_SUFFIXES[options.video]}"
            join_segments(
                [piece / _VIDEO for piece in pieces], video, replace(info, audio=()), times, label(claim.what)
            )
        files = sorted(file for file in folder.rglob("*") if file.is_file())
        progress.stage("sign", len(files), "files")
        identity = open_identity()
        for file in files:
            stop.check("The layers are kept; run the same command again to go on.")
            require_label(file, out)
            _signed(file, file, data if file.parent.name == UV else claim, identity)
            progress.advance()
        _note_uses(claim, files)
        write_text(folder / "track.json", track)
    return seen


def _gather(folders: Sequence[Path], target: Path) -> None:
    """All files of the folders in one, without a second copy where the disk can do that."""
    for folder in folders:
        target.mkdir(exist_ok=True)
        for file in folder.iterdir():
            try:
                os.link(file, target / file.name)
            except OSError:
                shutil.copy2(file, target / file.name)


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
        _note_uses(claim, pieces)

    try:
        yield seal
    except BaseException:
        for path in beside:
            path.unlink(missing_ok=True)
        raise


def _note_uses(claim: Claim, files: Sequence[Path]) -> None:
    """Note in the ledger what was made by each consent. Raises Refused for one that was revoked."""
    if claim.consent:
        made = hash_of(*files)
        with open_ledger() as ledger:
            for entry in claim.consent:
                note_use(ledger, entry, made, claim.what, claim.watermark)


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
