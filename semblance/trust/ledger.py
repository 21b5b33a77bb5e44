"""The consent ledger's file: what was written into it stays, and a change of what was written shows.

events, each chained to the one before -> one SQLite file, consent.db in the home folder, rights for its owner only.

    body       what the event says: JSON in ASCII, keys sorted, no spaces, no fractions
    digest     sha256 of the body
    hash       sha256 of six lines: the hash of the event before (64 zeros before the first), number, kind, entry,
               at, digest; joined by line feeds, none after the last
    face       an entry's identity vectors, float32; their sha256 stands in its body as "face"

All sha256 are 64 hex digits. No column of the six can hold a line feed, so no two events have the same lines. Opening a
ledger verifies the chain of all events; a body or a face is verified when it is read, all of them by `check_all`. A
look-up reads few of them, so it stays fast, and grants nothing but by an entry whose every byte the chain covers; a
changed mean can at most hide an entry from it, until `check_all`.

What the chain cannot show is a ledger rewritten from some event to its end by somebody who knows this page. An export
that lies elsewhere shows that, too: `check_export(export, ledger)`.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import numpy as np

from ..errors import InputError, OutputError, SemblanceError, writing_failed
from ..runs import flush_to_disk, refuse_existing, written_whole
from ..types import IDENTITY_SIZE
from .home import home_folder, make_home

NAME = "consent.db"
VERSION = 1
ADDED, REVOKED, USED = "added", "revoked", "used"
FORMAT = "Semblance consent ledger"
PATIENCE = 10.0  # seconds to wait for another process that writes; one event takes milliseconds

_START = "0" * 64
_APPLICATION = 0x53434C31  # "SCL1" in the file's header: tells our ledgers from other SQLite files
_TABLES = {
    "events": "number INTEGER PRIMARY KEY, kind TEXT NOT NULL, entry TEXT NOT NULL, at TEXT NOT NULL, "
    "digest TEXT NOT NULL, hash TEXT NOT NULL",
    "bodies": "number INTEGER PRIMARY KEY, text TEXT NOT NULL",
    # a face in two tables: a look-up reads the means of all and the rest of a few
    "means": "number INTEGER PRIMARY KEY, vector BLOB NOT NULL",
    "views": "number INTEGER PRIMARY KEY, vectors BLOB NOT NULL",
}
_KEEPS = "SELECT RAISE(ABORT, 'the consent ledger keeps what was written')"
_RESTORE = "put a copy from before the change back in its place, or move it away and add each consent again."


class Event(NamedTuple):
    """One line of the history. entry: the id of the consent it is about; at: UTC, as ISO 8601."""

    number: int
    kind: str
    entry: str
    at: str
    digest: str
    hash: str


class Ledger:
    """An open ledger, its chain verified. Made by open_ledger, for one thread."""

    def __init__(self, path: Path, connection: sqlite3.Connection, stored: bool) -> None:
        self.path, self.connection = path, connection
        self.stored = stored  # False: there is no such file, and this one is empty
        self.rows: list[tuple] = []  # the fields of events; records of thousands would cost a look-up half of its time

    @property
    def events(self) -> list[Event]:
        """The whole history."""
        return [Event._make(row) for row in self.rows]

    def of(self, entry: str) -> list[Event]:
        """The history of one entry."""
        return [Event._make(row) for row in self.rows if row[2] == entry]


def ledger_path() -> Path:
    """Where the user's ledger is, or would be."""
    return home_folder() / NAME


@contextmanager
def open_ledger(path: Path | None = None, make: bool = False, patience: float = PATIENCE) -> Iterator[Ledger]:
    """The ledger at `path` (default: the user's own), verified; make: begin one where there is none.

    Without `make` a missing ledger is an empty one, and no file. Raises InputError for a ledger that is damaged, was
    changed or is newer than this version, OutputError for one that is locked or that rights keep from being used.
    """
    path = ledger_path() if path is None else Path(path)
    try:
        connection, stored = _connect(path, make, patience)
        with closing(connection):
            if stored:
                _check_kind(path, connection)
            ledger = Ledger(path, connection, stored)
            connection.execute("BEGIN")  # events and head as they were at one moment
            _catch_up(ledger)
            connection.execute("COMMIT")
            yield ledger
    except sqlite3.Error as error:
        raise _sentence(path, error, patience) from error


