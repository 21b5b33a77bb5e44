"""The mesh swapper on real people: the right person, sharp, in the plate's pose and expression, after a few seconds."""

import shutil
from contextlib import ExitStack, closing

import numpy as np
import pytest

from semblance import measure
from semblance.create.options import SwapOptions
from semblance.create.painter import Painter
from semblance.create.render import merged_frames
from semblance.create.swap import swap
from semblance.create.train import train
from semblance.errors import ModelError
from semblance.faces.openings import gaps
from semblance.faces.track import FaceTracker
from semblance.finish.merge_options import MergeOptions
from semblance.finish.plan import MergePlan
from semblance.media.native import paste
from semblance.media.probe import probe
from semblance.models import load_swapper
from semblance.runs import Clock
from semblance.training.options import TrainOptions


@pytest.fixture(scope="module")
def mesh_run(facesets, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "mesh"
    options = TrainOptions(samples=2400, precision="fp32", seed=1)
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


def test_mouth_and_eyes_were_tried_and_open_as_far_as_the_plates(mesh_run, plate, tmp_path):
    """Read before mark and encoder: what those add changes readings of a mouth by as much as is asked here."""
    assert (mesh_run / "openings.json").exists()
    untried = shutil.copytree(mesh_run, tmp_path / "untried")
    (untried / "openings.json").unlink()
    mouth, *eyes = _opening_errors(mesh_run, plate) / _opening_errors(untried, plate)
    assert mouth < 0.9 and np.mean(eyes) < 0.9


def _opening_errors(run, plate) -> np.ndarray:
    """(3,): how far mouth, right and left eye of the new face are from standing as open as the plate's, mean."""
    painter, info, apart = Painter(*load_swapper(run), MergePlan(MergeOptions()), SwapOptions()), probe(plate), []
    with ExitStack() as stack:
        new, old = (stack.enter_context(closing(FaceTracker(1.0))) for _ in range(2))
        for item in stack.enter_context(merged_frames(info, 0, 75, painter, Clock())):
            plain = item.frame.pixels
            (face,), (before,) = new.step(paste(plain, item.patches)), old.step(plain)
            apart.append(np.abs(gaps(face.landmarks) - gaps(before.landmarks)))
    return np.mean(apart, axis=0)


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
