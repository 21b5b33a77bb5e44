"""Who has consented to what: records in the ledger, and the look-up that every face goes through before it is used.

identity vectors (N, 128), scope, project, date -> Consent, or Refused with the command that would add it.

A name stands in the ledger only; everything else (headers, manifests, messages of a refusal) knows the entry's id.
"""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

import numpy as np

from .. import __version__
from ..errors import FaceError, InputError, Refused, nearest
from ..types import IDENTITY_SIZE
from .ledger import ADDED, REVOKED, USED, Event, Ledger, append, body_of, face_of, means, writing

SCOPES = ("face", "voice")
# Distance of a clip's faces to the nearest vector of an entry, of the quarter that is nearest. The same person: 0.12,
# up to 0.21 in other light or mirrored, 0.30 at half the size in a hard JPEG; different people from 0.60 (six of GRID,
# see benchmarks/consent.py --people), people who don't exist from 0.46. A look-up compares with thousands, so it asks
# for more than the 0.6 that tells two people apart. The nearest quarter, because faces that turn away come out 0.5 from
# their own, and the nearest faces of different people are hardly nearer than their median.
MATCH = 0.45
_SAME_PERSON = 0.6  # as in faces/identity.py, which is not imported: it loads what `consent list` does not need
VIEWS = 8  # single vectors kept of an entry, beside the mean
_AS_NEAR = 0.1  # entries this much further than the nearest one may be the same person under another name
_NEAREST = 25  # per cent
_STRANGERS = 0.25  # share of a clip's faces that may look like somebody else: turned far away, half hidden
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # base 32 without the letters that are taken for another
_ID_LENGTH = 8
_LONGEST = 20_000  # letters of a statement


@dataclass(frozen=True)
class File:
    """A file as the ledger knows it: its name without the folder, and the sha256 of its bytes."""

    name: str
    sha256: str


@dataclass(frozen=True)
class Terms:
    """What a person consents to, checked by `terms`. project "": any; expires None: until it is revoked."""

    person: str
    statement: str
    scope: tuple[str, ...] = ("face",)
    project: str = ""
    expires: date | None = None
    evidence: File | None = None


@dataclass(frozen=True)
class Consent:
    """An entry of the ledger. added, revoked: UTC, as ISO 8601; clips: what the identity vectors were taken from."""

    id: str
    number: int
    added: str
    terms: Terms
    clips: tuple[File, ...]
    software: str
    revoked: str | None = None
    reason: str = ""

    def state(self, today: date | None = None) -> str:
        """In force, expired or revoked, in words."""
        if self.revoked:
            return f"revoked {self.revoked[:10]}"
        return f"expired {self.terms.expires}" if _is_over(self.terms, today) else "in force"

    @property
    def until(self) -> str:
        return str(self.terms.expires) if self.terms.expires else "no end"

    def as_json(self, today: date | None = None) -> dict:
        """All of it, flat, without the identity vectors."""
        return {
            "id": self.id, "person": self.terms.person, "scope": list(self.terms.scope), "project": self.terms.project,
            "added": self.added, "expires": str(self.terms.expires) if self.terms.expires else None,
            "state": self.state(today), "revoked": self.revoked, "reason": self.reason,
            "statement": self.terms.statement,
            "evidence": _file_json(self.terms.evidence) if self.terms.evidence else None,
            "clips": [_file_json(clip) for clip in self.clips], "software": self.software,
        }  # fmt: skip


@dataclass(frozen=True)
class Match:
    """An entry whose face is that of a clip; distance: see MATCH; strangers: share of the clip's faces unlike it."""

    consent: Consent
    distance: float
    strangers: float


@dataclass(frozen=True)
class Permission:
    """On what ground a face may be used, for the header of a faceset or model: ids of the ledger, or nobody's face."""

    kind: Literal["ledger", "synthetic"]
    consent: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in ("ledger", "synthetic") or (self.kind == "ledger") != bool(self.consent):
            raise InputError(
                f"A permission of kind '{self.kind}' with {len(self.consent)} consent ids cannot be; kind 'ledger' has "
                "one or more, 'synthetic' none."
            )

    def as_json(self) -> dict:
        return {"consent": list(self.consent), "kind": self.kind}

    @classmethod
    def from_json(cls, value: object) -> Permission:
        """Back from what as_json made. Raises InputError."""
        ids = value.get("consent") if isinstance(value, dict) else None
        if not isinstance(ids, list) or not all(isinstance(id, str) for id in ids):
            raise InputError('The header\'s permission is none; expected {"consent": [ids], "kind": "ledger"}.')
        return cls(value.get("kind"), tuple(ids))