@contextmanager
def writing(ledger: Ledger) -> Iterator[None]:
    """No other process writes meanwhile; what is appended inside stands in the ledger as a whole, or not at all."""
    if not ledger.stored:
        raise InputError(f"There is no consent ledger at {ledger.path} yet; `semblance consent add` begins one.")
    known = len(ledger.rows)
    ledger.connection.execute("BEGIN IMMEDIATE")
    try:
        _catch_up(ledger)
        yield
        ledger.connection.execute("COMMIT")
    except BaseException:
        del ledger.rows[known:]
        with suppress(sqlite3.Error):  # it must not hide why
            ledger.connection.rollback()
        raise


def append(ledger: Ledger, kind: str, entry: str, body: dict, face: np.ndarray | None = None) -> Event:
    """Add an event, inside `writing`. face (K, 128): an entry's mean vector, then some single ones."""
    if face is not None:
        face = np.ascontiguousarray(face, "<f4")
        body = {**body, "face": _sha256(face.tobytes())}
    text = canonical(body)
    number, previous = len(ledger.rows) + 1, _last_hash(ledger)
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    digest = _sha256(text.encode())
    event = Event(number, kind, entry, at, digest, _chained(previous, number, kind, entry, at, digest))
    ledger.connection.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)", event)
    ledger.connection.execute("INSERT INTO bodies VALUES (?, ?)", (number, text))
    if face is not None:
        ledger.connection.execute("INSERT INTO means VALUES (?, ?)", (number, face[0].tobytes()))
        ledger.connection.execute("INSERT INTO views VALUES (?, ?)", (number, face[1:].tobytes()))
    ledger.rows.append(tuple(event))
    return event


def body_of(ledger: Ledger, event: Event) -> dict:
    """What an event says, verified. Raises InputError."""
    row = ledger.connection.execute("SELECT text FROM bodies WHERE number = ?", (event.number,)).fetchone()
    if row is None or _sha256(_bytes(row[0])) != event.digest:
        raise _changed(ledger.path, event)
    return json.loads(row[0])


def face_of(ledger: Ledger, event: Event) -> np.ndarray:
    """(K, 128) float32 of an `added` event, verified: the mean, then the single vectors. Raises InputError."""
    wanted = body_of(ledger, event).get("face")
    rows = ledger.connection.execute(
        "SELECT vector, vectors FROM means JOIN views USING (number) WHERE number = ?", (event.number,)
    ).fetchone()
    data = b"".join(map(_bytes, rows or ()))
    if _sha256(data) != wanted:
        raise _changed(ledger.path, event)
    return np.frombuffer(data, "<f4").reshape(-1, IDENTITY_SIZE)


def means(ledger: Ledger) -> tuple[list[int], np.ndarray]:
    """The numbers of the `added` events, and the mean vectors (P, 128) of their faces.

    Not verified: a change shows in `face_of` of those that matter. Raises InputError where they are not even vectors of
    the ledger's entries.
    """
    numbers = [row[0] for row in ledger.rows if row[1] == ADDED]
    last = numbers[-1] if numbers else 0  # later ones belong to an entry that another process has just added
    rows = ledger.connection.execute(
        "SELECT number, vector FROM means WHERE number <= ? ORDER BY number", (last,)
    ).fetchall()
    data = b"".join([_bytes(vector) for _, vector in rows])
    if [number for number, _ in rows] != numbers or len(data) != 4 * IDENTITY_SIZE * len(rows):
        raise InputError(f"{ledger.path} was changed: its faces are not those of its entries; {_RESTORE}")
    return numbers, np.frombuffer(data, "<f4").reshape(-1, IDENTITY_SIZE)


def check_all(ledger: Ledger) -> None:
    """Verify every body and every face. Raises InputError, naming the entry."""
    means(ledger)
    for event in ledger.events:
        face_of(ledger, event) if event.kind == ADDED else body_of(ledger, event)


def export(ledger: Ledger) -> dict:
    """The whole history as JSON, for others to check; without the identity vectors, of which it holds the sha256.

    Raises InputError.
    """
    check_all(ledger)
    return {
        "format": FORMAT,
        "version": VERSION,
        "check": "digest = sha256 of the body as JSON in ASCII with sorted keys and no spaces; hash = sha256 of six "
        "lines: hash of the event before (64 zeros before the first), number, kind, entry, at, digest; no line feed "
        "after the last",
        "head": _last_hash(ledger),
        "events": [{**event._asdict(), "body": body_of(ledger, event)} for event in ledger.events],
    }


