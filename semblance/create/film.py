"""The verb `people film`: people who don't exist, acting -> labelled clips with sound, each with its exact truth."""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction
from glob import escape
from pathlib import Path

import numpy as np
from pydantic import Field

from ..errors import InputError, OutputError
from ..measures.truth import REGIONS, masks_path, open_truth, truth_path, write_truth
from ..media.encode import EncodeOptions, made_clip
from ..media.probe import probe
from ..media.read import read_frames
from ..media.sheet import captioned, fitted, grid
from ..options import Options
from ..people.bodies import open_body
from ..people.body import Body
from ..people.film import Take, film, lit
from ..people.occluders import KINDS
from ..people.performance import EXPRESSIONS, PerformanceOptions, draw_performance
from ..people.person import Person, draw_person
from ..people.scene import draw_scene
from ..runs import Clock, Progress, StopSignal, beside, environment, hash_of, write_json
from ..trust.leaving import notes_of
from ..trust.publish import open_segment_for, publish_clip, publish_picture
from ..types import Frame, Wave
from .claims import rendered

WHAT = "people who do not exist, drawn by a computer"
NOTE = "film.json"
LONGEST_TEXT = 20_000  # letters, as PerformanceOptions has it
SEEDS = 2**32
_LOOKS = 6  # frames of a clip on the contact sheet
_CHANCES = 4  # streams drawn from a clip's seed: person, performance, scene, rest


class FilmOptions(Options):
    """Who is filmed, for how long, and how hard it is made for whoever looks for the face."""

    people: int = Field(default=2, ge=1, le=1000)
    """How many people; one clip each."""
    seconds: float = Field(default=6.0, gt=0, le=600)
    """Length of each clip."""
    seed: int = Field(default=0, ge=0, lt=SEEDS)
    """Where all chance comes from: the same seed gives the same pictures, sound and truth."""
    size: int = Field(default=512, ge=64, le=2160, multiple_of=2)
    """Width and height of the frames in pixels."""
    rate: float = Field(default=25.0, ge=1, le=240)
    """Frames per second."""
    same_performance: bool = False
    """All play the same performance in the same scene: what a perfect face swap would be."""
    occluders: bool = False
    """Something comes before the face: a hand, a microphone, a strand of hair."""
    speech: bool = False
    """They speak, with sound; without it their faces move in silence."""
    text: str = ""
    """What they say; empty: sentences chosen by the seed."""
    yaw: float = Field(default=25.0, ge=0, le=90)
    """Largest turn of the head to either side, in degrees."""
    pace: float = Field(default=1.0, ge=0.1, le=5)
    """Speed of motion: 3 is fast."""
    hard: float = Field(default=0.0, ge=0, le=1)
    """Light and sensor: 0 soft light from the front, 1 hard light from the side, noise and motion blur."""
    body: str = "auto"
    """The head: "builtin", "ict" (from the cache), or a path to it; "auto" takes ict if it is there."""


@dataclass(frozen=True)
class FilmResult:
    """What was filmed. rate: frames drawn and written per second, 0 if all was there already."""

    folder: Path
    clips: tuple[Path, ...]
    frames: int
    rate: float

    def summary(self) -> str:
        """The last lines on the terminal."""
        pace = f", {self.rate:.1f} frames/s" if self.rate else ", all of it was there already"
        return (
            f"{self.folder}: {len(self.clips)} clips, {self.frames} frames{pace}; beside each its truth "
            f"(.truth.parquet) and region masks (.masks.mkv).\nLook at {self.folder / 'sheet.png'}"
        )


def film_people(
    out: Path | str,
    options: FilmOptions | None = None,
    progress: Progress | None = None,
    stop: StopSignal | None = None,
) -> FilmResult:
    """Film `options.people` people into the folder `out`: person-1.mp4, person-2.mp4 ..., truth beside each, sheet.png.

    A folder of the same options goes on where it was stopped. Raises InputError, ModelError (no head), OutputError,
    Stopped.
    """
    options, progress, stop = options or FilmOptions(), progress or Progress(), stop or StopSignal()
    out = Path(out)
    body = open_body(options.body)
    _check_text(options)
    cast(options, 0, body)  # what cannot be spoken is told before there is a folder
    job = {"options": options.model_dump(), "body": body.name}
    claim(out, NOTE, job, {"regions": REGIONS, "environment": environment()})
    clips, looks, frames, filmed, clock = [], [], 0, 0, Clock()
    for number in range(options.people):
        clip = out / f"person-{number + 1}.mp4"
        take = cast(options, number, body)
        if not is_filmed(clip):
            stop.check(f"Filmed so far: {number} of {options.people} clips; the same command goes on.")
            with clock.of("film"):
                film_clip(take, clip, progress, stop)
            filmed += take.performance.frames
        frames += take.performance.frames
        clips.append(clip)
        looks.append(_looks(clip))
    publish_picture(out / "sheet.png", np.vstack(looks), rendered(WHAT))
    return FilmResult(out, tuple(clips), frames, filmed / clock.seconds["film"] if filmed else 0.0)


def cast(options: FilmOptions, number: int, body: Body) -> Take:
    """The take of one clip: number counts the people."""
    mine = chances(options.seed, number)
    shared = chances(options.seed, 0) if options.same_performance else mine
    acting = PerformanceOptions(
        seconds=options.seconds,
        rate=options.rate,
        yaw=options.yaw,
        pace=options.pace,
        speech=options.speech,
        text=options.text,
    )
    person = draw_person(mine[0])
    return Take(
        person=person,
        performance=draw_performance(shared[1], acting),
        scene=lit(draw_scene(shared[2], options.hard), draw_person(shared[0])),
        body=body,
        size=(options.size, options.size),
        occluder=_occluder(person, shared[3], options.same_performance) if options.occluders else "",
    )


