"""A run is a folder that can repeat itself; Progress and StopSignal are how long jobs speak and listen.

Every file is written beside its place, flushed to disk, then moved onto it, so that a kill at any moment leaves
either the old file or the new one.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import secrets
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from .errors import Busy, InputError, OutputError, Stopped, writing_failed


class Progress:
    """What a long job tells its watcher. This one is silent; the terminal's and the web page's override it."""

    def stage(self, name: str, total: int | None = None, unit: str = "frames") -> None:
        """A new stage begins; total None: the length is not known."""

    def advance(self, count: int = 1, note: str = "") -> None:
        """`count` more units are done; note: a few words of live detail (loss, faces found)."""

    def say(self, text: str) -> None:
        """One line worth keeping on the screen."""

    def done(self) -> None:
        """The last stage ended."""


class StopSignal:
    """Asks a long job to stop at the next safe point."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def request(self) -> None:
        self._event.set()

    @property
    def requested(self) -> bool:
        return self._event.is_set()

    def check(self, kept: str) -> None:
        """Raises Stopped, saying what was kept and how to go on, if a stop was requested."""
        if self.requested:
            raise Stopped(f"Stopped. {kept}")


class Clock:
    """Seconds that each stage of a job has worked; stages may run in several threads at once."""

    def __init__(self) -> None:
        self._lock, self.seconds = threading.Lock(), {}

    def add(self, stage: str, seconds: float) -> None:
        with self._lock:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds

    @contextmanager
    def of(self, stage: str) -> Iterator[None]:
        """Counts the time that the body takes."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.add(stage, time.perf_counter() - began)

    def timed(self, stage: str, items: Iterator) -> Iterator:
        """The same items; the time it takes to make each is counted."""
        while True:
            with self.of(stage):
                item = next(items, None)
            if item is None:
                return
            yield item


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yields a temporary path beside `path`; at the end it is flushed to disk and moved onto `path`.

    If the body raises, the temporary file is removed and `path` stays as it was. OSError becomes OutputError.
    """
    path = Path(path)
    # the suffix stays last, so that writers which choose a container by file name still can
    temporary = path.with_name(f".{path.stem}.{os.getpid()}-{secrets.token_hex(4)}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        flush_to_disk(temporary)
        os.replace(temporary, path)
        flush_to_disk(path.parent)
    except OSError as error:
        raise writing_failed(path, error) from error
    finally:
        with suppress(OSError):  # where it could not be made it need not be removed, and must not hide why
            temporary.unlink()


def flush_to_disk(path: Path) -> None:
    """fsync a file or a folder."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def hash_of(*paths: Path) -> str:
    """sha256 over the bytes of files, one after the other."""
    digest = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def write_text(path: Path, text: str) -> None:
    """Write a small text file whole or not at all."""
    with written_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: object) -> None:
    """Write JSON whole or not at all."""
    write_text(path, json.dumps(value, indent=2, default=str) + "\n")


def append_json_line(path: Path, value: dict) -> None:
    """Add one line to a .jsonl file; a line cut short by a kill is the reader's to skip."""
    try:
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(value) + "\n")
    except OSError as error:
        raise writing_failed(path, error) from error


def read_json_lines(path: Path) -> list[dict]:
    """All whole lines of a .jsonl file; [] where there is none."""
    if not path.exists():
        return []
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            continue  # the line that a kill cut short
    return rows


def beside(path: Path, ending: str) -> Path:
    """`path` with `ending` added to its name; InputError for a path without a name (., /)."""
    if not path.name:
        raise InputError(f"'{path}' names no file or folder; give --out a name.")
    return path.with_name(path.name + ending)


def refuse_existing(path: Path, what: str) -> None:
    """Raises OutputError if `path` is there already (an empty folder is fine)."""
    if path.is_dir() and not any(path.iterdir()):
        return
    if path.exists():
        raise OutputError(f"{path} exists already; choose another {what} with --out or move it away.")


@contextmanager
def new_folder(path: Path, what: str) -> Iterator[Path]:
    """A folder that appears whole: filled under a name beside its place, then moved; nothing is left on failure."""
    path = Path(path)
    refuse_existing(path, what)
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.part")
    try:
        temporary.mkdir(parents=True)
        yield temporary
        if path.is_dir():
            path.rmdir()  # only ever the empty folder that refuse_existing let pass
        os.replace(temporary, path)
        flush_to_disk(path.parent)
    except OSError as error:
        raise writing_failed(path, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """While this lasts no other command can work in `folder`, which is there. Raises Busy where one does.

    The lock is the system's own and ends with the process, however that ends; a file system without locks has none.
    """
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(
                f"Another command is at work in {folder}; wait until it ends, stop it, or choose another --out."
            ) from None
        except OSError:
            pass
        yield
    finally:
        os.close(opened)


def cores() -> int:
    """How many of the machine's cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def environment() -> dict:
    """What a run needs to know of the machine and the libraries to be repeated."""
    libraries = ("semblance", "torch", "av", "mediapipe", "numpy", "opencv-contrib-python-headless", "dlib-bin")
    versions = {}
    for name in libraries:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": sys.version.split()[0],
        "system": platform.platform(),
        "cores": cores(),
        "versions": versions,
    }
