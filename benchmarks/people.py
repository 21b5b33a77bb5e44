"""How good the synthetic people are: found by the face mesh, told apart by the recogniser, drawn fast, repeatable.

    python benchmarks/people.py [--body builtin] [--people 40]

Each person is drawn in eight looks: other scenes, yaw within 45 degrees, mouth open or shut. Distances are dlib's
between single pictures, of one person across light and pose and of two people; they are told for yaw within 35 degrees
too, since the recogniser itself, trained on faces from the front, fails beyond.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from semblance.create.film import chances
from semblance.faces.identity import identity_chip, identity_vectors
from semblance.faces.landmarks import MeshFinder
from semblance.measures.regions import PARTS
from semblance.people.bodies import open_body
from semblance.people.body import Body
from semblance.people.film import Take, dressed, film, lit
from semblance.people.performance import PerformanceOptions, draw_performance
from semblance.people.person import draw_person
from semblance.people.render import Moment, Shot
from semblance.people.scene import draw_scene
from semblance.types import Face

SIZE, LOOKS = 256, 8
NEUTRAL = PerformanceOptions(seconds=0.1, speech=False)


def shots(body: Body, number: int, looks: int) -> list[tuple[Shot, float]]:
    """Somebody in `looks` scenes, and the yaw of each; the mouth is open every second time."""
    drawn, jaw = [], body.expressions.index("jawOpen")
    person = draw_person(chances(11, number)[0])
    actor = dressed(Take(person, draw_performance(0, NEUTRAL), draw_scene(number), body, (SIZE, SIZE)))
    for look in range(looks):
        rng = np.random.default_rng([number, look])
        scene = lit(draw_scene(1000 * look + number, hard=0.5 * (look % 3 == 2)), person)
        weights = np.zeros(len(body.expressions), np.float32)
        weights[jaw] = 0.3 * (look % 2)
        yaw = rng.uniform(-45, 45)
        moment = Moment(weights, (yaw, rng.uniform(-12, 12), 0), (0, 0, 0), (0, 0))
        drawn.append((actor.elsewhere(scene).shoot(moment), yaw))
    return drawn


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--body", default="builtin")
    parser.add_argument("--people", type=int, default=40)
    asked = parser.parse_args()
    body, finder = open_body(asked.body), MeshFinder()
    chips, owner, turned, errors, total = [], [], [], {name: [] for name in PARTS}, 0
    for number in range(asked.people):
        for shot, yaw in shots(body, number, LOOKS):
            total += 1
            mesh = finder.find(shot.pixels, (SIZE / 2, SIZE / 2), SIZE * 0.95)
            if mesh is None:
                continue
            off = np.linalg.norm(mesh.landmarks[:, :2] - shot.landmarks[:, :2], axis=1)
            for name, points in PARTS.items():
                errors[name].append(off[list(points)].mean())
            chips.append(identity_chip(shot.pixels, Face(mesh.landmarks)))
            owner.append(number)
            turned.append(yaw)
    vectors, owner, turned = identity_vectors(chips), np.array(owner), np.array(turned)
    apart = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
    means = np.stack([vectors[owner == number].mean(0) for number in np.unique(owner)])
    between = np.linalg.norm(means[:, None] - means[None], axis=2)[np.triu_indices(len(means), 1)]
    print(f"body {body.name}, {asked.people} people, {total} pictures of {SIZE} px")
    print(f"found by the face mesh: {len(chips) / total:.1%}")
    for name, values in errors.items():
        print(f"landmark error, {name}: {np.median(values):.2f} px (median), {np.percentile(values, 95):.2f} (95 %)")
    for most in (45, 35):
        within = np.abs(turned) <= most
        pairs = np.triu(within[:, None] & within[None], 1)
        same, other = (apart[pairs & kind] for kind in (owner[:, None] == owner, owner[:, None] != owner))
        print(
            f"yaw within {most}: one person {(same < 0.45).mean():.1%} under 0.45 (median {np.median(same):.3f}), "
            f"two people {(other > 0.55).mean():.1%} over 0.55 (median {np.median(other):.3f})"
        )
    print(f"two people, mean by mean: {(between > 0.55).mean():.1%} over 0.55 (median {np.median(between):.3f})")
    acting = draw_performance(3, PerformanceOptions(seconds=4, speech=False))
    take = Take(draw_person(chances(11, 0)[0]), acting, draw_scene(1), body, (SIZE, SIZE))
    next(film(take, stop=1))
    began = time.perf_counter()
    first = [shot.pixels for shot, _ in film(take)]
    seconds = time.perf_counter() - began
    again = all(np.array_equal(a, shot.pixels) for a, (shot, _) in zip(first, film(take), strict=True))
    print(f"drawn: {len(first) / seconds:.1f} frames/s at {SIZE} px; twice the same frames: {again}")


if __name__ == "__main__":
    main()
