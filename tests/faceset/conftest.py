"""A small faceset of a person who does not exist, with its footage in place."""

from pathlib import Path

import pytest

from semblance import extract, film_people
from semblance.create.film import FilmOptions
from semblance.faceset.extract import ExtractOptions
from semblance.faceset.store import Faceset


@pytest.fixture(scope="session")
def made_up(tmp_path_factory) -> Faceset:
    """Six faces, crops of 128 pixels; the clip lies beside the faceset as film/person-1.mp4."""
    folder: Path = tmp_path_factory.mktemp("made_up")
    film_people(folder / "film", FilmOptions(people=1, seconds=0.24, size=256, body="builtin"))
    return extract([folder / "film" / "person-1.mp4"], folder / "faces", ExtractOptions(size=128))
