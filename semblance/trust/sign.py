"""Signs what is finished: claim + file -> the file with a C2PA manifest inside or beside it; and what a file is as an
ingredient of another.

Sign after the last mux: copying streams into a new container drops the manifest. The pictures' and sound's own bytes
are left as they are. Nothing here uses the network, except a time stamp server where the identity names one.
"""

from __future__ import annotations

import io
import json
import mimetypes
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from c2pa import Builder, C2paError, Context

from ..errors import OutputError, writing_failed
from ..media.folder import pictures_in
from ..runs import hash_of
from .claim import ASSERTION, RELATION, Claim, Ingredient, Role, plain
from .keys import SOURCE_TYPES, Identity, Known, refused, settings_for, signer_of
from .manifest import has_manifest, read_manifest
from .signable import BESIDE, INSIDE, kind_of

# A rendered person is drawn by formulas from a seed, not by a trained model, and no human drew it: of the IPTC's terms
# "algorithmicMedia" says that; "trainedAlgorithmicMedia" would claim a training, "digitalCreation" a human's hand.
_SOURCE_TYPE = {
    "edited": "compositeWithTrainedAlgorithmicMedia",
    "created": "trainedAlgorithmicMedia",
    "rendered": "algorithmicMedia",
}


def ingredient_of(path: Path, role: Role, thumbnail: bytes = b"") -> Ingredient:
    """A file as an ingredient, with the manifest that it carries, if any. Raises MediaError.

    Of a folder of pictures the hash is over all of them in order; manifests of single pictures are left behind.
    """
    path = Path(path)
    if path.is_dir():
        return Ingredient(path.name, hash_of(*pictures_in(path)), "inode/directory", role, thumbnail)
    signed = read_manifest(path, Known()).state != "absent"
    format = mimetypes.guess_type(path.name)[0] or BESIDE
    plain = Ingredient(path.name, hash_of(path), format, role, thumbnail)
    return replace(plain, carried=_carried(path, plain)) if signed else plain


def sign(staged: Path, suffix: str, claim: Claim, identity: Identity) -> bytes | None:
    """Sign the finished file at `staged`, bound for a name that ends in `suffix`, in place.

    Returns None where the manifest went inside, else the bytes that belong into sidecar_of(its final name).
    Raises OutputError, and leaves `staged` as it was; InputError for an identity that cannot sign.
    """
    staged, kind = Path(staged), INSIDE.get(suffix.lower())
    if kind and has_manifest(staged, kind):
        raise OutputError(f"{staged.name} is signed already; sign once, after the last mux.")
    builder = _builder(claim)
    try:
        if kind is None:
            builder.set_no_embed()
            with open(staged, "rb") as source, open(os.devnull, "w+b") as nowhere:
                return builder.sign(signer_of(identity), BESIDE, source, nowhere)
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
            {"label": ASSERTION, "created": True, "data": plain(claim)},
        ],
    }


def _ingredient(part: Ingredient) -> dict:
    picture = {"thumbnail": {"format": "image/jpeg", "identifier": _label(part)}} if part.thumbnail else {}
    return {
        "title": part.title,
        "format": part.format,
        "relationship": RELATION[part.role],
        "label": _label(part),
        "instance_id": f"sha256:{part.sha256}",
        **picture,
    }


def _label(part: Ingredient) -> str:
    return f"{part.role}-{part.sha256[:16]}"


def _carried(path: Path, part: Ingredient) -> bytes:
    """The ingredient with the manifest of its file as the library keeps it; b"" for one that cannot be carried on."""
    builder, archive = Builder({}, Context(settings_for())), io.BytesIO()
    try:
        with open(path, "rb") as file:
            builder.add_ingredient(json.dumps(_ingredient(part)), kind_of(path) or BESIDE, file)
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
