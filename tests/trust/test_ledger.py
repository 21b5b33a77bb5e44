"""The ledger's file: what was written stays, a change shows, two writers do not lose each other's events."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from semblance.errors import InputError, OutputError
from semblance.trust.ledger import (
    ADDED,
    REVOKED,
    append,
    body_of,
    check_all,
    check_export,
    export,
    face_of,
    ledger_path,
    open_ledger,
    write_export,
    writing,
)

ROOT = Path(__file__).resolve().parents[2]


def faces(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random((5, 128), np.float32)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A ledger of four events: three entries, the second of them revoked."""
    path = tmp_path_factory.mktemp("made") / "consent.db"
    with open_ledger(path, make=True) as ledger, writing(ledger):
        for number, entry in enumerate(("AAAAAAA1", "AAAAAAA2", "AAAAAAA3")):
            append(ledger, ADDED, entry, {"person": f"person {number} é"}, faces(number))
        append(ledger, REVOKED, "AAAAAAA2", {"reason": "no more"})
    return path


@pytest.fixture
def path(made, tmp_path) -> Path:
    """A copy of it to spoil."""
    return Path(shutil.copy2(made, tmp_path))


def tampered(path: Path, *statements: str) -> None:
    """Change the file as one would who knows SQL: without the triggers, which are then put back."""
    with closing(sqlite3.connect(path)) as connection:
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)
        for _, sql in triggers:
            connection.execute(sql)
        connection.commit()


def checked(path: Path) -> None:
    with open_ledger(path) as ledger:
        check_all(ledger)


def test_what_was_written_is_read_again(path):
    with open_ledger(path) as ledger:
        check_all(ledger)
        assert [(e.number, e.kind, e.entry) for e in ledger.events] == [
            (1, ADDED, "AAAAAAA1"), (2, ADDED, "AAAAAAA2"), (3, ADDED, "AAAAAAA3"), (4, REVOKED, "AAAAAAA2"),
        ]  # fmt: skip
        assert body_of(ledger, ledger.events[1])["person"] == "person 1 é"
        assert np.array_equal(face_of(ledger, ledger.events[2]), faces(2))
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["consent.db"]


