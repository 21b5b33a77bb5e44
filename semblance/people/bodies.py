"""Which head to film with: the built-in one, or the ICT Face Model Light where the user has it."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import ModelError
from .body import Body

ICT_FILE = "ict_facekit.npz"
ICT_SOURCE = "https://github.com/ICT-VGL/ICT-FaceKit (MIT licence)"


def cache_folder() -> Path:
    """Where the user's own assets lie: $SEMBLANCE_CACHE, else ~/.cache/semblance."""
    return Path(os.environ.get("SEMBLANCE_CACHE") or Path.home() / ".cache" / "semblance")


def open_body(name: str) -> Body:
    """ "auto": ICT's head if it is in the cache, else the built-in one; "builtin"; "ict"; or the path of a head's file.

    Raises ModelError if the head is missing, damaged or something else.
    """
    cached = cache_folder() / ICT_FILE
    if name == "builtin" or (name == "auto" and not cached.is_file()):
        from .builtin import builtin_body

        return builtin_body()
    from .ict import ict_body

    if name not in ("ict", "auto"):
        return ict_body(Path(name))
    if not cached.is_file():
        raise ModelError(
            f"The ICT head is not at {cached}: put it there (it comes from {ICT_SOURCE}), name its path, "
            "or use --body builtin."
        )
    return ict_body(cached)
