"""The verbs of the trust room as the terminal sees them: verify, keys new, keys show.

Annotations are evaluated where the functions are made, none are postponed: tyro must see the types.
"""

from collections.abc import Callable
from json import dumps
from pathlib import Path

import tyro

from ..runs import StopSignal
from .terminal import TerminalProgress, tell


def verify_verb(progress: TerminalProgress, stop: StopSignal) -> Callable:
    """`semblance verify FILE`"""
    from ..trust.consent import uses_of_mark
    from ..trust.ledger import open_ledger
    from ..trust.mark_in_file import mark_in
    from ..trust.verify import verify, verify_folder

    def command(file: tyro.conf.Positional[Path], json: bool = False) -> None:
        """Tell what a file says of its making, and whether that holds. Reads labels, fetches nothing, changes nothing.

        Exit code: 0 its labels hold (signed by us, signed by somebody else, or labelled), 1 broken, 4 none found,
        2 the file cannot be read. Of a folder: 0 if all labels hold, else the first of 1, 2, 4 that fits a picture.

        Args:
            file: a picture, clip or sound, or a folder of pictures
            json: print JSON instead of words
        """
        verdict = verify_folder(file, mark_in, progress, stop) if file.is_dir() else verify(file, mark_in)
        progress.done()
        tell(dumps(verdict.as_json(), indent=2) if json else verdict.text())
        if not json and (payload := getattr(verdict, "payload", "")):
            with open_ledger() as ledger:
                for use in uses_of_mark(ledger, payload):
                    tell(f"This number was laid here on {use.at[:10]}, by consent {use.entry}.")
        if verdict.exit_code:
            raise SystemExit(verdict.exit_code)  # an answer, not an error: nothing to say on standard error

    return command


def keys_new_verb(progress: TerminalProgress, stop: StopSignal) -> Callable:
    """`semblance keys new`"""
    from ..trust.keys import describe, new_identity

    def command(name: str = "", certificate: Path | None = None, key: Path | None = None, timestamp: str = "") -> None:
        """Make a new signing identity. What the old one signed is still told as yours; its private key is deleted.

        Args:
            name: who signs, as it will stand in every file that is signed
            certificate: your own certificates in one PEM file: the signer's first, its issuers, the root last
            key: its private key (PEM, without password)
            timestamp: address of a time stamp server, asked at each signature; without it nothing needs a network
        """
        tell(describe(new_identity(name, certificate, key, timestamp)))

    return command


def keys_show_verb(progress: TerminalProgress, stop: StopSignal) -> Callable:
    """`semblance keys show`"""
    from ..trust.keys import describe, keys_folder, open_identity

    def command() -> None:
        """Tell who signs what is made here: name, fingerprint, until when, and where the key lies."""
        if (keys_folder() / "current").exists():
            tell(describe(open_identity()))
        else:
            tell("No signing identity yet: it is made when something is first signed, or now by `semblance keys new`.")

    return command
