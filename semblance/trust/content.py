"""The content gate: no face is taken from, or put into, sexual pictures.

Clips, folders of pictures and pictures -> a Checked for each, or Refused. Looks are taken every two seconds
(media/glance.py; of what leaves: leaving.py); nudenet's small net (YOLOv8n, 320 x 320) judges each. What such a gate
can miss is written in docs/content_gate.md.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from ..errors import MediaError, ModelError, Refused
from ..media.folder import pictures_in
from ..media.glance import glance
from ..media.opening import STILLS
from ..runs import Progress, StopSignal, cores
from ..streams import ahead

EVERY = 2.0  # seconds of film between looks: two to three percent of what a swap takes, where key frames come in time
FEWEST = 5  # looks, one more or less, at a clip that is shorter than so many intervals
TWICE, NEAR = 2, 5  # a weaker score counts if two of five looks in a row have one

# what the net tells apart, in the order of its output
CLASSES = (
    "FEMALE_GENITALIA_COVERED", "FACE_FEMALE", "BUTTOCKS_EXPOSED", "FEMALE_BREAST_EXPOSED", "FEMALE_GENITALIA_EXPOSED",
    "MALE_BREAST_EXPOSED", "ANUS_EXPOSED", "FEET_EXPOSED", "BELLY_COVERED", "FEET_COVERED", "ARMPITS_COVERED",
    "ARMPITS_EXPOSED", "FACE_MALE", "BELLY_EXPOSED", "MALE_GENITALIA_EXPOSED", "ANUS_COVERED", "FEMALE_BREAST_COVERED",
    "BUTTOCKS_COVERED",
)  # fmt: skip
# class -> score that is enough in one look, and in two near looks. What harmless pictures reach (docs/content_gate.md):
# genitalia and anus 0.27, eyes or mouths that fill the frame 0.39; breasts 0.35 and 0.63; round skin-coloured shapes
# 0.62 of buttocks
LIMITS = {
    "FEMALE_GENITALIA_EXPOSED": (0.45, 0.30),
    "MALE_GENITALIA_EXPOSED": (0.45, 0.30),
    "ANUS_EXPOSED": (0.45, 0.30),
    "FEMALE_BREAST_EXPOSED": (0.65, 0.50),
    "BUTTOCKS_EXPOSED": (0.75, 0.65),
}

UNSEEN = 0.05  # what the second look says of what is not there; of a face that is there both say 0.86

MODEL_SHA256 = "c15d8273adad2d0a92f014cc69ab2d6c311a06777a55545f2c4eb46f51911f0f"  # 320n.onnx of nudenet 3.4.2
_SIDE = 320
_TOLD = 5  # times or pictures that the sentence names

Detector = Callable[[np.ndarray], Mapping[str, float]]  # (H, W, 3) uint8 RGB -> highest score 0..1 of each class


@dataclass(frozen=True, slots=True)
class Checked:
    """A path that the gate let pass, as it lay there then, and the figures for a report."""

    path: Path
    fingerprint: str
    looks: int
    highest: float  # of the most suspicious look: score over the limit for one look of its class; at 1 it is refused
    interval: float  # seconds of film between looks (a folder's pictures last 1/25 s each); 0 for a single picture

    def covers(self, path: Path | str) -> bool:
        """Whether `path` is what was checked, unchanged since. Raises MediaError if it is gone."""
        return fingerprint_of(path) == self.fingerprint

    def figures(self) -> dict[str, float]:
        """For a report: how many looks, the highest score among them (1: refused), the seconds
        between them."""
        return {"looks": self.looks, "highest": round(self.highest, 4), "interval": round(self.interval, 3)}


def check_content(
    paths: Path | str | Sequence[Path | str],
    progress: Progress | None = None,
    stop: StopSignal | None = None,
    detector: Detector | None = None,
) -> list[Checked]:
    """One Checked for each clip, folder of pictures or picture. detector: another judge than nudenet's net.

    Raises Refused if sexual content is seen, ModelError if the net is missing or damaged, MediaError if there is
    nothing to look at, Stopped.
    """
    paths = [paths] if isinstance(paths, str | Path) else list(paths)
    progress, stop = progress or Progress(), stop or StopSignal()
    detector = detector or installed_net()
    return [_check(Path(path), detector, progress, stop) for path in paths]


def fingerprint_of(path: Path | str) -> str:
    """sha256 of where a file, or each picture of a folder, lies, its size and when it was changed; MediaError if it is
    not there."""
    path = Path(path)
    try:
        files = pictures_in(path) if path.is_dir() else [path]
        lines = [f"{file.resolve()} {file.stat().st_size} {file.stat().st_mtime_ns}" for file in files]
    except OSError:
        raise MediaError(f"There is no file {path}, or it may not be read; check the name.") from None
    return hashlib.sha256("\n".join([str(path.resolve()), *lines]).encode()).hexdigest()


def found_in(pixels: np.ndarray, detector: Detector) -> dict[str, float]:
    """(H, W, 3) uint8 RGB -> score of each class that counts as sexual.

    What looks suspicious is looked at again, mirrored and smaller, and the mean counts: skin that fills the frame, such
    as half a face, is then no longer taken for something else, while what is really there stays. Of what the second
    look does not see at all, only that look counts: a pale pullover that fills the frame scored 0.6 and 0.02.
    """
    found = {name: score for name, score in detector(pixels).items() if name in LIMITS}
    if not any(found[name] >= LIMITS[name][1] for name in found):
        return found
    rows, columns = pixels.shape[0] // 6, pixels.shape[1] // 6
    smaller = cv2.copyMakeBorder(pixels, rows, rows, columns, columns, cv2.BORDER_CONSTANT)
    again = detector(np.ascontiguousarray(smaller[:, ::-1]))
    return {name: (found[name] + again[name]) / 2 if again[name] >= UNSEEN else again[name] for name in found}


def nearness(found: Mapping[str, float]) -> float:
    """The highest score of a class that counts, over what is enough in one look: at 1 it is refused."""
    return max((found[name] / LIMITS[name][0] for name in found if name in LIMITS), default=0.0)


def suspicious(looks: Sequence[Mapping[str, float]]) -> list[int]:
    """Which looks, in order of time, show sexual content: those with a high score, and weaker ones near to each other.
    [] if nothing does."""
    high, weak = (
        np.array([any(look[name] >= LIMITS[name][which] for name in look if name in LIMITS) for look in looks], bool)
        for which in (0, 1)
    )
    places = np.flatnonzero(weak)
    for first, last in zip(places, places[TWICE - 1 :]):
        if last - first < NEAR:
            high[[first, last]] = True
    return [int(index) for index in np.flatnonzero(high)]


class Nudenet:
    """The net of nudenet 3.4.2, run by onnxruntime with this process's share of the cores; nothing is downloaded.

    The package's own class is passed by: it hands the net blue for red (its issue 203), shrinks pictures without
    smoothing them, and takes all cores. Raises ModelError if the net is missing or damaged.
    """

    def __init__(self, model: Path | None = None):
        self._session = _open_session(model or _installed_model())

    def __call__(self, pixels: np.ndarray) -> dict[str, float]:
        """(H, W, 3) uint8 RGB -> highest score 0..1 of each class."""
        planes = np.ascontiguousarray(_fitted(pixels).transpose(2, 0, 1)[None], np.float32) / 255  # (1, 3, 320, 320)
        (answer,) = self._session.run(None, {"images": planes})  # (1, 4 + 18, 2100): box and scores of each place
        return dict(zip(CLASSES, answer[0, 4:].max(1).tolist()))


@cache
def installed_net() -> Nudenet:
    """The net, loaded once in a process: it takes 0.2 s. Raises ModelError."""
    return Nudenet()


def _installed_model() -> Path:
    package = importlib.util.find_spec("nudenet")  # found, not imported: it would load what is not needed here
    if package is None or package.origin is None:
        raise _gate_broken("nudenet is not installed")
    return Path(package.origin).with_name("320n.onnx")


def _open_session(model: Path):
    try:
        data = model.read_bytes()
    except OSError:
        raise _gate_broken(f"its net {model} is missing") from None
    if hashlib.sha256(data).hexdigest() != MODEL_SHA256:
        raise _gate_broken(f"its net {model} is damaged or another one")
    try:
        import onnxruntime
    except ImportError:
        raise _gate_broken("onnxruntime is not installed") from None
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 4
    settings.inter_op_num_threads = 1
    settings.intra_op_num_threads = max(1, min(cores() // 2, 4))  # the reader has the other half
    settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(data, settings, providers=["CPUExecutionProvider"])


def _gate_broken(why: str) -> ModelError:
    return ModelError(
        f"The content gate cannot look at anything ({why}), and without it nothing is made; "
        "run pip install --force-reinstall --no-deps nudenet==3.4.2 onnxruntime."
    )


def _fitted(pixels: np.ndarray) -> np.ndarray:
    """The whole picture as the net was taught to see it: longer side 320, in the top left corner, the rest black."""
    height, width = pixels.shape[:2]
    scale = _SIDE / max(height, width)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    square = np.zeros((_SIDE, _SIDE, 3), np.uint8)
    square[: size[1], : size[0]] = cv2.resize(
        np.ascontiguousarray(pixels), size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    )
    return square


def _check(path: Path, detector: Detector, progress: Progress, stop: StopSignal) -> Checked:
    fingerprint = fingerprint_of(path)
    planned, interval, looks = glance(path, EVERY, FEWEST)
    progress.stage("check the content", planned, "looks")
    where, seen = [], []
    with closing(ahead(looks, 2)) as looks:
        for look in looks:
            stop.check("Nothing was made yet; run the same command again.")
            where.append(look.where)
            seen.append(found_in(look.pixels, detector))
            progress.advance()
    progress.done()
    if len(seen) < max(planned / 2, 1):
        raise MediaError(f"{path} is damaged: only {len(seen)} of {planned} pictures could be checked; copy it again.")
    refuse_suspicious(path, where, seen)
    return Checked(path, fingerprint, len(seen), max(map(nearness, seen)), interval)


def refuse_suspicious(path: Path, where: Sequence[str], seen: Sequence[Mapping[str, float]]) -> None:
    """Raises Refused if what was seen of `path`, look by look in order of time, is suspicious; where: the place of each
    look, in words."""
    found = suspicious(seen)
    if not found:
        return
    told = [where[index] for index in found[:_TOLD]] + [f"{len(found) - _TOLD} more"] * (len(found) > _TOLD)
    place = "" if path.suffix.lower() in STILLS and not path.is_dir() else f" (at {', '.join(told)})"
    raise Refused(f"{path} shows sexual content{place}, from which nothing is made; use other footage.")
