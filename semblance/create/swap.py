"""The verb `swap`: a clip and a trained model -> the clip with the source's face in place of the target's.

Work goes in segments of a few seconds into OUT.partial. A run that was stopped or killed goes on with the next segment
when the same command is given again, and ends with the same file, frame for frame.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from ..faces.identity import identity_net
from ..finish.merge import MergeOptions
from ..media.encode import EncodeOptions
from ..media.probe import probe
from ..media.read import frame_times
from ..models import load_swapper
from ..runs import Clock, Progress, StopSignal, refuse_existing
from ..trust.publish import check_encode, publish_clip
from .job import Job, open_job
from .options import SwapOptions
from .render import Painter, render
from .report import SwapResult, write_report


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
