"""A process of its own that turns text into sound and timed phonemes with espeak-ng (GPL-3, hence not in ours).

    python -m semblance.people.voice    < request > answer

request: JSON {"texts": [str, ...], "voice": "gmw/en+f3", "pitch": 0..99, "speed": words per minute}
answer: one line of JSON, then the sound of all texts one after the other as 16-bit mono samples of this machine.
    {"rate": Hz, "spoken": [{"samples": count, "phonemes": [[sample, IPA], ...], "words": [sample, ...]}, ...]}
    IPA "" is a pause; `sample` is where the phoneme or word begins, counted from the text's own first sample.
    {"error": sentence} and nothing else, where it could not be done.

The library keeps global state and may end the process, which is the other reason for this wall. Nothing else of
Semblance is imported here.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from pathlib import Path

# names and values of espeak-ng's speak_lib.h
_SYNCHRONOUS = 2
_PHONEME_EVENTS, _PHONEMES_IN_IPA, _DO_NOT_EXIT = 0x0001, 0x0002, 0x8000
_RATE, _PITCH = 1, 3
_END_OF_LIST, _WORD, _PHONEME = 0, 1, 7
_UTF8, _BY_CHARACTER = 1, 1


class _Id(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    )


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


class Failure(Exception):
    """Speech cannot be made; the text is a sentence for a person."""


def opened() -> tuple[ctypes.CDLL, int]:
    """The library, initialised, and its sample rate in Hz; raises Failure where it is missing."""
    try:
        import espeakng_loader
    except ImportError:
        raise Failure("the package espeakng-loader is not installed; type: pip install espeakng-loader") from None
    try:
        library = ctypes.CDLL(espeakng_loader.get_library_path())
    except OSError as error:
        raise Failure(
            f"espeak-ng cannot be loaded ({error}); type: pip install --force-reinstall espeakng-loader"
        ) from None
    os.chdir(Path(espeakng_loader.get_data_path()).parent)  # the library cuts long paths; "." is never long
    rate = library.espeak_Initialize(_SYNCHRONOUS, 0, b".", _PHONEME_EVENTS | _PHONEMES_IN_IPA | _DO_NOT_EXIT)
    if rate <= 0:
        raise Failure("espeak-ng's voice data are missing; type: pip install --force-reinstall espeakng-loader")
    return library, rate


def spoken(library: ctypes.CDLL, text: str) -> tuple[bytes, dict]:
    """The samples of one text, and what the answer's header says of it."""
    pieces, phonemes, words = [], [], []

    def receive(samples, count, events) -> int:
        if samples and count:
            pieces.append(ctypes.string_at(samples, 2 * count))
        index = 0
        while events[index].type != _END_OF_LIST:
            event = events[index]
            if event.type == _PHONEME:
                phonemes.append([event.sample, event.id.string.decode("utf-8", "ignore")])
            elif event.type == _WORD:
                words.append(event.sample)
            index += 1
        return 0

    callback = _CALLBACK(receive)
    library.espeak_SetSynthCallback(callback)
    data = text.replace("\0", " ").encode("utf-8", "ignore")
    size = ctypes.c_size_t(len(data) + 1)
    if library.espeak_Synth(data, size, 0, _BY_CHARACTER, 0, _UTF8, None, None) or library.espeak_Synchronize():
        raise Failure("espeak-ng refused the text; try a shorter one")
    sound = b"".join(pieces)
    return sound, {"samples": len(sound) // 2, "phonemes": phonemes, "words": words}


def answer(request: dict) -> tuple[dict, bytes]:
    """Header and sound for a request; raises Failure."""
    library, rate = opened()
    if library.espeak_SetVoiceByName(request["voice"].encode()):
        raise Failure(f"espeak-ng has no voice '{request['voice']}'")
    library.espeak_SetParameter(_RATE, int(request["speed"]), 0)
    library.espeak_SetParameter(_PITCH, int(request["pitch"]), 0)
    parts = [spoken(library, text) for text in request["texts"]]
    return {"rate": rate, "spoken": [header for _, header in parts]}, b"".join(sound for sound, _ in parts)


def main() -> None:
    """Read a request from standard input, write the answer to standard output."""
    try:
        header, sound = answer(json.load(sys.stdin.buffer))
    except Failure as failure:
        header, sound = {"error": str(failure)}, b""
    sys.stdout.buffer.write(json.dumps(header).encode() + b"\n" + sound)


if __name__ == "__main__":
    main()
