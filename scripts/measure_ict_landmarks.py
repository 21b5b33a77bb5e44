"""Find where the 478 mesh points lie on the ICT head, and write semblance/people/ict_landmarks.npz.

    python scripts/measure_ict_landmarks.py path/to/ict_facekit.npz

The face mesh is run over renders of many random heads in several poses; each point found is cast back onto the surface
under it. A point's place is the mean over the views that see it from the front, made symmetric, on the mean head, and
brought onto the nearest triangle. The result is indices and weights only: nothing of the model's own numbers.
"""

import sys
from pathlib import Path

import numpy as np

from semblance.faces.landmarks import MeshFinder
from semblance.people.body import FACE, IRIS, Body
from semblance.people.ict import ict_body
from semblance.people.person import draw_person
from semblance.people.places import cast
from semblance.people.render import Actor, Moment
from semblance.people.scene import draw_scene
from semblance.people.twins import mirror_twins

OUT = Path(__file__).parents[1] / "semblance" / "people" / "ict_landmarks.npz"
SIZE, HEADS = 512, 60
INNER_LIPS = [78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191]


def on_surface(body: Body, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places (478, 3) -> vertices (478, 3) and weights (478, 3): the nearest of many on each triangle."""
    skin = body.triangles[body.material == FACE]
    corners = body.mean[skin]
    steps = np.arange(7) / 6
    shares = np.array([(1 - s - t, s, t) for s in steps for t in steps if s + t < 1.001])
    vertices, weights = [], []
    for place in places:
        near = np.argsort(((corners - place) ** 2).sum(2).min(1))[:80]
        points = np.einsum("kc,tcd->tkd", shares, corners[near])
        triangle, share = np.unravel_index(np.argmin(((points - place) ** 2).sum(2)), points.shape[:2])
        vertices.append(skin[near[triangle]])
        weights.append(shares[share])
    return np.array(vertices), np.array(weights, np.float32)


def main(path: str) -> None:
    body = ict_body(Path(path))
    finder = MeshFinder()
    total, seen = np.zeros((478, 3)), np.zeros((478, 1))
    rng = np.random.default_rng(0)
    for head in range(HEADS):
        actor = Actor(draw_person(10_000 + head), body, draw_scene(10_000 + head), (SIZE, SIZE))
        for view in range(5):
            weights = np.zeros(len(body.expressions), np.float32)
            parted = view % 2 == 1  # inner lips can be told from each other only when they part
            weights[body.expressions.index("jawOpen")] = rng.uniform(0.25, 0.5) if parted else 0
            pose = (rng.uniform(-40, 40), rng.uniform(-15, 15), rng.uniform(-5, 5))
            moment = Moment(weights, pose, (0, 0, 0), (0, 0))
            shot = actor.shoot(moment)
            mesh = finder.find(shot.pixels, (SIZE / 2, SIZE / 2), SIZE * 0.9)
            if mesh is None:
                continue
            places, square = cast(actor, moment, mesh.landmarks[:, :2])
            if not parted:
                square[INNER_LIPS] = 0
            total += places * square[:, None]
            seen += square[:, None]
    few = np.setdiff1d(np.flatnonzero(seen[:, 0] <= 1), IRIS)
    assert not len(few), f"too few views of points {few}"
    places = total / np.maximum(seen, 1e-6)
    twins = np.concatenate([mirror_twins(), IRIS])  # irises are the eyeballs' own
    places = (places + (places * [-1, 1, 1])[twins]) / 2
    vertices, weights = on_surface(body, places)
    gap = np.linalg.norm((body.mean[vertices] * weights[..., None]).sum(1) - places, axis=1)
    # numbers of the model's own vertices, which do not depend on how we split the seams of its texture
    np.savez(OUT, vertices=body.weld[vertices].astype(np.int32), weights=weights)
    told = np.delete(gap, list(IRIS))
    worst = np.argsort(told)[::-1][:5]
    print("furthest off the surface:", {int(k): round(float(told[k]), 2) for k in worst})
    print(f"{OUT}: {HEADS} heads; off the surface by {told.mean():.3f} cm, at most {told.max():.3f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
