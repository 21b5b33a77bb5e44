"""Semblance: consented synthetic faces, labelled, and measured.

    from semblance import extract, curate, train, swap, replace, merge_sheet, hand_off, measure, compare, demo

Nothing heavy is imported until a verb is first used.
"""

from __future__ import annotations

import os
from importlib import import_module

# torch's OpenMP threads spin while they wait for each other. Long, beside a decoder or an encoder on few cores, that
# costs twenty times the work itself (identity vectors: 101 ms a face spinning, 6 ms sleeping, on two busy cores); not
# at all, each layer waits until a thread is woken (training: a third slower). Read when torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "5000")  # some 20 us

__version__ = "0.1.0"

_VERBS = {
    "extract": "semblance.create.extract",
    "curate": "semblance.faceset.curate",
    "import_faceset": "semblance.create.bring_in",
    "export_faceset": "semblance.faceset.exporting",
    "train": "semblance.create.train",
    "swap": "semblance.create.swap",
    "hand_off": "semblance.create.hand_off",
    "replace": "semblance.create.replace",
    "merge_sheet": "semblance.create.merge_sheet",
    "measure": "semblance.create.measure",
    "compare": "semblance.create.compare",
    "film_people": "semblance.create.film",
    "people_sheet": "semblance.create.people_sheet",
    "demo": "semblance.create.demo",
}

__all__ = ["__version__", *_VERBS]


def __getattr__(name: str):
    if name in _VERBS:
        return getattr(import_module(_VERBS[name]), name)
    raise AttributeError(f"module 'semblance' has no attribute '{name}'")
