"""The base weights of swap_mesh, made again from seeds: film people who don't exist, learn from all of them, ship.

    python scripts/train_base_mesh.py [--out out/base-mesh] [--preset small] [--people 64] [--samples 400000]

Each person plays ten seconds, every fifth frame is kept, unwrapped by the face mesh that users' footage goes through.
Half of the people have the built-in head, half the ICT one where it is in the cache. Filming and training both go on
where they were stopped. The last 8 people are kept out of training; the base is judged on them. Ends by writing
semblance/models/base/swap_mesh-PRESET.safetensors.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from semblance.app.terminal import TerminalProgress
from semblance.create.claims import rendered
from semblance.create.film import chances
from semblance.errors import SemblanceError
from semblance.faces.expression import SIZE, at_rest, expressions
from semblance.faces.mesh_space import with_rim
from semblance.faces.track import FaceTracker
from semblance.faces.wrap import seen, unwrap
from semblance.faceset.match import Matches, match_expressions
from semblance.models import choose_preset, load_model_file
from semblance.people.bodies import open_body
from semblance.people.film import Take, film, lit
from semblance.people.performance import PerformanceOptions, draw_performance
from semblance.people.person import draw_person
from semblance.people.scene import draw_scene
from semblance.runs import Progress, StopSignal, written_whole
from semblance.training.batches import Batch
from semblance.training.loop import train_model
from semblance.training.mesh_pair import disturbed, draw_chance
from semblance.training.options import TrainOptions
from semblance.trust.publish import publish_picture
from semblance.weights import load_checkpoint, save_base

SEED, PEOPLE, HELD_OUT, SECONDS, EVERY, FRAME, SIZE_STORED = 404, 64, 8, 10.0, 5, 320, 256
MODEL = "swap_mesh"


class Crowd:
    """Textures of many people; each sample shows two of them in about the same expression. See Material."""

    sides = 2
    has_matches = True

    def __init__(self, people: list[dict[str, np.ndarray]], size: int) -> None:
        self.people = people
        self.size = size
        nobody = SimpleNamespace(mean=np.full((2 * size, 2 * size, 3), 128, np.uint8), rest=np.zeros(SIZE, np.float32))
        self.source = self.target = nobody
        self._matches: dict[tuple[int, int], Matches] = {}

    def batches(self, config, seed: int, start: int, batch: int, rank: int, ranks: int) -> Iterator[Batch]:
        numbers = np.array_split(np.arange(batch), ranks)[rank]
        while True:
            chance = [draw_chance(seed, start + numbers, side) for side in (0, 1)]
            who = np.random.default_rng([seed, start]).integers(0, len(self.people), (2, len(numbers)))
            yield self._rows(config, who, chance, start + numbers)
            start += batch

    def _rows(self, config, who: np.ndarray, chance: list[np.ndarray], numbers: np.ndarray) -> Batch:
        made: dict[str, list] = {}
        for k, (one, other) in enumerate(who.T):
            pair = self.matches(int(one), int(other))
            rows = pair.rows(chance[0][k : k + 1, 0], chance[1][k : k + 1, 0], numbers[k : k + 1])
            for name, person, row in zip(("source", "target"), (one, other), rows):
                about, row = self.people[person], int(row[0])
                made.setdefault(f"{name}_truth", []).append(about["pictures"][row])
                made.setdefault(f"{name}_seen", []).append(about["seen"][row])
                made.setdefault(f"{name}_mean", []).append(about["mean"])
                made.setdefault(f"{name}_expression", []).append(about["expressions"][row] - about["rest"])
        batch = {name: np.stack(values) for name, values in made.items()}
        for name in ("source", "target"):
            batch[name] = disturbed(batch[f"{name}_truth"], chance[0], config)
        return batch

    def matches(self, one: int, other: int) -> Matches:
        """Which faces of two people show one expression; worked out when first asked for."""
        if (one, other) not in self._matches:
            found = [self.people[k]["expressions"] for k in (one, other)]
            self._matches[one, other] = match_expressions(*found)
        return self._matches[one, other]

    def examples(self, config, count: int) -> Batch:
        rng = np.random.default_rng(1)
        who = rng.integers(0, len(self.people), (2, count))
        chance = [rng.random((count, 8)) for _ in range(2)]
        made = self._rows(config, who, chance, np.arange(count))
        return {name: value for name, value in made.items() if not name.endswith(("_truth", "_seen"))}


def film_person(number: int, path: Path, progress: Progress) -> None:
    """Render one person's performance and keep their unwrapped faces."""
    seeds = chances(SEED, number)
    body = open_body("builtin")
    if number % 2:
        try:
            body = open_body("ict")
        except SemblanceError:
            progress.say("The ICT head is not in the cache; all people get the built-in one.")
    person = draw_person(seeds[0])
    acting = PerformanceOptions(seconds=SECONDS, yaw=float(15 + 5 * (number % 5)), speech=True)
    scene = lit(draw_scene(seeds[2], 0.4 * (number % 3)), person)
    take = Take(person, draw_performance(seeds[1], acting), scene, body, (FRAME, FRAME))
    pictures, shown, points, turns = [], [], [], []
    with closing(FaceTracker(1.0, 1)) as tracker:
        for shot, _ in film(take, step=EVERY):
            tracker.restart()
            for face in tracker.step(shot.pixels)[:1]:
                mesh = with_rim(face.landmarks)
                pictures.append(unwrap(shot.pixels, mesh, SIZE_STORED))
                shown.append(np.rint(255 * seen(mesh, SIZE_STORED)).astype(np.uint8))
                points.append(face.landmarks)
                turns.append(face.pose[:2])
    yaw, pitch = np.array(turns).T
    found = expressions(np.array(points), yaw, pitch)
    with written_whole(path) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, pictures=np.array(pictures), seen=np.array(shown), expressions=found)


