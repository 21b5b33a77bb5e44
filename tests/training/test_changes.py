"""Options of a model as a person types them."""

import pytest

from semblance.errors import InputError
from semblance.models import list_models, load_model_file
from semblance.training.changes import changed_by, described

CONFIG = load_model_file("swap_original").PRESETS["small"]


def test_changes_are_read_as_what_they_are():
    changed = changed_by(CONFIG, ["batch=9", "schedule=constant", "betas=[0.5, 0.9]", "augment.flip=0.5"])
    assert (changed.batch, changed.schedule, changed.betas, changed.augment.flip) == (9, "constant", (0.5, 0.9), 0.5)
    assert changed.augment.warp == CONFIG.augment.warp and changed.encoder == CONFIG.encoder
    assert changed_by(CONFIG, []) == CONFIG


@pytest.mark.parametrize(
    ("change", "words"),
    [("batch", "NAME=VALUE"), ("=3", "NAME=VALUE"), ("bach=3", "Did you mean 'batch'"), ("batch=0", "cannot be 0"),
     ("augmnt.flip=1", "no group of options 'augmnt'"), ("augment.flop=1", "flop"), ("size=97", "multiple of 16")],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_one_sentence(change, words):
    with pytest.raises(InputError, match=words):
        changed_by(CONFIG, [change])


@pytest.mark.parametrize("name", list_models())
def test_every_option_of_every_model_says_what_it_is(name):
    lines = list(described(load_model_file(name).PRESETS["small"]))
    assert len(lines) > 5
    assert all(len(line.split()) >= 4 for line in lines), [line for line in lines if len(line.split()) < 4]


def test_deepfacelabs_names_are_told_beside_ours():
    text = "\n".join(described(load_model_file("swap_df").PRESETS["small"]))
    for name in (
        "eyes_mouth_prio",
        "uniform_yaw",
        "blur_out_mask",
        "gan_power",
        "true_face_power",
        "ct_mode",
        "clipgrad",
    ):
        assert name in text