def terms(
    person: str,
    statement: str,
    scope: str = "face",
    project: str = "",
    expires: str = "",
    evidence: File | None = None,
    today: date | None = None,
) -> Terms:
    """Words as they were typed -> Terms. scope: parted by commas; expires: as 2027-06-30. Raises InputError."""
    person = _line(person, "name of a person", "--person")
    if not person:
        raise InputError("The consent has no person; give the name of who consents with --person.")
    if not statement.strip():
        raise InputError("The consent has no statement; give the words of the person with --statement.")
    if len(statement) > _LONGEST:
        raise InputError(
            f"The statement has {len(statement)} letters, over {_LONGEST}; give the gist, and the whole as --evidence."
        )
    _check_text(statement, "statement", "--statement")
    if not all(letter.isprintable() or letter in "\n\t" for letter in statement):
        raise InputError("The statement holds letters that cannot be printed; type --statement again without them.")
    return Terms(
        person,
        statement.strip(),
        _scope(scope),
        _line(project, "project", "--project"),
        _expiry(expires, today),
        evidence,
    )


def add(ledger: Ledger, asked: Terms, clips: Sequence[File], vectors: np.ndarray) -> Consent:
    """Enter a consent. vectors (N, 128): the person's faces in the clips. Raises FaceError, InputError, OutputError."""
    face = _face(_checked(vectors, "The clip"))
    body = {
        "person": asked.person, "statement": asked.statement, "scope": list(asked.scope), "project": asked.project,
        "expires": str(asked.expires) if asked.expires else None,
        "evidence": _file_json(asked.evidence) if asked.evidence else None,
        "clips": [_file_json(clip) for clip in clips], "software": f"Semblance {__version__}",
    }  # fmt: skip
    with writing(ledger):
        taken = {row[2] for row in ledger.rows}
        while (entry := "".join(secrets.choice(_LETTERS) for _ in range(_ID_LENGTH))) in taken:
            pass
        event = append(ledger, ADDED, entry, body, face)
    return _consent(ledger, event, [])


def revoke(ledger: Ledger, entry: str, reason: str = "") -> Consent:
    """End a consent from now on; it stays in the history. Raises InputError (unknown, ended), OutputError."""
    reason = _line(reason, "reason", "--reason")
    with writing(ledger):
        consent = entry_of(ledger, entry)
        if consent.revoked:
            raise InputError(f"Consent {consent.id} was revoked on {consent.revoked[:10]} already.")
        append(ledger, REVOKED, consent.id, {"reason": reason})
    return entry_of(ledger, consent.id)


def note_use(ledger: Ledger, entry: str, output_sha256: str, what: str, mark: str = "") -> Event:
    """Note that an output was made by this consent; what: in a few words ("face swap"); mark: the number of its
    watermark. For the last writer, to be called before the output leaves: a consent that was revoked meanwhile refuses
    it.

    Raises InputError, OutputError, Refused.
    """
    if len(output_sha256) != 64 or set(output_sha256) - set("0123456789abcdef"):
        raise InputError(f"'{output_sha256}' is no sha256; give the 64 hex digits of the output's hash.")
    with writing(ledger):
        consent = entry_of(ledger, entry)
        if consent.revoked:
            raise Refused(f"Consent {consent.id} was revoked on {consent.revoked[:10]}; nothing more may leave by it.")
        body = {"output": output_sha256, "what": _line(what, "use", "what"), "mark": mark}
        return append(ledger, USED, consent.id, body)


def entries(ledger: Ledger) -> list[Consent]:
    """All consents in the order in which they were added. Raises InputError."""
    ends: dict[str, list[Event]] = {}
    for event in ledger.events:
        if event.kind == REVOKED:
            ends.setdefault(event.entry, []).append(event)
    return [_consent(ledger, e, ends.get(e.entry, [])) for e in ledger.events if e.kind == ADDED]


def entry_of(ledger: Ledger, entry: str) -> Consent:
    """One consent by its id, in capitals or not, O typed for 0. Raises InputError."""
    wanted = entry.strip().upper().translate(str.maketrans("OIL", "011", "- "))
    history = ledger.of(wanted)
    if not history:
        known = [event.entry for event in ledger.events if event.kind == ADDED]
        told = nearest(wanted, known).partition(" Known:")[0]  # a ledger may hold thousands
        raise InputError(f"There is no consent '{entry}' in {ledger.path}.{told} `semblance consent list` tells all.")
    return _consent(ledger, history[0], history)


