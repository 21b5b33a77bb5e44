"""The C2PA manifest: what a file says of its making, signed. Claim + finished file -> the file signed; and back.

Sign after the last mux: copying streams into a new container drops the manifest. The pictures' and sound's own bytes
are left as they are. mp4, mov, m4a, avi, png, jpg, webp, tiff, gif, avif, wav, mp3 and flac carry the manifest inside;
for all others (mkv, webm, ogg...) it lies beside the file, in NAME.c2pa. Nothing here uses the network, except a time
stamp server where the identity names one.
"""

from __future__ import annotations

import io
import json
import mimetypes
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal

from c2pa import Builder, C2paError, Context, Reader

from .. import __version__
from ..errors import MediaError, OutputError, writing_failed
from ..media.folder import pictures_in
from ..runs import hash_of
from .keys import SOURCE_TYPES, Identity, Known, known_signers, refused, settings_for, signer_of
from .words import action_words, check_words

ASSERTION = "org.semblance.claim"
VERSION = 1  # of that assertion's fields
Kind = Literal["edited", "created", "rendered"]
Role = Literal["plate", "source"]
State = Literal["ours", "another", "broken", "absent"]

# A rendered person is drawn by formulas from a seed, not by a trained model, and no human drew it: of the IPTC's terms
# "algorithmicMedia" says that; "trainedAlgorithmicMedia" would claim a training, "digitalCreation" a human's hand.
_SOURCE_TYPE = {
    "edited": "compositeWithTrainedAlgorithmicMedia",
    "created": "trainedAlgorithmicMedia",
    "rendered": "algorithmicMedia",
}
_RELATION = {"plate": "parentOf", "source": "componentOf"}
_INSIDE = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".m4a": "audio/mp4",
    ".avi": "video/x-msvideo",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".gif": "image/gif",
    ".avif": "image/avif",
    ".wav": "audio/wav",
    ".mp3": "audio/mpeg",
    ".flac": "audio/flac",
}
_BESIDE = "application/octet-stream"  # how the library calls what it only hashes
_WHOLE = ("image/jpeg", "image/tiff", "audio/mpeg", "audio/flac")  # the library reads these into memory as they are
_LARGEST = 1 << 30
_TRACE = b"jumdc2pa\0\x11\0\x10"  # how every manifest store begins: left over where the rest cannot be read
_MARGIN = 1 << 20  # bytes at either end of a file in which a manifest begins


@dataclass(frozen=True)
class Ingredient:
    """A file that something was made from: the plate that was changed, or a source that shows in it."""

    title: str  # the file's name, without its folder
    sha256: str
    format: str  # "video/mp4"
    role: Role
    thumbnail: bytes = field(default=b"", repr=False)  # JPEG
    carried: bytes = field(default=b"", repr=False)  # its own manifest, so that its history goes on; see ingredient_of

    def __post_init__(self) -> None:
        if Path(self.title).name != self.title or "\\" in self.title:
            raise ValueError(f"an ingredient's title is a name without a folder, not '{self.title}'")


@dataclass(frozen=True)
class Claim:
    """What is to be said of a file. No names of people: consent is told by the ids of its records."""

    what: str  # "face swap"
    kind: Kind  # edited: a composite on a real plate; created: by a trained model; rendered: computed, no model
    ingredients: tuple[Ingredient, ...] = ()
    model: Mapping[str, str | int | float | bool] = field(default_factory=dict)  # name, preset, weights' sha256...
    consent: tuple[str, ...] = ()
    nobody_real: bool = False  # all people shown are made up
    watermark: str = ""  # the payload, 16 hexadecimal digits
    software: str = f"Semblance {__version__}"

    def __post_init__(self) -> None:
        plates = sum(part.role == "plate" for part in self.ingredients)
        if plates != (self.kind == "edited"):
            raise ValueError(f"what is {self.kind} has {'one plate' if self.kind == 'edited' else 'no plate'}")
        if self.watermark and not re.fullmatch("[0-9a-f]{16}", self.watermark):
            raise ValueError(f"a watermark's payload is 16 hexadecimal digits, not '{self.watermark}'")
        if not all(re.fullmatch(r"[\w.:-]+", record) for record in self.consent):
            raise ValueError(f"consent is told by ids, not {self.consent}")
        if not all(isinstance(value, str | int | float | bool) for value in self.model.values()):
            raise ValueError(f"facts about the model are plain values, not {dict(self.model)}")


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


