"""The plate's faces in time: nothing is taken over a cut."""

from contextlib import closing

import numpy as np

from semblance.create.watch import watch
from semblance.media.image import write_picture
from semblance.media.probe import probe
from semblance.media.read import read_frames
from semblance.runs import Clock


def watched(info, start, stop, carry=0):
    with closing(watch(info, start, stop, carry, Clock(), 2)) as faces:
        return list(faces)


def joined(grid, tmp_path, names, frames=12):
    """A folder with so many frames of each clip, one after the other."""
    for k, name in enumerate(names):
        for frame in read_frames(probe(grid / f"{name}.mpg"), 0, frames):
            write_picture(tmp_path / f"{k * frames + frame.index:03d}.png", frame.pixels, {})
    return probe(tmp_path)


def test_a_shot_is_seen_as_if_it_stood_alone(grid, tmp_path):
    info = joined(grid, tmp_path, ["swiz3n", "lrwp9a"])
    both, alone = watched(info, 0, 24, carry=4), watched(info, 0, 12, carry=4)
    single = watched(probe(grid / "swiz3n.mpg"), 0, 12)
    assert [len(each.faces) for each in both] == [1] * 24 and not any(each.carried or each.leapt for each in both)
    tracks = [each.faces[0].track for each in both]
    assert len(set(tracks[:12])) == len(set(tracks[12:])) == 1 and tracks[0] != tracks[12]
    for one, other in zip(both[:12], alone):
        assert np.array_equal(one.faces[0].landmarks, other.faces[0].landmarks)
    # the clip itself goes on after the twelfth frame: up to there the same
    for one, other in zip(both[:10], single[:10]):
        assert np.abs(one.faces[0].landmarks - other.faces[0].landmarks).max() < 0.5


def test_a_face_is_not_carried_over_a_cut(grid, tmp_path):
    info = joined(grid, tmp_path, ["swiz3n", "lrwp9a"])
    hidden = np.full((288, 360, 3), 128, np.uint8)
    for index in (12, 13):
        write_picture(tmp_path / f"{index:03d}.png", hidden, {})
    seen = watched(info, 0, 24, carry=4)
    assert [len(each.faces) for each in seen[11:15]] == [1, 0, 0, 1] and not any(each.carried for each in seen)