def matches(ledger: Ledger, vectors: np.ndarray) -> list[Match]:
    """The entries, of whatever state, with the face of these vectors (N, 128), nearest first. Raises InputError."""
    vectors = np.asarray(vectors, np.float32)
    numbers, middles = means(ledger)
    found = []
    for k in np.flatnonzero(_gaps(vectors.mean(0)[None], middles)[0] < _SAME_PERSON):
        event = Event._make(ledger.rows[numbers[k] - 1])
        gaps = _gaps(vectors, face_of(ledger, event)).min(1)
        near = float(np.percentile(gaps, _NEAREST))
        if near < MATCH:
            consent = _consent(ledger, event, ledger.of(event.entry))
            found.append(Match(consent, near, float((gaps > _SAME_PERSON).mean())))
    return sorted(found, key=lambda match: match.distance)


def others_in_force(ledger: Ledger, consent: Consent, today: date | None = None) -> list[Consent]:
    """Other entries in force with the same face. Raises InputError."""
    views = face_of(ledger, Event._make(ledger.rows[consent.number - 1]))[1:]
    found = [match.consent for match in matches(ledger, views)]
    return [other for other in found if other.id != consent.id and other.state(today) == "in force"]


def history(ledger: Ledger, entry: str) -> list[dict]:
    """The events of one consent; note: what a revocation or a use says. Raises InputError."""
    told = []
    for event in ledger.of(entry_of(ledger, entry).id):
        body = body_of(ledger, event) if event.kind != ADDED else {}
        note = body.get("reason") or " ".join(body.get(name, "") for name in ("what", "output"))
        told.append({**event._asdict(), "note": note.strip()})
    return told


def uses_of_mark(ledger: Ledger, mark: str) -> list[Event]:
    """The uses whose outputs carry the watermark of this number. Raises InputError."""
    return [event for event in ledger.events if event.kind == USED and body_of(ledger, event).get("mark") == mark]


def look_up(
    ledger: Ledger,
    vectors: np.ndarray,
    clips: Sequence[Path | str],
    scope: str = "face",
    project: str = "",
    today: date | None = None,
) -> Consent:
    """The consent that lets the face in `clips`, identity vectors (N, 128), be used; the nearest entry in force.

    An entry in force wins over an ended one of the same person; not one of somebody who only looks alike.
    Raises Refused, with the command that would add the consent; FaceError without a face; InputError.
    """
    project = _line(project, "project", "--project")
    _scope(scope)
    shown = " and ".join(str(clip) for clip in clips)
    found = matches(ledger, _checked(vectors, shown))
    if not found:
        raise Refused(
            f"Nobody in the consent ledger has the face in {shown}; if that person consents, "
            + _run(clips, scope, project)
        )
    whose = found[0].consent.terms.person.casefold()
    theirs = [
        m for m in found if m.consent.terms.person.casefold() == whose or m.distance < found[0].distance + _AS_NEAR
    ]
    for match in theirs:
        if not _hindrance(match.consent, scope, project, today):
            if match.strangers > _STRANGERS:
                raise Refused(
                    f"Consent {match.consent.id} is for one person, but {match.strangers:.0%} of the faces in {shown} "
                    "are not theirs or not to be told; give clips of that person alone."
                )
            return match.consent
    last = max((match.consent for match in theirs), key=lambda consent: consent.number)
    raise Refused(_refusal(last, scope, project, today, f"the person in {shown}", _run(clips, scope, project)))


def require(ledger: Ledger, entry: str, scope: str = "face", project: str = "", today: date | None = None) -> Consent:
    """The consent of a faceset's or model's header, if it is still in force. Raises Refused, InputError."""
    _scope(scope)
    consent = entry_of(ledger, entry)
    if _hindrance(consent, scope, _line(project, "project", "--project"), today):
        again = _run(["CLIP"], scope, project)
        raise Refused(_refusal(consent, scope, project, today, "the person it was made from", again))
    return consent


def _hindrance(consent: Consent, scope: str, project: str, today: date | None) -> str:
    """Why a consent does not allow this, as a clause; "" if it does."""
    asked = consent.terms
    if consent.revoked:
        return f"was revoked on {consent.revoked[:10]}"
    if _is_over(asked, today):
        return f"ended on {asked.expires}"
    missing = [part for part in _scope(scope) if part not in asked.scope]
    if missing:
        return f"covers {' and '.join(asked.scope)}, not {' and '.join(missing)}"
    if asked.project and asked.project.casefold() != project.casefold():
        return f"is for project '{asked.project}', not " + (f"for '{project}'" if project else "for any other use")
    return ""


def _refusal(consent: Consent, scope: str, project: str, today: date | None, who: str, again: str) -> str:
    why = _hindrance(consent, scope, project, today)
    return f"Consent {consent.id} of {who} {why}; if they consent to this, {again}"