def ingredient_of(path: Path, role: Role, thumbnail: bytes = b"") -> Ingredient:
    """A file as an ingredient, with the manifest that it carries, if any. Raises MediaError.

    Of a folder of pictures the hash is over all of them in order; manifests of single pictures are left behind.
    """
    path = Path(path)
    if path.is_dir():
        return Ingredient(path.name, hash_of(*pictures_in(path)), "inode/directory", role, thumbnail)
    signed = read_manifest(path, Known()).state != "absent"
    format = mimetypes.guess_type(path.name)[0] or _BESIDE
    plain = Ingredient(path.name, hash_of(path), format, role, thumbnail)
    return replace(plain, carried=_carried(path, plain)) if signed else plain


def sidecar_of(path: Path) -> Path:
    """Where the manifest of a file lies that cannot carry it inside: clip.mkv.c2pa.

    Some tools write clip.c2pa, which is read here, too; but then clip.mkv and clip.webm would share one.
    """
    path = Path(path)
    return path.with_name(f"{path.name}.c2pa")


def embeds(suffix: str) -> bool:
    """Whether files of this suffix carry the manifest inside."""
    return suffix.lower() in _INSIDE


def sign(staged: Path, suffix: str, claim: Claim, identity: Identity) -> bytes | None:
    """Sign the finished file at `staged`, bound for a name that ends in `suffix`, in place.

    Returns None where the manifest went inside, else the bytes that belong into sidecar_of(its final name).
    Raises OutputError, and leaves `staged` as it was; InputError for an identity that cannot sign.
    """
    staged, kind = Path(staged), _INSIDE.get(suffix.lower())
    if kind and _has_manifest(staged, kind):
        raise OutputError(f"{staged.name} is signed already; sign once, after the last mux.")
    builder = _builder(claim)
    try:
        if kind is None:
            builder.set_no_embed()
            with open(staged, "rb") as source, open(os.devnull, "w+b") as nowhere:
                return builder.sign(signer_of(identity), _BESIDE, source, nowhere)
        with _replaced(staged) as target, open(staged, "rb") as source:
            builder.sign(signer_of(identity), kind, source, target)
        return None
    except C2paError.Signature as error:
        raise refused(identity, error) from None
    except C2paError as error:
        raise OutputError(
            f"{staged.name} was not signed: it is no whole {suffix.lstrip('.')} file ({error})."
        ) from None
    except OSError as error:
        raise writing_failed(staged, error) from None


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
        if beside != path and beside.is_file() and beside.stat().st_size <= _LARGEST:
            return _read(path, kind or _BESIDE, beside, context, known)
    return found


def _builder(claim: Claim) -> Builder:
    builder = Builder(_definition(claim), Context(settings_for()))
    for part in claim.ingredients:
        if part.carried:
            builder.add_ingredient_from_archive(io.BytesIO(part.carried))
        elif part.thumbnail:
            builder.add_resource(_label(part), io.BytesIO(part.thumbnail))
    return builder


def _definition(claim: Claim) -> dict:
    """The manifest as the C2PA library wants it."""
    name, _, version = claim.software.partition(" ")
    agent = {"name": name, "version": version}
    made = {
        "digitalSourceType": SOURCE_TYPES + _SOURCE_TYPE[claim.kind],
        "description": claim.what,
        "softwareAgent": agent,
    }
    placed = [
        {"action": action, "parameters": {"ingredientIds": [_label(part)]}}
        for part in claim.ingredients
        for action in ["c2pa.opened" if part.role == "plate" else "c2pa.placed"]
    ]
    placed.sort(key=lambda action: action["action"])  # C2PA: what was opened comes first
    actions = [*placed, {"action": "c2pa.edited", **made}]
    if claim.kind != "edited":
        actions = [{"action": "c2pa.created", **made}, *placed]
    if claim.watermark:
        # "unbound": the mark is none of those that C2PA lists for finding manifests again, so it must not claim to be
        actions.append({"action": "c2pa.watermarked.unbound", "description": f"payload {claim.watermark}"})
    return {
        "claim_generator_info": [agent],
        "ingredients": [_ingredient(part) for part in claim.ingredients if not part.carried],
        "assertions": [  # "created": the signer answers for it
            {"label": "c2pa.actions.v2", "created": True, "data": {"actions": actions}},
            {"label": ASSERTION, "created": True, "data": _plain(claim)},
        ],
    }


def _ingredient(part: Ingredient) -> dict:
    picture = {"thumbnail": {"format": "image/jpeg", "identifier": _label(part)}} if part.thumbnail else {}
    return {
        "title": part.title,
        "format": part.format,
        "relationship": _RELATION[part.role],
        "label": _label(part),
        "instance_id": f"sha256:{part.sha256}",
        **picture,
    }


def _label(part: Ingredient) -> str:
    return f"{part.role}-{part.sha256[:16]}"


