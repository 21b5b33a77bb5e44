"""The face recogniser seen through aligned crops, and VGG-19 read from a file."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from semblance.errors import ModelError
from semblance.faces.align import COVERAGES, crop_matrix, move, take_crop
from semblance.faces.identity import SAME_PERSON, chip_matrix, identity_chip, identity_vectors
from semblance.faces.mean_face import mean_face
from semblance.faces.track import FaceTracker
from semblance.faceset.augment import middle
from semblance.media.probe import probe
from semblance.media.read import read_frames
from semblance.nn.features import FACE_WEIGHTS, VGG19_WEIGHTS, FaceFeatures, Vgg19, picture_features
from semblance.nn.perceptual import identity, perceptual


@pytest.fixture(scope="module")
def features():
    identity_vectors([np.zeros((150, 150, 3), np.uint8)])  # the shared net is now one of inference mode
    return FaceFeatures()


def test_gradients_reach_the_pictures(features):
    face, truth = torch.rand(2, 3, 64, 64, requires_grad=True), torch.rand(2, 3, 64, 64)
    person = features(truth)
    loss = perceptual(face, truth, features.maps, FACE_WEIGHTS, normalised=True) + identity(face, person, features)
    loss.sum().backward()
    assert loss.shape == (2,)
    assert torch.isfinite(face.grad).all() and face.grad.abs().max() > 0
    assert not any(p.requires_grad for p in features.parameters())
    assert perceptual(truth, truth, features.maps, FACE_WEIGHTS).max() == 0


def test_a_step_down_the_gradient_comes_nearer(features):
    face, person = torch.rand(1, 3, 96, 96, requires_grad=True), features(torch.rand(1, 3, 96, 96)).detach()
    before = identity(face, person, features)
    before.sum().backward()
    after = identity(face - 0.02 * face.grad / face.grad.abs().max(), person, features)
    assert after < before


def test_maps_of_four_widths(features):
    shapes = [tuple(m.shape) for m in features.maps(torch.rand(1, 3, 64, 64))]
    assert shapes == [(1, 32, 35, 35), (1, 64, 17, 17), (1, 128, 8, 8), (1, 256, 4, 4)]
    assert not features.net.blocks[2]._forward_hooks  # no hook is left behind


def test_chips_do_not_depend_on_the_size(features):
    """The same smooth picture at three sizes gives the same chip: half pixels are where they belong."""
    coarse = torch.rand(1, 3, 4, 4)
    chips = [features.chips(torch.nn.functional.interpolate(coarse, (s, s), mode="bicubic")) for s in (96, 192, 384)]
    for chip in chips[1:]:
        assert (chip - chips[0]).abs().mean() < 1.5  # of 255


def test_large_pictures_do_not_alias(features):
    """Stripes of one pixel, four to a pixel of the chip, are its grey."""
    stripes = (torch.arange(608) % 2).float().expand(1, 3, 608, 608)
    assert (features.chips(stripes)[..., 2:-2] - 127.5).abs().max() < 1


@pytest.mark.parametrize(("coverage", "share", "size"), [("face", 1.0, 128), ("face", 0.8, 96), ("head", 0.7, 256)])
def test_chips_lie_where_the_mean_face_has_them(coverage, share, size):
    """A soft dot on a corner of the mean face's mouth, and one on an eye, come out where dlib's alignment puts them."""
    side, up = COVERAGES[coverage]
    stored = (
        (mean_face()[:, :2] - [0, up]) / side + 0.5
    ) * size - 0.5  # in the faceset's crop, as crop_matrix puts them
    seen = (stored - (size - 1) / 2) / share + (size - 1) / 2  # in its middle part
    wanted = move(seen, chip_matrix(seen))
    y, x = np.mgrid[:size, :size]
    for point in (61, 263):
        dot = np.exp(-((x - seen[point, 0]) ** 2 + (y - seen[point, 1]) ** 2) / (2 * (size / 40) ** 2))
        chip = FaceFeatures(coverage, share).chips(torch.from_numpy(dot).float().expand(1, 3, -1, -1))[0, 0].numpy()
        rows, columns = np.mgrid[: len(chip), : len(chip)]
        found = [(chip * axis).sum() / chip.sum() for axis in (columns, rows)]
        assert np.abs(found - wanted[point]).max() < 0.1  # pixels of 150


def test_crops_of_real_people_give_their_vectors(grid):
    """Through the mean face's place in a crop the recogniser sees nearly what it sees through the face's own points."""
    clips = sorted(grid.glob("*.mpg"))[:2]
    found, wanted = [], []
    for clip in clips:
        frame = next(iter(read_frames(probe(clip))))
        face = FaceTracker().step(frame.pixels)[0]
        wanted.append(identity_vectors([identity_chip(frame.pixels, face)])[0])
        crop = take_crop(frame.pixels, crop_matrix(face.landmarks, 192), 192)
        for share in (1.0, 0.8):
            seen = middle(crop[None], 96, share)
            picture = torch.from_numpy(seen).permute(0, 3, 1, 2).float() / 255
            with torch.no_grad():
                found.append(FaceFeatures("face", share)(picture)[0].numpy())
    gaps = np.linalg.norm(np.array(found)[:, None] - np.array(wanted)[None], axis=-1)  # (4 crops, 2 people)
    own = np.arange(4)[:, None] // 2 == np.arange(2)
    assert gaps[own].max() < 0.35 < SAME_PERSON < gaps[~own].min()


@pytest.fixture(scope="module")
def vgg_file(tmp_path_factory):
    """Random weights in the shapes of torchvision's VGG-19, whose classifier we need not have."""
    widths = {0: 64, 2: 64, 5: 128, 7: 128, 10: 256, 12: 256, 14: 256, 16: 256}
    widths |= {19: 512, 21: 512, 23: 512, 25: 512, 28: 512, 30: 512, 32: 512, 34: 512}
    before, weights = 3, {}
    for number, width in widths.items():
        weights[f"features.{number}.weight"] = torch.randn(width, before, 3, 3) * (2 / (9 * before)) ** 0.5
        weights[f"features.{number}.bias"] = torch.zeros(width)
        before = width
    file = tmp_path_factory.mktemp("vgg") / "vgg19.safetensors"
    save_file(weights, file)
    return file


