"""The consent ledger: how long a look-up takes among thousands of people, and how far apart people's faces are.

    python benchmarks/consent.py [--count 10000] [--rounds 20] [--out out/consent]
    python benchmarks/consent.py --people CLIP [CLIP ...]

A look-up opens the ledger, verifies its whole chain, and finds one person by a clip of 50 faces. The people are random
vectors that lie as far apart as real people's do (0.85 +- 0.1); every hundredth consent is revoked. Processor seconds
are told beside the clock's, for they tell more on a machine that does other work.

--people: one clip a person. An entry is made of the first half of each clip; the distance that a look-up goes by is
measured to the second half, as it is and in other light, colour and size, and to all other people's.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path

import cv2
import numpy as np

from semblance.faces.identity import identity_chip, identity_vectors
from semblance.faces.track import FaceTracker
from semblance.media.probe import probe
from semblance.media.read import read_frames
from semblance.runs import environment, write_json
from semblance.trust.consent import File, add, matches, terms
from semblance.trust.consent import look_up as found_in
from semblance.trust.ledger import ADDED, REVOKED, append, check_all, open_ledger, writing

_APART, _SPREAD, _FACE = 0.85, 36, 0.12  # distance of people, directions they differ in, distance of one's faces
EVERY = 6  # frames

CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "as it is": lambda pixels: pixels,
    "half the light": lambda pixels: (pixels * 0.5).astype(np.uint8),
    "warm light": lambda pixels: np.clip(pixels * [1.2, 1.0, 0.7], 0, 255).astype(np.uint8),
    "half the size, noise": lambda pixels: _poor(pixels),
    "mirrored": lambda pixels: np.ascontiguousarray(pixels[:, ::-1]),
}


def _poor(pixels: np.ndarray) -> np.ndarray:
    """Half the size, hard noise, and back: what a poor camera leaves of a face."""
    small = cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA).astype(np.float32)
    small += np.random.default_rng(0).normal(0, 6, small.shape)
    return cv2.resize(np.clip(small, 0, 255).astype(np.uint8), pixels.shape[1::-1], interpolation=cv2.INTER_LINEAR)


def crowd(count: int) -> np.ndarray:
    """(count, 128): where random people's vectors lie."""
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.standard_normal((128, _SPREAD)))[0]
    return rng.standard_normal((count, _SPREAD)) @ axes.T * (_APART / np.sqrt(2 * _SPREAD))


def faces(middle: np.ndarray, count: int, seed: int) -> np.ndarray:
    off = np.random.default_rng(seed).standard_normal((count, 128))
    return (middle + _FACE * off / np.linalg.norm(off, axis=1, keepdims=True)).astype(np.float32)


def fill(path: Path, people: np.ndarray) -> None:
    """A ledger of these people, in one transaction: 10,000 by themselves would wait for the disk 10,000 times."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    asked = terms("Somebody with a Name", "I agree that my face is used in this film and in its trailers. " * 4)
    clip = File("clip-of-somebody.mp4", "ab" * 32)
    with open_ledger(path, make=True) as ledger:
        first = add(ledger, asked, [clip, clip], faces(people[0], 30, 0))
        body = {
            "person": asked.person, "statement": asked.statement, "scope": ["face"], "project": "", "expires": None,
            "evidence": None, "clips": [{"name": clip.name, "sha256": clip.sha256}] * 2, "software": first.software,
        }  # fmt: skip
        with writing(ledger):
            for number, middle in enumerate(people[1:], 1):
                shown = faces(middle, 9, number)
                append(ledger, ADDED, f"{number:08d}", body, np.vstack([shown.mean(0), shown[1:]]))
        with writing(ledger):
            for number in range(100, len(people), 100):
                append(ledger, REVOKED, f"{number:08d}", {"reason": ""})


def timed(work: Callable[[], object], rounds: int) -> dict[str, float]:
    """Milliseconds of `work`: median and quartiles by the clock, median of the processor's."""
    work()
    clock, processor = [], []
    for _ in range(rounds):
        began = time.perf_counter(), time.process_time()
        work()
        clock.append(1000 * (time.perf_counter() - began[0]))
        processor.append(1000 * (time.process_time() - began[1]))
    low, middle, high = np.percentile(clock, [25, 50, 75])
    return {"median": round(middle, 1), "p25": round(low, 1), "p75": round(high, 1), "least": round(min(clock), 1),
            "processor": round(float(np.median(processor)), 1)}  # fmt: skip


