"""The verbs `consent ...` as the terminal sees them; see verbs.py.

Annotations are evaluated where the functions are made, none are postponed: tyro must see the types.
"""

from collections.abc import Callable
from json import dumps
from pathlib import Path

import tyro

from ..runs import StopSignal
from .terminal import TerminalProgress, tell


def _add(progress: TerminalProgress, stop: StopSignal) -> Callable:
    from ..create.consent import consent_add

    def command(
        person: str,
        clip: tyro.conf.UseAppendAction[tuple[Path, ...]],
        statement: str,
        scope: str = "face",
        project: str = "",
        expires: str = "",
        evidence: Path | None = None,
    ) -> None:
        """Enter a person's consent: from then on, their face may be used as far as it goes.

        Args:
            person: the person's name; it stays in the ledger
            clip: a clip, or a folder of pictures, of that person alone; may be given several times
            statement: what the person consents to, in their words
            scope: what it covers: face, voice, or face,voice
            project: the one project it is for; empty: any
            expires: the last day on which it holds, as 2027-06-30; empty: until it is revoked
            evidence: a signed paper or a recording; its hash is kept
        """
        added = consent_add(person, clip, statement, scope, project, expires, evidence, progress=progress, stop=stop)
        progress.done()
        tell(added.summary())

    return command


def _list(progress: TerminalProgress, stop: StopSignal) -> Callable:
    from ..trust.consent import entries
    from ..trust.ledger import check_all, open_ledger

    def command(json: bool = False) -> None:
        """List the consents: whose, what for, until when.

        Args:
            json: print JSON instead of a table
        """
        with open_ledger() as ledger:
            check_all(ledger)
            found = entries(ledger)
        if json:
            tell(dumps([consent.as_json() for consent in found], indent=2))
        else:
            tell(_table(found) if found else "No consent is in the ledger yet; `semblance consent add` enters one.")

    return command


def _show(progress: TerminalProgress, stop: StopSignal) -> Callable:
    from ..trust.consent import entry_of, history
    from ..trust.ledger import check_all, open_ledger

    def command(id: tyro.conf.Positional[str], json: bool = False) -> None:
        """Tell all of one consent, with its history.

        Args:
            id: the consent's id
            json: print JSON instead of text
        """
        with open_ledger() as ledger:
            check_all(ledger)
            told = {**entry_of(ledger, id).as_json(), "history": history(ledger, id)}
        tell(dumps(told, indent=2) if json else _all_of(told))

    return command


def _revoke(progress: TerminalProgress, stop: StopSignal) -> Callable:
    from ..trust.consent import others_in_force, revoke
    from ..trust.ledger import open_ledger

    def command(id: tyro.conf.Positional[str], reason: str = "") -> None:
        """End a consent; it stays in the history, and nothing new can be made by it.

        Args:
            id: the consent's id
            reason: why, in a few words
        """
        with open_ledger() as ledger:
            consent = revoke(ledger, id, reason)
            tell(f"{consent.id}: revoked; nothing new can be made by it.")
            for other in others_in_force(ledger, consent):
                tell(f"Mind: consent {other.id} of the same face is still in force.")

    return command


def _export(progress: TerminalProgress, stop: StopSignal) -> Callable:
    from ..trust.ledger import export, open_ledger, write_export

    def command(out: Path | None = None) -> None:
        """Export the whole history as JSON, with the hashes by which anybody can check that nothing was changed.

        Args:
            out: the file; without it, the terminal
        """
        with open_ledger() as ledger:
            if out is None:
                tell(dumps(export(ledger), indent=2))
            else:
                write_export(ledger, out)
                tell(f"{out}: {len(ledger.events)} events; it holds names, so keep it as you keep the ledger.")

    return command


def _table(found: list) -> str:
    """A line for each consent."""
    rows = [["id", "person", "scope", "project", "until", "state"]]
    for consent in found:
        asked = consent.terms
        rows.append(
            [consent.id, asked.person, ",".join(asked.scope), asked.project or "any", consent.until, consent.state()]
        )
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)


def _all_of(told: dict) -> str:
    """A consent as text: a line for each thing known, then a line for each event."""
    files = [f"{file['name']}  sha256 {file['sha256']}" for file in told["clips"]]
    evidence = told["evidence"]
    lines = {
        "consent": told["id"],
        "person": told["person"],
        "covers": " and ".join(told["scope"]),
        "project": told["project"] or "any",
        "until": told["expires"] or "no end",
        "state": told["state"],
        "statement": told["statement"].replace("\n", "\n" + " " * 11),
        "evidence": f"{evidence['name']}  sha256 {evidence['sha256']}" if evidence else "none",
        "clips": ("\n" + " " * 11).join(files),
        "software": told["software"],
    }
    history = [
        f"  {event['number']:>5}  {event['at']}  {event['kind']:<7}  {event['note']}\n         hash {event['hash']}"
        for event in told["history"]
    ]
    return "\n".join([*(f"{name:<9}  {text}" for name, text in lines.items()), "history", *history])


MAKERS: dict[str, Callable[[TerminalProgress, StopSignal], Callable]] = {
    "consent add": _add,
    "consent list": _list,
    "consent show": _show,
    "consent revoke": _revoke,
    "consent export": _export,
}
