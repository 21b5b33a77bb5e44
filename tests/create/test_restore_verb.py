"""Film, train and use a restorer at the tiny preset; real people and bad input are refused, nothing left."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from semblance import weights
from semblance.create.claims import rendered
from semblance.create.restore import restore_train
from semblance.create.restorer import averaged, open_restorer, run_checkpoint
from semblance.create.view import CropView
from semblance.errors import FacesetError, InputError, ModelError, OutputError, Refused
from semblance.finish.merge_options import MergeOptions
from semblance.finish.restore import restored
from semblance.media.image import read_picture, read_tags, write_picture
from semblance.models import load_model_file
from semblance.runs import Progress
from semblance.training.options import TrainOptions
from semblance.trust.publish import LABEL, publish_picture

EASY = ("pretrain=0.9", "degrade.noisy=0", "degrade.packed=0")  # two seconds are enough for that
FEW = TrainOptions(samples=16, accelerator="cpu", from_scratch=True)


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """The tiny net gains nothing from a second one, and stalls where the other core is busy."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def drawing(seed, side=96):
    """Discs on a gradient: edges to be sharpened."""
    rng = np.random.default_rng(seed)
    picture = np.repeat(np.linspace(60, 160, side)[None, :, None], side, 0).repeat(3, 2)
    for _ in range(25):
        x, y, radius = (int(value) for value in rng.integers((0, 0, 3), (side, side, 14)))
        cv2.circle(picture, (x, y), radius, rng.integers(0, 256, 3).tolist(), -1, cv2.LINE_AA)
    return picture.round().astype(np.uint8)


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """A folder of drawn pictures, signed as showing nobody real."""
    folder = tmp_path_factory.mktemp("film")
    for k in range(3):
        publish_picture(folder / f"{k}.png", drawing(k), rendered("discs"), mark=False)
    return folder


