"""The demo, tiny: every step from an empty folder to the page; what a stop, a kill and another call make of it."""

import html
import json
import re
from urllib.parse import unquote

import numpy as np
import pytest

from semblance.create.demo import Plan, cast, demo, numbers
from semblance.errors import InputError, OutputError, Stopped
from semblance.measures.rows import ranges
from semblance.measures.truth import REGIONS, masks_path, open_truth
from semblance.media.image import read_tags
from semblance.media.listen import read_wave
from semblance.people.bodies import open_body
from semblance.runs import StopSignal
from semblance.trust.publish import LABEL
from tests.create.swapping import StopAt, marked, pixels_of

# 30 frames of the source and 22 of the target: training needs 20 good faces of each
TINY = Plan(size=160, source_seconds=1.2, target_seconds=0.88, minutes=0.1, preset="tiny")


def stamps(folder):
    return {path: path.stat().st_mtime_ns for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    """Stopped once, in the second clip, then gone on with."""
    out, told = tmp_path_factory.mktemp("demo") / "d", StopAt(34, StopSignal())
    with pytest.raises(Stopped, match="the same command"):
        demo(out, TINY, body="builtin", progress=told, stop=told.stop_signal)
    assert sorted(path.name for path in out.iterdir()) == [
        "demo.json", "source.masks.mkv", "source.masks.mkv.c2pa", "source.mp4", "source.truth.parquet",
    ]  # fmt: skip
    return demo(out, TINY, body="builtin")


def test_the_page_shows_only_what_is_there(result):
    folder = result.page.parent
    text = result.page.read_text(encoding="utf-8")
    named = {unquote(html.unescape(name)) for name in re.findall(r'(?:src|href)="([^"#]+)"', text)}
    assert {"source.mp4", "plate.mp4", "result.mp4", "truth.mp4", "strip.png"} <= named
    assert not any(re.match(r"\w+:|/|\.\.", name) for name in named), "the page needs something outside its folder"
    assert all((folder / name).is_file() for name in named), named
    assert "identity to source" in text and "true PSNR" in text


def test_every_media_file_is_labelled(result):
    media = [path for path in result.page.parent.rglob("*") if path.suffix in (".mp4", ".mkv", ".png", ".jpg")]
    shown = [path for path in media if "result.mp4.work" not in path.parts]
    assert len(shown) >= 4 + 3 + 3  # clips, masks, and the strip and the report's two pictures
    for path in shown:
        assert LABEL.items() <= read_tags(path).items(), path
    previews = [path for path in shown if path.name.startswith("preview-")]
    assert previews, "the page keeps no picture of the training"


def test_truth_is_the_plate_played_by_the_source(result):
    plate, truth = (open_truth(result.page.parent / f"{name}.mp4") for name in ("plate", "truth"))
    source = open_truth(result.page.parent / "source.mp4")
    assert np.array_equal(plate.pose, truth.pose) and np.array_equal(plate.weights, truth.weights)
    assert truth.about["identity"] == source.about["identity"] != plate.about["identity"]
    clothes = [truth.about["appearance"][key] == plate.about["appearance"][key] for key in ("clothes", "wardrobe")]
    assert all(clothes)
    gap = np.abs(pixels_of(result.page.parent / "plate.mp4").astype(int) - pixels_of(result.page.parent / "truth.mp4"))
    skin = pixels_of(masks_path(result.page.parent / "truth.mp4"))[..., 0] == REGIONS["skin"]
    assert gap[skin].mean() > 2 * gap[~skin].mean(), "more than the face changed"


def test_the_result_is_the_plate_but_for_the_face(result):
    folder = result.page.parent
    result, film = folder / "result.mp4", folder / "plate.mp4"
    plate, swapped = marked(pixels_of(film), result, film).astype(int), pixels_of(result).astype(int)
    assert swapped.shape == plate.shape == (22, 160, 160, 3)
    gap = np.abs(plate - swapped).mean((0, 3))
    skin = (pixels_of(masks_path(folder / "plate.mp4"))[..., 0] == REGIONS["skin"]).mean(0) > 0.9
    assert gap[skin].mean() > 3, "the face did not change"
    assert gap[:12, :12].mean() < 1.5 and gap[:12, -12:].mean() < 1.5, "the background changed"
    waves = [read_wave(folder / f"{name}.mp4", 8000, 0.88) for name in ("plate", "result")]
    assert np.array_equal(*waves) and np.abs(waves[0]).max() > 0.01


def test_the_figures_tell_a_perfect_swap_from_the_plate(result):
    told = json.loads((result.page.parent / "measured.json").read_text())
    assert {"seconds", "result", "truth", "plate"} <= set(told)
    rows = {name: {row["name"]: row["value"] for row in told[name]["rows"]} for name in ("result", "truth", "plate")}
    assert {"identity to source", "pose error", "true PSNR"} <= set(rows["result"])
    assert rows["truth"]["true PSNR"] > rows["result"]["true PSNR"], "the truth is not the best there is"
    assert rows["truth"]["identity to source"] < rows["plate"]["identity to source"]
    assert rows["plate"]["identity to target"] < min(rows[name]["identity to target"] for name in ("result", "truth"))
    assert rows["result"]["identity to source"] < rows["plate"]["identity to source"], "the swap is no nearer"
    assert result.measured["true PSNR"].value == rows["result"]["true PSNR"]


def test_the_same_call_again_is_quick_and_changes_nothing(result):
    before, told = stamps(result.page.parent), StopAt(1, StopSignal())
    again = demo(result.page.parent, TINY, body="builtin", progress=told)
    assert stamps(result.page.parent) == before and not told.stop_signal.requested, "something was done again"
    assert again.summary() == result.summary() and again.measured.as_json() == result.measured.as_json()


def test_what_was_lost_is_made_again(result):
    """A kill between the swap and its report, and between the page and the figures."""
    folder = result.page.parent
    before = pixels_of(folder / "result.mp4")
    (folder / "measured.json").unlink()
    (folder / "result.report" / "report.json").unlink()
    for path in (folder / "result.report").iterdir():
        path.unlink()
    (folder / "result.report").rmdir()
    again = demo(folder, TINY, body="builtin")
    assert np.array_equal(pixels_of(folder / "result.mp4"), before)
    assert (folder / "result.report" / "sheet.png").exists() and (folder / "measured.json").exists()
    assert [row.value for row in again.measured.rows] == [row.value for row in result.measured.rows]


def test_a_folder_of_something_else_is_refused(result, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("x")
    for out, seed in ((tmp_path / "mine", 0), (result.page.parent, 1)):
        before = stamps(out)
        with pytest.raises(OutputError, match="already holds something else"):
            demo(out, TINY, seed, "builtin")
        assert stamps(out) == before


def test_what_cannot_be_is_told_before_anything_is_filmed(tmp_path):
    for plan, seed, words in ((TINY, -1, "seed"), (Plan(160, 1, 1, 0), 0, "minutes")):
        with pytest.raises(InputError, match=words):
            demo(tmp_path / "d", plan, seed, "builtin")
    assert list(tmp_path.iterdir()) == []


def test_seeds_bring_other_people():
    body = open_body("builtin")
    casts = [cast(seed, body, TINY) for seed in range(3)]
    assert len({take.person.seed for one in casts for take in (one["source"], one["plate"])}) == 6


def test_missing_frames_are_read_as_they_were_written():
    for frames in ((), (3,), (12, 13, 14, 30), (0, 2, 3)):
        assert numbers(ranges(frames)) == frames
