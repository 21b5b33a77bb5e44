"""Two performances side by side, frame by frame: keeps each frame's figures and a window of three small pictures.

Everything is measured where the plate's face is, and steadied by the plate's landmarks, in both clips alike: what the
landmark finder errs by from frame to frame does not count as flicker, nor as a seam.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from ..faces.align import crop_matrix, move, take_crop
from ..types import Face
from .background import background
from .edges import double_edges
from .expression import EXPRESSIVE, aligned, openings
from .fidelity import ms_ssim, psnr, ssim
from .flicker import restlessness
from .landmark_error import landmark_errors
from .regions import eye_distance, luma, regions
from .seam import seam
from .sharpness import relative_sharpness

PARTS = ("face", "jaw", "brows", "eyes", "nose", "mouth")
_STEADY = 128  # px: side of the crops in which flicker is looked for; the face is some 100 px wide
_PICTURE = (
    "sharpness",
    "seam",
    "seam, worst part",
    "edge step",
    "double edges",
    "background",
    "restless",
    "restless plate",
)
_SCALARS = (*_PICTURE, "brightness", "true PSNR", "true SSIM", "true MS-SSIM", "true eyes", *PARTS)
_SIDES = ("result", "plate")


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One frame and the one face in it that counts; None: not found."""

    pixels: np.ndarray  # (H, W, 3) uint8 RGB
    face: Face | None


@dataclass(frozen=True, slots=True, eq=False)
class TrueView:
    """The true frame, its landmarks (478, 3) px, and which of them can be seen (478,), None: all."""

    pixels: np.ndarray
    landmarks: np.ndarray
    visible: np.ndarray | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Steady:
    index: int
    result: np.ndarray  # (S, S) luma
    plate: np.ndarray
    mask: np.ndarray


class Comparison:
    """Takes the frames in order; what could not be had in a frame is NaN there. aspect: width / height of a pixel."""

    def __init__(self, aspect: float = 1.0) -> None:
        self.aspect = aspect
        self.frames: list[int] = []
        self._scalars: dict[str, list[float]] = {name: [] for name in _SCALARS}
        self._poses: dict[str, list] = {side: [] for side in _SIDES}
        self._openings: dict[str, list] = {side: [] for side in _SIDES}
        self._points: dict[str, list] = {side: [] for side in _SIDES}
        self._window: deque[_Steady] = deque(maxlen=3)

    def take(
        self,
        index: int,
        result: View | None,
        plate: View | None,
        true: TrueView | None = None,
        picture: bool = True,
        moving: bool = True,
    ) -> None:
        """The next frame; None: it could not be read; picture False: only what is measured over time; moving False:
        only what the frame tells by itself."""
        self.frames.append(index)
        for values in self._scalars.values():
            values.append(np.nan)
        for side, view in zip(_SIDES, (result, plate)):
            self._note_face(side, view.face if view else None)
        if result and plate and plate.face:
            if picture:
                self._note_picture(result.pixels, plate.pixels, plate.face)
            if moving:
                self._note_steady(index, result.pixels, plate.pixels, plate.face)
        if result and true:
            self._note_true(result, true)

    def series(self, name: str) -> np.ndarray:
        """(N,) one of the figures kept for each frame."""
        return np.array(self._scalars[name], np.float64)

    def poses(self, side: str) -> np.ndarray:
        """(N, 3) degrees of "result" or "plate"."""
        return np.array(self._poses[side], np.float64).reshape(-1, 3)

    def openings(self, side: str) -> np.ndarray:
        """(N, 2) mouth and eyes, in face heights."""
        return np.array(self._openings[side], np.float64).reshape(-1, 2)

    def points(self, side: str) -> np.ndarray:
        """(N, E, 2) aligned expressive points, in face heights."""
        return np.array(self._points[side], np.float32).reshape(-1, len(EXPRESSIVE), 2)

    def found(self, side: str) -> np.ndarray:
        """(N,) bool: a face was found."""
        return ~np.isnan(self.poses(side)[:, 0])

    def _note_face(self, side: str, face: Face | None) -> None:
        if face is None:
            self._poses[side].append([np.nan] * 3)
            self._openings[side].append([np.nan] * 2)
            self._points[side].append(np.full((len(EXPRESSIVE), 2), np.nan, np.float32))
            return
        square = face.landmarks[:, :2].astype(np.float64) * [self.aspect, 1.0]
        self._poses[side].append(face.pose)
        self._openings[side].append(openings(square))
        self._points[side].append(aligned(square).astype(np.float32))

    def _note_picture(self, result: np.ndarray, plate: np.ndarray, face: Face) -> None:
        """All that one frame tells by itself."""
        around = regions(face.landmarks, plate.shape[:2])
        if around is None:
            return
        new, old = around.cut(result), around.cut(plate)
        new_luma, old_luma = luma(new), luma(old)
        in_cut = face.landmarks[:, :2] - [around.left, around.top]
        median, worst, ratio = seam(new, old, around)
        self._set("sharpness", relative_sharpness(new_luma, old_luma, around.face, around.ring))
        self._set("seam", median)
        self._set("seam, worst part", worst)
        self._set("edge step", ratio)
        self._set("double edges", 100 * double_edges(new_luma, old_luma, in_cut, around.width))
        self._set("background", background(result, plate, around))

    def _note_steady(self, index: int, result: np.ndarray, plate: np.ndarray, face: Face) -> None:
        """What needs the frames before and after: told once the next one is there."""
        matrix = crop_matrix(face.landmarks, _STEADY, "face", self.aspect)
        points = move(face.landmarks[:, :2].astype(np.float64), matrix)
        mask = _inner(points)
        new, old = (luma(take_crop(pixels, matrix, _STEADY)) for pixels in (result, plate))
        if mask.any():
            self._set("brightness", float(new[mask].mean() - old[mask].mean()))
        self._window.append(_Steady(index, new, old, mask))
        if len(self._window) == 3 and self._window[0].index == index - 2:
            before, now, after = self._window
            for name, side in (("restless", "result"), ("restless plate", "plate")):
                pictures = (getattr(moment, side) for moment in (before, now, after))
                self._scalars[name][-2] = restlessness(*pictures, now.mask)

    def _note_true(self, result: View, true: TrueView) -> None:
        """The result against the truth."""
        around = regions(true.landmarks, true.pixels.shape[:2])
        if around is not None:
            new, wanted = around.cut(result.pixels), around.cut(true.pixels)
            new_luma, wanted_luma = luma(new), luma(wanted)
            self._set("true PSNR", psnr(new, wanted, around.hull))
            for name, measured in (("true SSIM", ssim), ("true MS-SSIM", ms_ssim)):
                self._set(name, measured(new_luma, wanted_luma, around.hull))
        if result.face is not None:
            self._set("true eyes", eye_distance(true.landmarks))
            for part, error in landmark_errors(result.face.landmarks, true.landmarks, true.visible).items():
                self._set(part, error)

    def _set(self, name: str, value: float) -> None:
        self._scalars[name][-1] = value


def _inner(points: np.ndarray) -> np.ndarray:
    """points (478, 2) in the steady crop -> (S, S) bool: the face without its edge."""
    surround = regions(points, (_STEADY, _STEADY))
    mask = np.zeros((_STEADY, _STEADY), bool)
    if surround is not None:
        surround.cut(mask)[:] = surround.face
    return mask
