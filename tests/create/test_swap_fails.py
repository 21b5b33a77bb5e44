"""What a swap refuses, what it leaves where it fails, and how it goes on after a kill at an odd moment."""

import json
import shutil

import av
import numpy as np
import pytest

from semblance import swap
from semblance.create.options import SwapOptions
from semblance.errors import Busy, FaceError, InputError, MediaError, ModelError, OutputError, Stopped
from semblance.finish.merge_options import MergeOptions
from semblance.media.encode import EncodeOptions
from semblance.media.image import write_picture
from semblance.media.probe import probe
from semblance.media.read import read_frames
from semblance.runs import Progress, StopSignal, only_one
from tests.clips import break_packet
from tests.create.swapping import StopAt


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
    told = StopAt(10**9, StopSignal())
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


def test_pictures_of_a_killed_segment_are_made_again(run, plate, tmp_path):
    stop, out, png = StopSignal(), tmp_path / "frames", EncodeOptions(codec="png")
    options = SwapOptions(segment=1)
    with pytest.raises(Stopped):
        swap(plate, run, out, encode=png, options=options, progress=StopAt(27, stop), stop=stop)
    (tmp_path / "frames.partial" / "00001").mkdir()
    (tmp_path / "frames.partial" / "00001" / "000001.png").write_bytes(b"half")
    assert swap(plate, run, out, encode=png, options=options).swapped == 75
    assert len(list(out.iterdir())) == 75


def test_a_second_command_leaves_the_work_of_the_first_alone(run, plate, tmp_path):
    stop, out, options = StopSignal(), tmp_path / "c.mp4", SwapOptions(segment=1)
    with pytest.raises(Stopped):
        swap(plate, run, out, options=options, progress=StopAt(27, stop), stop=stop)
    folder = tmp_path / "c.mp4.partial"
    kept = {path.name: path.read_bytes() for path in folder.iterdir()}
    with only_one(folder):
        for again in (options, SwapOptions(segment=2)):  # the same job, and one that would begin anew
            with pytest.raises(Busy, match="at work"):
                swap(plate, run, out, options=again)
    assert kept == {path.name: path.read_bytes() for path in folder.iterdir()}
    assert swap(plate, run, out, options=options).swapped == 75


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
        swap(plate, run, tmp_path / "o.mp4", MergeOptions(mask="hull*model"))
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
