"""The verb `swap`: a clip and a trained model -> the clip with the source's face in place of the target's.

Work goes in segments of a few seconds into OUT.partial. A run that was stopped or killed goes on with the next segment
when the same command is given again, and ends with the same file, frame for frame.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Literal

from pydantic import Field

from ..faces.identity import identity_net
from ..finish.merge import MergeOptions
from ..media.encode import EncodeOptions
from ..media.probe import probe
from ..media.read import frame_times
from ..models import load_swapper
from ..options import Options
from ..runs import Clock, Progress, StopSignal, refuse_existing
from ..trust.publish import check_encode, publish_clip
from .job import Job, open_job
from .render import Painter, render
from .report import SwapResult, write_report


class SwapOptions(Options):
    """Which faces are replaced, and what becomes of frames where that cannot be done well."""

    who: Literal["target", "largest", "all"] = "target"
    """Faces to replace: the person the model was trained on as target, the largest face, or every face."""
    carry: int = Field(0, ge=0, le=12)
    """Bridge a face that is lost for up to so many frames from its neighbours; 0 leaves those frames as the plate."""
    stranger: float = Field(0.8, gt=0, le=2)
    """Leave a frame as the plate if its face is further from the target's identity than this (dlib distance)."""
    poorest: float = Field(0.12, gt=0, le=1)
    """Leave a frame as the plate if the model redraws its own target worse than this (mean error, 0 to 1)."""
    batch: int = Field(8, ge=1, le=256)
    """Faces that the model draws at once."""
    segment: float = Field(10.0, ge=1, le=600)
    """Seconds of film that are rendered as one piece: what a crash can cost."""


def swap(
    clip: Path | str,
    model: Path | str,
    out: Path | str,
    merge: MergeOptions | None = None,
    encode: EncodeOptions | None = None,
    options: SwapOptions | None = None,
    progress: Progress | None = None,
    stop: StopSignal | None = None,
) -> SwapResult:
    """Replace the target's face in `clip` by the source's, drawn by the run folder `model`; write `out` and its report.

    Raises MediaError, ModelError, FaceError, InputError, OutputError, Stopped (finished segments are kept).
    """
    merge, encode, options = merge or MergeOptions(), encode or EncodeOptions(), options or SwapOptions()
    progress, stop, clock = progress or Progress(), stop or StopSignal(), Clock()
    out = Path(out)

    refuse_existing(out, "place for the result")
    info = probe(Path(clip))
    check_encode(encode, info, out)
    times = frame_times(info)
    with clock.of("load"):
        painter = Painter(*load_swapper(Path(model), progress), merge, options)
        identity_net()
    job = open_job(out, info, painter.header, merge, encode, options, len(times), progress)
    _render_missing(job, painter, encode, clock, progress, stop)
    records = job.records(painter.wanted, clip)
    with clock.of("join"):
        publish_clip(job.segments(), out, info, times, "face swap")
    result = write_report(out, info, records, painter.header, clock, merge, encode, options, progress)
    shutil.rmtree(job.folder)
    return result


def _render_missing(
    job: Job, painter: Painter, encode: EncodeOptions, clock: Clock, progress: Progress, stop: StopSignal
) -> None:
    """Render the segments that are not there yet."""
    progress.stage("swap", job.frames)
    for piece in job.pieces:
        if job.is_done(piece):
            progress.advance(piece.stop - piece.start)
            continue
        stop.check(job.advice)
        records = render(job.path(piece), job.info, piece.start, piece.stop, painter, encode, clock, progress, stop)
        job.finish(piece, records)
    progress.done()