def _occluder(person: Person, seed: int, same: bool) -> str:
    """What comes before the face; hair only where there is some, and not where the same comes before all faces."""
    hair = not same and person.hair_cut not in ("bald", "buzz")
    kinds = [kind for kind in KINDS if kind != "strand" or hair]
    return str(np.random.default_rng(seed).choice(kinds))


def chances(seed: int, number: int) -> list[int]:
    """Seeds of person, performance, scene and the rest, for clip `number` of a film.

    InputError for a seed out of range: one word of 32 bits, since of a longer one the rest would count as `number`.
    """
    if not 0 <= seed < SEEDS:
        raise InputError(f"A seed cannot be {seed}; give a whole number from 0 to {SEEDS - 1}.")
    return [int(value) for value in np.random.SeedSequence([seed, number]).generate_state(_CHANCES)]


def film_clip(take: Take, clip: Path, progress: Progress, stop: StopSignal) -> None:
    """Draw a take and write CLIP, its masks and its truth. Nothing is left if stopped. Raises Stopped, OutputError."""
    acting = take.performance
    info = made_clip(*take.size, acting.rate, acting.frames, WHAT)
    times = np.arange(acting.frames) / float(acting.rate)
    for left in clip.parent.glob(f".{escape(clip.stem)}.*.part.*"):  # by a kill in the middle of writing
        left.unlink(missing_ok=True)
    # the regions are data: a watermark would change them
    pictured, data = rendered(WHAT, clip.name, take.about(), acting.seed), rendered(WHAT)
    pieces = beside(clip, ".segment.mkv"), beside(clip, ".regions.mkv")
    progress.stage(clip.stem, acting.frames)
    truth = []
    try:
        with (
            open_segment_for(pieces[0], info, EncodeOptions(), pictured) as pictures,
            open_segment_for(pieces[1], info, EncodeOptions(codec="ffv1"), data) as masks,
        ):
            for shot, row in film(take):
                stop.check(f"{clip.name} was not finished; the same command begins it again.")
                pictures.write(Frame(row.frame, row.time, shot.pixels))
                masks.write(Frame(row.frame, row.time, np.repeat(shot.regions[..., None], 3, 2)))
                truth.append(row)
                progress.advance()
        wave = None if acting.sound is None else Wave(acting.sound, acting.sound_rate)
        publish_clip([pieces[1]], masks_path(clip), info, times, data)
        publish_clip([pieces[0]], clip, info, times, pictured, wave)
    finally:
        for left in (*pieces, notes_of(pieces[0])):
            left.unlink(missing_ok=True)
    about = {
        "clip": clip.name,
        "clip_sha256": hash_of(clip),
        "width": take.size[0],
        "height": take.size[1],
        "rate": str(Fraction(acting.rate)),
        "frames": acting.frames,
        "identity": take.person.seed,
        "seed": acting.seed,
        "person": f"person {take.person.seed}",
        "expressions": list(EXPRESSIONS),
        **take.about(),
    }
    write_truth(truth_path(clip), truth, about)
    progress.done()


def is_filmed(clip: Path) -> bool:
    """Whether a clip and all its truth are there; the table comes last."""
    return clip.exists() and masks_path(clip).exists() and truth_path(clip).exists()


def claim(out: Path, name: str, job: dict, also: dict | None = None) -> None:
    """Note in the file `name` of a new folder what it is for, and `also`; OutputError if it is for something else."""
    try:
        out.mkdir(parents=True, exist_ok=True)  # first: of a path with .. in it only then is known where it leads
        held = any(out.iterdir())
    except FileExistsError:
        raise OutputError(f"{out} is a file; remove it or choose another --out.") from None
    except OSError as error:
        raise OutputError(f"{out} cannot be made ({error.strerror}); choose another --out.") from None
    if not held:
        write_json(out / name, {**job, **(also or {})})
        return
    try:
        noted = json.loads((out / name).read_text(encoding="utf-8"))
        same = {key: noted[key] for key in job} == job
    except (OSError, ValueError, KeyError, TypeError):
        same = False
    if not same:
        raise OutputError(f"{out} already holds something else; remove it or choose another --out.")


def _check_text(options: FilmOptions) -> None:
    """InputError for a text that nobody would hear."""
    if options.text and not options.speech:
        raise InputError("A text is only spoken with --speech; add it, or leave --text out.")
    if len(options.text) > LONGEST_TEXT:
        raise InputError(f"The text has {len(options.text)} letters; give --text at most {LONGEST_TEXT}.")


def _looks(clip: Path) -> np.ndarray:
    """One row of the contact sheet: a clip at a few moments."""
    truth, info = open_truth(clip), probe(clip)
    at = sorted({int(k) for k in np.linspace(0, truth.frames - 1, _LOOKS)})
    tiles = []
    for number in at:
        frame = next(read_frames(info, start=number))
        row = truth.row(number)
        tiles.append(captioned(fitted(frame.pixels, 192, 192), f"{row.time:.2f} s, yaw {row.pose[0]:.0f}"))
    return grid(tiles, _LOOKS, clip.name)
