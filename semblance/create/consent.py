"""The verb `consent add`: clips of one person and what they consent to -> an entry in the ledger.

A record's identity vectors come from faces that were seen clearly and are one person's. A stranger whom the sampled
frames miss, or show once, leaves no vector in the record: nothing is ever granted for them by it. One whom they show
more often, or beside the person, stops the entry, because then it is not clear whose consent it is.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from ..errors import FaceError, InputError
from ..faces.identity import SAME_PERSON, distance, identity_chip, identity_vectors
from ..faces.track import FaceTracker
from ..media.folder import pictures_in
from ..media.probe import probe
from ..media.read import frame_times, frames_at
from ..runs import Progress, StopSignal, hash_of
from ..trust.consent import Consent, File, add, matches, terms
from ..trust.ledger import open_ledger
from ..types import Face

LOOKS = 50  # frames of a clip that are looked at, evenly spread
_SMALLEST = 40  # pixels: a smaller face is a passer-by, or no face; a recogniser cannot tell whose
_TURNED = 40.0  # degrees of yaw beyond which a recogniser is no longer sure
_ONE = 0.5  # two faces nearer than this are one person's; stricter than SAME_PERSON, as in faceset/people.py
_TOGETHER = 0.1  # share of frames with several faces, turned away or not, that makes several people


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """A face in one of the frames looked at. vector (128,); clear: fit to tell whose it is."""

    frame: int
    time: float
    vector: np.ndarray
    clear: bool


@dataclass(frozen=True)
class Added:
    """A new entry, and what its owner should know: the same face under another name, and so on."""

    consent: Consent
    warnings: tuple[str, ...]

    def summary(self) -> str:
        """The last lines on the terminal."""
        asked = self.consent.terms
        where = f"project '{asked.project}'" if asked.project else "any project"
        until = f"until {asked.expires} (that day included)" if asked.expires else "until it is revoked"
        return "\n".join([
            *(f"Mind: {warning}" for warning in self.warnings),
            f"{self.consent.id}: {asked.person} consents to {' and '.join(asked.scope)}, for {where}, {until}.",
            f"Look at it with `semblance consent show {self.consent.id}`, end it with `semblance consent revoke "
            f"{self.consent.id}`.",
        ])  # fmt: skip


def consent_add(
    person: str,
    clips: Sequence[Path | str],
    statement: str,
    scope: str = "face",
    project: str = "",
    expires: str = "",
    evidence: Path | None = None,
    ledger: Path | None = None,
    today: date | None = None,
    progress: Progress | None = None,
    stop: StopSignal | None = None,
) -> Added:
    """Look at the clips, enter the consent. Nothing is written until all is well.

    ledger: its path, where it is not the user's own. Raises InputError, MediaError, FaceError (no face, several
    people), OutputError, Stopped.
    """
    progress, stop = progress or Progress(), stop or StopSignal()
    if not clips:
        raise InputError("No clip was given; name one or more clips of the person with --clip.")
    asked = terms(person, statement, scope, project, expires, _evidence(evidence), today)
    with open_ledger(ledger):  # a ledger that cannot be used is told before the work, not after it
        pass
    files = [File(_name(Path(clip)), _hash(Path(clip))) for clip in clips]
    vectors = one_person([(str(clip), sightings(Path(clip), progress, stop)) for clip in clips])
    with open_ledger(ledger, make=True) as opened:
        names = {m.consent.terms.person: m.consent.id for m in matches(opened, vectors)}
        consent = add(opened, asked, files, vectors)
    others = [f"{name} ({entry})" for name, entry in names.items() if name.casefold() != asked.person.casefold()]
    said = f"the same face is in the ledger under another name already: {', '.join(others)}."
    return Added(consent, (said,) if others else ())


def sightings(clip: Path, progress: Progress, stop: StopSignal) -> list[Sighting]:
    """The faces in up to LOOKS frames of a clip. Raises MediaError, FaceError where there is none."""
    info = probe(clip)
    count = len(frame_times(info))
    wanted = np.unique(np.linspace(0, count - 1, min(LOOKS, count)).round().astype(int))
    aspect = float(info.pixel_aspect)
    found: list[tuple[int, float, Face, np.ndarray]] = []
    progress.stage("look", len(wanted), "frames")
    with closing(FaceTracker(aspect)) as tracker, closing(frames_at(info, wanted)) as frames:
        for frame in frames:
            stop.check("Nothing was entered.")
            progress.advance()
            if frame is None:
                continue
            tracker.restart()  # frames far apart: each is looked at as a whole
            faces = [face for face in tracker.step(frame.pixels) if face.size >= _SMALLEST]
            found += [(frame.index, frame.time, face, identity_chip(frame.pixels, face, aspect)) for face in faces]
    if not found:
        raise FaceError(
            f"{clip} shows no face of {_SMALLEST} pixels or more; give a clip that shows the person's face."
        )
    vectors = identity_vectors([chip for *_, chip in found])
    return [
        Sighting(index, time, vector, abs(face.pose[0]) <= _TURNED)
        for (index, time, face, _), vector in zip(found, vectors)
    ]


def one_person(seen: Sequence[tuple[str, list[Sighting]]]) -> np.ndarray:
    """Clips and their sightings -> (N, 128), the clear faces of the one person that all of them show.

    Raises FaceError: several people in a clip, no clear face, clips of different people.
    """
    parts = [_of_one(clip, found) for clip, found in seen]
    for (clip, _), part in zip(seen[1:], parts[1:]):
        if distance(parts[0].mean(0), part.mean(0)) >= _ONE:
            raise FaceError(f"{clip} shows another person than {seen[0][0]}; enter each person's consent by itself.")
    return np.concatenate(parts)


def _of_one(clip: str, found: list[Sighting]) -> np.ndarray:
    """(N, 128): the clear faces of a clip's one person."""
    clear = [sighting for sighting in found if sighting.clear]
    if not clear:
        raise FaceError(
            f"{clip} shows only faces turned more than {_TURNED:g} degrees away; give a clip that shows the person "
            "from the front."
        )
    people = _grouped(clear)
    frames = [sighting.frame for sighting in found]
    together = len({frame for frame in frames if frames.count(frame) > 1}) / len(set(frames))
    number = len(people)
    if number == 1 and together > _TOGETHER:
        number = max(frames.count(frame) for frame in frames)
    if number > 1:
        other = people[1][0] if len(people) > 1 else next(s for s in found if frames.count(s.frame) > 1)
        raise FaceError(
            f"{clip} shows {number} people (the second at {other.time:.1f} s); give a clip of the one person or cut it."
        )
    return np.stack([sighting.vector for sighting in people[0]])


