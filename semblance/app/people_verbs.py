"""The verbs of people who don't exist as the terminal sees them.

Annotations are evaluated where the functions are made, none are postponed: tyro must see the types.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import tyro

from ..errors import InputError
from ..runs import StopSignal
from .terminal import TerminalProgress, tell


def _people_film(progress: TerminalProgress, stop: StopSignal) -> Callable:
    from ..create.film import FilmOptions, film_people

    def command(out: Path, filming: FilmOptions = FilmOptions()) -> None:  # noqa: B008
        """Film people who don't exist: clips with sound, each with its exact truth beside it.

        Args:
            out: the folder for the clips
        """
        result = film_people(out, filming, progress, stop)
        progress.done()
        tell(result.summary())

    return command


def _people_sheet(progress: TerminalProgress, stop: StopSignal) -> Callable:
    from ..create.people_sheet import people_sheet

    def command(
        out: Path = Path("sheet.png"), people: int = 24, seed: int = 0, size: int = 256, body: str = "auto"
    ) -> None:
        """Draw a contact sheet of people who don't exist.

        Args:
            out: the picture
            people: how many
            seed: where all chance comes from
            size: pixels of one picture
            body: the head: "builtin", "ict" (from the cache), or a path to it
        """
        picture = people_sheet(out, people, seed, size, body, progress, stop)
        progress.done()
        tell(f"{picture}: {people} people who do not exist")

    return command


def _people_fit(progress: TerminalProgress, stop: StopSignal) -> Callable:
    from ..people.bodies import open_body
    from ..people.fit import FitOptions, fit_head

    def command(
        clips: Annotated[tuple[Path, ...], tyro.conf.Positional] = (),
        out: Path = Path("head.npz"),
        body: str = "",
        fitting: FitOptions = FitOptions(),  # noqa: B008
    ) -> None:
        """Measure a head: mean, identity and expression axes of the face mesh, from footage or from renders.

        Args:
            clips: clips of several people, one person each
            out: the head's file (.npz)
            body: instead of clips, film random people on this head: "ict" (from the cache), or a path to it
        """
        if body and clips:
            raise InputError("A head is measured over clips or over people filmed on --body; give one of the two.")
        result = fit_head(open_body(body) if body else clips, out, fitting, progress, stop)
        progress.done()
        tell(result.summary())

    return command


MAKERS: dict[str, Callable[[TerminalProgress, StopSignal], Callable]] = {
    "people film": _people_film,
    "people sheet": _people_sheet,
    "people fit": _people_fit,
}
