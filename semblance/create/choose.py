"""Chooses how a face is put back: tries settings on a few hard frames, and keeps what is less seen.

One question after the other (colours, blend, edge, sharpness), each with the answers so far; an answer must be plainly
better than the usual one. What a user has set is not asked.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from ..finish.merge_options import MergeOptions
from ..finish.plan import MergePlan, read_plan, write_plan
from ..measures.finish_score import parts_of
from ..runs import Clock, Progress, StopSignal
from ..types import ClipInfo
from .job import Job
from .painter import Painter
from .restorer import is_installed
from .trial import Tried, attempt, choose_looks, draw_looks
from .view import has_mesh

LOOKS = 5  # frames, hard ones and usual ones; three pictures of each, and one of the frames in between
_BETTER = 0.97  # of the score before: a change that gains less is not worth a setting that is not the usual one
_SHORT = 15  # frames for each look: in a shorter clip fewer are taken, or the trial would take longer than the swap
_FINALISTS = 4  # settings that are tried again on the frames in between, in motion
_CLOSE = 0.9  # of the second best's score: who is so far ahead need not prove it again
_SOFT = 0.93  # of the plate's sharpness: under it sharpening is tried
_LITTLE, _MUCH = 0.3, 1.5  # how much is tried first, and at most
_WORDS = {
    "seam": "dE at the edge", "seam, worst part": "dE at its worst part", "double edges": "% double edges",
    "sharpness": "x the plate's sharpness", "flicker": "x the plate's flicker",
    "brightness flicker": "levels of brightness flicker", "identity to source": "from the source",
}  # fmt: skip

# each question: answers to try, as changes of the settings so far; what is asked before and after sharpening
_Questions = list[list[dict]]
_FOR_CROPS: tuple[_Questions, _Questions] = (
    [
        [{"colour": "mkl"}, {"colour": "mix"}, {"colour": "none"}],
        [{"blend": "bands"}, {"blend": "poisson"}],
        [{"erode": 0.0}, {"erode": 8.0}],
        [{"feather": 5.0}, {"feather": 18.0}],
        [{"restore": 1.0}, {"restore": 0.5}],
    ],
    [[{"grain": 1.0}, {"defocus": 1.0}]],
)
# A model in mesh space has its edge and the plate's light already. Sharpness comes first: other colours have more
# contrast, and would be chosen for that.
_FOR_MESHES: tuple[_Questions, _Questions] = (
    [[{"detail": 0.6}]],
    [
        [{"grain": 1.0}],
        [{"colour": "mkl"}],
        [{"blend": "bands"}, {"blend": "poisson"}],
        [{"light": 0.8}],
        [{"feather": 3.0}, {"feather": 18.0}],
    ],
)


def decided(job: Job, painter: Painter, clock: Clock, progress: Progress, stop: StopSignal) -> MergePlan:
    """What a trial decides about the merge of a job, now or before it was stopped. Raises Stopped, OutputError."""
    note = job.folder / "merge.toml"
    if not note.exists():
        with clock.of("choose the merge"):
            write_plan(note, choose_merge(job.info, painter, job.frames, progress, stop))
    return read_plan(note)


def choose_merge(info: ClipInfo, painter: Painter, frames: int, progress: Progress, stop: StopSignal) -> MergePlan:
    """The painter's plan with what it leaves at its default decided for this plate of so many frames; shots keep what
    they have of their own. Says what was chosen, and why. Raises Stopped."""
    clock, plan, aspect = Clock(), painter.plan, float(info.pixel_aspect)
    count = max(2, min(LOOKS, frames // _SHORT))
    looks = draw_looks(info, painter, choose_looks(info, painter, frames, count, progress, stop), clock)
    if not looks:
        progress.say("Merge: the usual settings; no frame was found to try others on.")
        return plan.decided()
    restores = is_installed(painter.options.restorer, plan.whole.restore_scale)
    indices = [look.index for look in looks]
    between = draw_looks(info, painter, [(one + other) // 2 for one, other in pairwise(indices)], clock)
    # few frames are not like the whole clip: those in between are looked at as well, each by itself
    all_looks = sorted([*looks, *(look.alone() for look in between)], key=lambda look: look.index)
    first, then = (
        [[change for change in question if _is_open(plan.whole, change) and (restores or "restore" not in change)]
         for question in questions]
        for questions in (_FOR_MESHES if has_mesh(painter.module) else _FOR_CROPS)
    )  # fmt: skip
    progress.stage("choose the merge", 3 + sum(map(len, [*first, *then])), "settings")
    made: list[Tried] = []

    def tried(merge: MergeOptions) -> Tried:
        stop.check("Nothing was made yet; run the same command again.")
        made.append(attempt(all_looks, painter, merge, aspect, clock))
        progress.advance()
        return made[-1]

    usual = tried(plan.whole)
    best = descend(usual, first, tried)
    if _is_open(plan.whole, {"sharpen": _LITTLE}):
        best = sharpened(best, tried)
    best = descend(best, then, tried)
    best = final(best, made, lambda merge: attempt(between, painter, merge, aspect, clock)) if between else best
    progress.done()
    progress.say(told(usual, best))
    return plan.decided(best.merge)


def descend(usual: Tried, questions: list[list[dict]], tried: Callable[[MergeOptions], Tried]) -> Tried:
    """The best of what is tried, question by question."""
    best = usual
    for question in questions:
        best = better_of(best, [tried(best.merge.changed(**change)) for change in question])
    return best


def better_of(best: Tried, answers: list[Tried]) -> Tried:
    """The best of the answers, if it is plainly better than what was best before."""
    better = [answer for answer in answers if answer.score < _BETTER * best.score]
    return min(better, key=lambda answer: answer.score, default=best)


def sharpened(best: Tried, tried: Callable[[MergeOptions], Tried]) -> Tried:
    """A face that is softer than the plate: sharpened a little, and by what that says brings it to the plate's own
    sharpness (a variance, whose root grows in proportion)."""
    before = best.figures.get("sharpness", float("nan"))
    if not before < _SOFT:
        return best
    answers = [tried(best.merge.changed(sharpen=_LITTLE))]
    gain = (answers[0].figures["sharpness"] / before) ** 0.5 - 1
    if gain > 0:
        amount = round(min(_LITTLE * (before**-0.5 - 1) / gain, _MUCH), 1)
        if amount != _LITTLE:
            answers.append(tried(best.merge.changed(sharpen=amount)))
    return better_of(best, answers)


def final(best: Tried, made: list[Tried], again: Callable[[MergeOptions], Tried]) -> Tried:
    """Of the best few that were tried, the one that is best on the frames in between as well, now with their
    neighbours: few frames tell two good settings apart by chance. The usual one, which was tried first, stays if it is
    among them and none is plainly better."""
    usual, near = made[0], sorted(made, key=lambda tried: tried.score)[:_FINALISTS]
    if len(near) < 2 or near[0].score < _CLOSE * near[1].score:
        return best
    both = {tried.merge: tried.score + again(tried.merge).score for tried in near}
    least = min(near, key=lambda tried: both[tried.merge])
    return usual if usual in near and both[least.merge] > _BETTER * both[usual.merge] else least


def told(usual: Tried, best: Tried) -> str:
    """What was chosen, and what it gains, in one line."""
    changes = [
        f"{name.replace('_', ' ')} {getattr(best.merge, name)}"
        for name in MergeOptions.model_fields
        if getattr(best.merge, name) != getattr(usual.merge, name)
    ]
    if not changes:
        return f"Merge: the usual settings (score {best.score:.2f}, 0 is unseen); no other was plainly better."
    before, after = parts_of(usual.figures), parts_of(best.figures)
    gains = sorted(((before[name] - after.get(name, 0.0), name) for name in before), reverse=True)
    why = ", ".join(
        f"{usual.figures[name]:.2f} -> {best.figures[name]:.2f} {_WORDS[name]}"
        for gain, name in gains[:2]
        if gain > 0.02
    )
    score = f"score {usual.score:.2f} -> {best.score:.2f}, 0 is unseen"
    return f"Merge: {', '.join(changes)} ({score}{': ' * bool(why)}{why})."


def _is_open(whole: MergeOptions, change: dict) -> bool:
    """Whether the user left these settings at their default."""
    return all(getattr(whole, name) == MergeOptions.model_fields[name].default for name in change)