def write_export(ledger: Ledger, out: Path) -> None:
    """Export into a new file with rights for its owner only, for it holds names. Raises InputError, OutputError."""
    refuse_existing(out, "file")
    value = export(ledger)
    with written_whole(out) as temporary:
        temporary.touch(0o600)
        temporary.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def check_export(path: Path, ledger: Ledger | None = None) -> int:
    """Verify an exported file by itself; with `ledger` also that it still holds all those events. -> how many.

    Raises InputError, naming the first event that is wrong.
    """
    try:
        value = json.loads(Path(path).read_text(encoding="utf-8"))
        events = [Event(*(row[name] for name in Event._fields)) for row in value["events"]]
        bodies = [row["body"] for row in value["events"]]
        form, version, head = value["format"], value["version"], value["head"]
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); name an exported ledger.") from None
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{path} is no exported ledger; make one with `semblance consent export`.") from None
    if form != FORMAT or version != VERSION:
        raise InputError(
            f"{path} is not version {VERSION} of an exported ledger; check it with the Semblance it is from."
        )
    previous = _verified(path, events, 0, _START)
    for event, body in zip(events, bodies):
        if _sha256(canonical(body).encode()) != event.digest:
            raise _changed(path, event)
    if previous != head:
        raise InputError(f"{path} was changed: events are missing at its end; export the ledger again.")
    if ledger and events != ledger.rows[: len(events)]:
        first = next(e for e, kept in zip(events, [*ledger.rows, *[None] * len(events)]) if e != kept)
        raise InputError(
            f"{ledger.path} was rewritten: event {first.number} (entry {first.entry}) is not the one that {path} "
            f"holds; {_RESTORE}"
        )
    return len(events)


def canonical(body: dict) -> str:
    """The one spelling of a body that is hashed."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"))


def _chained(previous: str, number: int, kind: str, entry: str, at: str, digest: str) -> str:
    return hashlib.sha256(
        f"{previous}\n{number}\n{kind}\n{entry}\n{at}\n{digest}".encode("utf-8", "surrogatepass")
    ).hexdigest()


def _verified(path: Path, rows: Sequence[tuple], last: int, previous: str) -> str:
    """The hash of the last of the events, which follow event `last` with the hash `previous`. Raises InputError."""
    for wanted, row in enumerate(rows, last + 1):
        number, kind, entry, at, digest, told = row
        if number != wanted:
            raise InputError(f"{path} was changed: event {wanted} of its history is missing; {_RESTORE}")
        previous = _chained(previous, number, kind, entry, at, digest)
        if previous != told:
            raise _changed(path, Event._make(row))
    return previous


def _catch_up(ledger: Ledger) -> None:
    """Take in and verify the events since the last look, inside a transaction."""
    known = len(ledger.rows)
    fresh = ledger.connection.execute(
        "SELECT number, kind, entry, at, digest, hash FROM events WHERE number > ? ORDER BY number", (known,)
    ).fetchall()
    last = _verified(ledger.path, fresh, known, _last_hash(ledger))
    head = ledger.connection.execute("SELECT number, hash FROM head").fetchall()
    if head != [(known + len(fresh), last)]:
        raise InputError(f"{ledger.path} was changed: events are missing at the end of its history; {_RESTORE}")
    ledger.rows += fresh


def _last_hash(ledger: Ledger) -> str:
    return ledger.rows[-1][5] if ledger.rows else _START


def _changed(path: Path, event: Event) -> InputError:
    return InputError(
        f"{path} was changed: event {event.number} ({event.kind}, entry {event.entry}) is not as it was written; "
        f"{_RESTORE}"
    )


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _bytes(value: object) -> bytes:
    """What a column holds, whatever its type became."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


def _connect(path: Path, make: bool, patience: float) -> tuple[sqlite3.Connection, bool]:
    """A connection, and whether it is to a file. Never makes a file where one lies, nor beside what is left of one."""
    try:
        if not os.path.lexists(path):
            left = path.with_name(path.name + "-wal")
            if left.exists() and left.stat().st_size:  # a new ledger would take in what it holds
                raise InputError(
                    f"{path} is missing though {left.name} is there; put the ledger back beside it, or move that away."
                )
            if not make:
                connection = sqlite3.connect(":memory:", isolation_level=None)
                connection.executescript(_schema())
                return connection, False
            _make(path)
        if not path.stat().st_size:
            raise InputError(f"{path} is damaged: it is empty; {_RESTORE}")
        with open(path, "r+b"):  # says of missing rights what SQLite would say of a table, later
            pass
    except PermissionError as error:
        raise _no_rights(path) from error
    except OSError as error:
        raise writing_failed(path, error) from error
    address = f"file:{quote(os.fsencode(path.absolute()))}?mode=rw"
    connection = sqlite3.connect(address, uri=True, timeout=patience, isolation_level=None)
    connection.execute("PRAGMA synchronous = FULL")  # an event that was told is on the disk
    return connection, True