def test_the_chain_is_the_one_that_the_page_describes(path):
    """Computed anew by the description alone, with nothing of the module."""
    from hashlib import sha256

    with open_ledger(path) as ledger:
        value = json.loads(json.dumps(export(ledger)))
    before = "0" * 64
    for row in value["events"]:
        body = json.dumps(row["body"], sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        assert row["digest"] == sha256(body.encode("ascii")).hexdigest()
        lines = [before, str(row["number"]), row["kind"], row["entry"], row["at"], row["digest"]]
        before = sha256("\n".join(lines).encode()).hexdigest()
        assert row["hash"] == before
    assert value["head"] == before
    assert value["events"][0]["body"]["face"] == sha256(faces(0).tobytes()).hexdigest()


CHANGES = {
    "another person": ("UPDATE bodies SET text = replace(text, 'person 1', 'person 9') WHERE number = 2", "event 2"),
    "another time": ("UPDATE events SET at = '2020-01-01T00:00:00Z' WHERE number = 3", "event 3"),
    "a revocation of somebody else": ("UPDATE events SET entry = 'AAAAAAA3' WHERE number = 4", "event 4"),
    "no revocation any more": ("UPDATE events SET kind = 'used' WHERE number = 4", "event 4"),
    "the last event removed": ("DELETE FROM events WHERE number = 4", "missing at the end"),
    "an event in the middle removed": ("DELETE FROM events WHERE number = 2", "event 2 of its history is missing"),
    "the first event removed": ("DELETE FROM events WHERE number = 1", "event 1 of its history is missing"),
    "an event invented": (
        f"INSERT INTO events VALUES (5, 'added', 'AAAAAAA2', '2026-01-01T00:00:00Z', '{'0' * 64}', '{'0' * 64}')",
        "event 5",
    ),
    "another mean": ("UPDATE means SET vector = (SELECT vector FROM means LIMIT 1) WHERE number = 2", "event 2"),
    "other vectors": ("UPDATE views SET vectors = (SELECT vectors FROM views LIMIT 1) WHERE number = 3", "event 3"),
    "a mean cut short": ("UPDATE means SET vector = x'00' WHERE number = 2", "its faces are not those"),
    "a mean removed": ("DELETE FROM means WHERE number = 2", "its faces are not those"),
    "vectors removed": ("DELETE FROM views WHERE number = 2", "event 2"),
    "a body removed": ("DELETE FROM bodies WHERE number = 4", "event 4"),
    "a trigger removed": ("DROP TABLE views", "tables or triggers"),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_shows_and_the_entry_is_named(path, change):
    statement, words = CHANGES[change]
    if change == "a trigger removed":
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("DROP TRIGGER events_delete")
    else:
        tampered(path, statement)
    before = path.read_bytes()
    with pytest.raises(InputError, match=words) as told:
        checked(path)
    assert str(path) in str(told.value) and "copy" in str(told.value)
    assert path.read_bytes() == before


def test_two_events_that_changed_places_show(path):
    moves = ((1, -1), (3, 1), (-1, 3))
    tampered(path, *(f"UPDATE events SET number = {new} WHERE number = {old}" for old, new in moves))
    with pytest.raises(InputError, match=r"event 1 .*AAAAAAA3.* is not as it was written"):
        checked(path)


def test_a_line_feed_cannot_move_the_border_between_two_columns(path):
    """The hashed lines of event 4 stay the same, letter for letter; only what stands in which column changes."""
    tampered(
        path,
        "UPDATE events SET kind = kind || char(10) || entry, entry = at, at = digest, digest = '' WHERE number = 4",
    )
    with pytest.raises(InputError, match="event 4"):
        checked(path)


def test_the_file_itself_refuses_to_change_or_forget(path):
    with closing(sqlite3.connect(path)) as connection:
        for table in ("events", "bodies", "means", "views", "head"):
            for statement in (
                f"UPDATE {table} SET number = 17",
                f"DELETE FROM {table}",
                f"INSERT OR REPLACE INTO {table} SELECT * FROM {table} LIMIT 1",
            ):
                with pytest.raises(sqlite3.IntegrityError, match="keeps what was written"):
                    connection.execute(statement)
    checked(path)


def test_a_rewritten_history_shows_against_an_export_that_lies_elsewhere(path, tmp_path):
    kept = tmp_path / "kept.json"
    with open_ledger(path) as ledger:
        write_export(ledger, kept)
    assert kept.stat().st_mode & 0o777 == 0o600
    with open_ledger(path) as ledger, writing(ledger):
        append(ledger, REVOKED, "AAAAAAA3", {"reason": ""})
    with open_ledger(path) as ledger:
        assert check_export(kept, ledger) == 4  # what came later does not matter
    rewritten = tmp_path / "other.db"
    with open_ledger(rewritten, make=True) as ledger, writing(ledger):
        append(ledger, ADDED, "AAAAAAA1", {"person": "somebody else"}, faces(0))
    checked(rewritten)  # by itself it is a good ledger
    with open_ledger(rewritten) as ledger, pytest.raises(InputError, match="was rewritten: event 1"):
        check_export(kept, ledger)


def test_a_changed_export_shows(path, tmp_path):
    kept = tmp_path / "kept.json"
    with open_ledger(path) as ledger:
        write_export(ledger, kept)
        with pytest.raises(OutputError, match="exists already"):
            write_export(ledger, kept)
    value = json.loads(kept.read_text())

    def told(change) -> str:
        copy = json.loads(json.dumps(value))
        change(copy)
        kept.write_text(json.dumps(copy))
        with pytest.raises(InputError) as error:
            check_export(kept)
        return str(error.value)

    assert "event 1 " in told(lambda v: v["events"][0]["body"].update(person="another"))
    assert "event 4 " in told(lambda v: v["events"][3].update(entry="AAAAAAA1"))
    assert "event 2 of its history is missing" in told(lambda v: v["events"].pop(1))
    assert "missing at its end" in told(lambda v: v["events"].pop())
    assert "no exported ledger" in told(lambda v: v.pop("events"))
    assert "no exported ledger" in told(lambda v: v["events"].append(7))
    assert "event 1 " in told(lambda v: v["events"][0].update(at="\ud800"))
    assert "version 1" in told(lambda v: v.update(version=2))
    kept.write_text(json.dumps(value))
    assert check_export(kept) == 4


_ADD = """
import sys
from pathlib import Path
import numpy as np
from semblance.trust.ledger import append, open_ledger, writing
path, name = Path(sys.argv[1]), sys.argv[2]
sys.stdin.readline()
for number in range(20):
    with open_ledger(path, make=True) as ledger, writing(ledger):
        append(ledger, "added", f"{name}{number}", {}, np.ones((2, 128), np.float32))
"""


def test_two_processes_that_begin_and_fill_a_ledger_at_once_both_succeed(tmp_path):
    path = tmp_path / "consent.db"
    command = [sys.executable, "-c", _ADD, str(path)]
    started = [
        subprocess.Popen([*command, name], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
        for name in "AB"
    ]
    for process in started:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in started:
        assert process.communicate(timeout=60)[1] == "" and process.returncode == 0
    with open_ledger(path) as ledger:
        check_all(ledger)
        entries = [event.entry for event in ledger.events]
    assert sorted(entries) == sorted(f"{name}{number}" for name in "AB" for number in range(20))
    assert [p.name for p in tmp_path.iterdir()] == ["consent.db"]


def test_a_ledger_that_another_process_holds_is_told_after_a_while(path):
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        with open_ledger(path, patience=0.2) as ledger:
            assert len(ledger.events) == 4  # reading does not wait for a writer
        words = r"consent.db stayed locked by another process for 0.2 s"
        with pytest.raises(OutputError, match=words), open_ledger(path, patience=0.2) as ledger, writing(ledger):
            raise AssertionError("not reached")
    finally:
        holder.close()
    with open_ledger(path) as ledger, writing(ledger):
        append(ledger, REVOKED, "AAAAAAA1", {})
    checked(path)


def test_events_that_another_process_added_meanwhile_are_built_upon(path):
    with open_ledger(path) as ours:
        with open_ledger(path) as theirs, writing(theirs):
            append(theirs, REVOKED, "AAAAAAA1", {"reason": "theirs"})
        with writing(ours):
            assert ours.events[-1].entry == "AAAAAAA1"
            append(ours, REVOKED, "AAAAAAA3", {"reason": "ours"})
    checked(path)


def test_what_fails_inside_a_transaction_leaves_nothing(path):
    with open_ledger(path) as ledger:
        with pytest.raises(RuntimeError), writing(ledger):
            append(ledger, REVOKED, "AAAAAAA1", {})
            raise RuntimeError("the network fell over")
        assert len(ledger.events) == 4
    with open_ledger(path) as ledger:
        assert len(ledger.events) == 4


def newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")


def another_file(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE notes (text)")


def without_the_main_file(path: Path) -> None:
    path.rename(path.with_name("consent.db-wal"))


def nothing_new(path: Path, before: dict[str, bytes]) -> bool:
    """Whatever was there is there as it was, and no ledger was put in the place of one that was not."""
    return {p.name: p.read_bytes() for p in path.parent.iterdir() if p.name in {"consent.db", *before}} == before


BAD = {
    "newer": (newer, "version 99, .* update Semblance"),
    "another SQLite file": (another_file, "no consent ledger"),
    "not SQLite": (lambda path: path.write_text("Dear diary, " * 1000), "damaged"),
    "empty": (lambda path: path.write_bytes(b""), "damaged: it is empty"),
    "cut short": (lambda path: path.write_bytes(path.read_bytes()[:9000]), "damaged"),
    "header only": (lambda path: path.write_bytes(path.read_bytes()[:100]), "damaged"),
    "half overwritten": (lambda path: path.write_bytes(path.read_bytes()[:4096] + bytes(40000)), "damaged"),
    "only its journal": (without_the_main_file, "is missing though consent.db-wal is there"),
}


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_ledger_is_one_sentence_and_is_left_as_it_is(path, bad):
    spoil, words = BAD[bad]
    spoil(path)
    before = {p.name: p.read_bytes() for p in path.parent.iterdir()}
    for make in (False, True):
        with pytest.raises(InputError, match=words) as told, open_ledger(path, make=make) as ledger:
            check_all(ledger)
        assert str(path) in str(told.value) and "\n" not in str(told.value)
        assert nothing_new(path, before)


_OPEN = """
import os, sys
from pathlib import Path
from semblance.errors import SemblanceError
from semblance.trust.ledger import append, open_ledger, writing
if os.getuid() == 0:  # to whom everything is allowed
    os.setuid(65534)
for path in sys.argv[1:]:
    try:
        with open_ledger(Path(path), make=True) as ledger, writing(ledger):
            append(ledger, "used", "AAAAAAA1", {})
    except SemblanceError as error:
        print(error)
"""


def test_missing_rights_are_one_sentence(made):
    rights = {"read only": (0o755, 0o444), "none": (0o755, 0), "closed": (0o555, 0o666), "locked": (0, 0o666)}
    with tempfile.TemporaryDirectory() as place:  # pytest's own folders let nobody else in
        os.chmod(place, 0o755)
        paths = []
        for name, (folder, file) in rights.items():
            Path(place, name).mkdir()
            paths.append(Path(shutil.copy(made, Path(place, name))))
            os.chmod(paths[-1], file)
            os.chmod(paths[-1].parent, folder)
        command = [sys.executable, "-c", _OPEN, *map(str, paths)]
        told = subprocess.run(command, capture_output=True, text=True, cwd=ROOT).stdout.splitlines()
        for path in paths:
            os.chmod(path.parent, 0o755)
            os.chmod(path, 0o644)
        assert len(told) == len(paths)
        for path, sentence in zip(paths, told):
            assert sentence.startswith(str(path)) and "needs the right to read and write" in sentence
            assert path.read_bytes() == made.read_bytes()


def test_no_ledger_yet_is_an_empty_one_and_no_file(tmp_path, monkeypatch):
    monkeypatch.setenv("SEMBLANCE_HOME", str(tmp_path / "home"))
    with open_ledger() as ledger:
        assert ledger.events == [] and export(ledger)["events"] == []
        with pytest.raises(InputError, match="semblance consent add"), writing(ledger):
            raise AssertionError("not reached")
    assert list(tmp_path.iterdir()) == []
    with open_ledger(make=True) as ledger, writing(ledger):
        append(ledger, ADDED, "AAAAAAA1", {}, faces(0))
    assert ledger_path() == tmp_path / "home" / "consent.db"
    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700
    checked(ledger_path())


def test_a_home_that_cannot_be_made_is_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("SEMBLANCE_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(OutputError, match="Cannot write"), open_ledger(make=True):
        raise AssertionError("not reached")
