"""Two made-up people: an oval each, unlike in colour and features, that nods and opens its mouth."""

import cv2
import numpy as np
import pytest


def draw_person(skin, mouth, eye, count=24, side=64, seed=0):
    chance = np.random.default_rng(seed)
    pictures = np.full((count, side, side, 3), (40, 60, 80), np.uint8)
    for picture in pictures:
        x, y = (side / 2 + chance.uniform(-2, 2, 2)).astype(int)
        cv2.ellipse(picture, (x, y), (20, 26), 0, 0, 360, skin, -1, cv2.LINE_AA)
        for offset in (-9, 9):
            cv2.circle(picture, (x + offset, y - 8), eye, (20, 20, 30), -1, cv2.LINE_AA)
        cv2.ellipse(picture, (x, y + 13), (8, int(chance.integers(1, 6))), 0, 0, 360, mouth, -1, cv2.LINE_AA)
    return pictures


@pytest.fixture(scope="session")
def crops():
    """source and target, each (24, 64, 64, 3) uint8 RGB."""
    return draw_person((120, 80, 60), (90, 30, 30), 3, seed=1), draw_person((230, 190, 170), (200, 60, 80), 5, seed=2)


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """The tiny nets gain nothing from a second thread, and stall where the other core is busy."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