def _make(path: Path) -> None:
    """An empty ledger, made beside its place; where another process was first, that one's stays."""
    if path == ledger_path():
        make_home()
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        with closing(sqlite3.connect(temporary, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous = OFF")  # flushed as a whole below
            connection.executescript(_schema())
            connection.execute("PRAGMA journal_mode = WAL")  # readers never wait for a writer
        flush_to_disk(temporary)
        with suppress(FileExistsError):
            os.link(temporary, path)
        flush_to_disk(path.parent)
    finally:
        with suppress(OSError):
            temporary.unlink()


def _check_kind(path: Path, connection: sqlite3.Connection) -> None:
    """Raises InputError unless this is a ledger of our version, with the tables and triggers it was made with."""
    (application,), (version,) = (
        connection.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version")
    )
    if application != _APPLICATION:
        raise InputError(f"{path} is no consent ledger but another SQLite file; move it away, or set SEMBLANCE_HOME.")
    if version > VERSION:
        raise InputError(
            f"{path} is a ledger of version {version}, and this Semblance knows up to {VERSION}; update Semblance."
        )
    if _layout(connection) != _own_layout():
        raise InputError(f"{path} was changed: its tables or triggers are not those it was made with; {_RESTORE}")


@lru_cache(maxsize=1)
def _own_layout() -> list[tuple]:
    with closing(sqlite3.connect(":memory:")) as model:
        model.executescript(_schema())
        return _layout(model)


def _layout(connection: sqlite3.Connection) -> list[tuple]:
    return connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name").fetchall()


def _schema() -> str:
    """Tables, and triggers that refuse every change of a row (INSERT OR REPLACE is one, too)."""
    # large pages: a look-up reads two tables of many short rows
    lines = [
        "PRAGMA page_size = 16384;",
        f"PRAGMA application_id = {_APPLICATION};",
        f"PRAGMA user_version = {VERSION};",
    ]
    for name, columns in _TABLES.items():
        lines += [
            f"CREATE TABLE {name} ({columns});",
            f"CREATE TRIGGER {name}_update BEFORE UPDATE ON {name} BEGIN {_KEEPS}; END;",
            f"CREATE TRIGGER {name}_delete BEFORE DELETE ON {name} BEGIN {_KEEPS}; END;",
            f"CREATE TRIGGER {name}_insert BEFORE INSERT ON {name} "
            f"WHEN EXISTS (SELECT 1 FROM {name} WHERE number = NEW.number) BEGIN {_KEEPS}; END;",
        ]
    # the head tells that events at the end are missing, which the chain alone cannot
    return "\n".join([
        *lines,
        "CREATE TABLE head (number INTEGER PRIMARY KEY, hash TEXT NOT NULL);",
        f"INSERT INTO head VALUES (0, '{_START}');",
        "CREATE TRIGGER head_follows AFTER INSERT ON events "
        "BEGIN UPDATE head SET number = NEW.number, hash = NEW.hash; END;",
        f"CREATE TRIGGER head_update BEFORE UPDATE ON head WHEN NEW.number <> OLD.number + 1 BEGIN {_KEEPS}; END;",
        f"CREATE TRIGGER head_delete BEFORE DELETE ON head BEGIN {_KEEPS}; END;",
        f"CREATE TRIGGER head_insert BEFORE INSERT ON head BEGIN {_KEEPS}; END;",
    ])  # fmt: skip


def _no_rights(path: Path) -> OutputError:
    return OutputError(
        f"{path} cannot be used: your account needs the right to read and write it and its folder; "
        "ask its owner, or set SEMBLANCE_HOME to a folder of your own."
    )


def _sentence(path: Path, error: sqlite3.Error, patience: float) -> SemblanceError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the upper bits tell where in SQLite
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return OutputError(
            f"{path} stayed locked by another process for {patience:g} s; try again when that one has ended."
        )
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return InputError(f"{path} is damaged ({error}); {_RESTORE}")
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return _no_rights(path)
    if code == sqlite3.SQLITE_FULL:
        return OutputError(f"Cannot write {path}: the disk is full; free some space.")
    return InputError(f"{path} cannot be used as a ledger ({error}); {_RESTORE}")
