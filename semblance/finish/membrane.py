"""The smoothest field that keeps to given values where it is held: the equation behind Poisson image editing.

Of all fields m it finds the one with the least

    sum over neighbours p, q of (m_p - m_q - s_pq)^2  +  sum over pixels p of weight_p (m_p - wanted_p)^2

(Perez, Gangnet, Blake, Poisson Image Editing, 2003; weights as in Bhat, Curless, Cohen, Zitnick, Fourier Analysis of
the 2D Screened Poisson Equation, 2008). An infinite weight holds a pixel exactly; s is zero for a plain membrane.
Solved by multigrid (Brandt 1977): a start from the coarsest grid up, then V cycles; each step on a grid is a weighted
Jacobi step, two together a Chebyshev polynomial, so that whole rows are worked on at once. One thread, no lock held.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numba import njit

_jit = njit(cache=True, nogil=True, fastmath=True, boundscheck=False)
# written into their caller: a call would count references of every array it is given, for each pixel
_inline = njit(nogil=True, fastmath=True, boundscheck=False, inline="always")
# Chebyshev's steps of degree 2 over the upper three quarters, 0.5 .. 2, of the eigenvalues of Jacobi's iteration:
# 1 / (1.25 -+ 0.75 cos 45 degrees). The rough three quarters of a field fall to 0.22 with each pair
_STEPS = (np.float32(1.389), np.float32(0.562))
_MOST_CYCLES = 20  # eight do on faces; many thin lines take longer
_COARSEST = 4  # cells a side; solved directly
_NO_VALUE = 1e-6
_STRIP, _STRIP_CELLS = 2, 1000  # narrower than that a grid gets coarser along one side only, which is another equation
_MAJORITY = 2  # of four cells: so many held ones hold the coarser cell, fewer pull at it, each by _SPRING
_SPRING = np.float32(4)
_NO_WEIGHT = 1e-5  # beside four neighbours less is lost in a float32


@dataclass(frozen=True, slots=True, eq=False)
class _Grid:
    """One grid of the pyramid with a ring of zeros around it: diagonal (h + 2, w + 2) of the equations, and its
    inverse, 0 where the field is held; two fields (c, h + 2, w + 2) to work in and the right side of the equations."""

    diagonal: np.ndarray
    inverse: np.ndarray
    field: np.ndarray
    other: np.ndarray
    right: np.ndarray


def membrane(wanted: np.ndarray, weight: np.ndarray, pull: np.ndarray | None = None, close: float = 1e-4) -> np.ndarray:
    """wanted (h, w, c) float32, weight (h, w) >= 0 or infinite -> the field (h, w, c) float32, zero without any weight.

    pull (h, w, c): for each pixel the sum of s_pq over its neighbours q, None for none. Beyond the border nothing
    pulls. Agrees with a direct solution within `close` times the largest value: what is left after a cycle is two
    thirds, at most, of what that one brought.
    """
    held = np.isinf(weight)
    finite = np.where(held, 0, weight).astype(np.float32)
    if not held.any() and finite.max() < _NO_WEIGHT:
        return np.zeros(wanted.shape, np.float32)
    values = np.stack(cv2.split(wanted))
    right = values * finite
    if pull is not None:
        right += np.where(held, 0, np.stack(cv2.split(pull)))
    grids = _pyramid(*map(_ringed, (finite[None], held[None], np.where(held, values, 0), right)))
    coarsest = _inverted(grids[-1])
    _start(grids, coarsest)
    close *= max(float(np.abs(values * (weight > 0)).max()), _NO_VALUE)
    for _ in range(_MOST_CYCLES):
        if _cycle(grids, coarsest) < close:
            break
    return cv2.merge(list(grids[0].field[:, 1:-1, 1:-1]))


def _ringed(planes: np.ndarray) -> np.ndarray:
    """(c, h, w) -> (c, h + 2, w + 2) with zeros around."""
    count, height, width = planes.shape
    ringed = np.zeros((count, height + 2, width + 2), np.float32)
    ringed[:, 1:-1, 1:-1] = planes
    return ringed


def _pyramid(weight: np.ndarray, held: np.ndarray, values: np.ndarray, right: np.ndarray) -> list[_Grid]:
    """Grids from the finest to one that is solved directly. Ringed: weight and held (1, h, w), values (c, h, w) where
    the field is held, else 0, right (c, h, w)."""
    grids = []
    while True:
        _, height, width = right.shape
        diagonal = np.zeros((height, width), np.float32)
        diagonal[1:-1, 1:-1] = 4
        for border in (diagonal[1], diagonal[-2], diagonal[:, 1], diagonal[:, -2]):
            border[1:-1] -= 1
        diagonal += weight[0]
        inverse = np.zeros_like(diagonal)
        np.divide(1, diagonal, out=inverse, where=(diagonal > 0) & (held[0] == 0))
        grids.append(_Grid(diagonal, inverse, values, values.copy(), right))
        if max(height, width) - 2 <= _COARSEST or (min(height, width) - 2 <= _STRIP and diagonal.size <= _STRIP_CELLS):
            return grids
        weight, count, values, right = map(_summed, (weight, held, values, right))
        held = (count >= _MAJORITY).astype(np.float32)
        weight = np.where(held, 0, weight + _SPRING * count)
        right = np.where(held, 0, right + _SPRING * values)
        values = np.where(held, values / np.maximum(count, 1), 0)


def _summed(fine: np.ndarray) -> np.ndarray:
    """Sums over fours of cells: ringed (c, h + 2, w + 2) -> ringed, halves of h and w rounded up."""
    channels, height, width = fine.shape
    coarse = np.zeros((channels, (height - 1) // 2 + 2, (width - 1) // 2 + 2), np.float32)
    _sum_fours(fine, coarse)
    return coarse


def _inverted(grid: _Grid) -> np.ndarray:
    """The inverse (n, n) of the equations of a grid of n cells; its right side at a held cell is that cell's value."""
    height, width = (side - 2 for side in grid.diagonal.shape)
    number = np.arange(height * width).reshape(height, width)
    equations = np.diag(grid.diagonal[1:-1, 1:-1].ravel().astype(np.float64))
    for one, other in ((number[1:], number[:-1]), (number[:, 1:], number[:, :-1])):
        equations[one, other] = equations[other, one] = -1
    held = grid.inverse[1:-1, 1:-1].ravel() == 0
    equations[held] = np.eye(len(equations))[held]
    return np.linalg.inv(equations)


