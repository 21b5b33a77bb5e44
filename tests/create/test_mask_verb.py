"""Film, train, apply and refine at the tiny preset; labels of every kind; bad input in one sentence, nothing left."""

import json
import shutil

import numpy as np
import pytest

from semblance import weights
from semblance.create.mask import mask_apply, mask_train, tinted
from semblance.create.occlusion_mask import open_occlusion_mask
from semblance.create.occlusions import OcclusionOptions, film_occlusions, read_covers
from semblance.errors import FacesetError, InputError, MediaError, ModelError, OutputError, Stopped
from semblance.faceset.masked import load_labelled, read_shown
from semblance.measures.masks import score_masks
from semblance.media.image import read_picture, read_tags, write_picture
from semblance.models import load_model_file
from semblance.runs import Progress, StopSignal
from semblance.training.options import TrainOptions
from semblance.trust.publish import LABEL
from tests.create.swapping import StopAt

FILM = OcclusionOptions(pictures=12, seed=1, side=64, body="builtin")
FACE = {"label": "face", "shape_type": "polygon", "points": [[16, 10], [48, 10], [48, 54], [16, 54]]}


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """The tiny net gains nothing from a second one, and stalls where the other core is busy."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return film_occlusions(tmp_path_factory.mktemp("film") / "f", FILM).folder


@pytest.fixture(scope="module")
def run(film, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    mask_train(film, out, preset="tiny", options=TrainOptions(samples=1600, accelerator="cpu", from_scratch=True))
    return out


def crops(folder, labels=3, side=64):
    """A folder of square crops, the first ones with a labelme file."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    (folder / "occlusions.json").write_text('{"view": 1.0}')
    for k in range(4):
        write_picture(folder / f"{k}.png", rng.integers(0, 256, (side, side, 3), np.uint8), {})
        if k < labels:
            (folder / f"{k}.json").write_text(json.dumps({"shapes": [FACE]}))
    return folder


def test_the_film_is_labelled_whole_and_goes_on(film, tmp_path):
    for folder in (film, film / "masks", film / "covers"):
        pictures = sorted(path.name for path in folder.glob("*.png"))
        assert pictures == [f"{k:06d}.png" for k in range(12)]
        tags = read_tags(folder / pictures[3])
        assert all(tags[key] == value for key, value in LABEL.items())
    covers, kinds = read_covers(film)
    assert covers.shape == (12, 64, 64) and len(kinds) == 12
    before = (film / "000004.png").stat().st_mtime_ns
    assert film_occlusions(film, FILM).pictures == 12
    assert (film / "000004.png").stat().st_mtime_ns == before, "filmed again"
    with pytest.raises(OutputError, match="already holds something else"):
        film_occlusions(film, FILM.changed(seed=2))
    signal = StopSignal()
    signal.request()
    with pytest.raises(Stopped, match="goes on"):
        film_occlusions(tmp_path / "g", FILM, stop=signal)
    film_occlusions(tmp_path / "g", FILM)
    assert np.array_equal(read_picture(tmp_path / "g" / "000007.png"), read_picture(film / "000007.png"))


def test_a_trained_mask_knows_a_face(film, run):
    """Of people it has seen: a minute's net is no more than that."""
    mask = open_occlusion_mask(run)
    pictures, truth = load_labelled(film, 45, Progress())
    crops, wanted = pictures[:, 6:38, 6:38], truth[:, 6:38, 6:38] / np.float32(255)
    drawn = mask(np.ascontiguousarray(crops))
    assert drawn.shape == (12, 32, 32) and drawn.dtype == np.float32 and drawn.min() >= 0 and drawn.max() <= 1
    assert score_masks(drawn, wanted, wanted * 0).overlap > 0.6
    larger = mask(np.repeat(np.repeat(crops[:2], 2, 1), 2, 2))
    assert larger.shape == (2, 64, 64) and abs(larger.mean() - drawn[:2].mean()) < 0.03


def test_masks_are_laid_back_on_their_pictures(film, run, tmp_path):
    result = mask_apply(film, tmp_path / "m", run)
    assert result.pictures == 12 and 0.1 < result.face < 0.6 and "sheet.png" in result.summary()
    truth, drawn = (
        np.stack([read_picture(path)[..., 0] for path in sorted((folder / "masks").glob("*.png"))]) / 255
        for folder in (film, tmp_path / "m")
    )
    assert score_masks(drawn, truth, truth * 0).overlap > 0.6
    assert read_tags(tmp_path / "m" / "sheet.png")["synthetic_media"] == "yes"
    with pytest.raises(OutputError, match="exists already"):
        mask_apply(film, tmp_path / "m", run)


def test_labels_refine_a_run_and_its_masks_follow_them(run, tmp_path):
    folder = crops(tmp_path / "labels")
    result = mask_train(folder, tmp_path / "r", run, options=TrainOptions(samples=8, accelerator="cpu"))
    assert result.samples == 8
    begun = json.loads((tmp_path / "r" / "options.json").read_text())
    assert begun["notes"]["folders"] == {str(folder): 3} and begun["config"]["learning_rate"] == pytest.approx(8e-4)
    before, after = open_occlusion_mask(run), open_occlusion_mask(tmp_path / "r")
    gaps = [(a - b).abs().max().item() for a, b in zip(before.net.parameters(), after.net.parameters())]
    assert 0 < max(gaps) < 0.05, "it did not begin from the run"
    longer = TrainOptions(samples=600, accelerator="cpu")
    mask_train(folder, tmp_path / "r", preset="tiny", options=longer, resume=True)
    mask = open_occlusion_mask(tmp_path / "r")
    shown = np.stack([shown.pixels for shown in read_shown(folder, Progress())])
    wanted = np.zeros((64, 64), np.float32)
    wanted[10:54, 16:48] = 1
    old, new = (score_masks(net(shown), np.stack([wanted] * 4), wanted[None] * 0).overlap for net in (before, mask))
    assert new > max(old, 0.6)


