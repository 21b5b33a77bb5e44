"""Pictures laid out for a person to look at: tiles in rows with captions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

_INK, _PAPER, _LINE = (32, 32, 36), (248, 248, 246), 4


@lru_cache(maxsize=8)
def _font(size: int):
    return ImageFont.load_default(size)


def text_strip(text: str, width: int, height: int = 20, paper: tuple[int, int, int] = _PAPER) -> np.ndarray:
    """(height, width, 3) uint8 with one line of text, cut with an ellipsis where it does not fit."""
    picture = Image.new("RGB", (width, height), paper)
    draw, font = ImageDraw.Draw(picture), _font(max(int(height * 0.62), 8))
    if draw.textlength(text, font) > width - 6:
        while text and draw.textlength(text + "…", font) > width - 6:
            text = text[:-1]
        text += "…"
    draw.text((3, height * 0.12), text, fill=_INK, font=font)
    return np.asarray(picture).copy()


def captioned(tile: np.ndarray, caption: str, paper: tuple[int, int, int] = _PAPER) -> np.ndarray:
    """The tile with a line of text under it."""
    return np.vstack([tile, text_strip(caption, tile.shape[1], paper=paper)])


def fitted(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """The picture scaled into (height, width), its proportions kept, on paper."""
    scale = min(height / pixels.shape[0], width / pixels.shape[1])
    size = max(round(pixels.shape[1] * scale), 1), max(round(pixels.shape[0] * scale), 1)
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    tile = np.full((height, width, 3), _PAPER, np.uint8)
    top, left = (height - size[1]) // 2, (width - size[0]) // 2
    tile[top : top + size[1], left : left + size[0]] = small
    return tile


def grid(tiles: Sequence[np.ndarray], columns: int, title: str = "") -> np.ndarray:
    """Tiles of one size in rows of `columns`, with thin lines between them and a title above."""
    height, width = tiles[0].shape[:2]
    columns = min(columns, len(tiles))
    rows = -(-len(tiles) // columns)
    sheet = np.full((rows * (height + _LINE) + _LINE, columns * (width + _LINE) + _LINE, 3), _PAPER, np.uint8)
    for number, tile in enumerate(tiles):
        top = _LINE + number // columns * (height + _LINE)
        left = _LINE + number % columns * (width + _LINE)
        sheet[top : top + height, left : left + width] = tile
    return np.vstack([text_strip(title, sheet.shape[1], 28), sheet]) if title else sheet
