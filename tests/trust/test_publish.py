"""The one way out: labelled, whole, or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from semblance.errors import OutputError
from semblance.media.image import read_picture, read_tags
from semblance.media.probe import probe
from semblance.media.read import frame_times, read_frames
from semblance.trust import publish
from semblance.trust.publish import LABEL, EncodeOptions, open_segment_for, publish_clip, publish_picture
from tests.clips import Track, make_clip


def published(plate: Path, out: Path, codec: str) -> Path:
    info, segment = probe(plate), out.parent / "segment"
    with open_segment_for(segment, info, EncodeOptions(codec=codec), "face swap") as writer:
        for frame in read_frames(info):
            writer.write(frame)
    publish_clip([segment], out, info, frame_times(info), "face swap")
    return segment


@pytest.mark.parametrize(
    "codec, name",
    [("h264", "o.mp4"), ("h264", "o.mov"), ("h264", "o.mkv"), ("vp9", "o.webm"), ("ffv1", "o.avi"), ("png", "o")],
)
def test_every_clip_says_that_it_is_synthetic(tmp_path, codec, name):
    plate = make_clip(tmp_path / "plate.mp4", frames=4, sound=[Track()])
    segment = published(plate, tmp_path / name, codec)
    for piece in (tmp_path / name, segment):
        first = sorted(piece.iterdir())[0] if piece.is_dir() else piece
        assert read_tags(first) == {**LABEL, "what": "face swap"}
    assert LABEL["synthetic_media"] == "yes" and read_tags(plate) == {}


@pytest.mark.parametrize("name", ["p.png", "p.jpg"])
def test_every_picture_says_that_it_is_synthetic(tmp_path, name):
    pixels = np.full((20, 30, 3), (200, 100, 50), np.uint8)
    publish_picture(tmp_path / name, pixels)
    assert read_tags(tmp_path / name) == LABEL
    assert np.abs(read_picture(tmp_path / name).astype(int) - pixels).max() <= 3


def test_what_loses_its_label_does_not_leave(tmp_path, monkeypatch):
    plate = make_clip(tmp_path / "plate.mp4", frames=4)
    segment = published(plate, tmp_path / "first.mp4", "h264")
    before = sorted(tmp_path.iterdir())
    monkeypatch.setattr(publish, "LABEL", {**LABEL, "synthetic_media": "another label"})
    monkeypatch.setattr(publish, "label", lambda what="": dict(LABEL))  # what a container that drops a tag comes to
    for attempt in (
        lambda: publish_clip([segment], tmp_path / "o.mp4", probe(plate), frame_times(probe(plate))),
        lambda: publish_picture(tmp_path / "o.png", np.zeros((4, 4, 3), np.uint8)),
    ):
        with pytest.raises(OutputError, match="its label as synthetic media did not stay"):
            attempt()
    assert sorted(tmp_path.iterdir()) == before


def test_a_failure_while_writing_leaves_nothing(tmp_path):
    plate = make_clip(tmp_path / "plate.mp4", frames=4)
    info = probe(plate)
    with pytest.raises(RuntimeError), open_segment_for(tmp_path / "segment", info, EncodeOptions()) as writer:
        writer.write(next(read_frames(info)))
        raise RuntimeError("the network fell over")
    assert list(tmp_path.iterdir()) == [plate]


_FULL = """
import resource, sys
from pathlib import Path
from semblance.errors import OutputError
from semblance.media.probe import probe
from semblance.media.read import frame_times, read_frames
from semblance.trust.publish import EncodeOptions, open_segment_for, publish_clip
plate, segment, out = map(Path, sys.argv[1:4])
limit, what = int(sys.argv[4]), sys.argv[5]
info = probe(plate)
try:
    if what == "clip":
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        publish_clip([segment], out, info, frame_times(info))
    else:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        with open_segment_for(segment, info, EncodeOptions(codec="ffv1")) as writer:
            for frame in read_frames(info):
                writer.write(frame)
except OutputError as error:
    sys.exit(f"said: {error}")
"""


@pytest.mark.parametrize("what", ["clip", "segment"])
def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path, what):
    plate = make_clip(tmp_path / "plate.mp4", size=(192, 128), frames=24, noise=30)
    segment = published(plate, tmp_path / "first.mkv", "ffv1")
    names = (plate, segment, tmp_path / "o.mkv") if what == "clip" else (plate, tmp_path / "new", plate)
    size = segment.stat().st_size
    before = sorted(tmp_path.iterdir())
    for limit in (1000, size // 2, size - 200):  # at the header, in the middle, in the index that is written last
        command = [sys.executable, "-c", _FULL, *map(str, names), str(limit), what]
        root = Path(__file__).resolve().parents[2]
        done = subprocess.run(command, capture_output=True, text=True, cwd=root, env={**os.environ})
        assert "said: Cannot write" in done.stderr and "larger than the system allows" in done.stderr, done.stderr
        assert done.stderr.count("\n") == 1
        assert sorted(tmp_path.iterdir()) == before
