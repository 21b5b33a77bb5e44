"""A face as worn by compression as its plate: the faintest parts of its blocks of eight by eight pixels are gone.

Blocks lie where the frame's lie. How worn a picture is shows in the share of its blocks' frequencies that came out as
nothing, or almost (as Fridrich and others read a picture's history from its DCT, 2003).
"""

from __future__ import annotations

import cv2
import numpy as np

from ..faceset.spoil import jpeg

_BLOCK = 8
_UNIT = 16  # pixels: a JPEG with halved colours works on squares of this side
_NOTHING = 1.0  # levels of 255: a weaker frequency counts as gone
_QUALITIES = (98, 95, 90, 80, 70, 60, 50, 40, 30, 20)  # of JPEG, least wear first


def worn_like(face: np.ndarray, plate: np.ndarray, at: tuple[int, int], strength: float) -> np.ndarray:
    """face and plate (h, w, 3) float32 RGB 0..1 whose first pixel lies at (x, y) of the frame -> the face, `strength`
    (0..1) of the way to as few frequencies as the plate's; as it is where it is worn as much, or too small to tell."""
    own, wanted = gone(face, at), gone(plate, at)
    if not wanted > own:
        return face
    aim = own + strength * (wanted - own)
    tried = face
    for quality in _QUALITIES:
        before, tried = tried, compressed(face, at, quality)
        if gone(tried, at) >= aim:
            # the last step but one where that comes nearer
            return min((before, tried), key=lambda each: abs(gone(each, at) - aim))
    return tried


def gone(picture: np.ndarray, at: tuple[int, int]) -> float:
    """Share 0..1 of the frequencies of whole blocks of a picture (h, w, 3) 0..1 that are next to nothing; NaN if there
    is no whole block."""
    x, y = (-each % _BLOCK for each in at)
    rows, columns = (side // _BLOCK for side in picture[y:, x:].shape[:2])
    if not rows or not columns:
        return float("nan")
    luma = 255 * cv2.cvtColor(picture[y:, x:], cv2.COLOR_RGB2GRAY)
    blocks = luma[: rows * _BLOCK, : columns * _BLOCK].reshape(rows, _BLOCK, columns, _BLOCK)
    waves = _waves()
    found = np.einsum("ik,rkcl,jl->rcij", waves, blocks, waves, optimize=True)
    return float((np.abs(found).reshape(-1, _BLOCK**2)[:, 1:] < _NOTHING).mean())


def compressed(face: np.ndarray, at: tuple[int, int], quality: int) -> np.ndarray:
    """face (h, w, 3) float32 0..1 through JPEG of a quality 1..100, on blocks that lie where the frame's lie."""
    x, y = (each % _UNIT for each in at)
    h, w = face.shape[:2]
    framed = cv2.copyMakeBorder(face, y, -(y + h) % _UNIT, x, -(x + w) % _UNIT, cv2.BORDER_REPLICATE)
    return jpeg(framed, quality)[y : y + h, x : x + w]


def _waves() -> np.ndarray:
    """(8, 8): the rows of the orthonormal DCT."""
    along = (np.arange(_BLOCK) + 0.5) * np.pi / _BLOCK
    waves = np.cos(np.arange(_BLOCK)[:, None] * along) * np.sqrt(2 / _BLOCK)
    waves[0] /= np.sqrt(2)
    return waves.astype(np.float32)
