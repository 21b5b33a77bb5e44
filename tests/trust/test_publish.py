"""The one way out: labelled, whole, or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from semblance.errors import OutputError, Refused
from semblance.media.image import read_picture, read_tags
from semblance.media.probe import probe
from semblance.media.read import frame_times, read_frames
from semblance.trust import publish
from semblance.trust.claim import Claim
from semblance.trust.consent import revoke
from semblance.trust.ledger import open_ledger
from semblance.trust.manifest import read_manifest
from semblance.trust.mark_in_file import mark_in, payload_laid
from semblance.trust.marking import Marking
from semblance.trust.publish import LABEL, EncodeOptions, open_segment_for, publish_clip, publish_picture
from semblance.trust.signable import sidecar_of
from semblance.trust.visible import VisibleMark
from semblance.trust.watermark_find import find_mark
from tests.clips import Track, make_clip
from tests.permitted import let

CLAIM = Claim("a test", "rendered", nobody_real=True, watermark="0123456789abcdef")


def published(plate: Path, out: Path, codec: str, claim: Claim = CLAIM, **labels) -> Path:
    info, segment = probe(plate), out.parent / "segment"
    with open_segment_for(segment, info, EncodeOptions(codec=codec), claim, **labels) as writer:
        for frame in read_frames(info):
            writer.write(frame)
    publish_clip([segment], out, info, frame_times(info), claim)
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
        assert read_tags(first) == {**LABEL, "what": "a test"}
    pieces = sorted((tmp_path / name).iterdir()) if codec == "png" else [tmp_path / name]
    for piece in pieces:
        told = read_manifest(piece)
        assert (told.state, told.claim) == ("ours", CLAIM)
    assert sidecar_of(tmp_path / name).exists() == (name[-3:] in ("mkv", "ebm"))
    assert LABEL["synthetic_media"] == "yes" and read_tags(plate) == {}


@pytest.mark.parametrize("name", ["p.png", "p.jpg"])
def test_every_picture_says_that_it_is_synthetic(tmp_path, name):
    pixels = np.full((20, 30, 3), (200, 100, 50), np.uint8)
    publish_picture(tmp_path / name, pixels, CLAIM)
    assert read_tags(tmp_path / name) == {**LABEL, "what": "a test"}
    assert read_manifest(tmp_path / name).state == "ours"
    assert np.abs(read_picture(tmp_path / name).astype(int) - pixels).max() <= 3


def test_what_loses_its_label_does_not_leave(tmp_path, monkeypatch):
    plate = make_clip(tmp_path / "plate.mp4", frames=4)
    segment = published(plate, tmp_path / "first.mp4", "h264")
    before = sorted(tmp_path.iterdir())
    monkeypatch.setattr(publish, "LABEL", {**LABEL, "synthetic_media": "another label"})
    monkeypatch.setattr(publish, "label", lambda what="": dict(LABEL))  # what a container that drops a tag comes to
    for attempt in (
        lambda: publish_clip([segment], tmp_path / "o.mp4", probe(plate), frame_times(probe(plate)), CLAIM),
        lambda: publish_picture(tmp_path / "o.png", np.zeros((4, 4, 3), np.uint8), CLAIM),
    ):
        with pytest.raises(OutputError, match="its label as synthetic media did not stay"):
            attempt()
    assert sorted(tmp_path.iterdir()) == before


def test_a_failure_while_writing_leaves_nothing(tmp_path):
    plate = make_clip(tmp_path / "plate.mp4", frames=4)
    info = probe(plate)
    with pytest.raises(RuntimeError), open_segment_for(tmp_path / "segment", info, EncodeOptions(), CLAIM) as writer:
        writer.write(next(read_frames(info)))
        raise RuntimeError("the network fell over")
    assert list(tmp_path.iterdir()) == [plate]


_FULL = """
import resource, sys
from pathlib import Path
from semblance.errors import OutputError
from semblance.media.probe import probe
from semblance.media.read import frame_times, read_frames
from semblance.trust.publish import Claim, EncodeOptions, open_segment_for, publish_clip
claim = Claim("a test", "rendered", nobody_real=True, watermark="0123456789abcdef")
plate, segment, out = map(Path, sys.argv[1:4])
limit, what = int(sys.argv[4]), sys.argv[5]
info = probe(plate)
try:
    if what == "clip":
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        publish_clip([segment], out, info, frame_times(info), claim)
    else:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        with open_segment_for(segment, info, EncodeOptions(codec="ffv1"), claim) as writer:
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


