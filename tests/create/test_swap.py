"""The swap on real clips: who is seen, what is untouched, what is kept, and what a stop or a kill costs."""

import json
import os
import signal
import subprocess
import sys
import time

import av
import cv2
import numpy as np
import pytest

from semblance import swap
from semblance.create.options import SwapOptions
from semblance.errors import FaceError, Stopped
from semblance.faces.identity import distance, identity_chip, identity_vectors
from semblance.faces.track import FaceTracker
from semblance.finish.merge_options import MergeOptions
from semblance.media.encode import EncodeOptions
from semblance.media.image import read_tags, write_picture
from semblance.media.probe import probe
from semblance.media.read import read_frames
from semblance.models import load_swapper
from semblance.runs import StopSignal
from semblance.trust.publish import LABEL
from tests.create.swapping import StopAt, marked, pixels_of


@pytest.fixture(scope="module")
def result(run, plate, tmp_path_factory):
    return swap(plate, run, tmp_path_factory.mktemp("swap") / "c.mp4")


def sound_of(path):
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


def test_every_frame_is_swapped_and_the_clip_is_the_plates(result, plate):
    made, was = probe(result.out), probe(plate)
    assert (result.frames, result.swapped, result.skipped) == (75, 75, {})
    assert (made.width, made.height, made.rate) == (was.width, was.height, was.rate)
    assert len(list(read_frames(made))) == 75
    assert abs(made.duration - 3.0) < 0.02
    assert sound_of(result.out) == sound_of(plate)


def test_the_face_is_nearer_to_the_source_and_no_longer_the_targets(result, plate, run):
    notes = load_swapper(run)[2]["notes"]
    source, target = (np.array(notes[side]["identity"]) for side in ("source", "target"))

    def seen(path):
        tracker, chips = FaceTracker(), []
        for frame in read_frames(probe(path)):
            if frame.index % 15 == 0:
                faces = tracker.step(frame.pixels)
                assert len(faces) == 1, "the finished frame no longer shows a face"
                chips.append(identity_chip(frame.pixels, faces[0]))
        return np.median(identity_vectors(chips), 0)

    before, after = seen(plate), seen(result.out)
    assert distance(after, target) > distance(before, target) + 0.25
    assert distance(after, source) < distance(before, source) - 0.15


def test_pose_is_the_plates(result, plate):
    one, other = FaceTracker(), FaceTracker()
    gaps = []
    for before, after in zip(read_frames(probe(plate)), read_frames(probe(result.out))):
        poses = one.step(before.pixels)[0].pose, other.step(after.pixels)[0].pose
        gaps.append(np.abs(np.subtract(*poses)))
    assert np.median(gaps, 0).max() < 4


def test_background_is_untouched(result, plate):
    before, after = marked(pixels_of(plate), result.out).astype(float), pixels_of(result.out).astype(float)
    changed = np.abs(before - after).mean((0, 3))
    assert changed[140:220, 150:210].mean() > 5, "the face did not change"
    corners = np.concatenate([(before - after)[:, :60, :60].ravel(), (before - after)[:, -40:, :60].ravel()])
    assert 10 * np.log10(255**2 / (corners**2).mean()) > 40


def test_all_that_was_written_is_labelled(result):
    for path in (result.out, result.report / "strip.png", result.report / "sheet.png"):
        tags = read_tags(path)
        assert all(tags[key] == value for key, value in LABEL.items()), path


def test_the_report_tells_the_truth(result):
    report = json.loads((result.report / "report.json").read_text())
    assert report["frames"] == report["swapped"] == 75 and report["skipped"] == []
    assert report["identity"]["to_source"]["median"] == result.to_source[0]
    assert {"decode", "find faces", "draw", "merge", "encode"} <= set(report["seconds"])
    assert report["model"]["preset"] == "tiny" and report["options"]["merge"]["colour"] == "lab"
    assert str(result.out) in result.summary() and str(result.report) in result.summary()


def test_stopped_and_resumed_is_frame_for_frame_the_same(run, plate, tmp_path):
    options = SwapOptions(segment=1)
    stop = StopSignal()
    with pytest.raises(Stopped, match="run the same command again"):
        swap(plate, run, tmp_path / "a.mp4", options=options, progress=StopAt(35, stop), stop=stop)
    assert not (tmp_path / "a.mp4").exists()
    told = StopAt(10**9, StopSignal())
    swap(plate, run, tmp_path / "a.mp4", options=options, progress=told)
    assert any("1 of 3 segments are done" in line for line in told.told)
    swap(plate, run, tmp_path / "b.mp4", options=options)
    assert np.array_equal(pixels_of(tmp_path / "a.mp4"), pixels_of(tmp_path / "b.mp4"))
    assert not (tmp_path / "a.mp4.partial").exists()


