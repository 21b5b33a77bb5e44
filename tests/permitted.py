"""Consent for the people that tests use as sources, in the tests' own ledger (see conftest.py)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from semblance.create.consent import one_person, sightings
from semblance.runs import Progress, StopSignal
from semblance.trust.consent import Terms, add, matches
from semblance.trust.ledger import open_ledger


def let(vectors: np.ndarray, person: str = "a person in the tests") -> str:
    """Enter a consent to the use of a face (N, 128), unless it is there; its id."""
    with open_ledger(make=True) as ledger:
        found = [match.consent for match in matches(ledger, vectors) if match.consent.state() == "in force"]
        return found[0].id if found else add(ledger, Terms(person, "in tests"), [], vectors).id


def let_clip(*clips: Path) -> str:
    """The same for who is shown in clips."""
    return let(one_person([(str(clip), sightings(clip, Progress(), StopSignal())) for clip in clips]))
