"""One thread: the tiny nets gain nothing from a second one, and stall where the other core is busy."""

import pytest


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
