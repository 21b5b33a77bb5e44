"""The saver's thread: nothing that goes wrong there stays there."""

import resource

import pytest
import torch

from semblance.errors import OutputError
from semblance.training.saver import Saver

HEADER = {"model": "swap_original", "preset": "tiny", "config": {}, "samples": 64}
TENSORS = {"net.weight": torch.zeros(4, 4)}


def test_a_snapshot_is_written(tmp_path):
    saver = Saver(tmp_path / "checkpoints")
    saver.save(TENSORS, HEADER)
    saver.wait()
    assert saver.newest.exists() and not saver.busy


def test_a_full_disk_is_raised_once(tmp_path):
    saver = Saver(tmp_path / "checkpoints")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        saver.save(TENSORS, HEADER)
        with pytest.raises(OutputError, match="Cannot write"):
            saver.wait()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert saver.newest is None
    saver.wait()


def test_any_other_error_is_raised_too(tmp_path):
    saver = Saver(tmp_path / "checkpoints")
    saver.save(TENSORS, {**HEADER, "notes": object()})
    with pytest.raises(TypeError, match="serializable"):
        saver.wait()