def _grouped(clear: list[Sighting]) -> list[list[Sighting]]:
    """Sightings of each person, the one seen most first; those that fit nobody, seen once and alone, are left out."""
    vectors = np.stack([sighting.vector for sighting in clear])
    near = np.linalg.norm(vectors[:, None] - vectors[None], axis=-1) < _ONE  # (N, N)
    gaps = distance(vectors, vectors[near[near.sum(1).argmax()]].mean(0))
    people = [[sighting for sighting, gap in zip(clear, gaps) if gap < _ONE]]
    frames = {sighting.frame for sighting in people[0]}
    left = [sighting for sighting, gap in zip(clear, gaps) if gap >= SAME_PERSON]
    while left:
        group = [other for other in left if distance(other.vector, left[0].vector) < _ONE]
        # one odd face alone in one frame may be a blur or a hand before the person's own
        if len(group) > 1 or group[0].frame in frames:
            people.append(group)
        left = [other for other in left if not any(other is member for member in group)]
    return people


def _evidence(path: Path | None) -> File | None:
    if path is None:
        return None
    path = Path(path)
    if not path.is_file():
        raise InputError(f"The evidence {path} is no file; give --evidence the signed paper or recording.")
    return File(_name(path), _hash(path))


def _hash(path: Path) -> str:
    """sha256 of a file, or of all pictures of a folder one after the other."""
    try:
        return hash_of(*(pictures_in(path) if path.is_dir() else [path]))
    except FileNotFoundError:
        raise InputError(f"There is no clip at {path}; check the path.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); check its rights.") from None


def _name(path: Path) -> str:
    """The name without the folder; what of it is not UTF-8 becomes the replacement character."""
    return os.fsencode(path.absolute().name).decode("utf-8", "replace")
