"""The swap on real clips: who is seen, what is untouched, what is kept, and what a stop or a kill costs."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import av
import numpy as np
import pytest

from semblance import swap
from semblance.create.options import SwapOptions
from semblance.errors import FaceError, InputError, MediaError, ModelError, OutputError, Stopped
from semblance.faces.identity import distance, identity_chip, identity_vectors
from semblance.faces.track import FaceTracker
from semblance.finish.merge import MergeOptions
from semblance.media.encode import EncodeOptions
from semblance.media.image import read_tags, write_picture
from semblance.media.probe import probe
from semblance.media.read import read_frames
from semblance.models import load_swapper
from semblance.runs import Progress, StopSignal
from semblance.trust.publish import LABEL
from tests.clips import break_packet


@pytest.fixture(scope="module")
def plate(grid):
    return grid / "lrwp9a.mpg"


@pytest.fixture(scope="module")
def result(run, plate, tmp_path_factory):
    return swap(plate, run, tmp_path_factory.mktemp("swap") / "c.mp4")


def pixels_of(path):
    return np.stack([frame.pixels for frame in read_frames(probe(path))])


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
    before, after = pixels_of(plate).astype(float), pixels_of(result.out).astype(float)
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


class _StopAt(Progress):
    def __init__(self, frames, stop):
        self.left, self.stop_signal, self.told = frames, stop, []

    def advance(self, count=1, note=""):
        self.left -= count
        if self.left <= 0:
            self.stop_signal.request()

    def say(self, text):
        self.told.append(text)


def test_stopped_and_resumed_is_frame_for_frame_the_same(run, plate, tmp_path):
    options = SwapOptions(segment=1)
    stop = StopSignal()
    with pytest.raises(Stopped, match="run the same command again"):
        swap(plate, run, tmp_path / "a.mp4", options=options, progress=_StopAt(35, stop), stop=stop)
    assert not (tmp_path / "a.mp4").exists()
    told = _StopAt(10**9, StopSignal())
    swap(plate, run, tmp_path / "a.mp4", options=options, progress=told)
    assert any("1 of 3 segments are done" in line for line in told.told)
    swap(plate, run, tmp_path / "b.mp4", options=options)
    assert np.array_equal(pixels_of(tmp_path / "a.mp4"), pixels_of(tmp_path / "b.mp4"))
    assert not (tmp_path / "a.mp4.partial").exists()


def test_killed_in_the_middle_it_goes_on(run, plate, tmp_path):
    command = [sys.executable, "-m", "semblance.app.cli", "swap", str(plate), "--model", str(run)]
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
    swap(plate, run, tmp_path / "whole.mp4", options=SwapOptions(segment=1))
    assert np.array_equal(pixels_of(tmp_path / "k.mp4"), pixels_of(tmp_path / "whole.mp4"))


def test_changed_options_do_not_reuse_old_segments(run, plate, tmp_path):
    stop = StopSignal()
    with pytest.raises(Stopped):
        swap(plate, run, tmp_path / "a.mp4", options=SwapOptions(segment=1), progress=_StopAt(35, stop), stop=stop)
    told = _StopAt(10**9, StopSignal())
    swap(plate, run, tmp_path / "a.mp4", MergeOptions(opacity=0.5), options=SwapOptions(segment=1), progress=told)
    assert not any("segments are done" in line for line in told.told)


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
    assert np.abs(pixels_of(made.out)[11].astype(int) - 100).max() <= 2


def test_a_short_loss_is_bridged_by_option(run, plate, tmp_path):
    folder = tmp_path / "frames"
    for frame in read_frames(probe(plate), 0, 24):
        pixels = frame.pixels.copy()
        if frame.index in (10, 11):
            pixels[100:260, 110:250] = 90  # something large passes before the face
        write_picture(folder / f"{frame.index:03d}.png", pixels, {})
    left = swap(folder, run, tmp_path / "left.mp4")
    bridged = swap(folder, run, tmp_path / "bridged.mp4", options=SwapOptions(carry=4, poorest=1))
    assert left.swapped == 22 and bridged.swapped == 24
    assert json.loads((bridged.report / "report.json").read_text())["carried"] == [10, 11]


def test_a_stranger_is_not_swapped_unless_asked(run, grid, tmp_path):
    with pytest.raises(FaceError, match="another person"):
        swap(grid / "bbaf2n.mpg", run, tmp_path / "no.mp4")
    assert list(tmp_path.iterdir()) == []
    assert swap(grid / "bbaf2n.mpg", run, tmp_path / "yes.mp4", options=SwapOptions(who="all", poorest=1)).swapped == 75


def test_only_the_target_of_two_people_is_swapped(run, grid, plate, tmp_path):
    folder = tmp_path / "frames"
    for one, other in zip(read_frames(probe(plate), 0, 25), read_frames(probe(grid / "bbaf2n.mpg"), 0, 25)):
        write_picture(folder / f"{one.index:03d}.png", np.hstack([other.pixels, one.pixels]), {})
    made = swap(folder, run, tmp_path / "two.mkv", encode=EncodeOptions(codec="ffv1"))
    before, after = pixels_of(folder).astype(float), pixels_of(made.out).astype(float)
    gap = np.abs(before - after).mean((0, 1, 3))
    assert made.swapped == 25
    assert gap[:360].max() < 1.5 and gap[360:].max() > 3


@pytest.mark.parametrize(
    ("clip", "model", "out", "error", "words"),
    [
        ("nothing.mp4", None, "o.mp4", MediaError, "no file"),
        ("empty.mp4", None, "o.mp4", MediaError, "empty"),
        ("text.mp4", None, "o.mp4", MediaError, "text.mp4"),
        ("grey", None, "o.mp4", FaceError, "no face was found"),
        (None, "nomodel", "o.mp4", ModelError, "nomodel"),
        (None, None, "o.xyz", InputError, "o.xyz"),
        (None, None, "there.mp4", OutputError, "exists already"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(clip, model, out, error, words, run, plate, tmp_path):
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "text.mp4").write_text("no film " * 50)
    (tmp_path / "there.mp4").write_text("precious")
    for n in range(3):
        write_picture(tmp_path / "grey" / f"{n}.png", np.full((64, 64, 3), 128, np.uint8), {})
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(error, match=words) as caught:
        swap(tmp_path / clip if clip else plate, tmp_path / model if model else run, tmp_path / out)
    assert "\n" not in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert (tmp_path / "there.mp4").read_text() == "precious"


def test_a_damaged_checkpoint_falls_back_to_the_one_before(run, plate, tmp_path):
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    checkpoints = sorted((copy / "checkpoints").glob("*.safetensors"))
    shutil.copy(checkpoints[-1], copy / "checkpoints" / "999999999999.safetensors")
    newest = copy / "checkpoints" / "999999999999.safetensors"
    newest.write_bytes(newest.read_bytes()[:-1000])
    told = _StopAt(10**9, StopSignal())
    assert swap(plate, copy, tmp_path / "o.mp4", progress=told).swapped == 75
    assert any("damaged" in line and "before it" in line for line in told.told)


def test_a_clip_with_a_broken_frame_is_swapped_and_reported(run, plate, tmp_path):
    broken = tmp_path / "broken.mp4"
    with av.open(str(broken), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"g": "1"})
        stream.width, stream.height, stream.pix_fmt = 360, 288, "yuv420p"
        for frame in read_frames(probe(plate), 0, 30):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame.pixels)))
        container.mux(stream.encode(None))
    break_packet(broken, 7)
    made = swap(broken, run, tmp_path / "o.mp4", options=SwapOptions(who="all", poorest=1))
    assert made.frames == made.swapped == 29
    report = json.loads((made.report / "report.json").read_text())
    assert [entry["frame"] for entry in report["per_frame"]] == [n for n in range(30) if n != 7]


@pytest.fixture(scope="module")
def pair(grid, plate, tmp_path_factory):
    """Twenty frames of two people side by side; makes a folder of them with the people of some sides hidden."""
    both = [
        np.hstack([other.pixels, one.pixels])
        for one, other in zip(read_frames(probe(plate), 0, 20), read_frames(probe(grid / "bbaf2n.mpg"), 0, 20))
    ]

    def hidden(stranger, target):
        folder = tmp_path_factory.mktemp("pair")
        for n, pixels in enumerate(both):
            pixels = pixels.copy()
            if n in (8, 9):
                pixels[100:260, 110:250] = 90 if stranger else pixels[100:260, 110:250]
                pixels[100:260, 470:610] = 90 if target else pixels[100:260, 470:610]
            write_picture(folder / f"{n:03d}.png", pixels, {})
        return folder

    return hidden


@pytest.mark.parametrize(
    ("who", "stranger", "target", "carried"),
    [("target", True, False, []), ("target", True, True, [8, 9]), ("all", True, False, [8, 9])],
)
def test_a_lost_face_is_bridged_only_if_it_is_one_to_replace(who, stranger, target, carried, run, pair, tmp_path):
    folder = pair(stranger, target)
    options = SwapOptions(who=who, carry=4, poorest=1)
    made = swap(folder, run, tmp_path / "o.mkv", encode=EncodeOptions(codec="ffv1"), options=options)
    assert made.swapped == 20
    assert json.loads((made.report / "report.json").read_text())["carried"] == carried
    gap = np.abs(pixels_of(folder)[8].astype(float) - pixels_of(made.out)[8]).mean((0, 2))
    assert (gap[:360].max() > 1.5) == (who == "all")


def test_pictures_of_a_killed_segment_are_made_again(run, plate, tmp_path):
    stop, out, png = StopSignal(), tmp_path / "frames", EncodeOptions(codec="png")
    options = SwapOptions(segment=1)
    with pytest.raises(Stopped):
        swap(plate, run, out, encode=png, options=options, progress=_StopAt(27, stop), stop=stop)
    (tmp_path / "frames.partial" / "00001").mkdir()
    (tmp_path / "frames.partial" / "00001" / "000001.png").write_bytes(b"half")
    assert swap(plate, run, out, encode=png, options=options).swapped == 75
    assert len(list(out.iterdir())) == 75


class _KilledAtReport(Progress):
    def stage(self, name, total=None, unit="frames"):
        if name == "report":
            raise KeyboardInterrupt


def test_killed_between_clip_and_report_the_same_command_writes_the_report(run, plate, tmp_path):
    out = tmp_path / "c.mp4"
    with pytest.raises(KeyboardInterrupt):
        swap(plate, run, out, progress=_KilledAtReport())
    written = out.stat().st_mtime_ns
    with pytest.raises(OutputError, match="exists already"):
        swap(plate, run, out, MergeOptions(opacity=0.5))
    made = swap(plate, run, out)
    assert made.swapped == 75 and (made.report / "report.json").exists() and out.stat().st_mtime_ns == written
    assert not (tmp_path / "c.mp4.partial").exists()


def test_a_picture_of_another_size_leaves_nothing_not_even_a_folder(run, plate, tmp_path):
    stills = tmp_path / "stills"
    for frame in read_frames(probe(plate), 0, 5):
        write_picture(stills / f"{frame.index:03d}.png", frame.pixels[: 200 if frame.index == 4 else None], {})
    with pytest.raises(MediaError, match="one size"):
        swap(stills, run, tmp_path / "new" / "deep" / "o.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["stills"]


def test_what_cannot_be_is_refused_before_any_work(run, plate, tmp_path):
    with pytest.raises(InputError, match="draws no mask"):
        swap(plate, run, tmp_path / "o.mp4", MergeOptions(mask="hull+model"))
    with pytest.raises(InputError, match="names no file or folder"):
        swap(plate, run, ".", encode=EncodeOptions(codec="png"))
    (tmp_path / "o.report").mkdir()
    (tmp_path / "o.report" / "thesis.txt").write_text("precious")
    with pytest.raises(OutputError, match=r"o\.report exists already"):
        swap(plate, run, tmp_path / "o.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["o.report"]
    assert (tmp_path / "o.report" / "thesis.txt").read_text() == "precious"


def test_a_model_that_is_not_ready_is_named_as_the_reason(run, plate, tmp_path):
    with pytest.raises(FaceError, match="more --minutes"):
        swap(plate, run, tmp_path / "o.mp4", options=SwapOptions(poorest=0.001))
    assert list(tmp_path.iterdir()) == []
