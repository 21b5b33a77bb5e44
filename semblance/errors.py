"""Everything Semblance raises on purpose. A message says what came, what was expected and what to type.

SemblanceError                       exit code 2
  x InputError                       an argument or option that cannot be: nearest valid value named
  x MediaError                       a file that is missing, empty, cut short, not a picture or clip, without frames
  x FaceError                        no face where one is needed, or too few
  x FacesetError                     a faceset that is missing, too small or damaged
  x ModelError                       unknown model or preset, wrong or damaged weights, a format that is too new
  x OutputError                      a place that exists already, cannot be written, or is full
    x Busy                           a folder that another command works in
  x TrainingError                    training that cannot go on (numbers that stay NaN after roll-backs)
  x Refused                          refused by consent or content gate (exit code 3)
  x Stopped                          the user asked to stop; what was done is kept (exit code 130)
"""

from __future__ import annotations

import difflib
import errno
from collections.abc import Iterable
from pathlib import Path


class SemblanceError(Exception):
    """Base of all errors that Semblance raises on purpose; its text is one sentence for a person."""

    exit_code = 2


class InputError(SemblanceError):
    """An argument or option that cannot be."""


class MediaError(SemblanceError):
    """A media file that cannot be read."""


class FaceError(SemblanceError):
    """No face where one is needed, or too few of them."""


class FacesetError(SemblanceError):
    """A faceset that is missing, too small or damaged."""


class ModelError(SemblanceError):
    """An unknown model or preset, or weights that cannot be used."""


class OutputError(SemblanceError):
    """A place that cannot be written to."""


class Busy(OutputError):
    """A folder that another command works in at this moment."""


class TrainingError(SemblanceError):
    """Training that cannot go on."""


class Refused(SemblanceError):
    """Refused by the consent ledger or the content gate."""

    exit_code = 3


class Stopped(SemblanceError):
    """The user asked to stop."""

    exit_code = 130


def nearest(word: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown name: ' Did you mean ...?' if something is near, then the whole list."""
    known = sorted(known)
    close = difflib.get_close_matches(word, known, n=1)
    return (f" Did you mean '{close[0]}'?" if close else "") + f" Known: {', '.join(known)}."


def writing_failed(path: Path, error: OSError) -> OutputError:
    """One sentence for an operating system error met while writing `path`."""
    reason = {
        errno.ENOSPC: "the disk is full; free some space or choose another place with --out",
        errno.EDQUOT: "the disk quota is used up; free some space or choose another place with --out",
        errno.EACCES: "permission is denied; choose a folder that you may write to",
        errno.EPERM: "permission is denied; choose a folder that you may write to",
        errno.EROFS: "the disk is read-only; choose another place with --out",
        errno.EFBIG: "the file would be larger than the system allows here",
    }.get(error.errno, error.strerror or str(error))
    return OutputError(f"Cannot write {path}: {reason}.")
