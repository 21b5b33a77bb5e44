"""Make the shipped head, semblance/people/head.npz, and say how good it is.

    python scripts/measure_head.py path/to/ict_facekit.npz     fit it again, then check it
    python scripts/measure_head.py                             only check it

The check: renders of random people on the built-in head, turned by up to 45 degrees; in how many of them the face mesh
finds the face, how far its points lie from the truth in each region, and how far apart the recogniser sees people.
"""

import sys
from pathlib import Path

import cv2
import numpy as np

from semblance.faces.identity import CHIP, chip_matrix, identity_vectors
from semblance.faces.landmarks import MeshFinder
from semblance.people.builtin import HEAD, builtin_body
from semblance.people.fit import fit_head
from semblance.people.ict import ict_body
from semblance.people.person import draw_person
from semblance.people.render import Actor, Moment
from semblance.people.scene import draw_scene
from semblance.people.skin import BROWS, EYES, LIPS_INNER, LIPS_OUTER
from semblance.runs import Progress

SIZE, PEOPLE, SHOTS = 256, 40, 5
REGIONS = {
    "jaw": (234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361, 323, 454),
    "brows": tuple(point for side in BROWS for chain in side for point in chain),
    "eyes": EYES[0] + EYES[1],
    "nose": (168, 6, 197, 195, 5, 4, 1, 2, 98, 327, 64, 294, 129, 358),
    "mouth": LIPS_OUTER + LIPS_INNER,
}


class Loud(Progress):
    """Every 20th line."""

    count = 0

    def advance(self, count: int = 1, note: str = "") -> None:
        self.count += count
        if self.count % 20 == 0:
            print(self.count, note, flush=True)


def check() -> None:
    body, finder = builtin_body(), MeshFinder()
    rng = np.random.default_rng(1)
    found, total, gaps, chips, owners = 0, 0, [], [], []
    for person in range(PEOPLE):
        for light in range(2):
            actor = Actor(draw_person(5000 + person), body, draw_scene(2 * person + light), (SIZE, SIZE))
            for _ in range(SHOTS // 2 + (light == 0)):
                weights = np.zeros(len(body.expressions), np.float32)
                weights[rng.integers(0, len(weights), 3)] = rng.uniform(0, 0.7, 3)
                pose = (rng.uniform(-45, 45), rng.uniform(-15, 15), rng.uniform(-5, 5))
                shot = actor.shoot(Moment(weights, pose, (0, 0, 0), (0, 0)))
                mesh = finder.find(shot.pixels, (SIZE / 2, SIZE / 2), SIZE * 0.9)
                total += 1
                if mesh is None:
                    print("not found:", 5000 + person, 2 * person + light, np.round(pose, 1))
                    continue
                found += 1
                unit = np.linalg.norm(actor.rest[33] - actor.rest[263]) * actor.camera.focal / actor.scene.distance
                gaps.append(np.linalg.norm(mesh.landmarks[:, :2] - shot.landmarks[:, :2], axis=1) / unit)
                chips.append(cv2.warpAffine(shot.pixels, chip_matrix(mesh.landmarks), (CHIP, CHIP)))
                owners.append(person)
    gaps = np.array(gaps)
    print(f"found in {found} of {total}; error as a share of the distance between the eyes' outer corners:")
    print("  " + ", ".join(f"{name} {gaps[:, list(points)].mean():.3f}" for name, points in REGIONS.items()))
    vectors, owners = identity_vectors(chips), np.array(owners)
    apart = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
    same = owners[:, None] == owners[None]
    one, two = apart[same & (apart > 0)], apart[~same]
    print(f"recogniser: one person {one.mean():.3f} (95 % under {np.quantile(one, 0.95):.3f}), two {two.mean():.3f} "
          f"(5 % under {np.quantile(two, 0.05):.3f})")  # fmt: skip


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(fit_head(ict_body(Path(sys.argv[1])), HEAD, progress=Loud()))
    check()
