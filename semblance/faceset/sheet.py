"""The contact sheet of a faceset: who is in it, from which sides, and what was dropped for what reason."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..media.image import read_picture, write_picture
from ..media.sheet import captioned, fitted, grid
from .store import PICTURES, Faceset

SHEET = "sheet.png"
_TAGS = {"comment": "Contact sheet of camera footage, made by Semblance; not synthetic."}
_TILE, _KEPT, _DROPPED, _COLUMNS = 112, 48, 24, 12
_PALE_RED = (252, 226, 222)


def write_sheet(faceset: Faceset, what: str, name: str = "") -> None:
    """Draw `sheet.png` into the faceset's folder; name: what the faceset will be called, if not as its folder now."""
    kept, dropped = faceset.table[faceset.table["kept"]], faceset.table[~faceset.table["kept"]]
    tiles = []
    for _, row in _spread(kept.sort_values("yaw"), _KEPT).iterrows():
        tiles.append(captioned(_tile(faceset, row), f"{row['yaw']:+.0f}° {row['pitch']:+.0f}°  p{row['person']}"))
    for _, row in _spread(dropped.sort_values("reason"), _DROPPED).iterrows():
        tiles.append(captioned(_tile(faceset, row), row["reason"], _PALE_RED))
    name = name or faceset.folder.name.removesuffix(".partial")
    title = f"{name}, {what}: {len(kept)} kept, {len(dropped)} dropped"
    write_picture(faceset.folder / SHEET, grid(tiles, _COLUMNS, title), _TAGS)


def _tile(faceset: Faceset, row: pd.Series) -> np.ndarray:
    return fitted(read_picture(faceset.folder / PICTURES / row["name"]), _TILE, _TILE)


def _spread(rows: pd.DataFrame, most: int) -> pd.DataFrame:
    """At most `most` rows, evenly taken."""
    return rows.iloc[np.unique(np.linspace(0, len(rows) - 1, most).astype(int))] if len(rows) > most else rows
