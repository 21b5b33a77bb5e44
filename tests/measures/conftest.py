"""A drawn face whose every figure is known."""

import pytest

from tests.measures.doctored import around_of, drawn_face


@pytest.fixture(scope="session")
def face():
    """pixels (320, 320, 3) uint8, landmarks (478, 3), the regions around it."""
    pixels, points = drawn_face()
    return pixels, points, around_of(points, pixels)