def _plain(claim: Claim) -> dict:
    parts = [{key: getattr(part, key) for key in ("title", "sha256", "format", "role")} for part in claim.ingredients]
    return {
        "version": VERSION,
        **{key: getattr(claim, key) for key in ("what", "kind", "software", "nobody_real", "watermark")},
        "model": dict(claim.model),
        "consent": list(claim.consent),
        "ingredients": parts,
    }


def _claim(data: object) -> Claim | None:
    """The claim in our assertion; None for one that is newer, or that somebody else wrote otherwise."""
    try:
        if data["version"] != VERSION:
            return None
        parts = tuple(Ingredient(**part) for part in data["ingredients"])
        rest = {key: value for key, value in data.items() if key not in ("version", "ingredients", "consent")}
        return Claim(**rest, ingredients=parts, consent=tuple(data["consent"]))
    except (TypeError, KeyError, ValueError, AttributeError):
        return None


def _carried(path: Path, part: Ingredient) -> bytes:
    """The ingredient with the manifest of its file as the library keeps it; b"" for one that cannot be carried on."""
    builder, archive = Builder({}, Context(settings_for())), io.BytesIO()
    try:
        with open(path, "rb") as file:
            builder.add_ingredient(json.dumps(_ingredient(part)), kind_of(path) or _BESIDE, file)
        builder.write_ingredient_archive(_label(part), archive)
    except C2paError:
        return b""  # too broken to be told on; the plate's name and hash are told all the same
    return archive.getvalue()


class _Target(io.BufferedRandom):
    """A new file that remembers why writing failed: the library only tells that it did."""

    failure: OSError | None = None

    def write(self, data: bytes) -> int:
        try:
            return super().write(data)
        except OSError as error:
            self.failure = error
            raise

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            self.failure = error
            raise


@contextmanager
def _replaced(path: Path) -> Iterator[_Target]:
    """A file to write, which takes the place of `path` at the end. OSError if that failed, whoever noticed first."""
    temporary = path.with_name(f"{path.name}.signed")
    target = _Target(io.FileIO(temporary, "w+"))
    try:
        try:
            yield target
            target.close()
        except C2paError:
            if target.failure:
                raise target.failure from None
            raise
        shutil.copymode(path, temporary)
        os.replace(temporary, path)
    finally:
        with suppress(OSError):
            target.close()
        with suppress(OSError):
            temporary.unlink()


def kind_of(path: Path) -> str:
    """Which of the kinds that carry manifests a file is, by its first bytes; "" for none. Raises MediaError."""
    try:
        if not path.exists():
            raise MediaError(f"There is no file {path}; check the name.")
        if not path.is_file():
            raise MediaError(f"{path} is no file; name a picture, a clip or a sound.")
        size = path.stat().st_size
        with open(path, "rb") as file:
            head = file.read(32)
    except OSError as error:
        raise MediaError(f"{path} cannot be read: {error.strerror}.") from None
    if size == 0:
        raise MediaError(f"{path} is empty (0 bytes); copy or export it again.")
    kind = _kind(head)
    if kind in _WHOLE and size > _LARGEST:
        raise MediaError(f"{path} has {size / 2**30:.1f} GB; {kind} is checked up to {_LARGEST >> 30} GB only.")
    return kind


def _kind(head: bytes) -> str:
    if head[4:8] == b"ftyp":
        return {b"avif": "image/avif", b"qt  ": "video/quicktime", b"M4A ": "audio/mp4"}.get(head[8:12], "video/mp4")
    if head[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}.get(head[8:12], "")
    starts = {
        b"\x89PNG": "image/png",
        b"\xff\xd8\xff": "image/jpeg",
        b"GIF8": "image/gif",
        b"II*\0": "image/tiff",
        b"MM\0*": "image/tiff",
        b"fLaC": "audio/flac",
        **dict.fromkeys((b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2"), "audio/mpeg"),
    }
    return next((kind for start, kind in starts.items() if head.startswith(start)), "")


def _has_manifest(path: Path, kind: str) -> bool:
    """A quick look; whether it holds is another question."""
    try:
        with open(path, "rb") as file:
            return Reader.try_create(kind, file, None, Context(settings_for())) is not None
    except C2paError:
        return _leaves_trace(path)


def _leaves_trace(path: Path) -> bool:
    """Whether there are remains of a manifest near either end."""
    with open(path, "rb") as file:
        head = file.read(_MARGIN)
        file.seek(max(0, path.stat().st_size - _MARGIN))
        return _TRACE in head or _TRACE in file.read(_MARGIN)


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
        if beside or _leaves_trace(path):
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
        claim=_claim(_assertion(active, ASSERTION)),
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
    roles = {relation: role for role, relation in _RELATION.items()}
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
    plain = asdict(manifest)
    plain["claim"] = _plain(manifest.claim) if manifest.claim else None
    plain["beside"] = str(manifest.beside) if manifest.beside else None
    return plain
