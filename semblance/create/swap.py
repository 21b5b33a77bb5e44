"""The verb `swap`: a clip and a trained model -> the clip with the source's face in place of the target's.

Work goes in segments of a few seconds into OUT.partial. A run that was stopped or killed goes on with the next segment
when the same command is given again, and ends with the same file, frame for frame.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from ..errors import OutputError, SemblanceError
from ..faces.identity import identity_net
from ..finish.merge import MergeOptions
from ..finish.plan import MergePlan, read_plan, write_plan
from ..media.encode import EncodeOptions
from ..media.fine import is_deep
from ..media.probe import probe
from ..media.read import frame_times
from ..models import load_swapper
from ..runs import Clock, Progress, StopSignal, beside, refuse_existing
from ..trust.leaving import pass_all
from ..trust.mark_in_file import payload_laid
from ..trust.publish import LabelledWriter, check_encode, open_segment_for, publish_clip
from .choose import choose_merge
from .claims import swapped
from .job import Job, nothing_left, open_job, plan_job
from .options import SwapOptions, check_mask
from .painter import Painter
from .permission import permit_model
from .render import render
from .report import SwapResult, refuse_report, write_report


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
    if info.interlaced:
        progress.say(
            f"{clip} is interlaced: each frame shows two moments, and so will the result; for a better one, "
            "deinterlace it first (ffmpeg -i CLIP -vf bwdif NEW)."
        )
    with clock.of("load"):
        painter = Painter(*load_swapper(Path(model), progress), plan, options, fine=is_deep(info.pixel_format))
        identity_net()
    permission = permit_model(painter.header, options.project)
    for settings in plan.each():
        check_mask(settings, painter.module)
    job = plan_job(out, info, painter.header, plan.as_json(), encode, options, len(times))
    is_whole = job.is_begun and job.done == len(job.pieces)  # killed between the clip and its report, perhaps
    if not is_whole:
        refuse_existing(out, "place for the result")
    with nothing_left(job.folder, lambda error: _is_worth_keeping(job, error, progress)):
        open_job(job, progress)
        with clock.of("label"):
            claim, over = swapped(info, painter.header, permission, job.work), payload_laid(info)
        open_writer = partial(
            open_segment_for, info=info, options=encode, claim=claim, visible=options.visible, over=over
        )
        if plan.auto:
            painter = painter.following(_decided(job, painter, clock, progress, stop))
        _render_missing(job, painter, open_writer, clock, progress, stop)
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


def _decided(job: Job, painter: Painter, clock: Clock, progress: Progress, stop: StopSignal) -> MergePlan:
    """What a trial decides about the merge, now or before this job was stopped."""
    note = job.folder / "merge.toml"
    if not note.exists():
        with clock.of("choose the merge"):
            write_plan(note, choose_merge(job.info, painter, job.frames, progress, stop))
    return read_plan(note)


def _is_there(out: Path) -> bool:
    return out.exists() and not (out.is_dir() and not any(out.iterdir()))


def _is_worth_keeping(job: Job, error: SemblanceError, progress: Progress) -> bool:
    """Finished segments outlast a full disk; where the clip or the options are at fault they are of no use."""
    if not isinstance(error, OutputError) or not job.done:
        return False
    progress.say(job.advice)
    return True


def _render_missing(
    job: Job,
    painter: Painter,
    open_writer: Callable[[Path], AbstractContextManager[LabelledWriter]],
    clock: Clock,
    progress: Progress,
    stop: StopSignal,
) -> None:
    """Render the segments that are not there yet."""
    progress.stage("swap", job.frames)
    for piece in job.pieces:
        if job.is_done(piece):
            progress.advance(piece.stop - piece.start)
            continue
        stop.check(job.advice)
        if job.path(piece).is_dir():  # pictures whose records a kill prevented
            shutil.rmtree(job.path(piece))
        records = render(
            job.path(piece), job.info, piece.start, piece.stop, painter, open_writer, clock, progress, stop
        )
        job.finish(piece, records)
    progress.done()
