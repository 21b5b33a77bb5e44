"""The verb `people sheet`: a contact sheet of people who don't exist."""

from __future__ import annotations

from pathlib import Path

from ..errors import InputError, OutputError
from ..media.sheet import captioned, grid
from ..people.bodies import open_body
from ..people.film import Take, film, lit
from ..people.performance import PerformanceOptions, draw_performance
from ..people.person import draw_person
from ..people.scene import draw_scene
from ..runs import Progress, StopSignal, refuse_existing
from ..trust.publish import check_picture, publish_picture
from .claims import rendered
from .film import WHAT, chances

_COLUMNS = 6


def people_sheet(
    out: Path | str,
    people: int = 24,
    seed: int = 0,
    size: int = 256,
    body: str = "auto",
    progress: Progress | None = None,
    stop: StopSignal | None = None,
) -> Path:
    """Draw `people` people, each in a scene of their own, into one labelled picture. Raises InputError, ModelError,
    OutputError, Stopped."""
    progress, stop, out = progress or Progress(), stop or StopSignal(), Path(out)
    if not 1 <= people <= 1000:
        raise InputError(f"A sheet of {people} people cannot be drawn; ask for 1 to 1000.")
    if not 64 <= size <= 1024:
        raise InputError(f"Pictures of {size} pixels cannot be drawn; ask for 64 to 1024.")
    chances(seed, 0)
    check_picture(out.suffix)
    if out.is_dir():
        raise OutputError(f"{out} is a folder; name a picture with --out.")
    refuse_existing(out, "place for the sheet")
    head = open_body(body)
    progress.stage("people", people, "people")
    tiles = []
    for number in range(people):
        stop.check("Nothing was written.")
        mine = chances(seed, number)
        acting = draw_performance(mine[1], PerformanceOptions(seconds=1, speech=False, yaw=15, liveliness=0.6))
        person = draw_person(mine[0])
        take = Take(person, acting, lit(draw_scene(mine[2]), person), head, (size, size))
        shot, _ = next(film(take, start=0, stop=1))
        tiles.append(captioned(shot.pixels, f"seed {seed}, person {number + 1}"))
        progress.advance()
    publish_picture(out, grid(tiles, _COLUMNS), rendered(WHAT))
    progress.done()
    return out