def _run(clips: Sequence[Path | str], scope: str, project: str) -> str:
    """The command that would add a consent: all that is known filled in."""
    words = [f"--clip {shlex.quote(str(clip))}" for clip in clips]
    words += [f"--scope {scope}"] * (scope != "face") + [f"--project {shlex.quote(project)}"] * bool(project)
    return f'run `semblance consent add --person NAME {" ".join(words)} --statement "..."`.'


def _is_over(asked: Terms, today: date | None) -> bool:
    return asked.expires is not None and asked.expires < (today or date.today())


def _consent(ledger: Ledger, event: Event, history: Sequence[Event]) -> Consent:
    """The record of an `added` event and what became of it."""
    body = body_of(ledger, event)
    asked = Terms(
        body["person"], body["statement"], tuple(body["scope"]), body["project"],
        date.fromisoformat(body["expires"]) if body["expires"] else None,
        File(**body["evidence"]) if body["evidence"] else None,
    )  # fmt: skip
    ended = [later for later in history if later.kind == REVOKED]
    return Consent(
        event.entry, event.number, event.at, asked, tuple(File(**clip) for clip in body["clips"]), body["software"],
        ended[0].at if ended else None, body_of(ledger, ended[0])["reason"] if ended else "",
    )  # fmt: skip


def _apart(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Distances along the last axis."""
    return np.linalg.norm(one - other, axis=-1)


def _face(vectors: np.ndarray) -> np.ndarray:
    """(N, 128) -> (K, 128): the mean, then up to VIEWS single ones, each far from those before: all sides of a face."""
    middle = vectors.mean(0)
    sure = vectors[_apart(vectors, middle) < MATCH]
    if not len(sure):
        raise FaceError("The faces of the clip differ too much to be one person's; give a clip of one person.")
    chosen = [int(_apart(sure, middle).argmin())]
    gaps = _apart(sure, sure[chosen[0]])
    while len(chosen) < VIEWS and gaps.max() > 0:
        chosen.append(int(gaps.argmax()))
        gaps = np.minimum(gaps, _apart(sure, sure[chosen[-1]]))
    return np.vstack([middle, sure[chosen]]).astype(np.float32)


def _gaps(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(N, 128), (K, 128) -> (N, K) distances, by the binomial formula: many faces would not fit as differences."""
    squares = [np.einsum("ij,ij->i", side, side) for side in (one, other)]
    return np.sqrt(np.maximum(squares[0][:, None] + squares[1][None] - 2 * one @ other.T, 0))


def _checked(vectors: np.ndarray, shown: str) -> np.ndarray:
    vectors = np.asarray(vectors, np.float32)
    if vectors.ndim != 2 or vectors.shape[1] != IDENTITY_SIZE or not np.isfinite(vectors).all():
        raise InputError(
            f"Identity vectors of shape {vectors.shape} cannot be looked up; give (N, 128) finite numbers."
        )
    if not len(vectors):
        raise FaceError(f"{shown} shows no face, so nobody's consent can be looked up; give a clip that shows one.")
    return vectors


def _scope(text: str) -> tuple[str, ...]:
    """ "voice,face" -> ("face", "voice"). Raises InputError."""
    parts = {part.strip().lower() for part in text.split(",")} - {""}
    if not parts:
        raise InputError(f"The consent covers nothing; give --scope one or more of {', '.join(SCOPES)}, with commas.")
    for part in sorted(parts - set(SCOPES)):
        raise InputError(f"There is no scope '{part}'.{nearest(part, SCOPES)}")
    return tuple(part for part in SCOPES if part in parts)


def _expiry(text: str, today: date | None) -> date | None:
    if not text.strip():
        return None
    try:
        expires = date.fromisoformat(text.strip())
    except ValueError:
        raise InputError(f"--expires '{text}' is no date; give the last day as 2027-06-30.") from None
    if expires < (today or date.today()):
        raise InputError(f"--expires {expires} is past; give the last day on which the consent holds, or leave it out.")
    return expires


def _line(text: str, what: str, flag: str) -> str:
    """One line without spaces at its ends. Raises InputError for what is no text."""
    text = " ".join(text.split())
    _check_text(text, what, flag)
    if len(text) > 200 or not text.isprintable():
        raise InputError(f"The {what} cannot be {text[:40]!r}: more than 200 letters, or not printable; change {flag}.")
    return text


def _check_text(text: str, what: str, flag: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InputError(f"The {what} is not UTF-8; type {flag} again.") from None


def _file_json(file: File) -> dict:
    return {"name": file.name, "sha256": file.sha256}
