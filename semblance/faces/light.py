"""The light on a face, told from two textures in mesh space: a smooth change that takes one's shading to the other's.

Lightness is multiplied, tint is shifted (CIELAB), each by a polynomial of the place: constant, slopes and bends, what
diffuse light from anywhere can do to a round thing (Ramamoorthi and Hanrahan 2001). It is fitted so that brows, beards
and lips, which differ between two people, lose their weight (iterated reweighted least squares, Cauchy's weights).
What is left at the edge, where the two skins meet, is spread inwards by a membrane (Perez, Gangnet, Blake 2003).
What is brighter than the skin around it approaches white instead of passing it: a gain between two skins is none
between two people's teeth.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numba import njit

from .wrap import texels

_GRID = 32  # light is smooth: fitted on this side
OFFSET = 16.0  # L + 16 grows as the cube root of light: a gain of it is a gain of light
_SHINE = 0.15  # what is so much lighter, as a logarithm, is still skin
_WHITE, _BRIGHTEST = np.float32(100 + OFFSET), np.float32(95 + OFFSET)  # and the skin that leaves room up to it
_TINT = 40.0  # steps of a and b that weigh as much as an e-fold of lightness
_HAIR = 0.3  # what is so much further off at the edge is hair or a shadow's line, which the face is not to take on
_ROUNDS = 6
_SPREAD = 0.12  # differences beyond this count as another skin, not another light
_SLOPES = [0, 1, 4]  # of _terms: constant, down, across
_UNKNOWN = 0.5  # what a place counts where nothing is known of the light
_LIMIT = np.log(3.0)
_MEMBRANE = 16  # side of the membrane's grid
_STIFF = 0.05  # how unwilling it is to follow the edge where the edge is hardly trusted
_FADES = 0.004  # pull to nothing: away from the edge it fades over sqrt(_STIFF / _FADES) = 3.5 of its cells
_RELIT = 64  # side of the picture on which the change is made
_BLACK = np.float32(0.02)  # nothing divides by black
_SWEEPS, _OVER = 60, 1.6
_UNTINTED = 25.0  # lightness under which a tint fades: pupils and the mouth's depth have none


@dataclass(frozen=True, slots=True, eq=False)
class Light:
    """change (_GRID, _GRID, 3) float32: logarithm of the lightness' gain, shifts of a and b over _TINT; skin (_GRID,
    _GRID) float32: up to how light the skin is that it is meant for, L + OFFSET."""

    change: np.ndarray
    skin: np.ndarray


def light_between(own: np.ndarray, wanted: np.ndarray, weight: np.ndarray, edge: np.ndarray) -> Light:
    """Textures (S, S, 3) float32 RGB 0..1 and weights (S, S) (what is well seen of both; where they will meet) -> the
    change that takes `own` to the light of `wanted`; none where too little is seen."""
    one, other, trust, edge = (
        cv2.resize(each, (_GRID, _GRID), interpolation=cv2.INTER_AREA) for each in (own, wanted, weight, edge)
    )
    one, other = cv2.cvtColor(one, cv2.COLOR_RGB2Lab), cv2.cvtColor(other, cv2.COLOR_RGB2Lab)
    change = (other - one) / np.float32(_TINT)
    change[..., 0] = np.log((other[..., 0] + OFFSET) / (one[..., 0] + OFFSET))
    change = change.reshape(-1, 3).astype(np.float64)
    inside = texels(_GRID).inside.reshape(-1).astype(np.float64)
    trust = trust.reshape(-1) * inside
    if trust.sum() < 8:
        return Light(np.zeros((_GRID, _GRID, 3), np.float32), np.full((_GRID, _GRID), _WHITE, np.float32))
    # where nothing is known, bends run wild: there a little weight keeps them to what a slope alone says
    slopes, unknown = _fit(_slopes(_GRID), change, trust), _UNKNOWN * np.clip(inside - trust, 0, 1)
    fitted = _fit(_terms(_GRID), change, trust, slopes, unknown)
    left = (change - fitted).reshape(_GRID, _GRID, 3)
    left = _membrane(left, edge / (1 + (np.abs(left).max(2) / _HAIR) ** 2))
    change = (fitted.reshape(_GRID, _GRID, 3) + left).clip(-_LIMIT, _LIMIT).astype(np.float32)
    own_skin = _fit(_slopes(_GRID), np.log(one[..., :1] + OFFSET).reshape(-1, 1).astype(np.float64), trust)
    return Light(change, np.exp(own_skin + _SHINE).reshape(_GRID, _GRID).astype(np.float32))


def _fit(
    terms: np.ndarray,
    change: np.ndarray,
    trust: np.ndarray,
    usual: np.ndarray | None = None,
    unknown: np.ndarray | None = None,
) -> np.ndarray:
    """The terms (N, K) that come nearest to the change (N, C) where it is trusted (N,), and to what is usual (N, C)
    where it is not known (N,): their sum (N, C)."""
    weights, held, pull = trust, 1e-3 * np.eye(terms.shape[1]), 0.0
    if unknown is not None:
        normal, pull = _normal(terms, usual, unknown)
        held = held + normal
    for _ in range(_ROUNDS):
        normal, wanted = _normal(terms, change, weights)
        fitted, weights = _fitted(terms, np.linalg.solve(normal + held, wanted + pull), change, trust)
    return fitted


@njit(cache=True, nogil=True, fastmath=True)
def _normal(terms, change, weights):
    """Terms (N, K), change (N, C), weights (N,) -> the two sides of the normal equations, (K, K) and (K, C). In loops:
    for products this small BLAS only wakes threads that the decoder and the nets need."""
    count, channels = terms.shape[1], change.shape[1]
    normal, wanted = np.zeros((count, count)), np.zeros((count, channels))
    for n in range(len(terms)):
        if weights[n] == 0:
            continue
        for i in range(count):
            share = weights[n] * terms[n, i]
            for j in range(count):
                normal[i, j] += share * terms[n, j]
            for c in range(channels):
                wanted[i, c] += share * change[n, c]
    return normal, wanted


@njit(cache=True, nogil=True, fastmath=True)
def _fitted(terms, found, change, trust):
    """Terms (N, K) times found (K, C): (N, C); and what each place weighs (N,) when it is so far off the change."""
    count, channels = terms.shape[1], change.shape[1]
    fitted, weights = np.zeros(change.shape), np.empty(len(terms))
    for n in range(len(terms)):
        off = 0.0
        for c in range(channels):
            for i in range(count):
                fitted[n, c] += terms[n, i] * found[i, c]
            off = max(off, abs(change[n, c] - fitted[n, c]))
        weights[n] = trust[n] / (1 + (off / _SPREAD) ** 2)
    return fitted, weights


def _membrane(left: np.ndarray, edge: np.ndarray) -> np.ndarray:
    """The smoothest field (_GRID, _GRID, 3) that follows `left` where `edge` (_GRID, _GRID) has weight."""
    side = (_MEMBRANE, _MEMBRANE)
    weight = cv2.resize(edge.astype(np.float64), side, interpolation=cv2.INTER_AREA)
    held = cv2.resize(left * edge[..., None], side, interpolation=cv2.INTER_AREA)
    spread = np.zeros_like(held)
    _relax(spread, held, weight + _FADES)
    return cv2.resize(spread, (_GRID, _GRID), interpolation=cv2.INTER_CUBIC)


@njit(cache=True, nogil=True)
def _relax(spread, held, weight):
    """Solve (weight - _STIFF Laplacian) spread = held in place, by Gauss and Seidel with over-relaxation."""
    height, width, channels = spread.shape
    for _ in range(_SWEEPS):
        for y in range(height):
            for x in range(width):
                neighbours = (y > 0) + (y < height - 1) + (x > 0) + (x < width - 1)
                for c in range(channels):
                    pull = held[y, x, c]
                    if y > 0:
                        pull += _STIFF * spread[y - 1, x, c]
                    if y < height - 1:
                        pull += _STIFF * spread[y + 1, x, c]
                    if x > 0:
                        pull += _STIFF * spread[y, x - 1, c]
                    if x < width - 1:
                        pull += _STIFF * spread[y, x + 1, c]
                    value = pull / (weight[y, x] + neighbours * _STIFF)
                    spread[y, x, c] += _OVER * (value - spread[y, x, c])


def relit(texture: np.ndarray, light: Light, strength: float = 1.0) -> np.ndarray:
    """A texture (S, S, 3) float32 RGB 0..1 under another light, clipped to 0..1; strength 0..1.

    The gain is worked out on a smaller picture: it is as smooth as skin, and Lab costs more than all the rest.
    """
    size, side = texture.shape[0], (_RELIT, _RELIT)
    small = cv2.resize(texture, side, interpolation=cv2.INTER_AREA)
    change = cv2.resize(light.change * np.float32(strength), side, interpolation=cv2.INTER_CUBIC)
    skin = cv2.resize(light.skin, side, interpolation=cv2.INTER_LINEAR)
    gain = (_in_lab(small, change, skin) + _BLACK) / (small + _BLACK)
    return np.clip(texture * cv2.resize(gain, (size, size), interpolation=cv2.INTER_LINEAR), 0, 1)


def _in_lab(picture: np.ndarray, change: np.ndarray, skin: np.ndarray) -> np.ndarray:
    """A picture (S, S, 3) RGB with the change (S, S, 3) of lightness and tint, meant for this skin (S, S)."""
    lab = cv2.cvtColor(picture, cv2.COLOR_RGB2Lab)
    own, gain = lab[..., 0] + np.float32(OFFSET), np.exp(change[..., 0])
    # straight up to the skin's lightness; from there on, as steep at first, a hyperbola that ends at white
    below = np.minimum(own, skin)
    top = _WHITE - np.minimum(skin * gain, _BRIGHTEST)
    share = (own - below) / np.maximum(_WHITE - skin, 1)
    steep = gain * (_WHITE - skin) / top
    under_white = steep * share / (1 + (steep - 1) * share)
    lab[..., 0] = np.clip(below * gain + top * under_white - np.float32(OFFSET), 0, 100)
    tinted = np.clip(lab[..., :1] / np.float32(_UNTINTED), 0, 1) * (1 - under_white[..., None])
    lab[..., 1:] += change[..., 1:] * np.float32(_TINT) * tinted
    return np.clip(cv2.cvtColor(lab, cv2.COLOR_Lab2RGB), 0, 1)  # out of gamut


@lru_cache(maxsize=2)
def _terms(size: int) -> np.ndarray:
    """(size * size, 10): all products of x and y up to the third degree, x and y -1..1."""
    axis = (np.arange(size) + 0.5) / size * 2 - 1
    x, y = (grid.ravel() for grid in np.meshgrid(axis, axis))
    return np.stack([x**i * y**j for i in range(4) for j in range(4 - i)], axis=1)


@lru_cache(maxsize=2)
def _slopes(size: int) -> np.ndarray:
    """(size * size, 3): of those, constant, down and across."""
    return np.ascontiguousarray(_terms(size)[:, _SLOPES])
