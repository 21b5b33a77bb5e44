"""Where what a user keeps for good lies: the consent ledger and the signing keys.

SEMBLANCE_HOME if it is set, else $XDG_DATA_HOME/semblance, else ~/.local/share/semblance. Not the cache: a cache may be
emptied, a ledger may not.
"""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import writing_failed


def home_folder() -> Path:
    """The folder, which need not be there yet."""
    if named := os.environ.get("SEMBLANCE_HOME"):
        return Path(named)
    data = os.environ.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local" / "share") / "semblance"


def make_home() -> Path:
    """The folder, made with rights for its owner only where it was missing. Raises OutputError."""
    folder = home_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise writing_failed(folder, error) from None
    return folder