def test_killed_in_the_middle_it_goes_on(run, plate, tmp_path):
    command = [sys.executable, "-m", "semblance.app.cli", "swap", str(plate), "--model", str(run), "--merge", "usual"]
    command += ["--out", str(tmp_path / "k.mp4"), "--segment", "1"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    first = tmp_path / "k.mp4.partial" / "00000.json"
    deadline = time.monotonic() + 60
    while not first.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert first.exists() and not (tmp_path / "k.mp4").exists()
    again = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert again.returncode == 0, again.stderr
    assert "of 3 segments are done" in again.stderr and "75 of 75 frames swapped" in again.stdout
    swap(plate, run, tmp_path / "whole.mp4", MergeOptions(), options=SwapOptions(segment=1))
    assert np.array_equal(pixels_of(tmp_path / "k.mp4"), pixels_of(tmp_path / "whole.mp4"))


def test_changed_options_do_not_reuse_old_segments(run, plate, tmp_path):
    stop = StopSignal()
    with pytest.raises(Stopped):
        swap(plate, run, tmp_path / "a.mp4", options=SwapOptions(segment=1), progress=StopAt(35, stop), stop=stop)
    told = StopAt(10**9, StopSignal())
    swap(plate, run, tmp_path / "a.mp4", MergeOptions(opacity=0.5), options=SwapOptions(segment=1), progress=told)
    assert not any("segments are done" in line for line in told.told)


def test_warp_pulls_what_was_drawn_and_a_poisson_blend_lays_it(run, plate, tmp_path):
    for frame in read_frames(probe(plate), 0, 6):
        write_picture(tmp_path / "frames" / f"{frame.index:03d}.png", frame.pixels, {})
    lossless = EncodeOptions(codec="ffv1")
    made = {}
    for name, merge in {
        "plain": MergeOptions(blend="poisson"),
        "pulled": MergeOptions(blend="poisson", warp=1.0),
    }.items():
        told = swap(tmp_path / "frames", run, tmp_path / f"{name}.mkv", merge, lossless)
        assert told.swapped == 6
        made[name] = pixels_of(told.out).astype(float)
    report = json.loads((tmp_path / "pulled.report" / "report.json").read_text())
    assert report["options"]["merge"]["warp"] == 1 and report["options"]["merge"]["blend"] == "poisson"
    # the two carry different marks, which go out in means
    moved = np.abs(cv2.blur((made["pulled"] - made["plain"]).mean((0, 3)), (12, 12)))
    assert moved[140:240, 150:230].max() > 5 * moved[:60, :60].max()


def test_a_frame_without_a_face_stays_the_plate_and_is_listed(run, plate, tmp_path):
    """A stretch of grey in the middle: those frames are the plate, the rest is swapped."""
    folder = tmp_path / "frames"
    for frame in read_frames(probe(plate), 0, 30):
        pixels = np.full_like(frame.pixels, 100) if 10 <= frame.index < 14 else frame.pixels
        write_picture(folder / f"{frame.index:03d}.png", pixels, {})
    made = swap(folder, run, tmp_path / "out.mkv", encode=EncodeOptions(codec="ffv1"))
    assert made.swapped == 26 and made.skipped == {"no face was found": 4}
    report = json.loads((made.report / "report.json").read_text())
    assert [entry["frame"] for entry in report["skipped"]] == [10, 11, 12, 13]
    grey = marked(np.full((1, *pixels_of(made.out).shape[1:]), 100, np.uint8), made.out)[0]
    assert np.abs(pixels_of(made.out)[11].astype(int) - grey).max() <= 2


def test_a_stranger_is_not_swapped_unless_asked(run, grid, tmp_path):
    with pytest.raises(FaceError, match="another person"):
        swap(grid / "bbaf2n.mpg", run, tmp_path / "no.mp4")
    assert list(tmp_path.iterdir()) == []
    assert swap(grid / "bbaf2n.mpg", run, tmp_path / "yes.mp4", options=SwapOptions(who="all", poorest=1)).swapped == 75
