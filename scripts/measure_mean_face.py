"""Measure the mean face that alignment and pose lean on, and write semblance/faces/mean_face.npy.

    python scripts/measure_mean_face.py ../shared/data/grid/*.mpg

Mesh points of every fifth frame of clips of several people who face the camera: each brought onto the running mean by
a similarity in space, averaged per person, then over people, then with its own mirror image, and put into face units
(see mean_face.py). What is left is nobody's face.
"""

import sys
from pathlib import Path

import numpy as np

from semblance.faces.landmarks import MeshFinder
from semblance.media.probe import probe
from semblance.media.read import read_frames
from semblance.people.twins import mirror_twins

BROW_ENDS, LOWER_LIP, BROW_TOP = [46, 70, 276, 300], 17, [105, 334]
FOREHEAD, CHIN = 10, 152


def onto(points: np.ndarray, goal: np.ndarray) -> np.ndarray:
    """points (N, 3) moved by the best rotation, scale and shift onto goal (Kabsch 1976, with scale)."""
    a, b = points - points.mean(0), goal - goal.mean(0)
    u, d, vh = np.linalg.svd(b.T @ a)
    sign = np.diag([1, 1, np.linalg.det(u @ vh)])
    return (d @ np.diag(sign)) / (a**2).sum() * a @ (u @ sign @ vh).T + goal.mean(0)


def twins_of(mean: np.ndarray) -> np.ndarray:
    """(478,) for each point the one on the other side; rims of irises by the way they lie from their centres."""
    eyes = np.arange(468, 473), np.arange(473, 478)
    rims = [mean[eye] - mean[eye[0]] for eye in eyes]
    pairs = np.linalg.norm((rims[0] * [-1, 1, 1])[:, None] - rims[1][None], axis=2)
    return np.concatenate([mirror_twins(), eyes[1][pairs.argmin(1)], eyes[0][pairs.argmin(0)]])


def main(clips: list[str]) -> None:
    finder = MeshFinder()
    people = []
    for clip in clips:
        found = []
        for frame in read_frames(probe(Path(clip))):
            if frame.index % 5 == 0:
                height, width = frame.pixels.shape[:2]
                mesh = finder.find(frame.pixels, (width / 2, height / 2), min(width, height) * 0.9)
                if mesh is not None:
                    found.append(mesh.landmarks.astype(np.float64))
        people.append(found)
    mean = people[0][0]
    for _ in range(10):
        mean = np.mean([np.mean([onto(points, mean) for points in found], 0) for found in people], 0)
        mean = mean - mean.mean(0)
    twins = twins_of(mean)
    for _ in range(10):  # the mirror plane: average with the mirror image until nothing moves
        mean = (mean + onto((mean * [-1, 1, 1])[twins], mean)) / 2
        axis = mean[BROW_ENDS[2:]].mean(0) - mean[BROW_ENDS[:2]].mean(0)
        yaw = np.arctan2(axis[2], axis[0])
        turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
        mean = mean @ turn.T
        roll = np.arctan2(*(mean[BROW_ENDS[2:]].mean(0) - mean[BROW_ENDS[:2]].mean(0))[[1, 0]])
        turn = np.array([[np.cos(roll), np.sin(roll), 0], [-np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
        mean = mean @ turn.T
        mean[:, 0] -= mean[BROW_ENDS, 0].mean()
    mean = (mean + (mean * [-1, 1, 1])[twins]) / 2
    tilt = np.arctan2(*(mean[CHIN] - mean[FOREHEAD])[[2, 1]])  # level: forehead and chin equally far from the camera
    mean = mean @ np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
    unit = mean[BROW_ENDS[2:], 0].mean() - mean[BROW_ENDS[:2], 0].mean()
    mean[:, 1] -= (mean[BROW_TOP, 1].mean() + mean[LOWER_LIP, 1]) / 2
    mean[:, 2] -= mean[:, 2].mean()
    out = Path(__file__).parents[1] / "semblance" / "faces" / "mean_face.npy"
    np.save(out, (mean / unit).astype(np.float32))
    print(f"{out}: {sum(map(len, people))} frames of {len(people)} people")


if __name__ == "__main__":
    main(sys.argv[1:])
