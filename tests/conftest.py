"""Fixtures shared by all tests. Real clips are read in place; tests that need them skip where they are not."""

from __future__ import annotations

import os

if "PYTEST_XDIST_WORKER" in os.environ:  # processes share the cores among them already
    os.environ.setdefault("OMP_NUM_THREADS", "1")

from pathlib import Path

import pytest

GRID = Path(__file__).resolve().parents[2] / "shared" / "data" / "grid"


@pytest.fixture(scope="session")
def grid(the_tests_home) -> Path:
    """The folder of consented clips of real people (GRID corpus); swiz3n, the tests' source, is in their ledger."""
    if not GRID.is_dir():
        pytest.skip("the GRID clips are not on this machine")
    from tests.permitted import let_clip

    let_clip(GRID / "swiz3n.mpg")
    return GRID


@pytest.fixture(scope="session", autouse=True)
def the_tests_home(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keys and ledger of the tests, never the user's own; processes that tests start inherit it."""
    os.environ["SEMBLANCE_HOME"] = str(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session", autouse=True)
def _threads() -> None:
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
