"""`mask train` and `mask apply` from the command line: a story at tiny, and one sentence for bad input."""

import json

import numpy as np
import pytest

from semblance.app.cli import main
from semblance.media.image import read_picture, write_picture

FACE = {"label": "face", "shape_type": "polygon", "points": [[8, 4], [24, 4], [24, 28], [8, 28]]}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Four square crops, all labelled; the working folder is where they lie."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for k in range(4):
        write_picture(tmp_path / "labels" / f"{k}.png", rng.integers(0, 256, (32, 32, 3), np.uint8), {})
        (tmp_path / "labels" / f"{k}.json").write_text(json.dumps({"shapes": [FACE]}))
    (tmp_path / "labels" / "occlusions.json").write_text('{"view": 1.0}')
    return tmp_path


def test_labels_are_learned_and_masks_drawn(folder, capsys):
    train = "mask train labels --out run --from-scratch --preset tiny --samples 16 --accelerator cpu"
    assert main(train.split()) == 0 and "16 pictures seen" in capsys.readouterr().out
    assert main(["mask", "apply", "labels", "--model", "run", "--out", "masks"]) == 0
    assert "Look at masks/sheet.png" in capsys.readouterr().out
    assert read_picture(folder / "masks" / "masks" / "3.png").shape == (32, 32, 3)
    assert main(train.split()) == 2 and "--resume" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("mask trian labels --out o", "Did you mean 'mask train'"),
        ("mask train nothing --out o --from-scratch", "no folder nothing"),
        ("mask train labels --out o --begin labels", "no run of `semblance mask train`"),
        ("mask train labels --out o --from-scratch --preset tiny --minutes 0", "minutes"),
        ("mask apply labels --out o --model nothing", "no run of `semblance mask train`"),
    ],
)
def test_bad_input_is_one_sentence(arguments, words, folder, capsys):
    try:
        code = main(arguments.split())
    except SystemExit as end:
        code = end.code
    told = capsys.readouterr()
    assert code == 2 and words in told.err + told.out and "Traceback" not in told.err
    assert not (folder / "o").exists()
