"""Films what the occlusion mask learns from: people who don't exist with something before the face, and exact masks.

    OUT/000012.png   the crop          OUT/masks/000012.png    white = face
    OUT/occlusions.json  the order     OUT/covers/000012.png   white = stands before the face, inside its outline

Picture k depends on the seed and k alone: a folder that was stopped goes on, and more pictures may be asked for later.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from ..errors import InputError
from ..faceset.labels import MASKS
from ..faceset.masked import NOTE, VIEW
from ..faceset.occluded import PICTURES, Masked, draw_sitting, film_sitting
from ..media.image import read_picture
from ..options import Options
from ..people.bodies import ICT_FILE, cache_folder, open_body
from ..runs import Progress, StopSignal, append_json_line, environment, read_json_lines
from ..trust.publish import publish_picture
from .claims import rendered
from .film import WHAT, claim

COVERS, TAKEN = "covers", "taken.jsonl"
_COVERED = 0.005  # of the face: a thin frame of glasses


class OcclusionOptions(Options):
    """How many pictures are filmed, and of whom."""

    pictures: int = Field(1200, ge=1, le=1_000_000)
    """How many; a person sits for a dozen."""
    seed: int = Field(0, ge=0, lt=2**32)
    """Where all chance comes from."""
    side: int = Field(192, ge=32, le=1024, multiple_of=2)
    """Width and height of a picture; 192 serves a net of 128, 384 one of 256."""
    glasses: float = Field(0.4, ge=0, le=1)
    """Share of people who wear glasses."""
    body: Literal["both", "builtin", "ict"] = "both"
    """The head: by turns both where the cache holds ICT's, else the built-in one."""


@dataclass(frozen=True)
class OcclusionFolder:
    """What was filmed."""

    folder: Path
    pictures: int
    covered: int  # with something before the face

    def summary(self) -> str:
        """The last line on the terminal."""
        return f"{self.folder}: {self.pictures} pictures, {self.covered} of them with something before the face"


def film_occlusions(
    out: Path | str,
    options: OcclusionOptions | None = None,
    progress: Progress | None = None,
    stop: StopSignal | None = None,
) -> OcclusionFolder:
    """Film what is missing of `options.pictures` into `out`. Raises ModelError (no head), OutputError, Stopped."""
    options, progress, stop = options or OcclusionOptions(), progress or Progress(), stop or StopSignal()
    out = Path(out)
    bodies = [open_body(name) for name in _bodies(options.body)]
    job = {
        "seed": options.seed, "side": options.side, "glasses": options.glasses,
        "bodies": [body.name for body in bodies], "view": VIEW,
    }  # fmt: skip
    claim(out, NOTE, job, {"environment": environment()})
    done = {row["sitting"] for row in read_json_lines(out / TAKEN)}
    progress.stage("faces with something before them", options.pictures, "pictures")
    for number in range(-(-options.pictures // PICTURES)):
        stop.check(f"{out} keeps what was filmed; the same command goes on.")
        if number not in done:
            sitting = draw_sitting(options.seed, number, options.glasses)
            taken = list(film_sitting(sitting, bodies[number % len(bodies)], options.side))
            for k, masked in enumerate(taken):
                _publish(out, f"{number * PICTURES + k:06d}.png", masked)
            # last: a sitting that a kill cut short is filmed again
            kinds = [masked.kind for masked in taken]
            covered = [float((masked.cover > 127).sum() / max((masked.mask > 127).sum(), 1)) for masked in taken]
            row = {"sitting": number, "kinds": kinds, "covered": [round(share, 4) for share in covered]}
            append_json_line(out / TAKEN, row)
        progress.advance(PICTURES)
    progress.done()
    rows = read_json_lines(out / TAKEN)
    covered = sum(share > _COVERED for row in rows for share in row["covered"])
    return OcclusionFolder(out, PICTURES * len(rows), covered)


def read_covers(folder: Path) -> tuple[np.ndarray, list[str]]:
    """Covers (N, S, S) uint8 of a filmed folder in the order of its pictures, and the kind of each picture.

    Raises InputError where a cover is missing, MediaError.
    """
    rows = sorted(read_json_lines(folder / TAKEN), key=lambda row: row["sitting"])
    paths = sorted((folder / COVERS).glob("*.png"))
    kinds = [kind for row in rows for kind in row["kinds"]]
    if len(paths) != len(kinds):
        raise InputError(f"{folder} has {len(paths)} covers for {len(kinds)} pictures; film it again.")
    return np.stack([read_picture(path)[..., 0] for path in paths]), kinds


def _publish(out: Path, name: str, masked: Masked) -> None:
    publish_picture(out / name, masked.picture, rendered(WHAT))
    for folder, data in ((MASKS, masked.mask), (COVERS, masked.cover)):
        publish_picture(out / folder / name, np.repeat(data[..., None], 3, 2), rendered(WHAT), mark=False)


def _bodies(body: str) -> list[str]:
    if body != "both":
        return [body]
    return ["builtin", "ict"] if (cache_folder() / ICT_FILE).is_file() else ["builtin"]
