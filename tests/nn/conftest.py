"""One thread: these tensors are small, and a second thread stalls where the other core is busy."""

import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def _same_chance():
    torch.manual_seed(0)


@pytest.fixture
def pictures():
    """A smooth picture and a noisy copy, two samples each, (2, 3, 48, 48) in 0..1; the second sample is noisier."""
    chance = torch.Generator().manual_seed(0)
    coarse = torch.rand(2, 3, 6, 6, generator=chance)
    truth = torch.nn.functional.interpolate(coarse, (48, 48), mode="bilinear")
    noise = torch.rand(2, 3, 48, 48, generator=chance) - 0.5
    return (truth + noise * torch.tensor([0.1, 0.3]).view(2, 1, 1, 1)).clamp(0, 1), truth
