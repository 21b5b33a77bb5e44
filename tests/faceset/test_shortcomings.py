"""What is amiss with two facesets is told before anybody waits for it."""

import json

import numpy as np
import pandas as pd
import pytest

from semblance.faces.align import crop_matrix
from semblance.faces.mean_face import mean_face
from semblance.faces.pose import rotation_of
from semblance.faceset.shortcomings import shortcomings
from semblance.faceset.store import OPTIONS, Faceset


def faceset(folder, yaws, mouths=(0.0, 0.15), lids=(0.0, 0.06), size=90.0, count=80):
    """Faces that turn, talk and blink over these ranges."""
    rows = []
    for k in range(count):
        share = k / (count - 1)
        face = mean_face().copy()
        face[14, 1] += mouths[0] + share * (mouths[1] - mouths[0])
        closed = lids[1] if k % 8 == 0 else lids[0]
        face[[145, 374], 1] -= closed
        yaw = yaws[0] + share * (yaws[1] - yaws[0])
        landmarks = (face @ rotation_of(yaw, 0, 0).T * size + [200, 200, 0]).astype(np.float32)
        rows.append({"landmarks": landmarks.ravel(), "matrix": crop_matrix(landmarks, 128, "face").ravel(), "yaw": yaw,
                     "pitch": 0.0, "size": 1.6 * size, "kept": True})  # fmt: skip
    folder.mkdir()
    (folder / OPTIONS).write_text(json.dumps({"clips": ["a"], "size": 128, "coverage": "face"}))
    return Faceset(folder, pd.DataFrame(rows))


@pytest.fixture
def target(tmp_path):
    return faceset(tmp_path / "target", (-20, 20))


def test_nothing_is_said_where_nothing_is_amiss(tmp_path, target):
    assert shortcomings(faceset(tmp_path / "source", (-18, 22)), target) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"yaws": (-2, 20)}, "looks up to 19 degrees left, the source is seen to 2"),
        ({"mouths": (0.0, 0.0)}, "never opens the mouth"),
        ({"lids": (0.0, 0.0)}, "never blinks"),
        ({"size": 30.0}, "softer than the plate"),
        ({"count": 30}, "only 30 faces"),
    ],
)
def test_each_lack_is_told_alone(tmp_path, target, change, words):
    told = shortcomings(faceset(tmp_path / "source", **{"yaws": (-20, 20), **change}), target)
    assert len(told) == 1 and words in told[0]
