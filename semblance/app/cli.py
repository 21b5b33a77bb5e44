"""The command `semblance`: a table of verbs; each is imported, with all that is heavy, only when it is called.

Exit codes: 0 done, 2 bad input, 3 refused by consent or content gate, 130 stopped with Ctrl-C.
"""

from __future__ import annotations

import os
import signal
import sys
from difflib import get_close_matches
from importlib import import_module

from .. import __version__
from ..errors import SemblanceError, nearest, writing_failed
from ..runs import StopSignal

VERBS = {
    "demo": "people who don't exist, filmed, swapped and measured: the whole story on one page",
    "replace": "two clips in, the finished clip out: extract, train and swap in one go",
    "extract": "clips or folders of pictures -> a faceset",
    "curate": "drop the faces that would harm training, and say why; --undo brings them back",
    "train": "two facesets -> a model that draws either person",
    "swap": "a clip and a model -> the clip with the source's face",
    "merge-sheet": "a clip and a model -> one picture: a few frames, merged with several settings",
    "hand-off": "a clip and a model -> face, mask, UV and track as layers for compositing programs",
    "mask train": "labelled faces -> a better mask of what stands before a face",
    "mask apply": "a faceset or pictures -> masks of what is really face",
    "restore train": "sharp faces of people who don't exist -> a net that makes drawn faces finer",
    "measure": "a finished clip and its plate -> a table: value, noise floor, good, fair or poor",
    "compare": "a finished clip and its plate -> before, after and difference as a video, figures frame by frame",
    "verify": "what a file says of its making, and whether that holds",
    "keys new": "a new signing identity; the old one stays known",
    "keys show": "who signs what is made here",
    "faceset import": "faces of DeepFaceLab or faceswap -> a faceset",
    "faceset export": "a faceset -> plain pictures, or what DeepFaceLab or faceswap read",
    "people film": "film people who don't exist, each clip with its exact truth",
    "people sheet": "a contact sheet of people who don't exist",
    "people fit": "measure a head's shape from footage",
    "consent add": "clips of one person and what they consent to -> an entry in the consent ledger",
    "consent list": "whose consent there is, for what, until when",
    "consent show": "all of one consent, with its history",
    "consent revoke": "end a consent from now on",
    "consent export": "the ledger's whole history as JSON, with the hashes that prove it",
    "models": "what there is to train",
    "doctor": "what this machine can do",
}


def usage(family: str = "") -> str:
    """The text of `semblance --help`, or of `semblance people --help`: only the verbs that begin so."""
    verbs = "\n".join(f"  {name:<14} {what}" for name, what in VERBS.items() if name.startswith(family))
    return (
        f"semblance {__version__}: consented synthetic faces, labelled and measured\n\n"
        f"usage: semblance VERB ...\n\n{verbs}\n\n"
        "`semblance VERB --help` tells the options of a verb. Ctrl-C stops a long job where it can go on later."
    )


def main(arguments: list[str] | None = None) -> int:
    """Run one verb; returns the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(usage())
        return 0
    if arguments[0] in ("-V", "--version"):
        print(f"semblance {__version__}")
        return 0
    if arguments[0] in _families() and arguments[1:2] in (["-h"], ["--help"], ["help"]):
        print(usage(f"{arguments[0]} "))
        return 0
    verb, rest = _verb_of(arguments)
    if verb not in VERBS:
        print(f"There is no verb '{verb}'.{nearest(verb, VERBS)}", file=sys.stderr)
        return 2
    stop = StopSignal()
    _stop_on_interrupt(stop)
    try:
        import_module("semblance.app.verbs").run(verb, rest, stop)
    except SemblanceError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # a place that no room foresaw; still one sentence, never a traceback
        print(writing_failed(error.filename or "a file", error), file=sys.stderr)
        return 2
    return 0


def _verb_of(arguments: list[str]) -> tuple[str, list[str]]:
    """The verb, of one word or two ("people film"), and what comes after it."""
    two = " ".join(arguments[:2])
    if two in VERBS or arguments[0] in _families():
        return two, arguments[2:]
    if arguments[0] not in VERBS and get_close_matches(two, VERBS, 1, 0.8):  # "peopel film"
        return two, arguments[2:]
    return arguments[0], arguments[1:]


def _families() -> set[str]:
    """First words of the verbs that have two."""
    return {name.split()[0] for name in VERBS if " " in name}


def _stop_on_interrupt(stop: StopSignal) -> None:
    """The first Ctrl-C asks for a safe stop, the second one stops at once."""

    def handle(*_) -> None:
        if stop.requested:
            # no exception: it would surface inside C libraries and their threads, which end the process with a crash
            cursor = "\x1b[?25h" if sys.stderr.isatty() else ""  # a bar has hidden it
            os.write(2, f"{cursor}Stopped at once; the unit in work is lost, all finished ones are kept.\n".encode())
            os._exit(130)
        print("\nStopping at the next safe point; Ctrl-C again stops at once.", file=sys.stderr)
        stop.request()

    signal.signal(signal.SIGINT, handle)
    signal.signal(signal.SIGTERM, handle)


if __name__ == "__main__":
    sys.exit(main())
