"""What a person sees while a long job runs: a bar a stage, with rate and time left; plain lines where no one looks."""

from __future__ import annotations

import sys
import time

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from ..runs import Progress

_LINE_EVERY = 10.0  # seconds between lines where the output is a file or a pipe


class TerminalProgress(Progress):
    """Bars on a terminal, a line every few seconds elsewhere; on standard error, results go to standard output."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._bars: Bars | None = None
        self._name, self._total, self._unit = "", None, ""
        self._done, self._began, self._told, self._note = 0, 0.0, 0.0, ""

    def stage(self, name: str, total: int | None = None, unit: str = "frames") -> None:
        self.done()
        self._name, self._total, self._unit = name, total, unit
        self._done, self._note, self._began = 0, "", time.monotonic()
        self._told = self._began
        if self._console.is_terminal:
            self._bars = Bars(
                TextColumn("{task.description:<8}"),
                BarColumn(bar_width=28),
                MofNCompleteColumn(),
                TextColumn("{task.fields[rate]}"),
                TimeRemainingColumn(compact=True) if total else TimeElapsedColumn(),
                TextColumn("{task.fields[note]}", markup=False),
                console=self._console,
                transient=True,
            )
            self._task = self._bars.add_task(name, total=total, rate="", note="")
            self._bars.start()

    def advance(self, count: int = 1, note: str = "") -> None:
        self._done += count
        self._note = note or self._note
        if self._bars:
            self._bars.update(self._task, advance=count, rate=self._rate(), note=self._note)
        elif time.monotonic() - self._told > _LINE_EVERY:
            self._told = time.monotonic()
            of = f" of {self._total}" if self._total else ""
            self._console.print(escape(f"{self._name}: {self._done}{of} {self._unit}, {self._rate()}  {self._note}"))

    def say(self, text: str) -> None:
        self._console.print(escape(text), soft_wrap=True)

    def done(self) -> None:
        if not self._name:
            return
        if self._bars:
            self._bars.stop()
            self._bars = None
        if self._done:
            took = time.monotonic() - self._began
            self.say(f"{self._name}: {self._done} {self._unit} in {took:.1f} s, {self._rate()}  {self._note}".rstrip())
        self._name = ""

    def _rate(self) -> str:
        rate = self._done / max(time.monotonic() - self._began, 1e-6)
        return f"{rate:.1f} {self._unit}/s" if rate < 100 else f"{rate:.0f} {self._unit}/s"


def tell(text: str) -> None:
    """A result, on standard output."""
    print(text, file=sys.stdout, flush=True)
