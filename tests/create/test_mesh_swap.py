"""The mesh swapper on real people: the right person, sharp, in the plate's pose and expression, after a few seconds."""

import shutil

import numpy as np
import pytest

from semblance import measure
from semblance.create.swap import swap
from semblance.create.train import train
from semblance.errors import ModelError
from semblance.finish.merge import MergeOptions
from semblance.training.options import TrainOptions


@pytest.fixture(scope="module")
def mesh_run(facesets, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "mesh"
    options = TrainOptions(samples=1200, precision="fp32", seed=1)
    train("swap_mesh", facesets["source"], facesets["target"], out, "tiny", options)
    return out


@pytest.fixture(scope="module")
def figures(mesh_run, plate, grid, tmp_path_factory):
    out = tmp_path_factory.mktemp("mesh") / "c.mp4"
    result = swap(plate, mesh_run, out)
    assert result.swapped == result.frames == 75
    return {row.name: row for row in measure(out, plate, grid / "swiz3n.mpg").rows}


def test_it_is_the_source_and_no_longer_the_target(figures):
    assert figures["identity to source"].value < 0.45
    assert figures["identity to target"].value > 0.7


def test_it_moves_as_the_plate_does(figures):
    assert figures["pose error"].value < 1.5
    assert figures["mouth correlation"].value > 0.93
    assert figures["eye correlation"].value > 0.9


def test_mouth_and_eyes_were_tried_and_open_as_far_as_the_plates(mesh_run, plate, figures, tmp_path):
    assert (mesh_run / "openings.json").exists()
    untried = shutil.copytree(mesh_run, tmp_path / "untried")
    (untried / "openings.json").unlink()
    swap(plate, untried, tmp_path / "c.mp4")
    rows = {row.name: row for row in measure(tmp_path / "c.mp4", plate).rows}
    assert figures["eye error"].value < 0.9 * rows["eye error"].value
    assert figures["mouth error"].value < 1.2 * rows["mouth error"].value


@pytest.mark.parametrize(
    "told",
    ["", "{", "[]", '{"at": [[0, 1]], "change": [[0, 0]]}', '{"at": ["ab", "ab", "ab"], "change": ["ab", "ab", "ab"]}'],
)
def test_damaged_openings_are_told_in_one_sentence(mesh_run, plate, tmp_path, told):
    run = shutil.copytree(mesh_run, tmp_path / "run")
    (run / "openings.json").write_text(told)
    with pytest.raises(ModelError, match=r"openings.json is damaged; remove it"):
        swap(plate, run, tmp_path / "c.mp4")
    assert not (tmp_path / "c.mp4").exists() and not (tmp_path / "c.mp4.partial").exists()


def test_it_is_as_steady_as_the_plate_and_as_sharp_as_64_texels_can_be(figures):
    assert 0.3 < figures["sharpness"].value < 1.3
    assert figures["flicker"].value < 1.3
    assert figures["double edges"].value < 5


def test_without_form_and_light_it_is_another_picture(mesh_run, plate, tmp_path):
    plain = swap(plate, mesh_run, tmp_path / "plain.mp4", MergeOptions(shape=0.0, light=0.0))
    whole = swap(plate, mesh_run, tmp_path / "whole.mp4", MergeOptions(shape=1.0))
    assert whole.to_source[0] < plain.to_source[0] - 0.03  # the source's own form makes it more like the source
    assert np.isfinite(plain.to_source[0])


def test_a_model_that_swaps_no_faces_is_refused(facesets, tmp_path):
    with pytest.raises(ModelError, match="semblance mask train"):
        train("mask_xseg", facesets["source"], facesets["target"], tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_run_of_another_size_goes_on_at_that_size(facesets, tmp_path):
    both = facesets["source"], facesets["target"]
    options = TrainOptions(samples=16, precision="fp32", change=("size=64",))
    train("swap_mesh", *both, tmp_path / "run", "tiny", options)
    again = train("swap_mesh", *both, tmp_path / "run", "tiny", TrainOptions(samples=32, precision="fp32"), resume=True)
    assert again.samples == 32
