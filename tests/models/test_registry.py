"""Models are found by file name, described and refused without torch."""

import subprocess
import sys

import pytest

from semblance.errors import InputError, ModelError
from semblance.models import choose_preset, describe, list_models, load_model_file


def test_listing_and_describing_import_nothing_heavy():
    code = (
        "import sys; from semblance.models import list_models, describe; "
        "print([describe(name) for name in list_models()]); "
        "from semblance.training.options import TrainOptions; TrainOptions(); "
        "assert not {'torch', 'lightning', 'cv2'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "The original face swapper" in done.stdout


def test_the_original_is_listed():
    assert "swap_original" in list_models()
    assert list_models() == sorted(list_models())


def test_unknown_names_are_refused_with_the_nearest():
    for ask in (describe, load_model_file):
        with pytest.raises(ModelError, match="Did you mean 'swap_original'"):
            ask("swap_origin")
    with pytest.raises(ModelError, match=r"no preset 'big'.*paper, small, tiny"):
        choose_preset(load_model_file("swap_original"), "big")


def test_a_config_that_cannot_be_is_refused_in_one_sentence():
    config = load_model_file("swap_original").PRESETS["paper"]
    with pytest.raises(InputError, match="multiple of 16"):
        config.changed(size=72)
    with pytest.raises(InputError, match="3 widths"):
        config.changed(decoder=(256, 128))
