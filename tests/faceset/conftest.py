"""A small faceset of a person who does not exist, with its footage in place."""

from pathlib import Path

import pytest

from semblance import extract
from semblance.create.film import FilmOptions, cast
from semblance.faceset.extract import ExtractOptions
from semblance.faceset.store import Faceset
from semblance.people.bodies import open_body
from semblance.people.film import film
from tests.clips import make_clip

SIZE = 256


@pytest.fixture(scope="session")
def made_up(tmp_path_factory) -> Faceset:
    """Six faces, crops of 128 pixels; the clip lies beside the faceset as film/person-1.mp4, unmarked as footage is."""
    folder: Path = tmp_path_factory.mktemp("made_up")
    options = FilmOptions(people=1, seconds=0.24, size=SIZE, body="builtin")
    shots = [shot.pixels for shot, _ in film(cast(options, 0, open_body("builtin")))]
    (folder / "film").mkdir()
    clip = make_clip(folder / "film" / "person-1.mp4", size=(SIZE, SIZE), frames=len(shots), pictures=shots)
    return extract([clip], folder / "faces", ExtractOptions(size=128))
