"""How cores are shared, and handed back."""

import pytest
import torch
from threadpoolctl import threadpool_info

from semblance.processor import bf16_if_native, cores_shared_by, multiplies_bf16


def _blas_threads():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_a_stage_takes_its_share_and_hands_it_back(monkeypatch):
    monkeypatch.setattr("semblance.processor.cores", lambda: 4)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(4)
        with cores_shared_by(2):
            assert torch.get_num_threads() == 2
            assert _blas_threads() <= {1}
            with cores_shared_by(2):  # a thread that began meanwhile: the share is not shared again
                assert torch.get_num_threads() == 2
            with cores_shared_by(8):
                assert torch.get_num_threads() == 1
            assert torch.get_num_threads() == 2
        assert torch.get_num_threads() == 4
        with pytest.raises(ValueError), cores_shared_by(2):
            raise ValueError
        assert torch.get_num_threads() == 4
    finally:
        torch.set_num_threads(before)


def test_bf16_only_where_it_is_native_and_wanted(monkeypatch):
    for able, wanted, expected in ((True, True, True), (True, False, False), (False, True, False)):
        monkeypatch.setattr("semblance.processor.multiplies_bf16", lambda kind, able=able: able)
        with bf16_if_native(wanted):
            assert torch.is_autocast_enabled("cpu") == expected
    assert not multiplies_bf16("abacus")