def measure_time(path: Path, count: int, rounds: int) -> dict:
    people = crowd(count)
    fill(path, people)
    wanted = faces(people[count // 2 + 1], 50, count)
    stranger = faces(crowd(count + 1)[-1] + 0.3, 50, count)

    def opened() -> None:
        with open_ledger(path):
            pass

    def look_up() -> None:
        with open_ledger(path) as ledger:
            assert found_in(ledger, wanted, ["clip.mp4"], today=date.today()).id == f"{count // 2 + 1:08d}"

    def nobody() -> None:
        with open_ledger(path) as ledger:
            assert not matches(ledger, stranger)

    def everything() -> None:
        with open_ledger(path) as ledger:
            check_all(ledger)

    return {
        "people": count,
        "megabytes": round(path.stat().st_size / 1e6, 1),
        "open and verify the chain": timed(opened, rounds),
        "look-up of one person, with opening": timed(look_up, rounds),
        "look-up of a stranger, with opening": timed(nobody, rounds),
        "verify bodies and faces, too": timed(everything, max(rounds // 5, 3)),
    }


def vectors_of(clip: Path, change: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """(n, 128): the largest face of every EVERY-th frame, changed."""
    info, chips = probe(clip), []
    with closing(FaceTracker(float(info.pixel_aspect))) as tracker:
        for frame in read_frames(info):
            if frame.index % EVERY == 0:
                pixels = change(frame.pixels)
                tracker.restart()
                chips += [identity_chip(pixels, face, float(info.pixel_aspect)) for face in tracker.step(pixels)[:1]]
    return identity_vectors(chips)


def measure_people(clips: list[Path]) -> dict:
    """The distance a look-up goes by, of one person's clips and of different people's."""
    looks = {clip: {name: vectors_of(clip, change) for name, change in CHANGES.items()} for clip in clips}
    same: dict[str, list[float]] = {name: [] for name in CHANGES}
    different: list[float] = []
    for clip in clips:
        own = looks[clip]["as it is"]
        entry = own[: len(own) // 2]
        for other in clips:
            for name, vectors in looks[other].items():
                shown = vectors[len(vectors) // 2 :] if other == clip else vectors
                if len(shown):  # a face that is not found is nobody's
                    (same[name] if other == clip else different).append(distance_between(shown, entry))
    figures = {
        name: {"clips": len(gaps), "median": round(float(np.median(gaps)), 3), "most": round(max(gaps), 3)}
        for name, gaps in same.items()
    }
    return {
        "clips": len(clips),
        "one person": figures,
        "different people": {"pairs": len(different), "least": round(min(different), 3),
                             "median": round(float(np.median(different)), 3)},
    }  # fmt: skip


def distance_between(vectors: np.ndarray, entry: np.ndarray) -> float:
    """What a look-up goes by (see MATCH): of a clip's faces the nearest quarter's, to the nearest vector."""
    known = np.vstack([entry, entry.mean(0)])
    return float(np.percentile(np.linalg.norm(vectors[:, None] - known[None], axis=-1).min(1), 25))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--people", type=Path, nargs="+", help="clips, one a person")
    parser.add_argument("--out", type=Path, default=Path("out/consent"))
    asked = parser.parse_args()
    if asked.people:
        name, figures = "people", measure_people(asked.people)
    else:
        name, figures = "look-up", measure_time(asked.out / "crowd.db", asked.count, asked.rounds)
    print(json.dumps(figures, indent=2))
    write_json(asked.out / f"{name}.json", {**figures, "environment": environment()})


if __name__ == "__main__":
    main()