@pytest.fixture(scope="module")
def run(film, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    options = TrainOptions(samples=1600, accelerator="cpu", from_scratch=True, change=EASY)
    restore_train(film, out, "tiny", options)
    return out


def test_a_trained_restorer_comes_nearer_to_the_truth_than_cubic(run):
    restorer = open_restorer(run, 2)
    assert restorer.scale == 2
    gains = []
    for seed in (7, 8):
        truth = drawing(seed).astype(np.float32) / 255
        soft = cv2.GaussianBlur(truth, (0, 0), 1.0)
        coarse = cv2.resize(soft, (48, 48), interpolation=cv2.INTER_AREA)
        detail = restorer(coarse[None])[0]
        assert detail.shape == truth.shape and detail.dtype == np.float32
        errors = [((restored(coarse, share * detail, 1.0) - truth) ** 2).mean() for share in (0.0, 1.0)]
        gains.append(10 * np.log10(errors[0] / errors[1]))
    assert min(gains) > 0.15  # dB


def test_its_previews_are_labelled(run):
    sheets = sorted((run / "previews").glob("*.png"))
    tags = read_tags(sheets[-1])
    assert all(tags[key] == value for key, value in LABEL.items())
    assert read_picture(sheets[-1]).std() > 10


def test_a_flat_face_gains_nothing(run):
    assert np.abs(open_restorer(run, 2)(np.full((2, 16, 16, 3), 0.4, np.float32))).max() < 1e-6


def view(run, **notes):
    """A view of a model that draws crops of 32 px as they are."""
    module = SimpleNamespace(swap=lambda net, batch, to: (batch, None))
    header = {"notes": {"crop_size": 48, "coverage": "face", **notes}, "config": {"size": 32, "coverage": 0.8}}
    return CropView(module, None, header, str(run))


def test_a_view_lays_the_restored_face_where_the_drawn_one_lay(run):
    crop = cv2.resize(drawing(3), (32, 32), interpolation=cv2.INTER_AREA)
    look = crop, np.array([[0.5, 0, 3.0], [0, 0.5, -2.0]]), None
    laid = {}
    for strength in (0.0, 0.5, 1.0):
        seen = view(run)
        merge = seen.settled(MergeOptions(restore=strength))
        faces, errors = seen.draw([look, look])
        laid[strength] = seen.lay(None, look, faces[1], merge)
        assert errors.max() == 0 and list(seen.restorers) == [2] * (strength > 0)
    assert np.array_equal(laid[0.0].crop, crop.astype(np.float32) / 255)  # nothing asked for: byte for byte
    assert np.array_equal(laid[0.0].matrix, look[1])
    assert laid[1.0].crop.shape == (64, 64, 3)
    # a corner of the crop, -0.5, is the same point of the frame on both grids
    for matrix in (laid[0.0].matrix, laid[1.0].matrix):
        assert np.allclose(cv2.invertAffineTransform(matrix) @ [-0.5, -0.5, 1], [-7, 3])
    cubic = cv2.resize(laid[0.0].crop, (64, 64), interpolation=cv2.INTER_CUBIC).clip(0, 1)
    half, whole = laid[0.5].crop - cubic, laid[1.0].crop - cubic
    inner = np.all([(each > 0) & (each < 1) for each in (cubic, laid[0.5].crop, laid[1.0].crop)], 0)
    assert np.allclose(half[inner], 0.5 * whole[inner], atol=1e-5) and np.abs(whole).max() > 0.02


def test_an_outline_goes_along_to_the_finer_grid(run):
    seen = view(run, outline=[[0.2, 0.2], [0.8, 0.2], [0.8, 0.8], [0.2, 0.8]])
    merge = seen.settled(MergeOptions(restore=1))
    look = np.full((32, 32, 3), 90, np.uint8), np.eye(2, 3), None
    faces, _ = seen.draw([look])
    mask = seen.lay(None, look, faces[0], merge).mask
    assert mask.shape == (64, 64) and mask.mean() == pytest.approx(seen.outline.mean(), abs=0.01)


def test_the_packages_own_weights_are_read_at_16_bits(run, film, tmp_path, monkeypatch):
    module = load_model_file("restore_srgan")
    monkeypatch.setattr(weights, "base_path", lambda model, preset: tmp_path / f"{model}-{preset}.safetensors")
    with pytest.raises(ModelError, match=r"without weights of restore_srgan.*train_restorer"):
        open_restorer()
    monkeypatch.setitem(module.PRESETS, "small", module.PRESETS["tiny"])
    learned = averaged(run_checkpoint(run, Progress()))
    path = weights.save_base("restore_srgan", "small", learned, {"seed": 1})
    assert path.stat().st_size < 2 * sum(value.size for value in learned.values()) + 4000
    assert set(learned) == set(module.Net(module.PRESETS["tiny"]).generator.state_dict())  # no discriminator
    crops = np.random.default_rng(0).random((2, 16, 16, 3), np.float32)
    assert np.abs(open_restorer()(crops) - open_restorer(run)(crops)).max() < 0.01
    restore_train(film, tmp_path / "r", options=TrainOptions(samples=16, accelerator="cpu"))
    gaps = [np.abs(one - other).max() for one, other in
            zip(learned.values(), averaged(run_checkpoint(tmp_path / "r", Progress())).values())]  # fmt: skip
    assert 0 < max(gaps) < 0.02, "it did not begin with the package's weights"


def test_a_run_of_another_scale_or_none_is_refused(run, tmp_path):
    with pytest.raises(ModelError, match=r"2 times finer, 4 times were asked for.*--restore-scale 2"):
        open_restorer(run, 4)
    with pytest.raises(ModelError, match="no run of `semblance restore train`"):
        open_restorer(tmp_path)


def test_folders_that_cannot_be_learned_from(film, tmp_path):
    write_picture(tmp_path / "somebody" / "0.png", drawing(0), {})
    with pytest.raises(Refused, match="may show somebody real"):
        restore_train([film, tmp_path / "somebody"], tmp_path / "run", "tiny", FEW)
    with pytest.raises(FacesetError, match="no face that is sharp at 128 pixels"):
        restore_train(film, tmp_path / "run", "tiny", FEW.changed(change=("size=128",)))
    with pytest.raises(InputError, match="at least one folder"):
        restore_train([], tmp_path / "run", "tiny", FEW)
    with pytest.raises(ModelError, match="no preset 'big'"):
        restore_train(film, tmp_path / "run", "big", FEW)
    assert not (tmp_path / "run").exists()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "x").write_text("mine")
    with pytest.raises(OutputError, match="run"):
        restore_train(film, tmp_path / "run", "tiny", FEW)
