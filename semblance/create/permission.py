"""On what ground a source's face may be used: nobody real is shown, or the person consented.

Clips that this machine filmed say in their signed manifest that nobody real is shown; a faceset of such clips notes it,
signed, in origin.json, and a model trained on it carries it on. Every other face is looked up in the consent ledger.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import FacesetError, MediaError, SemblanceError
from ..faceset.sources import pieces_of
from ..faceset.store import Faceset
from ..media.folder import pictures_in
from ..runs import write_json
from ..trust.consent import Permission, look_up
from ..trust.keys import open_identity
from ..trust.ledger import open_ledger
from ..trust.manifest import read_manifest
from ..trust.statement import state, stated

ORIGIN, PERMISSION = "origin.json", "permission.json"
_CLIP = "CLIP"  # in the command of a refusal, where it is not known any more


def permit(
    vectors: np.ndarray, sources: Sequence[str], origin: dict | None, clips: Sequence[Path | str], project: str = ""
) -> Permission:
    """Whether the face of `vectors` (N, 128) may be shown.

    sources: sha256 of what it was taken from; origin: see origin_of; clips: what a refusal names.
    Raises Refused, with the command that would add the consent, InputError and OutputError for a ledger in trouble.
    """
    if is_of_nobody(sources, origin):
        return Permission("synthetic")
    with open_ledger() as ledger:
        return Permission("ledger", (look_up(ledger, vectors, clips, "face", project).id,))


def is_of_nobody(sources: Sequence[str], origin: dict | None) -> bool:
    """Whether a signed statement says of all `sources` (sha256) that nobody real is shown; origin: see origin_of."""
    facts = stated(origin)
    return bool(facts) and facts.get("nobody_real") is True and set(sources) <= set(facts["clips"])


def permit_faceset(faceset: Faceset, project: str = "") -> Permission:
    """permit for a faceset's kept faces; the faceset remembers it."""
    vectors = np.stack(faceset.kept["identity"].to_list())
    found = permit(vectors, sources_of(faceset), origin_of(faceset), _clips_of(faceset), project)
    write_json(faceset.folder / PERMISSION, found.as_json())
    return found


def permit_model(header: dict, project: str = "") -> Permission:
    """permit for the source of a trained model, by its checkpoint's header."""
    source = header["notes"]["source"]
    vector = np.array(source["identity"], np.float32)
    clips = source.get("footage") or [_CLIP]
    return permit(vector[None], source["clips"], source.get("origin"), clips, project)


def sources_of(faceset: Faceset) -> list[str]:
    """sha256 of what the kept faces were taken from."""
    return sorted(set(faceset.kept["sha256"]))


def origin_of(faceset: Faceset) -> dict | None:
    """What is known, and signed, of a faceset's clips; found out from the clips where it was not noted yet."""
    path = faceset.folder / ORIGIN
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        pass
    origin = _origin(faceset)
    if origin is not None:
        write_json(path, origin)
    return origin


def _origin(faceset: Faceset) -> dict | None:
    """A signed statement if all clips are there as they were, and each shows nobody real by our own manifest."""
    clips = [Path(clip) for clip in _clips_of(faceset)]
    try:
        if not clips or not all(shows_nobody_real(clip) for clip in clips):
            return None
        hashes = {piece.sha256 for piece in pieces_of(clips)}
    except (OSError, SemblanceError):
        return None
    if not set(sources_of(faceset)) <= hashes:
        return None
    return state({"nobody_real": True, "clips": sorted(hashes)}, open_identity())


def shows_nobody_real(clip: Path) -> bool:
    """Whether a clip, or each picture of a folder, carries our own valid manifest that says so. Raises MediaError."""
    pieces = pictures_in(clip) if clip.is_dir() else [clip]
    if not pieces:
        raise MediaError(f"{clip} holds no pictures.")
    found = (read_manifest(piece) for piece in pieces)
    return all(each.state == "ours" and each.claim is not None and each.claim.nobody_real for each in found)


def _clips_of(faceset: Faceset) -> list[str]:
    try:
        return list(faceset.options["clips"])
    except FacesetError:
        return [_CLIP]
