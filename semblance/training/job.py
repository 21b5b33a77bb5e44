"""What a training run carries through its loop: the things that stay (Job) and how far it is (Standing)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from ..models import Moment
from ..options import Options
from ..runs import Progress, StopSignal
from .batches import Batch
from .folder import RunRecord, log
from .guard import MEMORY, learning_rate_factor
from .learner import Learner, Tensors
from .options import TrainOptions
from .saver import Saver

if TYPE_CHECKING:
    from lightning.fabric import Fabric


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """What stays the same during a run."""

    run: Path
    record: RunRecord
    options: TrainOptions
    module: ModuleType
    config: Options  # the model file's Config
    fabric: Fabric
    learner: Learner
    saver: Saver
    sides: int  # pictures of each sample number
    examples: Batch  # what the preview shows
    save_picture: Callable[[Path, np.ndarray], None]
    progress: Progress
    stop: StopSignal


@dataclass(slots=True, eq=False)
class Standing:
    """How far a run is."""

    samples: int = 0  # faces seen, both sides together
    moment: Moment = field(default_factory=Moment)  # up to which `turn` has looked; seconds pass between bursts, too
    seconds: float = 0.0
    factor: float = 1.0  # lowered by every roll-back
    rollbacks: int = 0
    in_a_row: int = 0  # roll-backs since the last good state was renewed
    burst: int = 1  # steps until the loop looks up again
    losses: dict[str, float] = field(default_factory=dict)
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=MEMORY))
    good: Tensors = field(default_factory=dict)  # the last good state
    saved_at: float = 0.0  # these three: seconds of the run
    drawn_at: float = 0.0
    noted_at: float = float("-inf")


def share(job: Job, standing: Standing) -> float:
    """How much of the run is done, 0..1, by the limit that comes first; 0 without limits."""
    shares = [0.0]
    if job.options.minutes is not None:
        shares.append(standing.seconds / (60 * job.options.minutes))
    if job.options.samples is not None:
        shares.append(standing.samples / job.options.samples)
    return max(shares)


def moment_of(job: Job, standing: Standing) -> Moment:
    return Moment(standing.samples, min(share(job, standing), 1.0))


def learning_rate_of(job: Job, moment: Moment) -> float:
    """Factor on the learning rates: the model file's learning_rate(config, moment), else its Config's schedule."""
    own = getattr(job.module, "learning_rate", None)
    return own(job.config, moment) if own else learning_rate_factor(moment.share, job.config.schedule)


def is_over(job: Job, standing: Standing) -> bool:
    return share(job, standing) >= 1


def mean_loss(standing: Standing) -> float:
    """Mean of the last four reported losses."""
    last = list(standing.recent)[-4:]
    return sum(last) / len(last) if last else sum(standing.losses.values())


def note(job: Job, text: str) -> None:
    if job.fabric.is_global_zero:
        log(job.run, text)
