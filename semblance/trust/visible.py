"""A visible mark that a clip is synthetic, for who has to show one (EU AI Act, article 50).

Words and a frame's size -> a Marker, which gives for each frame's pixels the small Patch with the words on it: light
letters on a dark, half transparent plate, readable on any background. The lettering is drawn once; a frame costs the
blend of the patch. DejaVu Sans, which comes with matplotlib, holds Latin, Greek, Cyrillic and more; the lettering of
contact sheets (media/sheet.py) holds ASCII only.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from pydantic import Field

from ..errors import InputError
from ..options import Options
from ..types import Patch

SAFE = 0.05  # of width and height: the border that screens and players may cover (EBU R 95: graphics-safe area)
_INK, _PLATE = 245, 0.65  # grey of the letters; how dark the plate is: white behind it then comes to contrast 6
_PAD, _ROUND, _LEADING = (0.45, 0.28), 0.3, 1.25  # in sizes of a letter: plate's border (x, y), its corners, the lines
_SMALLEST = 9  # pixels; smaller letters are no longer read
_MOST_LINES, _MOST_HEIGHT = 3, 0.34  # of the frame
_SHRINK = 0.93

Place = Literal["top-left", "top-right", "bottom-left", "bottom-right", "top", "bottom"]


class VisibleMark(Options):
    """Words shown in every frame that say that the clip is synthetic."""

    mark: str = ""
    """Words shown in the picture, such as "AI-generated"; empty: none. Labels inside the file are written in any
    case."""
    mark_place: Place = "bottom-right"
    """Where the words stand: in a corner, or centred at the top or bottom."""
    mark_size: float = Field(0.04, ge=0.02, le=0.2)
    """Size of the letters, as a share of the frame's height (0.02 to 0.2); words too long for a line go on in the next,
    or become smaller."""
    mark_opacity: float = Field(0.9, ge=0.7, le=1)
    """How solid the letters are (0.7 to 1)."""


@dataclass(frozen=True, slots=True, eq=False)
class Marker:
    """The mark for frames of one size: x, y of its top left corner, how much of a pixel stays and what is added to it,
    (h, w, 3) uint16, in 256ths."""

    x: int
    y: int
    stays: np.ndarray
    added: np.ndarray

    def patch(self, pixels: np.ndarray) -> Patch:
        """The mark over a frame (H, W, 3) uint8 RGB of that size."""
        height, width = self.stays.shape[:2]
        under = pixels[self.y : self.y + height, self.x : self.x + width]
        return Patch(self.x, self.y, ((under * self.stays + self.added) >> 8).astype(np.uint8))


def visible_patch(width: int, height: int, options: VisibleMark, aspect: float = 1.0) -> Marker | None:
    """The mark for upright frames of this size, None if none is asked for; aspect: width / height of a pixel.

    Raises InputError for words that are blank, cannot be drawn, or do not fit.
    """
    if not options.mark:
        return None
    words = unicodedata.normalize("NFC", options.mark).split()
    font = _font_for(words)
    shown = round(width * aspect)  # laid out as it is seen, then brought to the stored pixels
    margin_x, margin_y = int(np.ceil(shown * SAFE)), int(np.ceil(height * SAFE))
    room = shown - 2 * margin_x, min(height - 2 * margin_y, int(height * _MOST_HEIGHT))
    wanted = max(options.mark_size * height, _SMALLEST)
    letters, size = _fitting(font, words, wanted, room) or (None, 0.0)
    if letters is None:
        raise InputError(
            f"The mark '{' '.join(words)}' does not fit into frames of {width}x{height}; choose fewer or shorter words."
        )
    plate = _rounded(letters.shape, _ROUND * size)
    if aspect != 1:
        stored = max(int(letters.shape[1] / aspect), 1), letters.shape[0]
        letters, plate = (cv2.resize(part, stored, interpolation=cv2.INTER_AREA) for part in (letters, plate))
    ink = letters * options.mark_opacity
    stays = (1 - ink) * (1 - _PLATE * plate)
    x, y = _corner(options.mark_place, ink.shape, (width, height), (int(np.ceil(width * SAFE)), margin_y))
    return Marker(x, y, _in_256ths(stays), _in_256ths(_INK * ink))


def _in_256ths(values: np.ndarray) -> np.ndarray:
    return np.repeat(np.round(256 * values).astype(np.uint16)[..., None], 3, axis=2)  # ten times as fast as broadcast


def _font_for(words: list[str]):
    """DejaVu Sans Bold; InputError where it cannot draw the words."""
    if not words:
        raise InputError("The mark is blank; give it words, such as --mark 'AI-generated', or leave it out.")
    import matplotlib
    from matplotlib.ft2font import FT2Font

    font = FT2Font(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans-Bold.ttf"))
    held = font.get_charmap()
    missing = sorted({letter for word in words for letter in word if ord(letter) not in held})
    if missing:
        raise InputError(f"The mark's font, DejaVu Sans, holds no {' '.join(map(repr, missing))}; use other letters.")
    return font


def _fitting(font, words: list[str], size: float, room: tuple[int, int]) -> tuple[np.ndarray, float] | None:
    """Letters (h, w) float 0..1 with the plate's border around them, as large as fits, and their size; None: too long
    even when small."""
    while size >= _SMALLEST:
        pad_x, pad_y = (max(round(pad * size), 2) for pad in _PAD)
        lines = _wrapped(font, words, size, room[0] - 2 * pad_x)
        if lines and len(lines) <= _MOST_LINES:
            letters = np.pad(_typeset(font, lines, size), ((pad_y, pad_y), (pad_x, pad_x)))
            if letters.shape[0] <= room[1] and letters.shape[1] <= room[0]:
                return letters, size
        size = max(size * _SHRINK, _SMALLEST) if size > _SMALLEST else 0.0
    return None


def _wrapped(font, words: list[str], size: float, width: int) -> list[str]:
    """Lines that are at most `width` wide; [] where a single word is wider."""
    lines = [words[0]]
    for word in words[1:]:
        longer = f"{lines[-1]} {word}"
        if _drawn(font, longer, size)[0].shape[1] <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines if all(_drawn(font, line, size)[0].shape[1] <= width for line in lines) else []


def _drawn(font, line: str, size: float) -> tuple[np.ndarray, int]:
    """One line's letters (h, w) uint8, cut to what is inked, and how many of its rows lie under the base line."""
    font.set_size(size, 72)  # a point is a pixel
    font.set_text(line)
    font.draw_glyphs_to_bitmap(antialiased=True)
    return np.array(font.get_image()), round(font.get_descent() / 64)


