"""How well a finished clip follows its plate: pose, mouth and eyes, and whose face it shows.

    python benchmarks/result.py RESULT --plate CLIP --source CLIP

Both clips are looked at anew, face by face. Openings are shares of the face's height; where the plate hardly moves (its
own spread under 0.4 % of the face's height) a correlation says little, and the deviation counts.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from semblance.faces.identity import distance, identity_chip, identity_vectors
from semblance.faces.landmarks import LOWER_LID, LOWER_LIP, UPPER_LID, UPPER_LIP
from semblance.faces.track import FaceTracker
from semblance.media.probe import probe
from semblance.media.read import read_frames

FOREHEAD, CHIN = 10, 152
LEFT_LIDS = 386, 374


def look(clip: Path) -> dict[str, np.ndarray]:
    """Per frame: pose (N, 3) degrees, mouth and eye opening (N,), identity (N, 128); NaN where no face was found."""
    tracker, rows, chips = FaceTracker(), [], []
    for frame in read_frames(probe(clip)):
        faces = tracker.step(frame.pixels)
        if not faces:
            rows.append([np.nan] * 5)
            continue
        points = faces[0].landmarks[:, :2]
        height = np.linalg.norm(points[FOREHEAD] - points[CHIN])
        mouth = np.linalg.norm(points[UPPER_LIP] - points[LOWER_LIP]) / height
        pairs = (UPPER_LID, LOWER_LID), LEFT_LIDS
        eyes = np.mean([np.linalg.norm(points[a] - points[b]) for a, b in pairs]) / height
        rows.append([*faces[0].pose, mouth, eyes])
        chips.append(identity_chip(frame.pixels, faces[0]))
    table = np.array(rows)
    return {"pose": table[:, :3], "mouth": table[:, 3], "eyes": table[:, 4], "identity": identity_vectors(chips)}


def follow(result: np.ndarray, plate: np.ndarray) -> str:
    """Correlation and mean deviation of two openings, about their own means."""
    seen = ~(np.isnan(result) | np.isnan(plate))
    result, plate = result[seen], plate[seen]
    gap = np.abs((result - result.mean()) - (plate - plate.mean())).mean()
    correlation = np.corrcoef(result, plate)[0, 1]
    return (
        f"correlation {correlation:.2f}, deviation {gap:.2%} of the face's height "
        f"(spread: plate {plate.std():.2%}, result {result.std():.2%})"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("result", type=Path)
    parser.add_argument("--plate", type=Path, required=True)
    parser.add_argument("--source", type=Path, required=True)
    asked = parser.parse_args()
    result, plate, source = look(asked.result), look(asked.plate), look(asked.source)
    missing = int(np.isnan(result["mouth"]).sum())
    to_source = distance(result["identity"], source["identity"].mean(0))
    to_target = distance(result["identity"], plate["identity"].mean(0))
    print(f"frames       {len(result['mouth'])}, without a face {missing}")
    print(f"identity     to source {np.median(to_source):.3f} (95 % under {np.percentile(to_source, 95):.3f}), "
          f"to target {np.median(to_target):.3f} (95 % over {np.percentile(to_target, 5):.3f})")  # fmt: skip
    print(f"pose error   {np.nanmedian(np.abs(result['pose'] - plate['pose'])):.2f} degrees (median over axes)")
    print(f"mouth        {follow(result['mouth'], plate['mouth'])}")
    print(f"eyes         {follow(result['eyes'], plate['eyes'])}")


if __name__ == "__main__":
    main()