def _solve(grid: _Grid, inverted: np.ndarray) -> None:
    """The coarsest grid's field, at once; held cells keep theirs."""
    inner = np.s_[:, 1:-1, 1:-1]
    held = grid.inverse[1:-1, 1:-1] == 0
    right = np.where(held, grid.field[inner], grid.right[inner])
    # einsum: see light.py, BLAS would only wake threads
    grid.field[inner] = np.einsum("nm,cm->cn", inverted, right.reshape(len(right), -1)).reshape(right.shape)


def _start(grids: list[_Grid], coarsest: np.ndarray) -> None:
    """Fill the fields, each from the next coarser one."""
    _solve(grids[-1], coarsest)
    for fine, coarse in zip(grids[-2::-1], grids[:0:-1]):
        _add_finer(coarse.field, fine.field, fine.inverse)
        _smooth(fine)


def _cycle(grids: list[_Grid], coarsest: np.ndarray) -> float:
    """One V cycle; the largest change that the coarser grids brought. Leaves the coarser fields as they fall."""
    if len(grids) == 1:
        _solve(grids[0], coarsest)
        return 0.0
    for fine, coarse in pairwise(grids):
        _smooth(fine)
        _sum_left_over(fine.field, fine.right, fine.inverse, fine.diagonal, coarse.right)
        coarse.field.fill(0)
        coarse.other.fill(0)
    _solve(grids[-1], coarsest)
    for fine, coarse in zip(grids[-2::-1], grids[:0:-1]):
        _add_finer(coarse.field, fine.field, fine.inverse)
        _smooth(fine)
    return float(np.abs(grids[1].field).max())


def _smooth(grid: _Grid) -> None:
    """Two steps: there to `other`, and back."""
    first, second = _STEPS
    _step(grid.field, grid.other, grid.right, grid.inverse, grid.diagonal, first)
    _step(grid.other, grid.field, grid.right, grid.inverse, grid.diagonal, second)


@_inline
def _lacks(field, right, diagonal, c, y, x):
    """By how much the equation of a cell is not met."""
    around = field[c, y - 1, x] + field[c, y + 1, x] + field[c, y, x - 1] + field[c, y, x + 1]
    return around + right[c, y, x] - diagonal[y, x] * field[c, y, x]


@_jit
def _step(field, out, right, inverse, diagonal, step):
    channels, height, width = field.shape
    for c in range(channels):
        for y in range(1, height - 1):
            for x in range(1, width - 1):
                out[c, y, x] = field[c, y, x] + step * inverse[y, x] * _lacks(field, right, diagonal, c, y, x)


@_jit
def _sum_left_over(field, right, inverse, diagonal, coarse):
    """What the equations still lack, summed over fours of cells."""
    channels, height, width = field.shape
    coarse[:] = 0
    row = np.zeros(width + 1, np.float32)
    for c in range(channels):
        for y in range(1, height - 1):
            for x in range(1, width - 1):
                row[x] = _lacks(field, right, diagonal, c, y, x) if inverse[y, x] > 0 else np.float32(0)
            for x in range(1, coarse.shape[2] - 1):
                coarse[c, (y + 1) // 2, x] += row[2 * x - 1] + row[2 * x]


@_jit
def _sum_fours(fine, coarse):
    channels, height, width = fine.shape
    for c in range(channels):
        for y in range(1, height - 1):
            for x in range(1, width - 1):
                coarse[c, (y + 1) // 2, (x + 1) // 2] += fine[c, y, x]


@_jit
def _add_finer(coarse, fine, inverse):
    """Add a coarse field, interpolated between its cells' centres, to a finer one where that is not held."""
    channels, height, width = fine.shape
    rows, columns = coarse.shape[1] - 2, coarse.shape[2] - 2
    near, far = np.float32(0.75), np.float32(0.25)
    row = np.zeros(columns + 2, np.float32)
    for c in range(channels):
        for y in range(1, height - 1):
            own = (y + 1) // 2
            next_to = min(max(own - 1 if y % 2 else own + 1, 1), rows)
            for x in range(1, columns + 1):
                row[x] = near * coarse[c, own, x] + far * coarse[c, next_to, x]
            row[0], row[columns + 1] = row[1], row[columns]
            for x in range(1, width - 1, 2):
                if inverse[y, x] > 0:
                    fine[c, y, x] += near * row[(x + 1) // 2] + far * row[(x + 1) // 2 - 1]
            for x in range(2, width - 1, 2):
                if inverse[y, x] > 0:
                    fine[c, y, x] += near * row[x // 2] + far * row[x // 2 + 1]