def _typeset(font, lines: list[str], size: float) -> np.ndarray:
    """The lines, centred under each other, (h, w) float 0..1, cut to what is inked."""
    drawn = [_drawn(font, line, size) for line in lines]
    bases = [round(row * _LEADING * size) for row in range(len(lines))]
    tops = [base + below - ink.shape[0] for (ink, below), base in zip(drawn, bases)]
    bottom = max(top + ink.shape[0] for (ink, _), top in zip(drawn, tops))
    letters = np.zeros((bottom - min(tops), max(ink.shape[1] for ink, _ in drawn)), np.float32)
    for (ink, _), top in zip(drawn, tops):
        left = (letters.shape[1] - ink.shape[1]) // 2
        part = letters[top - min(tops) :, left:][: ink.shape[0], : ink.shape[1]]
        np.maximum(part, ink / np.float32(255), out=part)
    return letters


def _rounded(shape: tuple[int, int], radius: float) -> np.ndarray:
    """(h, w) float 0..1: a rectangle that fills the picture, its corners rounded."""
    height, width = shape
    radius = min(radius, height / 2, width / 2)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) + 0.5
    beyond_x = np.abs(x - width / 2) - (width / 2 - radius)
    beyond_y = np.abs(y - height / 2) - (height / 2 - radius)
    outside = np.hypot(np.maximum(beyond_x, 0), np.maximum(beyond_y, 0)) - radius
    return np.clip(0.5 - outside, 0, 1)


def _corner(place: Place, shape: tuple[int, int], frame: tuple[int, int], margin: tuple[int, int]) -> tuple[int, int]:
    """x, y of the mark's top left corner."""
    spare_x, spare_y = frame[0] - shape[1], frame[1] - shape[0]
    x = margin[0] if place.endswith("left") else spare_x - margin[0] if place.endswith("right") else spare_x // 2
    return x, margin[1] if place.startswith("top") else spare_y - margin[1]
