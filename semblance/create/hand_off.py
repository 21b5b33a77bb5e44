"""The verb `hand-off`: a clip and a trained model -> the new face as layers for Nuke, Fusion, After Effects, Blender.

What `swap` would lay into each frame is written down before it is blended: face, mask and UV map as pictures that lie
over the plate pixel by pixel, and the track as JSON. Work goes in pieces into OUT.partial, as a swap's does.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..faces.identity import identity_net
from ..finish.layers import crop_uv, laid_by_mask, mesh_uv, one_layer
from ..finish.merge_options import MergeOptions
from ..finish.plan import MergePlan
from ..media.fine import fine_pixels
from ..media.probe import probe
from ..media.read import frame_times
from ..models import load_swapper
from ..runs import Clock, Progress, StopSignal, beside, refuse_existing, write_text
from ..trust.publish import VIDEO_SUFFIXES, Claim, LayerOptions, check_layers, open_layers_for, publish_layers
from ..types import Layer
from .choose import decided
from .claims import swapped
from .gaps import LaidFace, MergedFrame
from .job import Job, Piece, Record, is_worth_keeping, make_missing, nothing_left, open_job, plan_job
from .options import SwapOptions, check_mask
from .painter import Painter
from .permission import permit_model
from .render import merged_frames
from .track import SQUARE, square_of, track_of, track_row
from .view import has_mesh
from .watch import tell_interlaced

TRACK = "track.json"


@dataclass(frozen=True)
class HandedOff:
    """How a hand-off ended: the folder, what lies in it, how many frames, in how many a face was replaced, and why not
    in the others."""

    out: Path
    layers: LayerOptions
    frames: int
    replaced: int
    skipped: dict[str, int]

    def summary(self) -> str:
        """The last lines on the terminal: where things are."""
        kind = self.layers.format
        lines = [f"{self.out}: {self.frames} frames, a new face in {self.replaced}."]
        lines += [f"  left as the plate: {count} frames, {reason}" for reason, count in self.skipped.items()]
        what = "face, alpha and UV map" if kind == "exr" and self.layers.uv != "none" else "face and alpha"
        lines.append(f"  {self.out}/face/face.000001.{kind}...  {what}")
        if kind != "exr" and self.layers.uv != "none":
            lines.append(f"  {self.out}/uv/uv.000001.{kind}...  UV map")
        if self.layers.video != "none":
            lines.append(f"  {self.out}/face{VIDEO_SUFFIXES[self.layers.video]}  face and alpha as a clip")
        return "\n".join([*lines, f"  {self.out}/track.json  matrices, landmarks, pose, which faces were replaced"])


def hand_off(
    clip: Path | str,
    model: Path | str,
    out: Path | str,
    layers: LayerOptions | None = None,
    merge: MergeOptions | MergePlan | None = None,
    options: SwapOptions | None = None,
    progress: Progress | None = None,
    stop: StopSignal | None = None,
) -> HandedOff:
    """Write the face that the run folder `model` would put into `clip` as layers into the new folder `out`.

    Raises MediaError, ModelError, FaceError, InputError, OutputError, Refused (by the content gate, or because nobody
    consented to the use of the source's face), Stopped (finished pieces are kept).
    """
    layers, plan, options = layers or LayerOptions(), MergePlan.of(merge), options or SwapOptions()
    options = options.changed(bridge=0)  # what was moved there from other frames has no layer of its own
    progress, stop, clock = progress or Progress(), stop or StopSignal(), Clock()
    out = Path(out)

    if not beside(out, ".partial").is_dir():
        refuse_existing(out, "folder")
    info = probe(Path(clip))
    check_layers(layers, info)
    _refuse_words(options)
    times = frame_times(info)
    tell_interlaced(info, progress)
    with clock.of("load"):
        painter = Painter(*load_swapper(Path(model), progress), plan, options, fine=True)
        identity_net()
    permission = permit_model(painter.header, options.project)
    for settings in plan.each():
        check_mask(settings, painter.module)
    layers = _settled(layers, painter)
    job = plan_job(out, info, painter.header, plan.as_json(), layers, options, len(times), suffix="")
    is_out = job.is_whole and (out / TRACK).exists()  # killed before the pieces were removed
    if not is_out:
        refuse_existing(out, "folder")
    with nothing_left(job.folder, lambda error: is_worth_keeping(job, error, progress)), open_job(job, progress):
        claim = replace(swapped(info, painter.header, permission, job.work), what="face swap, as a layer")
        if plan.auto:
            painter = painter.following(decided(job, painter, clock, progress, stop))
        make = partial(
            _make, job=job, painter=painter, layers=layers, claim=claim, clock=clock, progress=progress, stop=stop
        )
        make_missing(job, "hand-off", make, progress, stop)
        records = job.records(painter.wanted, clip)
        if not is_out:
            rows = [row for piece in job.pieces for row in json.loads(_rows_of(job, piece).read_text())]
            track = track_of(info, rows, len(times), painter, layers, claim)
            publish_layers(job.segments(), out, info, times, layers, claim, track, progress, stop)
    shutil.rmtree(job.folder)
    progress.done()
    skipped = Counter(record.reason for record in records if not record.swapped)
    replaced = sum(record.swapped > 0 for record in records)
    return HandedOff(out, layers, len(records), replaced, dict(skipped.most_common()))


def _settled(layers: LayerOptions, painter: Painter) -> LayerOptions:
    """With what the UV map is of. Raises InputError where the model has no mesh."""
    if layers.uv == "mesh" and not has_mesh(painter.module):
        raise InputError(
            f"{painter.header['model']} draws no face mesh, so there is no --uv mesh; choose --uv crop or --uv none."
        )
    auto = "mesh" if has_mesh(painter.module) else "crop"
    return layers.changed(uv=auto) if layers.uv == "auto" else layers


def _refuse_words(options: SwapOptions) -> None:
    """Raises InputError: words over a part of the picture would be blended away."""
    if options.visible.mark:
        raise InputError("Words to be seen belong into the finished picture, not into a layer; leave --mark out.")


def _make(
    piece: Piece,
    path: Path,
    job: Job,
    painter: Painter,
    layers: LayerOptions,
    claim: Claim,
    clock: Clock,
    progress: Progress,
    stop: StopSignal,
) -> list[Record]:
    """Write the layers of a piece's frames into the folder `path`, and what is known of their faces beside it."""
    records, rows, aspect = [], [], float(job.info.pixel_aspect)
    with (
        merged_frames(job.info, piece.start, piece.stop, painter, clock) as merged,
        open_layers_for(path, job.info, layers, claim, range(piece.start, piece.stop)) as writer,
    ):
        for item in merged:
            stop.check(job.advice)
            with clock.of("write"):
                writer.write(
                    item.frame, item.patches, _layer(item, painter.at(item.frame.index).blend, layers.uv, aspect)
                )
            records.append(item.record)
            rows.append(track_row(item, aspect))
            progress.advance(1, item.record.told())
    write_text(_rows_of(job, piece), json.dumps(rows))
    return records


def _layer(item: MergedFrame, blend: str, uv: str, aspect: float) -> Layer | None:
    faces = [face.merged for face in item.laid]
    if blend == "bands":  # the one that is more than a mix of face and plate
        faces = laid_by_mask(fine_pixels(item.frame), faces)
    return one_layer(faces, [_uv(face, uv, aspect) for face in item.laid])


def _uv(laid: LaidFace, kind: str, aspect: float) -> np.ndarray | None:
    if kind == "mesh":
        return mesh_uv(laid.merged, laid.laid.points, laid.laid.matrix)
    if kind == "crop":
        return crop_uv(laid.merged, square_of(laid.face, aspect), SQUARE)
    return None


def _rows_of(job: Job, piece: Piece) -> Path:
    """Where a piece's part of the track lies until all are done."""
    return job.path(piece).with_name(f"{piece.number:05d}.{TRACK}")