def test_vgg19_hands_out_five_maps(vgg_file):
    maps, weights = picture_features(vgg_file)
    assert weights == VGG19_WEIGHTS
    face, truth = torch.rand(1, 3, 32, 32, requires_grad=True), torch.rand(1, 3, 32, 32)
    shapes = [tuple(m.shape[1:]) for m in maps(truth)]
    assert shapes == [(64, 32, 32), (128, 16, 16), (256, 8, 8), (512, 4, 4), (512, 2, 2)]
    assert all(m.min() >= 0 for m in maps(truth))  # after their activation
    perceptual(face, truth, maps, weights, power=1).sum().backward()
    assert torch.isfinite(face.grad).all() and face.grad.abs().max() > 0
    # VGG-19 has 20,024,384 weights in its convolutions; the last three, of 2,359,808 each, are not needed
    assert sum(p.numel() for p in maps.parameters()) == 12_944_960


def test_without_a_file_the_face_recogniser_serves():
    maps, weights = picture_features()
    assert weights == FACE_WEIGHTS
    assert len(maps(torch.rand(1, 3, 32, 32))) == 4


def test_a_wrong_file_is_named(tmp_path):
    wrong = tmp_path / "other.safetensors"
    save_file({"a": torch.zeros(1)}, wrong)
    garbage = tmp_path / "garbage.safetensors"
    garbage.write_bytes(b"not safetensors at all")
    for file in (wrong, garbage, tmp_path / "missing.safetensors"):
        with pytest.raises(ModelError, match=file.name):
            Vgg19(file)
