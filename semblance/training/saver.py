"""Snapshots -> checkpoints on a background thread, so that training does not wait for the disk.

The snapshot that is being written is also the last good state, to which a run returns when its numbers break.
"""

from __future__ import annotations

import threading
from pathlib import Path

from ..weights import save_checkpoint
from .learner import Tensors


class Saver:
    """Writes one checkpoint at a time into a folder; what went wrong there is raised by the next call."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.newest: Path | None = None
        self._thread: threading.Thread | None = None
        self._error: Exception | None = None

    @property
    def busy(self) -> bool:
        """Whether the last snapshot is still being written, and so must not be changed."""
        return self._thread is not None and self._thread.is_alive()

    def save(self, tensors: Tensors, header: dict) -> None:
        """Begin to write a snapshot; it must stay unchanged until no longer busy."""
        self.wait()
        arrays = {name: value.numpy() for name, value in tensors.items()}
        self._thread = threading.Thread(target=self._write, args=(arrays, header), name="checkpoint")
        self._thread.start()

    def wait(self) -> None:
        """Until the checkpoint is on the disk. Raises what went wrong: OutputError where it could not be written."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def _write(self, arrays: dict, header: dict) -> None:
        try:
            self.newest = save_checkpoint(self.folder, arrays, header)
        except Exception as error:  # whatever it is, the training thread must hear of it: an error here is a lost model
            self._error = error