def test_the_packages_own_weights_are_read_at_16_bits(run, tmp_path, monkeypatch):
    from scripts.train_occlusion_mask import ship

    module = load_model_file("mask_xseg")
    monkeypatch.setattr(weights, "base_path", lambda model, preset: tmp_path / f"{model}-{preset}.safetensors")
    folder, few = crops(tmp_path / "labels"), TrainOptions(samples=8, accelerator="cpu")
    for told in (lambda: open_occlusion_mask(), lambda: mask_train(folder, tmp_path / "r", options=few)):
        with pytest.raises(ModelError, match=r"without weights of mask_xseg.*train_occlusion_mask"):
            told()
    assert not (tmp_path / "r").exists()
    monkeypatch.setitem(module.PRESETS, "small", module.PRESETS["tiny"])
    path = ship(run, "small", {"seed": 1})
    net = open_occlusion_mask(run).net
    assert path.stat().st_size < 2.2 * sum(parameter.numel() for parameter in net.parameters()) + 8000
    pictures = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)
    gaps = np.abs(open_occlusion_mask()(pictures) - open_occlusion_mask(run)(pictures))
    assert gaps.mean() < 2e-3 and (gaps > 0.02).mean() < 0.01  # a few fall below FAINT and are set to 0
    mask_train(folder, tmp_path / "r", options=few)
    refined = open_occlusion_mask(tmp_path / "r").net
    gaps = [(a - b).abs().max().item() for a, b in zip(net.parameters(), refined.parameters())]
    assert 0 < max(gaps) < 0.05, "it did not begin with the package's weights"


def test_a_face_in_a_plain_picture_is_found(run, tmp_path):
    from semblance.create.film import FilmOptions, cast
    from semblance.people.bodies import open_body
    from semblance.people.film import film as shots

    take = cast(FilmOptions(people=1, seed=5, size=200, seconds=0.1), 0, open_body("builtin"))
    shot, _ = next(shots(take, 0, 1))
    wide = np.full((200, 320, 3), 90, np.uint8)
    wide[:, 100:300] = shot.pixels
    write_picture(tmp_path / "p" / "wide.png", wide, {})
    write_picture(tmp_path / "p" / "nobody.png", np.full((200, 320, 3), 90, np.uint8), {})
    assert mask_apply(tmp_path / "p", tmp_path / "m", run).pictures == 1
    mask = read_picture(tmp_path / "m" / "masks" / "wide.png")[..., 0]
    x, y = shot.landmarks[:468, :2].mean(0).round().astype(int)
    assert mask.shape == (200, 320) and mask[:, :100].max() == 0 and mask[y, 100 + x] > 128
    with pytest.raises(FacesetError, match="No face was found"):
        (tmp_path / "p" / "wide.png").unlink()
        mask_apply(tmp_path / "p", tmp_path / "n", run)
    assert not (tmp_path / "n").exists()


def test_a_tint_shows_what_is_face():
    picture, mask = np.full((2, 2, 3), 100, np.uint8), np.array([[1, 0], [0, 1]], np.float32)
    shown = tinted(picture, mask)
    assert shown[0, 0, 1] > shown[0, 0, 0] + 40 and tuple(shown[0, 1]) == (55, 55, 55)


@pytest.mark.parametrize(
    ("spoil", "error", "words"),
    [
        (lambda f: shutil.rmtree(f), FacesetError, "no folder"),
        (lambda f: [path.unlink() for path in f.glob("*.png")], FacesetError, "no pictures"),
        (lambda f: [path.unlink() for path in f.glob("[0-9].json")], FacesetError, "no labelled face"),
        (lambda f: (f / "0.json").write_text('{"shapes": []}'), FacesetError, "no polygon called 'face'"),
        (lambda f: (f / "occlusions.json").write_text("{}"), FacesetError, "is damaged"),
        (lambda f: (f / "1.png").write_bytes(b"no"), MediaError, "1.png"),
        (lambda f: write_picture(f / "0.png", np.zeros((8, 9, 3), np.uint8), {}), FacesetError, "square, not 9x8"),
        (lambda f: write_picture(f / "masks" / "0.png", np.zeros((8, 8, 3), np.uint8), {}), FacesetError, "is 8x8"),
    ],
)
def test_labels_that_cannot_be_used(spoil, error, words, tmp_path):
    folder = crops(tmp_path / "labels")
    spoil(folder)
    with pytest.raises(error, match=words):
        options = TrainOptions(samples=8, accelerator="cpu", from_scratch=True)
        mask_train(folder, tmp_path / "run", preset="tiny", options=options)
    assert not (tmp_path / "run").exists()


def test_models_that_are_none(tmp_path):
    folder = crops(tmp_path / "labels")
    for begin in ("nothing", folder):
        with pytest.raises(ModelError, match="no run of `semblance mask train`"):
            mask_train(folder, tmp_path / "run", begin)
        with pytest.raises(ModelError, match="no run of `semblance mask train`"):
            mask_apply(folder, tmp_path / "m", begin)
    with pytest.raises(ModelError, match="no preset 'big'"):
        mask_train(folder, tmp_path / "run", preset="big")
    with pytest.raises(InputError, match="at least one folder"):
        mask_train([], tmp_path / "run")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["labels"]


def test_a_stop_leaves_no_masks(film, run, tmp_path):
    told = StopAt(1, StopSignal())
    with pytest.raises(Stopped, match="Nothing was written"):
        told.stop_signal.request()
        mask_apply(film, tmp_path / "m", run, told, told.stop_signal)
    assert list(tmp_path.iterdir()) == []
