"""Reads the C2PA manifest of a file, inside it or beside it: who signed it, what it says, and whether it holds.

Nothing here uses the network, and nothing is written.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from c2pa import C2paError, Context, Reader

from .claim import ASSERTION, RELATION, Claim, claim_from, plain
from .keys import Known, known_signers, settings_for
from .signable import BESIDE, LARGEST, kind_of, leaves_trace, sidecar_of
from .words import action_words, check_words

State = Literal["ours", "another", "broken", "absent"]


@dataclass(frozen=True)
class SignedBy:
    """The signing certificate's subject. fingerprint (sha256) only for the identities of this machine."""

    name: str
    organisation: str
    serial: str
    fingerprint: str = ""


@dataclass(frozen=True)
class Past:
    """What a file was made from, as far back as the manifests go."""

    title: str
    role: str  # "plate", "source" or C2PA's own word
    signer: str = ""  # "" for one without a manifest of its own
    intact: bool = True  # as found when it was used
    says: tuple[str, ...] = ()
    past: tuple[Past, ...] = ()


@dataclass(frozen=True)
class Manifest:
    """What a file's manifest says, and whether it holds. `problems` are in words."""

    state: State
    signer: SignedBy | None = None
    time: str = ""  # of the time stamp
    claim: Claim | None = None  # where it was made by Semblance, here or elsewhere
    says: tuple[str, ...] = ()  # its actions and source types
    past: tuple[Past, ...] = ()
    problems: tuple[str, ...] = ()
    beside: Path | None = None  # the file it lies in, where it is not inside


def read_manifest(path: Path, known: Known | None = None) -> Manifest:
    """What the manifest of a file says, inside it or beside it, and whether it holds. Nothing is fetched or written.

    known: the signers that count as ours; None: this machine's. Raises MediaError for what is no file, empty, or a
    picture too large to be one.
    """
    path, known = Path(path), known_signers() if known is None else known
    kind = kind_of(path)
    context = Context(settings_for(known.roots))
    found = Manifest("absent")
    if kind:
        found = _read(path, kind, None, context, known)
    if found.state != "absent":
        return found
    for beside in (sidecar_of(path), *([] if kind else [path.with_suffix(".c2pa")])):
        if beside != path and beside.is_file() and beside.stat().st_size <= LARGEST:
            return _read(path, kind or BESIDE, beside, context, known)
    return found


def has_manifest(path: Path, kind: str) -> bool:
    """A quick look; whether it holds is another question."""
    try:
        with open(path, "rb") as file:
            return Reader.try_create(kind, file, None, Context(settings_for())) is not None
    except C2paError:
        return leaves_trace(path)


def _read(path: Path, kind: str, beside: Path | None, context: Context, known: Known) -> Manifest:
    """The manifest inside `path`, or the one in `beside` that belongs to it."""
    try:
        with open(path, "rb") as file:
            reader = Reader(kind, file, beside.read_bytes() if beside else None, context)
            found, results = json.loads(reader.json()), reader.get_validation_results() or {}
            state = reader.get_validation_state()
    except (C2paError, ValueError) as error:
        if str(error).startswith("Remote"):
            return Manifest("absent", problems=(f"its manifest is on a server, and nothing is fetched ({error})",))
        missing = isinstance(error, C2paError.ManifestNotFound | C2paError.NotSupported)
        if beside or leaves_trace(path):
            return Manifest("broken", problems=(f"its manifest is cut off or damaged ({error})",), beside=beside)
        return Manifest("absent", problems=() if missing else (f"the file itself is damaged ({error})",))
    manifests, label = found.get("manifests") or {}, found.get("active_manifest")
    if label not in manifests:
        return Manifest("broken", problems=("its manifest is cut off or damaged (not where it says)",), beside=beside)
    active = manifests[label]
    failed = _failures(results)
    signer = _signer(active, known)
    if state == "Invalid" and not failed <= {"signingCredential.untrusted", "signingCredential.expired"}:
        answer = "broken"
    else:
        answer = "ours" if state == "Trusted" and signer.fingerprint else "another"
    return Manifest(
        state=answer,
        signer=signer,
        time=str(active.get("signature_info", {}).get("time", "")),
        claim=claim_from(_assertion(active, ASSERTION)),
        says=_says(active),
        past=_past(active, manifests, seen=(label,)),
        problems=tuple(dict.fromkeys(check_words(code) for code in sorted(failed))),
        beside=beside,
    )


def _failures(results: dict) -> set[str]:
    """Codes of all checks that failed, of the file's own manifest and of what changed in its ingredients' since."""
    parts = [results.get("activeManifest") or {}]
    parts += [delta.get("validationDeltas") or {} for delta in results.get("ingredientDeltas") or []]
    return {check["code"] for part in parts for check in part.get("failure") or []}


def _signer(manifest: dict, known: Known) -> SignedBy:
    """Who signed; only a signature that was checked makes the fingerprint worth anything."""
    info = manifest.get("signature_info") or {}
    serial = str(info.get("cert_serial_number") or "")
    number = int(serial) if serial.isdecimal() else -1
    name, organisation = str(info.get("common_name") or ""), str(info.get("issuer") or "")
    return SignedBy(name or organisation, organisation, f"{max(number, 0):x}", known.fingerprints.get(number, ""))


def _assertion(manifest: dict, label: str) -> object:
    """The data of the first assertion of that label (labels of newer versions end in .v2, .v3...)."""
    for assertion in manifest.get("assertions") or []:
        if re.fullmatch(re.escape(label) + r"(\.v\d+)?(__\d+)?", assertion.get("label", "")):
            return assertion.get("data")
    return None


def _says(manifest: dict) -> tuple[str, ...]:
    actions = _assertion(manifest, "c2pa.actions")
    actions = actions.get("actions") if isinstance(actions, dict) else None
    actions = actions if isinstance(actions, list) else []
    return tuple(action_words(action) for action in actions if isinstance(action, dict))


def _past(manifest: dict, manifests: dict, seen: tuple[str, ...]) -> tuple[Past, ...]:
    """The ingredients, each with its own; `seen` ends a circle."""
    roles = {relation: role for role, relation in RELATION.items()}
    found = []
    for part in manifest.get("ingredients") or []:
        label, relation = part.get("active_manifest", ""), part.get("relationship", "")
        own = manifests.get(label) if label not in seen else None
        codes = _failures(part.get("validation_results") or {})
        found.append(
            Past(
                title=str(part.get("title") or ""),
                role=roles.get(relation, relation),
                signer=_signer(own, Known()).name if own else "",
                intact=codes <= {"signingCredential.untrusted", "signingCredential.expired"},
                says=_says(own) if own else (),
                past=_past(own, manifests, (*seen, label)) if own else (),
            )
        )
    return tuple(found)


def as_json(manifest: Manifest) -> dict:
    """The record as plain values."""
    values = asdict(manifest)
    values["claim"] = plain(manifest.claim) if manifest.claim else None
    values["beside"] = str(manifest.beside) if manifest.beside else None
    return values