def textured(height: int = 288, width: int = 352) -> np.ndarray:
    """(H, W, 3) uint8: something like a picture, fine and coarse at once."""
    chance = np.random.default_rng(3)
    layers = [chance.normal(0, 1, (height // k + 1, width // k + 1)).repeat(k, 0).repeat(k, 1) for k in (1, 4, 24)]
    grey = 120 + sum(gain * layer[:height, :width] for gain, layer in zip((5, 9, 25), layers))
    return np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[..., None], 3, 2)


@pytest.mark.parametrize("height, width", [(140, 180), (288, 352), (400, 300)])
def test_a_mark_that_lies_as_it_was_laid_is_known_at_once(tmp_path, height, width):
    pictures = [textured(height, width)] * 4
    plate = make_clip(tmp_path / "plate.mkv", size=(width, height), frames=4, codec="ffv1", pictures=pictures)
    published(plate, tmp_path / "o.mp4", "h264")
    assert payload_laid(probe(tmp_path / "o.mp4")) == CLAIM.watermark == mark_in(tmp_path / "o.mp4").payload
    assert payload_laid(probe(plate)) == "" and mark_in(plate) is None
    flipped = make_clip(
        tmp_path / "f.mkv", size=(width, height), frames=1, codec="ffv1",
        pictures=[next(read_frames(probe(tmp_path / "o.mp4"))).pixels[:, ::-1]],
    )  # fmt: skip
    assert payload_laid(probe(flipped)) == "" and mark_in(flipped).payload == CLAIM.watermark


@pytest.mark.parametrize("codec, name", [("h264", "o.mp4"), ("png", "o")])
def test_frames_and_pictures_carry_the_number_of_the_claim(tmp_path, codec, name):
    plate = make_clip(tmp_path / "plate.mkv", size=(352, 288), frames=6, codec="ffv1", pictures=[textured()] * 6)
    published(plate, tmp_path / name, codec)
    frames = [frame.pixels for frame in read_frames(probe(tmp_path / name))]
    assert find_mark(frames).payload == int(CLAIM.watermark, 16)
    publish_picture(tmp_path / "still.png", textured(), CLAIM)
    assert find_mark([read_picture(tmp_path / "still.png")]).payload == int(CLAIM.watermark, 16)
    publish_picture(tmp_path / "data.png", textured(), CLAIM, mark=False)
    assert (read_picture(tmp_path / "data.png") == textured()).all()


def test_a_mark_over_an_older_one_takes_its_place(tmp_path):
    plate = make_clip(tmp_path / "plate.mkv", size=(352, 288), frames=6, codec="ffv1", pictures=[textured()] * 6)
    published(plate, tmp_path / "first.mp4", "h264")
    newer = Claim("a test", "rendered", watermark="fedcba9876543210")
    published(tmp_path / "first.mp4", tmp_path / "second.mp4", "h264", newer, over=CLAIM.watermark)
    frames = [frame.pixels for frame in read_frames(probe(tmp_path / "second.mp4"))]
    assert find_mark(frames).payload == int(newer.watermark, 16)


def test_a_picture_without_a_number_gets_one_that_follows_from_its_pixels(tmp_path):
    claim = Claim("a test", "rendered")
    for name, pixels in (("a", textured()), ("b", textured()), ("c", textured()[::-1])):
        publish_picture(tmp_path / f"{name}.png", pixels, claim)
    a, b, c = (read_manifest(tmp_path / f"{name}.png").claim.watermark for name in "abc")
    assert a == b != c and len(a) == 16


def test_what_is_too_small_for_a_mark_is_left_as_it_is():
    small = textured(96, 96)
    given = small.copy()
    Marking("0123456789abcdef").rgb(given)
    assert (given == small).all()


def test_words_to_be_seen_lie_over_all_else(tmp_path):
    plate = make_clip(tmp_path / "plate.mkv", size=(352, 288), frames=2, codec="ffv1", pictures=[textured()] * 2)
    claim = Claim("a test", "rendered")
    published(plate, tmp_path / "o.mkv", "ffv1", claim, visible=VisibleMark(mark="AI-generated"))
    before, after = (next(read_frames(probe(path))).pixels.astype(int) for path in (plate, tmp_path / "o.mkv"))
    rows, columns = np.nonzero(np.abs(after - before).max(2) > 12)
    assert rows.min() > 200 and columns.min() > 176  # the lower right corner
    assert len(rows) > 300


def test_every_use_of_a_consent_is_in_the_ledger_and_none_after_it_was_revoked(tmp_path):
    entry = let(np.random.default_rng(5).normal(0, 0.02, (3, 128)).astype(np.float32), "a person whose use is noted")
    claim = Claim("a test", "created", consent=(entry,))
    publish_picture(tmp_path / "a.png", textured(), claim)
    with open_ledger() as ledger:
        assert [event.kind for event in ledger.of(entry)] == ["added", "used"]
        revoke(ledger, entry)
    with pytest.raises(Refused, match="revoked"):
        publish_picture(tmp_path / "b.png", textured(), claim)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png"]


def test_a_failure_after_signing_leaves_no_manifest_behind(tmp_path, monkeypatch):
    plate = make_clip(tmp_path / "plate.mp4", frames=4)
    segment = published(plate, tmp_path / "first.mp4", "h264")
    before = sorted(tmp_path.iterdir())
    monkeypatch.setattr(publish, "hash_of", lambda *paths: 1 / 0)
    entry = let(np.random.default_rng(6).normal(0, 0.02, (3, 128)).astype(np.float32), "another person")
    info = probe(plate)
    with pytest.raises(ZeroDivisionError):
        publish_clip([segment], tmp_path / "o.mkv", info, frame_times(info), Claim("t", "created", consent=(entry,)))
    assert sorted(tmp_path.iterdir()) == before
