"""`restore train` from the command line, and one sentence for bad input."""

import numpy as np
import pytest

from semblance.app.cli import main
from semblance.create.claims import rendered
from semblance.trust.publish import publish_picture


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    publish_picture(tmp_path / "film" / "0.png", rng.integers(0, 256, (48, 48, 3), np.uint8), rendered("noise"))
    return tmp_path


def test_faces_are_learned_from(folder, capsys):
    train = "restore train film --out run --preset tiny --samples 16 --accelerator cpu"
    assert main(train.split()) == 0 and "--restore 1 --restorer run" in capsys.readouterr().out
    assert main(train.split()) == 2 and "--resume" in capsys.readouterr().err
    more = "restore train film --out run --preset tiny --samples 32 --accelerator cpu --resume"
    assert main(more.split()) == 0 and "32 patches seen" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("restore trian film --out o", "Did you mean 'restore train'"),
        ("restore train nothing --out o --preset tiny", "no folder nothing"),
        ("restore train film --out o --preset huge", "no preset 'huge'"),
        ("restore train film --out o --preset tiny --change width=no", "width"),
    ],
)
def test_bad_input_is_one_sentence(arguments, words, folder, capsys):
    assert main(arguments.split()) == 2
    told = capsys.readouterr().err
    assert words in told and "Traceback" not in told and not (folder / "o").exists()
