"""What each kind of result says of its making; see trust.claim.Claim."""

from __future__ import annotations

from ..trust.claim import Claim, Ingredient
from ..trust.consent import Permission
from ..trust.marking import payload_of
from ..trust.sign import ingredient_of
from ..types import ClipInfo
from .permission import shows_nobody_real

_MODEL_FACTS = ("model", "preset", "samples", "sha256")


def rendered(what: str, *facts: object) -> Claim:
    """Of people who don't exist, computed from a seed; with facts: marked by a number that follows from them."""
    return Claim(what, "rendered", nobody_real=True, watermark=payload_of(what, *facts) if facts else "")


def drawn(what: str, permission: Permission | None = None) -> Claim:
    """Of a picture that a trained model made."""
    if permission is None:
        return Claim(what, "created")
    return Claim(what, "created", consent=permission.consent, nobody_real=permission.kind == "synthetic")


def compared(result: ClipInfo, plate: ClipInfo) -> Claim:
    """Of a result shown beside its plate. Raises MediaError."""
    what = f"comparison of {result.path.name} with its plate"
    shown = (ingredient_of(result.path, "plate"), ingredient_of(plate.path, "source"))
    nobody_real = all(shows_nobody_real(clip.path) for clip in (result, plate))
    return Claim(what, "edited", shown, nobody_real=nobody_real, watermark=payload_of(what, *(p.sha256 for p in shown)))


def swapped(plate: ClipInfo, header: dict, permission: Permission, work: dict) -> Claim:
    """Of a plate with another's face. work: all that its frames depend on: the watermark's number follows from it."""
    sources = [
        Ingredient(f"source {number}", sha256, "application/octet-stream", "source")
        for number, sha256 in enumerate(header["notes"]["source"]["clips"], 1)
    ]
    return Claim(
        "face swap",
        "edited",
        (ingredient_of(plate.path, "plate"), *sources),
        {name: header[name] for name in _MODEL_FACTS},
        permission.consent,
        permission.kind == "synthetic" and shows_nobody_real(plate.path),
        payload_of(work),
    )