def load_person(path: Path, size: int) -> dict[str, np.ndarray]:
    """One person's textures at the learned size, with their mean and their expression at rest."""
    import cv2

    with np.load(path) as file:
        small = [cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA) for picture in file["pictures"]]
        shown = [cv2.resize(plane, (size, size), interpolation=cv2.INTER_AREA) for plane in file["seen"]]
        found = file["expressions"]
    pictures, weight = np.stack(small), np.stack(shown)
    total = (pictures * (weight[..., None] / 255.0)).sum(0) / np.maximum(weight.sum(0) / 255.0, 1e-3)[..., None]
    return {"pictures": pictures, "seen": weight, "expressions": found, "rest": at_rest(found),
            "mean": np.clip(np.rint(total), 0, 255).astype(np.uint8)}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("out/base-mesh"))
    parser.add_argument("--preset", default="small")
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--samples", type=int, default=400_000)
    parser.add_argument("--film-only", action="store_true")
    asked = parser.parse_args()
    progress, stop = TerminalProgress(), StopSignal()
    folder = asked.out / "people"
    folder.mkdir(parents=True, exist_ok=True)
    progress.stage("film", asked.people, "people")
    paths = [folder / f"{number:04d}.npz" for number in range(asked.people)]
    for number, path in enumerate(paths):
        if not path.exists():
            film_person(number, path, progress)
        progress.advance()
    progress.done()
    if asked.film_only:
        return
    config = choose_preset(load_model_file(MODEL), asked.preset)
    people = [load_person(path, config.size) for path in paths]
    run = asked.out / f"run-{asked.preset}"
    options = TrainOptions(samples=asked.samples, seed=SEED, from_scratch=True)
    result = train_model(
        MODEL, asked.preset, Crowd(people[:-HELD_OUT], config.size), run, options,
        (run / "options.json").exists(), progress, stop,
        lambda path, pixels: publish_picture(path, pixels, rendered("training preview")),
    )  # fmt: skip
    weights = load_checkpoint(run / "checkpoints", progress, prefix="ema.").tensors
    kept = {name.removeprefix("ema."): value for name, value in weights.items()}
    base = {name: value for name, value in kept.items() if name.startswith("encoder.")}
    base |= {f"decoder.{n.removeprefix('source.')}": v for n, v in kept.items() if n.startswith("source.")}
    about = {"licence": "Apache-2.0", "people": f"{asked.people - HELD_OUT} synthetic, seed {SEED}",
             "samples": result.samples, "loss": result.loss}  # fmt: skip
    print(save_base(MODEL, asked.preset, base, about))


if __name__ == "__main__":
    main()
