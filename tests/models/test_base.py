"""The weights that come with the package: small, whole, of known make, and taken over by a new run."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from semblance.models import choose_preset, load_model_file
from semblance.weights import base_path, load_base

FILES = sorted(base_path("x", "y").parent.glob("*.safetensors"))
CARDS = Path(__file__).parents[2] / "docs" / "models"


def test_there_are_some_and_all_together_are_small():
    assert "swap_mesh-small" in {file.stem for file in FILES}
    assert sum(file.stat().st_size for file in FILES) < 25e6


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_each_is_half_precision_has_a_card_and_fits_its_model(file):
    model, preset = file.stem.split("-")
    with safe_open(file, framework="numpy") as opened:
        header = json.loads(opened.metadata()["semblance"])
        names = list(opened.keys())
        assert {opened.get_tensor(name).dtype for name in names} == {np.dtype(np.float16)}
    assert (header["model"], header["preset"]) == (model, preset) and header["licence"].startswith("Apache-2.0")
    assert (CARDS / f"{model}.md").exists()
    module = load_model_file(model)
    net = module.Net(choose_preset(module, preset))
    before = {name: value.clone() for name, value in net.named_parameters()}
    module.begin_with(net, {name: torch.from_numpy(value) for name, value in load_base(model, preset).items()})
    assert all(torch.isfinite(value).all() for value in net.parameters())
    assert any(not torch.equal(before[name], value) for name, value in net.named_parameters())


def test_a_preset_without_shipped_weights_begins_from_chance():
    assert load_base("swap_mesh", "tiny") is None
