"""Frames in order -> the faces of each, every face keeping its track number from frame to frame.

A tracked face is looked for where it was heading, in an upright square around it; the detector looks at the whole
frame now and then, and at once when a face is lost. A tracker knows only the frames it was given: a long job gives a
fresh one to each of its segments, so that a resumed job sees what an uninterrupted one saw.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..types import Face
from .detect import FaceDetector, overlap
from .landmarks import LandmarkFinder, Mesh, MeshFinder
from .pose import euler

ROOM = 1.9  # side of the square around a face, in face sizes: leaves half a face for motion on each side
_BOX_TO_FACE = 1.35  # the detector's box spans brows to chin; the mesh's also the forehead
_DETECT_EVERY = 10  # frames between looks at the whole frame while all faces are tracked
_ROLLS = 0.0, 180.0, 90.0, -90.0  # degrees
_TURN, _SAME = 12.0, 0.02  # degrees that a face is turned to see whether it is one; of its size it may move then
_THOROUGH_EVERY = 25  # frames between looks at parts of the frame while nothing at all is found


@dataclass(slots=True)
class _Track:
    number: int
    face: Face
    motion: np.ndarray  # pixels per frame


class FaceTracker:
    """Give it the frames of one stretch of a clip, in order, then close it. aspect: width / height of a frame pixel.

    detector, finder: used, but not closed, where given; made, and closed by `close`, where not.
    """

    def __init__(
        self,
        aspect: float = 1.0,
        max_faces: int = 8,
        detector: FaceDetector | None = None,
        finder: LandmarkFinder | None = None,
    ) -> None:
        self.aspect, self.max_faces = aspect, max_faces
        self.detector, self.finder = detector or FaceDetector(), finder or MeshFinder()
        self._own = [made for made, given in ((self.detector, detector), (self.finder, finder)) if given is None]
        self.restart()

    def restart(self) -> None:
        """Forget all faces and begin numbering anew; the next frame begins a new stretch."""
        self._next = 0
        self.cut()

    def cut(self) -> None:
        """Forget all faces; the next frame begins a new shot, whose tracks have numbers of their own."""
        self._tracks: list[_Track] = []
        self._seen = 0

    def close(self) -> None:
        """Give back the threads and memory of what this tracker made for itself; it takes no frame after that."""
        for made in self._own:
            made.close()

    def step(self, pixels: np.ndarray) -> list[Face]:
        """The faces of the next frame (H, W, 3) uint8 RGB, largest first."""
        before = len(self._tracks)
        self._tracks = _apart([track for track in self._tracks if self._follow(track, pixels)])
        lost, idle = len(self._tracks) < before, not self._tracks
        thorough = idle and self._seen % _THOROUGH_EVERY == 0
        if len(self._tracks) < self.max_faces and (lost or idle or self._seen % _DETECT_EVERY == 0):
            self._discover(pixels, thorough)
        self._seen += 1
        return sorted((track.face for track in self._tracks), key=lambda face: -face.size)

    def _follow(self, track: _Track, pixels: np.ndarray) -> bool:
        """Find the track's face in this frame; False: lost."""
        old = track.face
        centre = _centre(old) + track.motion
        mesh = self.finder.find(pixels, tuple(centre), old.size * ROOM, old.pose[2], self.aspect)
        if mesh is None:
            return False
        new = Face(mesh.landmarks, old.score, euler(mesh.landmarks, self.aspect), track.number)
        moved = _centre(new) - _centre(old)
        if not 0.6 < new.size / old.size < 1.7 or np.linalg.norm(moved) > 0.8 * old.size or not _visible(new, pixels):
            return False
        track.face, track.motion = new, moved
        return True

    def _mesh(self, pixels: np.ndarray, centre: tuple[float, float], side: float) -> Mesh | None:
        """The mesh of a face that may be rolled any way.

        On a head that stands on its head the finder sees a face the right way up that is not there. Turned a little it
        sees another one then, while a real face stays where it is: 0.4 % of its size, of false ones 5 % and more.
        """
        first = None
        for roll in _ROLLS:
            mesh = self.finder.find(pixels, centre, side, roll, self.aspect)
            again = mesh and self.finder.find(pixels, centre, side, roll + _TURN, self.aspect)
            if again:
                size = np.ptp(mesh.landmarks[:, :2], axis=0).max()
                apart = np.linalg.norm(mesh.landmarks[:, :2] - again.landmarks[:, :2], axis=1)
                if np.median(apart) < _SAME * size:
                    return mesh
            first = first or mesh
        return first

    def _discover(self, pixels: np.ndarray, thorough: bool) -> None:
        for box in self.detector.find(pixels, thorough):
            if len(self._tracks) >= self.max_faces:
                return
            if any(overlap(box, track.face.box) > 0.4 for track in self._tracks):
                continue
            mesh = self._mesh(pixels, box.centre, box.size * _BOX_TO_FACE * ROOM)
            if mesh is None:
                continue
            face = Face(mesh.landmarks, box.score, euler(mesh.landmarks, self.aspect), self._next)
            if _visible(face, pixels) and all(overlap(face.box, track.face.box) < 0.5 for track in self._tracks):
                self._tracks.append(_Track(self._next, face, np.zeros(2)))
                self._next += 1


def _centre(face: Face) -> np.ndarray:
    return face.landmarks[:, :2].mean(0).astype(np.float64)


def _visible(face: Face, pixels: np.ndarray) -> bool:
    """At least half of the mesh lies inside the frame and it is larger than a speck."""
    height, width = pixels.shape[:2]
    x, y = face.landmarks[:, 0], face.landmarks[:, 1]
    return face.size >= 8 and float(((x >= 0) & (x < width) & (y >= 0) & (y < height)).mean()) >= 0.5


def _apart(tracks: list[_Track]) -> list[_Track]:
    """Two tracks that came to lie on one face: the older stays."""
    kept: list[_Track] = []
    for track in sorted(tracks, key=lambda track: track.number):
        if all(overlap(track.face.box, other.face.box) < 0.6 for other in kept):
            kept.append(track)
    return kept
