"""What is to be said of a file's making: the claim that goes into its manifest, and back from there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from .. import __version__

ASSERTION = "org.semblance.claim"
VERSION = 1  # of that assertion's fields
RELATION = {"plate": "parentOf", "source": "componentOf"}
"""C2PA's words for the roles of ingredients."""
Kind = Literal["edited", "created", "rendered"]
Role = Literal["plate", "source"]


@dataclass(frozen=True)
class Ingredient:
    """A file that something was made from: the plate that was changed, or a source that shows in it."""

    title: str  # the file's name, without its folder
    sha256: str
    format: str  # "video/mp4"
    role: Role
    thumbnail: bytes = field(default=b"", repr=False)  # JPEG
    carried: bytes = field(default=b"", repr=False)  # its own manifest, so that its history goes on; see sign.py

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


def plain(claim: Claim) -> dict:
    """The claim as plain values, as our assertion holds it."""
    parts = [{key: getattr(part, key) for key in ("title", "sha256", "format", "role")} for part in claim.ingredients]
    return {
        "version": VERSION,
        **{key: getattr(claim, key) for key in ("what", "kind", "software", "nobody_real", "watermark")},
        "model": dict(claim.model),
        "consent": list(claim.consent),
        "ingredients": parts,
    }


def claim_from(data: object) -> Claim | None:
    """The claim in our assertion; None for one that is newer, or that somebody else wrote otherwise."""
    try:
        if data["version"] != VERSION:
            return None
        parts = tuple(Ingredient(**part) for part in data["ingredients"])
        rest = {key: value for key, value in data.items() if key not in ("version", "ingredients", "consent")}
        return Claim(**rest, ingredients=parts, consent=tuple(data["consent"]))
    except (TypeError, KeyError, ValueError, AttributeError):
        return None
