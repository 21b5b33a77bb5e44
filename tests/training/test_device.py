"""Devices that are not there are refused in one sentence; bf16 is chosen where it is native."""

import pytest
import torch

from semblance.errors import InputError
from semblance.processor import multiplies_bf16
from semblance.training.device import open_fabric
from semblance.training.options import TrainOptions


def test_a_missing_device_is_refused():
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(InputError, match="0 devices of kind 'cuda'"):
        open_fabric("cuda", "auto", "fp32")
    with pytest.raises(InputError, match="5000 were asked for"):
        open_fabric("cpu", 5000, "fp32")
    with pytest.raises(InputError, match="devices"):
        TrainOptions(devices=0)


def test_auto_precision_follows_the_processor():
    import lightning.fabric.plugins.precision as kinds

    fabric = open_fabric("cpu", "auto", "auto")
    expected = kinds.MixedPrecision if multiplies_bf16("cpu") else kinds.Precision
    assert type(fabric.strategy.precision) is expected
    assert fabric.world_size == 1


def test_a_processor_without_bf16_is_not_asked_for_it(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_f": True})
    assert not multiplies_bf16("cpu")
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True})
    assert multiplies_bf16("cpu")
