"""A comparison on a real swap: what is in its folder, that it is labelled, and that a fault put in is found."""

import json

import av
import numpy as np
import pytest

from semblance import swap
from semblance.create.compare import compare
from semblance.create.options import SwapOptions
from semblance.errors import FaceError, InputError, OutputError
from semblance.finish.merge_options import MergeOptions
from semblance.finish.plan import MergePlan, Shot
from semblance.media.image import read_picture, read_tags
from semblance.media.probe import probe
from semblance.media.read import read_frames
from semblance.trust.verify import verify
from tests.clips import make_clip


@pytest.fixture(scope="module")
def swapped(handmade, plate, tmp_path_factory):
    """A swap whose face turns green for two frames."""
    usual = MergeOptions()
    plan = MergePlan(usual, (Shot(40, 41, usual.changed(tint=-100.0, brightness=20.0)),))
    out = tmp_path_factory.mktemp("compare") / "c.mp4"
    return swap(plate, handmade, out, plan, options=SwapOptions(who="largest", poorest=1)).out


@pytest.fixture(scope="module")
def compared(swapped, plate, tmp_path_factory):
    return compare(swapped, plate, tmp_path_factory.mktemp("compared") / "out")


def test_the_folder_holds_video_curves_figures_and_moments_and_nothing_else(compared):
    names = {path.name for path in compared.out.iterdir()}
    assert names == {"compare.mp4", "figures.svg", "figures.json", "moments.png"}
    told = compared.summary()
    assert "75 frames compared" in told and str(compared.out / "compare.mp4") in told


def test_the_fault_is_found_on_its_frames(compared):
    assert compared.moments and compared.moments[0].frame in (39, 40, 41, 42)
    noted = json.loads((compared.out / "figures.json").read_text(encoding="utf-8"))
    assert len(noted["frames"]) == 75 and set(noted["units"]) == set(noted["frames"][0]) - {"frame", "time"}
    assert noted["moments"][0]["frame"] == compared.moments[0].frame


def test_the_video_shows_before_after_and_difference(compared, plate, swapped):
    info = probe(compared.out / "compare.mp4")
    was = probe(plate)
    assert (info.width, info.height) == (3 * was.width, was.height + 24)
    wanted = 40
    frame, old, new = (next(read_frames(clip, start=wanted)).pixels.astype(int) for clip in (info, was, probe(swapped)))
    panels = [frame[24:, k * was.width : (k + 1) * was.width] for k in range(3)]
    # the plate carries the result's mark here, and the video one of its own, through an encoder
    assert np.abs(panels[0] - old).mean() < 4 and np.abs(panels[1] - new).mean() < 4
    wall, cheek = np.s_[40:90, 20:80], np.s_[150:200, 150:210]
    assert np.abs(panels[2][wall] - 128).mean() < 16
    assert np.abs(panels[2][cheek] - 128).mean() > 60


def test_what_leaves_is_labelled_and_signed(compared):
    video, sheet = compared.out / "compare.mp4", compared.out / "moments.png"
    with av.open(str(video)) as container:
        assert "synthetic" in json.dumps(dict(container.metadata)).lower()
    assert read_tags(sheet) and read_picture(sheet).shape[2] == 3
    for path in (video, sheet):
        assert verify(path).manifest.state == "ours"
        assert verify(path).manifest.claim.watermark


def test_bad_input_is_told_and_leaves_nothing(swapped, plate, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a").write_text("x")
    with pytest.raises(OutputError, match="exists already"):
        compare(swapped, plate, tmp_path / "full")
    other = make_clip(tmp_path / "other.mp4", (64, 48), 75)
    with pytest.raises(InputError, match="measure clips of one size"):
        compare(swapped, other, tmp_path / "a")
    nobody = make_clip(tmp_path / "nobody.mp4", (360, 288), 75)
    with pytest.raises(FaceError, match="No face was found"):
        compare(nobody, nobody, tmp_path / "b")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full", "nobody.mp4", "other.mp4"]
