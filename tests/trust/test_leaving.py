"""The gate at the way out: which frames are looked at, what is kept of it, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from semblance.errors import Refused
from semblance.media.probe import probe
from semblance.media.read import frame_times, read_frames
from semblance.trust import leaving
from semblance.trust.claim import Claim
from semblance.trust.leaving import Lookout, notes_of, pass_all
from semblance.trust.publish import EncodeOptions, open_segment_for, publish_clip
from semblance.types import Patch
from tests.clips import make_clip

CLAIM = Claim("a test", "rendered", nobody_real=True, watermark="0123456789abcdef")
WEAK, STRONG = {"MALE_GENITALIA_EXPOSED": 0.35}, {"MALE_GENITALIA_EXPOSED": 0.9}


@pytest.fixture
def seen(monkeypatch) -> list[np.ndarray]:
    """What the gate was shown. Its net finds what is beyond doubt in red frames, and weaker signs in yellow ones."""
    shown = []

    def net(pixels):
        shown.append(pixels)
        red, green, blue = pixels.reshape(-1, 3).astype(int).max(0)
        return {} if red < blue + 100 else WEAK if green > 100 else STRONG

    monkeypatch.setattr(leaving, "installed_net", lambda: net)
    return shown


def plate_of(path, frames: int, rate: int = 5):
    return probe(make_clip(path, (160, 128), frames, rate, pictures=[np.full((128, 160, 3), 60, np.uint8)] * frames))


def written(info, path, start, stop, colours=()):
    """Frames [start, stop) with a patch of a colour over some: index -> colour."""
    with open_segment_for(path, info, EncodeOptions(), CLAIM) as writer:
        for frame in read_frames(info, start, stop):
            colour = dict(colours).get(frame.index)
            writer.write(frame, [Patch(0, 0, np.full((64, 64, 3), colour, np.uint8))] if colour else [])


def test_frames_are_seen_every_two_seconds_and_at_the_head_of_each_segment(seen, tmp_path):
    info = plate_of(tmp_path / "p.mp4", 75)
    assert leaving.interval_of(info) == 2.0
    written(info, tmp_path / "a", 0, 37)
    written(info, tmp_path / "b", 37, 75)
    times = [[look[0] for look in json.loads(notes_of(tmp_path / name).read_text())] for name in "ab"]
    assert times == [[0, 2, 4, 6], [7.4, 8, 10, 12, 14]]
    figures = pass_all([tmp_path / "a", tmp_path / "b"], info)
    assert figures == {"looks": len(seen), "highest": 0.0, "interval": 2.0}


def test_what_is_seen_is_the_frame_with_its_patches(seen, tmp_path):
    info = plate_of(tmp_path / "p.mp4", 1)
    written(info, tmp_path / "a", 0, 1, {0: (10, 20, 240)})
    assert np.abs(seen[0][:64, :64].mean((0, 1)) - (10, 20, 240)).max() < 1 and abs(seen[0][70:].mean() - 60) < 3


def test_a_frame_beyond_doubt_ends_the_segment_at_once(seen, tmp_path):
    info = plate_of(tmp_path / "p.mp4", 60)
    with pytest.raises(Refused, match=r"p.mp4 shows sexual content \(at 00:00:04\), from which nothing is made"):
        written(info, tmp_path / "a", 0, 60, {20: (250, 0, 0)})
    assert [path.name for path in tmp_path.iterdir()] == ["p.mp4"]


def test_weaker_signs_count_together_over_segments(seen, tmp_path):
    info = plate_of(tmp_path / "p.mp4", 60)
    yellow = {30: (250, 200, 0), 40: (250, 200, 0)}
    written(info, tmp_path / "a", 0, 35, yellow)
    written(info, tmp_path / "b", 35, 60, yellow)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(Refused, match=r"at 00:00:06, 00:00:08"):
        publish_clip([tmp_path / "a", tmp_path / "b"], tmp_path / "o.mp4", info, frame_times(info), CLAIM)
    assert sorted(tmp_path.iterdir()) == before, "nothing leaves"
    written(info, tmp_path / "b", 35, 60)
    assert publish_clip([tmp_path / "a", tmp_path / "b"], tmp_path / "o.mp4", info, frame_times(info), CLAIM)["looks"]


def test_a_segment_without_notes_is_looked_at_before_it_leaves(seen, tmp_path, monkeypatch):
    info = plate_of(tmp_path / "p.mp4", 10)
    written(info, tmp_path / "a.mkv", 0, 10)
    notes_of(tmp_path / "a.mkv").unlink()
    looked = []
    monkeypatch.setattr(leaving, "check_content", looked.append)
    pass_all([tmp_path / "a.mkv"], info)
    assert looked == [tmp_path / "a.mkv"]


def test_data_is_not_looked_at(seen, tmp_path):
    info, data = plate_of(tmp_path / "p.mp4", 5), Claim("a test", "rendered", nobody_real=True)
    with open_segment_for(tmp_path / "a", info, EncodeOptions(codec="ffv1"), data) as writer:
        for frame in read_frames(info):
            writer.write(frame)
    assert publish_clip([tmp_path / "a"], tmp_path / "o.mkv", info, frame_times(info), data) == {} and not seen


def test_a_frame_is_asked_for_once_in_each_interval(tmp_path):
    lookout = Lookout(plate_of(tmp_path / "p.mp4", 100))
    assert [number for number in range(100) if lookout.wants(number / 5)] == list(range(0, 100, 10))
