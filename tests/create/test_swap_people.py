"""Several people in one plate, and faces that are lost for a moment."""

import json

import numpy as np
import pytest

from semblance import swap
from semblance.create.options import SwapOptions
from semblance.finish.merge_options import MergeOptions
from semblance.media.encode import EncodeOptions
from semblance.media.image import write_picture
from semblance.media.probe import probe
from semblance.media.read import read_frames
from tests.create.swapping import marked, pixels_of


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


def test_only_the_target_of_two_people_is_swapped(run, grid, plate, tmp_path):
    folder = tmp_path / "frames"
    for one, other in zip(read_frames(probe(plate), 0, 25), read_frames(probe(grid / "bbaf2n.mpg"), 0, 25)):
        write_picture(folder / f"{one.index:03d}.png", np.hstack([other.pixels, one.pixels]), {})
    made = swap(folder, run, tmp_path / "two.mkv", encode=EncodeOptions(codec="ffv1"))
    before, after = marked(pixels_of(folder), made.out).astype(float), pixels_of(made.out).astype(float)
    gap = np.abs(before - after).mean((0, 1, 3))
    assert made.swapped == 25
    assert gap[:360].max() < 1.5 and gap[360:].max() > 3


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
    merge = MergeOptions(occluders="cover")  # what hides the face is not asked for here
    made = swap(folder, run, tmp_path / "o.mkv", merge, EncodeOptions(codec="ffv1"), options)
    assert made.swapped == 20
    assert json.loads((made.report / "report.json").read_text())["carried"] == carried
    gap = np.abs(marked(pixels_of(folder), made.out)[8].astype(float) - pixels_of(made.out)[8]).mean((0, 2))
    assert (gap[:360].max() > 1.5) == (who == "all")
