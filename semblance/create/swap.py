"""The verb `swap`: a clip and a trained model -> the clip with the source's face in place of the target's.

Work goes in segments of a few seconds into OUT.partial. A run that was stopped or killed goes on with the next segment
when the same command is given again, and ends with the same file, frame for frame.
"""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

from ..faces.identity import identity_net
from ..finish.merge_options import MergeOptions
from ..finish.plan import MergePlan
from ..media.encode import EncodeOptions
from ..media.fine import is_deep
from ..media.probe import probe
from ..media.read import frame_times
from ..models import load_swapper
from ..runs import Clock, Progress, StopSignal, beside, refuse_existing
from ..trust.leaving import pass_all
from ..trust.mark_in_file import payload_laid
from ..trust.publish import check_encode, open_segment_for, publish_clip
from .choose import decided
from .claims import swapped
from .job import is_worth_keeping, make_missing, nothing_left, open_job, plan_job
from .options import SwapOptions, check_mask
from .painter import Painter
from .permission import permit_model
from .render import render
from .report import SwapResult, refuse_report, write_report
from .watch import tell_interlaced


def swap(
    clip: Path | str,
    model: Path | str,
    out: Path | str,
    merge: MergeOptions | MergePlan | None = None,
    encode: EncodeOptions | None = None,
    options: SwapOptions | None = None,
    progress: Progress | None = None,
    stop: StopSignal | None = None,
) -> SwapResult:
    """Replace the target's face in `clip` by the source's, drawn by the run folder `model`; write `out` and its report.

    merge: settings for the whole clip, or a plan with others for some shots; None: a trial on a few frames decides.
    Raises MediaError, ModelError, FaceError, InputError, OutputError, Refused (by the content gate, or because nobody
    consented to the use of the source's face), Stopped (finished segments are kept).
    """
    plan, encode, options = MergePlan.of(merge), encode or EncodeOptions(), options or SwapOptions()
    progress, stop, clock = progress or Progress(), stop or StopSignal(), Clock()
    out = Path(out)

    if not beside(out, ".partial").is_dir():
        refuse_existing(out, "place for the result")
    refuse_report(out)
    info = probe(Path(clip))
    check_encode(encode, info, out)
    times = frame_times(info)
    tell_interlaced(info, progress)
    with clock.of("load"):
        painter = Painter(*load_swapper(Path(model), progress), plan, options, fine=is_deep(info.pixel_format))
        identity_net()
    permission = permit_model(painter.header, options.project)
    for settings in plan.each():
        check_mask(settings, painter.module)
    suffix = "" if encode.codec == "png" else ".mkv"
    job = plan_job(out, info, painter.header, plan.as_json(), encode, options, len(times), suffix)
    is_whole = job.is_whole  # killed between the clip and its report, perhaps
    if not is_whole:
        refuse_existing(out, "place for the result")
    with nothing_left(job.folder, lambda error: is_worth_keeping(job, error, progress)), open_job(job, progress):
        with clock.of("label"):
            claim, over = swapped(info, painter.header, permission, job.work), payload_laid(info)
        open_writer = partial(
            open_segment_for, info=info, options=encode, claim=claim, visible=options.visible, over=over
        )
        if plan.auto:
            painter = painter.following(decided(job, painter, clock, progress, stop))
        make_missing(
            job,
            "swap",
            lambda piece, path: render(
                path, info, piece.start, piece.stop, painter, open_writer, clock, progress, stop
            ),
            progress,
            stop,
        )
        records = job.records(painter.wanted, clip)
        if is_whole and _is_there(out):
            seen = pass_all(job.segments(), info)
        else:
            with clock.of("join"):
                seen = publish_clip(job.segments(), out, info, times, claim)
    trust = {"permission": permission.as_json(), "content gate": seen, "watermark": claim.watermark}
    result = write_report(
        out, info, records, painter.header, clock, painter.plan, painter.settled(), encode, options, claim, trust,
        progress,
    )  # fmt: skip
    shutil.rmtree(job.folder)
    return result


def _is_there(out: Path) -> bool:
    return out.exists() and not (out.is_dir() and not any(out.iterdir()))
