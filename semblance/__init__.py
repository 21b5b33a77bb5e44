"""Semblance: consented synthetic faces, labelled, and measured.

    from semblance import extract, curate, train, swap, replace, measure, film_people, people_sheet, demo

Nothing heavy is imported until a verb is first used.
"""

from __future__ import annotations

import os
from importlib import import_module

# torch's OpenMP threads spin while they wait; beside a decoder or an encoder on few cores that costs twenty times the
# work itself (identity vectors: 101 ms a face spinning, 6 ms sleeping, on two busy cores). Read when torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__version__ = "0.1.0"

_VERBS = {
    "extract": "semblance.faceset.extract",
    "curate": "semblance.faceset.curate",
    "import_faceset": "semblance.faceset.importing",
    "export_faceset": "semblance.faceset.exporting",
    "train": "semblance.create.train",
    "swap": "semblance.create.swap",
    "replace": "semblance.create.replace",
    "measure": "semblance.create.measure",
    "film_people": "semblance.create.film",
    "people_sheet": "semblance.create.people_sheet",
    "demo": "semblance.create.demo",
}

__all__ = ["__version__", *_VERBS]


def __getattr__(name: str):
    if name in _VERBS:
        return getattr(import_module(_VERBS[name]), name)
    raise AttributeError(f"module 'semblance' has no attribute '{name}'")
