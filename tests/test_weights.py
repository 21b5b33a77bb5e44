"""Checkpoints: what goes in comes out, what is damaged is passed over and said, what is foreign is refused."""

import json
import resource
from contextlib import contextmanager

import numpy as np
import pytest
from safetensors import safe_open

from semblance.errors import ModelError, OutputError
from semblance.runs import Progress
from semblance.weights import list_checkpoints, load_checkpoint, save_checkpoint

HEADER = {"model": "swap_original", "preset": "tiny", "config": {"size": 32}, "samples": 64}


class Heard(Progress):
    def __init__(self):
        self.lines = []

    def say(self, text):
        self.lines.append(text)


@contextmanager
def files_at_most(size):
    """No file can grow beyond `size` bytes: a write fails in the middle, as on a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def tensors(seed=0):
    chance = np.random.default_rng(seed)
    return {
        "net.weight": chance.normal(size=(4, 3, 5, 5)).astype(np.float32),
        "ema.weight": chance.normal(size=(4, 3, 5, 5)).astype(np.float32),
        "adam.swap.0.step": np.array(12.0, np.float32),
        "empty": np.zeros((0, 3), np.float32),
    }


def save_some(folder, count):
    return [save_checkpoint(folder, tensors(n), {**HEADER, "samples": 64 * (n + 1)}) for n in range(count)]


def test_round_trip(tmp_path):
    strided = tensors()
    strided["net.weight"] = np.asfortranarray(strided["net.weight"])
    path = save_checkpoint(tmp_path, strided, {**HEADER, "notes": {"people": ["Åsa"]}})
    loaded = load_checkpoint(tmp_path, Progress(), "swap_original", "tiny")
    assert loaded.path == path
    assert loaded.tensors.keys() == strided.keys()
    for name, value in tensors().items():
        assert loaded.tensors[name].dtype == value.dtype
        assert np.array_equal(loaded.tensors[name], value)
    assert loaded.header["notes"] == {"people": ["Åsa"]}
    assert loaded.header["format"] == 1 and "Apache-2.0" in loaded.header["licence"]
    assert set(load_checkpoint(tmp_path, Progress(), prefix="ema.").tensors) == {"ema.weight"}


def test_three_are_kept_newest_first(tmp_path):
    save_some(tmp_path, 5)
    assert [int(path.stem) for path in list_checkpoints(tmp_path)] == [320, 256, 192]
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("harm", ["flip a bit", "cut short", "empty", "no header"])
def test_damaged_newest_falls_back_and_says_so(tmp_path, harm):
    newest = save_some(tmp_path, 2)[-1]
    data = bytearray(newest.read_bytes())
    if harm == "flip a bit":
        data[-5] ^= 1
    elif harm == "cut short":
        data = data[: len(data) // 2]
    elif harm == "empty":
        data = b""
    else:
        data = data.replace(b'"semblance"', b'"semblence"')
    newest.write_bytes(data)
    heard = Heard()
    loaded = load_checkpoint(tmp_path, heard)
    assert loaded.header["samples"] == 64
    assert np.array_equal(loaded.tensors["net.weight"], tensors(0)["net.weight"])
    assert len(heard.lines) == 1 and newest.name in heard.lines[0] and "damaged" in heard.lines[0]


def test_all_damaged_is_refused(tmp_path):
    for path in save_some(tmp_path, 2):
        path.write_bytes(b"not a checkpoint")
    with pytest.raises(ModelError, match="All 2 checkpoints"):
        load_checkpoint(tmp_path, Progress())


def test_none_is_refused(tmp_path):
    with pytest.raises(ModelError, match="no checkpoint"):
        load_checkpoint(tmp_path / "nowhere", Progress())


def test_another_model_or_preset_or_a_newer_format_is_refused(tmp_path):
    save_some(tmp_path, 1)
    with pytest.raises(ModelError, match="'swap_original', not 'swap_other'"):
        load_checkpoint(tmp_path, Progress(), model="swap_other")
    with pytest.raises(ModelError, match="'tiny', not 'paper'"):
        load_checkpoint(tmp_path, Progress(), model="swap_original", preset="paper")
    save_checkpoint(tmp_path, tensors(), {**HEADER, "samples": 128, "format": 2})
    with pytest.raises(ModelError, match="format 2"):
        load_checkpoint(tmp_path, Progress())


def test_a_changed_header_of_another_file_does_not_pass(tmp_path):
    """Tensors of one file under the header of another: the hash must notice."""
    first, second = save_some(tmp_path, 2)
    with safe_open(second, framework="numpy") as file:
        header = json.loads(file.metadata()["semblance"])
    swapped = save_checkpoint(tmp_path, tensors(7), {**HEADER, "samples": 192})
    with safe_open(swapped, framework="numpy") as file:
        own = json.loads(file.metadata()["semblance"])
    swapped.write_bytes(swapped.read_bytes().replace(own["sha256"].encode(), header["sha256"].encode()))
    heard = Heard()
    assert load_checkpoint(tmp_path, heard).path == second
    assert "hash" in heard.lines[0]
    assert first.exists()


def test_a_save_that_fails_leaves_what_was_there(tmp_path):
    good = save_some(tmp_path, 1)[0]
    with pytest.raises(TypeError):
        save_checkpoint(tmp_path, tensors(), {**HEADER, "samples": 128, "notes": object()})
    assert list(tmp_path.iterdir()) == [good]


def test_a_disk_that_takes_no_more_is_told_in_one_sentence(tmp_path):
    good = save_some(tmp_path, 1)[0]
    with files_at_most(1000), pytest.raises(OutputError, match="000000000128") as caught:
        save_checkpoint(tmp_path, tensors(), {**HEADER, "samples": 128})
    assert "larger than the system allows" in str(caught.value) and "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == [good]
