"""Faces of one expression are found across two people."""

import numpy as np
import pytest

from semblance.faces.expression import expressions
from semblance.faces.mean_face import mean_face
from semblance.faceset.extract import extract
from semblance.faceset.match import match_expressions
from semblance.faceset.store import crop_points
from semblance.faceset.textures import expressions_of


def people(mouths: list[float], lids: list[float], size: float, eye: float) -> np.ndarray:
    """Expressions of the mean face with given openings, at a size in pixels, with its own resting eye opening."""
    faces = []
    for mouth, lid in zip(mouths, lids):
        face = mean_face().copy()
        face[14, 1] += mouth
        for upper, lower in ((159, 145), (386, 374)):
            face[lower, 1] = face[upper, 1] + eye + lid
        faces.append(face * size + [200, 150, 0])
    return expressions(np.array(faces), np.zeros(len(faces)), np.zeros(len(faces)))


def test_mouths_match_mouths_whatever_the_size():
    openings = [0.0, 0.1, 0.2, 0.3]
    one, other = people(openings, [0] * 4, 60, 0.1), people(openings[::-1], [0] * 4, 140, 0.1)
    matches = match_expressions(one, other)
    assert matches.targets[:, 0].tolist() == [3, 2, 1, 0] == matches.sources[:, 0].tolist()
    assert matches.targets.shape == (4, 3)


def test_a_blink_matches_a_blink_though_eyes_differ():
    one = people([0.0] * 5, [0, 0, 0, 0, -0.08], 80, 0.10)
    other = people([0.0] * 5, [-0.05, 0, 0, 0, 0], 80, 0.06)
    matches = match_expressions(one, other)
    assert matches.targets[4, 0] == 0 and matches.sources[0, 0] == 4
    assert 0 not in matches.targets[:4, 0]


@pytest.fixture(scope="module")
def facesets(grid, tmp_path_factory):
    folder = tmp_path_factory.mktemp("match")
    return [extract([grid / f"{clip}.mpg"], folder / clip) for clip in ("swiz3n", "lrwp9a")]


def test_real_people_open_their_mouths_together(facesets):
    matches = match_expressions(*(expressions_of(faceset) for faceset in facesets))
    mouths = []
    for faceset in facesets:
        points = np.stack([crop_points(row) for _, row in faceset.kept.iterrows()])
        mouths.append(np.linalg.norm(points[:, 13] - points[:, 14], axis=1))
    assert np.corrcoef(mouths[1], mouths[0][matches.sources].mean(1))[0, 1] > 0.95
