"""An actor before a camera: a person on a body in a scene, drawn frame by frame with the exact truth.

What never changes is prepared once (Actor); a frame is a pure function of the actor and of what it does at that moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from ..faces.pose import rotation_of
from .body import EYE, FACE, FLIP, GUMS, HAIR, IRIS, PIVOT, TEETH, Body
from .eyes import IRIS_RADIUS, ball, gaze_rotation, iris_colours, iris_points
from .layer import Layer
from .person import Person
from .raster import raster, shadow_depth, vertex_normals
from .scene import Scene, camera_of, paint_background
from .shade import Light, Paint, Surface, shade
from .skin import paint_skin
from .sky import open_sky
from .strands import strand_texture

_FINER = 2  # the raster is this much finer than the frame: edges and strands are averaged down
_SHADOW = 320  # side of the key lamp's depth picture
_PUPIL = 0.36
_LIDS = (159, 145), (386, 374)  # upper and lower, of the person's right eye and the left one
_SEAM = 0.02  # cm left between closed lids
_REST_GAZE = -4.0  # degrees: eyes at rest look a little down, at a camera before the face
_THIN = 110.0  # cut (see layer.py) from which a triangle lets the light through


@dataclass(frozen=True, eq=False)
class Moment:
    """What a head does in one frame; see performance.Performance."""

    weights: np.ndarray  # (E,) float32 in the order of the body's expressions
    pose: tuple[float, float, float]  # degrees
    place: tuple[float, float, float]  # cm
    gaze: tuple[float, float]  # degrees
    extra: tuple[Layer, ...] = ()  # what is in front of the face in this frame: hand, microphone; world axes
    seed: int = 0  # of the sensor's noise


@dataclass(frozen=True, eq=False)
class Shot:
    """One frame and its truth."""

    pixels: np.ndarray  # (H, W, 3) uint8 RGB
    regions: np.ndarray  # (H, W) uint8, measures.truth.REGIONS
    landmarks: np.ndarray  # (478, 3) float32 frame pixels, z as types.py says
    visible: np.ndarray  # (478,) bool: inside the frame and nothing before it
    camera: np.ndarray  # (3, 4)


class Actor:
    """Somebody on a body, in a scene, at a frame size. Safe to be drawn from by several threads at once."""

    def __init__(
        self, person: Person, body: Body, scene: Scene, size: tuple[int, int], layers: Sequence[Layer] = ()
    ) -> None:
        """size: (width, height); layers: hair, clothes, glasses. See layer.py."""
        self.person, self.body, self.scene = person, body, scene
        self.camera = camera_of(scene, *size)
        self.rest = body.shape(person.identity)
        self.eyes = body.eye_centres(person.identity)
        self.skin, self.skin_extra, self.back, self.gums = paint_skin(person, body)
        rng = np.random.default_rng([person.seed, 0xE1E])
        self.iris = iris_colours(np.array(person.eye_colour), rng)
        self.strands = strand_texture(person.wardrobe)
        self.background = paint_background(scene, *size)
        self._assemble(layers)
        self._closing = self._lid_strength()
        self._rest_weights = np.zeros(len(body.expressions), np.float32)
        for k, name in enumerate(body.expressions):
            both = name.removesuffix("_L").removesuffix("_R")
            self._rest_weights[k] = person.bearing.get(name, person.bearing.get(both, 0))
        self.sky = self._open_sky()

    def elsewhere(self, scene: Scene) -> Actor:
        """The same actor in another scene."""
        other = copy(self)
        other.scene, other.camera = scene, camera_of(scene, *self.camera.size)
        other.background = paint_background(scene, *self.camera.size)
        return other

    def _assemble(self, layers: Sequence[Layer]) -> None:
        """One mesh of body, eyeballs and layers."""
        body, (verts, tris) = self.body, ball(self.body.eye_radius)
        count = len(body.mean)
        parts = [_Part(body.triangles, body.material, count, body.uv, weld=body.weld)]
        parts += [_Part(tris, np.full(len(tris), EYE, np.uint8), len(verts))] * 2
        parts += [_Part.of(layer) for layer in layers]
        self._ball, self._layers, self._parts = verts, tuple(layers), parts
        self.mesh = _joined(parts, self.back, count)
        low, high = body.neck
        share = np.clip((self.rest[:, 1] - low) / (high - low), 0, 1)
        self._follow = (share * share * (3 - 2 * share)).astype(np.float32)[:, None]
        near = [np.flatnonzero(_near(self.rest, centre, body.eye_radius * 1.3)) for centre in self.eyes]
        face = np.isin(np.arange(count), body.triangles[body.material == FACE])
        self._lids = [index[face[index]] for index in near]

    def _open_sky(self) -> np.ndarray:
        """(V,) how much of the sky each place of the resting head sees."""
        still = Moment(np.zeros(len(self.body.expressions), np.float32), (0, 0, 0), (0, 0, 0), (0, 0))
        vertices = self.vertices(still)
        mesh = self.mesh
        sky = open_sky(vertices, vertex_normals(vertices, mesh.triangles, mesh.weld), mesh.casting)
        kinds = mesh.kinds
        inside = (kinds == GUMS) | (kinds == TEETH)
        front = vertices[inside, 2].max() if inside.any() else 0.0
        # closed lips would make the mouth black for good: light falls off with depth instead
        sky[inside] = 0.7 * np.clip(1 - (front - vertices[inside, 2]) / 5.0, 0.03, 1) ** 3
        sky[kinds == EYE] = 1.0  # shaded by the lids, which move
        return sky

    def _lid_strength(self) -> np.ndarray:
        """(E,) factors on the weights: how far somebody's own lids must come down until they meet."""
        strength = np.ones(len(self.body.expressions), np.float32)
        lids = self.body.landmarks(self.rest)
        for name, (upper, lower) in zip(("eyeBlink_R", "eyeBlink_L"), _LIDS, strict=True):
            if name in self.body.expressions:
                k = self.body.expressions.index(name)
                shut = self.body.landmarks(self.rest + self.body.expression[k])
                gap, left = (points[upper, 1] - points[lower, 1] for points in (lids, shut))
                strength[k] = np.clip((gap - _SEAM) / max(gap - left, 1e-3), 0.5, 1.8)
        return strength

    def face_vertices(self, moment: Moment) -> np.ndarray:
        """(V, 3) of the body with its expression, before the head turns."""
        body, weights = self.body, (self._rest_weights + (1 - self._rest_weights) * moment.weights) * self._closing
        shift = weights @ body.expression.reshape(len(weights), body.mean.size)
        vertices = self.rest + shift.reshape(-1, 3).astype(np.float32)
        for centre, lids in zip(self.eyes, self._lids, strict=True):
            # lids slide over the ball; added shapes alone would cut through it
            away = vertices[lids] - centre
            length = np.linalg.norm(away, axis=1, keepdims=True)
            least = body.eye_radius * 1.045
            front = (away[:, 2:] > 0.2 * body.eye_radius) & (length < least)
            vertices[lids] = np.where(front, centre + away * (least / np.maximum(length, 1e-6)), vertices[lids])
        return vertices

    def vertices(self, moment: Moment, head: np.ndarray | None = None) -> np.ndarray:
        """(V, 3) float32 of everything, in the world. head: face_vertices(moment), where they are at hand."""
        head = self.face_vertices(moment) if head is None else head
        turn = FLIP @ rotation_of(*moment.pose) @ FLIP
        place = np.asarray(moment.place, np.float32)
        gaze = gaze_rotation(moment.gaze[0], moment.gaze[1] + _REST_GAZE).astype(np.float32)
        balls = [self._ball @ gaze.T + centre.astype(np.float32) for centre in self.eyes]
        moved = [_turned(head, turn, place, self._follow)]
        moved += [_turned(ball_, turn, place, 1.0) for ball_ in balls]
        moved += [_turned(layer.vertices, turn, place, layer.follow[:, None]) for layer in self._layers]
        return np.concatenate(moved).astype(np.float32)

    def landmarks(self, moment: Moment, head: np.ndarray | None = None) -> np.ndarray:
        """(478, 3) cm in the world. head: see vertices."""
        turn = FLIP @ rotation_of(*moment.pose) @ FLIP
        head = self.face_vertices(moment) if head is None else head
        points = self.body.landmarks(head)
        gaze = gaze_rotation(moment.gaze[0], moment.gaze[1] + _REST_GAZE)
        for k, centre in enumerate(self.eyes):
            points[IRIS.start + 5 * k : IRIS.start + 5 * k + 5] = iris_points(centre, gaze, self.body.eye_radius)
        return _turned(points, turn, np.asarray(moment.place), 1.0)

    def shoot(self, moment: Moment, sweep: tuple[float, float] = (0.0, 0.0)) -> Shot:
        """Draw one frame. sweep: how far the head moves in the picture from frame to frame, pixels: motion blur."""
        mesh, head = self.mesh, self.face_vertices(moment)
        vertices = self.vertices(moment, head)
        sky = self.sky
        if moment.extra:
            mesh = _joined([*self._parts, *(_Part.of(layer) for layer in moment.extra)], self.back, len(self.rest))
            vertices = np.concatenate([vertices, *(layer.vertices for layer in moment.extra)]).astype(np.float32)
            sky = np.concatenate([sky, np.ones(len(vertices) - len(sky), np.float32)])
        width, height = self.camera.size
        fine = self.camera.larger(_FINER)
        points = fine.project(vertices).astype(np.float32)
        nearness, seen, weights = raster(
            points, mesh.triangles, mesh.two_sided, (mesh.cuts, self.strands), height * _FINER, width * _FINER
        )
        picture = np.zeros((*seen.shape, 3), np.float32)
        region = np.zeros(seen.shape, np.uint8)
        depth, view = self._lamp(vertices, mesh.casting)
        surface = Surface(
            mesh.triangles, mesh.material, vertices, vertex_normals(vertices, mesh.triangles, mesh.weld), mesh.uv,
            mesh.colour, self._tangents(mesh, moment), sky,
        )  # fmt: skip
        paint = Paint(self.skin, self.skin_extra, self.gums, self.iris, self.strands, self._eye_table(moment, head))
        light = Light(self._lamps(), depth, view, np.array(self.camera.place, np.float32))
        shade(seen, weights, surface, paint, light, picture, region)
        pixels = _develop(picture, seen, self.background, self.scene, moment.seed, sweep)
        landmarks, visible = self._truth(moment, head, nearness)
        return Shot(pixels, region[1::_FINER, 1::_FINER].copy(), landmarks, visible, self.camera.matrix())

    def _lamp(self, vertices: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The key lamp's depth picture and its view (see shade)."""
        view = lamp_view(np.array(self.scene.key), _SHADOW)
        depth = np.full((_SHADOW, _SHADOW), -1e9, np.float32)
        shadow_depth((vertices @ view[:3, :3].T + view[:3, 3]).astype(np.float32), triangles, depth)
        view[3, :2] = 0.6 + 3.0 * self.scene.softness, 0.35
        return depth, view.astype(np.float32)

    def _lamps(self) -> np.ndarray:
        s = self.scene
        rows = [(*s.key, *s.key_colour), (*s.fill, *s.fill_colour), (*s.rim, *s.rim_colour), (*s.sky, *s.ground)]
        return np.array(rows, np.float32)

    def _tangents(self, mesh: _Mesh, moment: Moment) -> np.ndarray:
        turn = (FLIP @ rotation_of(*moment.pose) @ FLIP).astype(np.float32)
        return mesh.tangent @ turn.T

    def _eye_table(self, moment: Moment, head: np.ndarray) -> np.ndarray:
        """See shade: (2, 20)."""
        turn = FLIP @ rotation_of(*moment.pose) @ FLIP
        gaze = turn @ gaze_rotation(moment.gaze[0], moment.gaze[1] + _REST_GAZE)
        up = turn @ [0.0, 1.0, 0.0]
        points = self.body.landmarks(head)
        rows = []
        for centre, (upper, lower) in zip(self.eyes, _LIDS, strict=True):
            place = _turned(centre[None], turn, np.asarray(moment.place), 1.0)[0]
            lids = points[lower, 1] - centre[1], points[upper, 1] - centre[1]
            rows.append([*place, *gaze.T.ravel(), self.body.eye_radius, IRIS_RADIUS, _PUPIL, *up, *lids])
        return np.array(rows, np.float32)

    def _truth(self, moment: Moment, head: np.ndarray, nearness: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The 478 points in frame pixels, and which of them are seen."""
        points = self.camera.project(self.landmarks(moment, head))
        depth = 1 / points[:, 2]
        middle = depth.mean()
        width, height = self.camera.size
        x, y = np.rint(points[:, 0]).astype(int), np.rint(points[:, 1]).astype(int)
        inside = (x >= 0) & (y >= 0) & (x < width) & (y < height)
        front = nearness[np.clip(y, 0, height - 1) * _FINER, np.clip(x, 0, width - 1) * _FINER]
        # seen if it lies on the nearest surface, give or take that surface's slope within a pixel
        visible = inside & ((front <= 0) | (depth < 1 / np.maximum(front, 1e-6) + 0.45))
        pixels = np.stack([points[:, 0], points[:, 1], (depth - middle) * self.camera.focal / middle], 1)
        return pixels.astype(np.float32), visible


def lamp_view(direction: np.ndarray, size: int, reach: float = 19.0) -> np.ndarray:
    """(4, 4): world -> pixels of a lamp's picture from `direction`, and nearness (cm along it). reach: cm it covers."""
    ahead = direction / np.linalg.norm(direction)
    right = np.cross([0.0, 1.0, 0.0], ahead)
    right /= np.linalg.norm(right) + 1e-9
    up = np.cross(ahead, right)
    scale = size / (2 * reach)
    view = np.zeros((4, 4))
    view[0, :3], view[1, :3], view[2, :3] = right * scale, -up * scale, ahead
    view[:2, 3] = size / 2 - view[:2, :3] @ [0.0, -1.0, 2.0]
    return view


@dataclass(frozen=True, eq=False)
class _Part:
    triangles: np.ndarray
    material: np.ndarray
    count: int
    uv: np.ndarray | None = None
    colour: np.ndarray | None = None
    tangent: np.ndarray | None = None
    cut: np.ndarray | None = None
    weld: np.ndarray | None = None

    @classmethod
    def of(cls, layer: Layer) -> _Part:
        material = np.full(len(layer.triangles), layer.material, np.uint8)
        return cls(layer.triangles, material, len(layer.vertices), layer.uv, layer.colour, layer.tangent, layer.cut)


@dataclass(frozen=True, eq=False)
class _Mesh:
    triangles: np.ndarray
    material: np.ndarray
    two_sided: np.ndarray
    kinds: np.ndarray  # (V,) material of each vertex
    uv: np.ndarray
    colour: np.ndarray
    tangent: np.ndarray
    cuts: np.ndarray
    weld: np.ndarray

    @cached_property
    def casting(self) -> np.ndarray:
        """(C, 3) the triangles that throw shadows: not those that are mostly holes."""
        return self.triangles[self.cuts[self.triangles, 2].max(1) < _THIN]


def _joined(parts: Sequence[_Part], back: np.ndarray, body_vertices: int) -> _Mesh:
    """Meshes, one after the other, in one."""
    starts = np.cumsum([0, *(part.count for part in parts)])
    total = int(starts[-1])
    triangles = np.concatenate([part.triangles + start for part, start in zip(parts, starts, strict=False)])
    material = np.concatenate([part.material for part in parts])
    kinds = np.zeros(total, np.uint8)
    kinds[triangles.ravel()] = np.repeat(material, 3)
    mesh = _Mesh(
        triangles.astype(np.int32), material, (material >= HAIR).astype(np.uint8), kinds,
        np.zeros((total, 2), np.float32), np.zeros((total, 3), np.float32), np.zeros((total, 3), np.float32),
        np.zeros((total, 3), np.float32), np.arange(total, dtype=np.int32),
    )  # fmt: skip
    mesh.colour[:body_vertices] = back
    for part, start in zip(parts, starts, strict=False):
        here = slice(start, start + part.count)
        for name in ("uv", "colour", "tangent"):
            if getattr(part, name) is not None:
                getattr(mesh, name)[here] = getattr(part, name)
        if part.cut is not None:
            mesh.cuts[here, :2], mesh.cuts[here, 2] = part.uv, part.cut
        if part.weld is not None:
            mesh.weld[here] = part.weld + start
    return mesh


def _turned(points: np.ndarray, turn: np.ndarray, place: np.ndarray, follow) -> np.ndarray:
    """Points (N, 3) with the head's turn about the neck, as far as they follow it."""
    there = (points - PIVOT) @ turn.T.astype(np.float32) + PIVOT + place
    return points + follow * (there - points)


def _near(points: np.ndarray, centre: np.ndarray, radius: float) -> np.ndarray:
    return ((points - centre) ** 2).sum(1) < radius * radius


def _develop(picture, seen, background, scene: Scene, seed: int, sweep) -> np.ndarray:
    """Linear light on the fine raster -> (H, W, 3) uint8: averaged down, laid over the background, through the lens."""
    height, width = background.shape[:2]
    cover = cv2.resize((seen >= 0).astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    light = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    length = scene.shutter * float(np.hypot(*sweep))
    if length > 0.5:
        kernel = _streak(length, np.arctan2(sweep[1], sweep[0]))
        light, cover = cv2.filter2D(light, -1, kernel), cv2.filter2D(cover, -1, kernel)
    light += background * (1 - cover)[..., None]
    light *= scene.exposure
    blur = scene.blur * height / 512
    if blur > 0.15:
        light = cv2.GaussianBlur(light, (0, 0), blur)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    light *= (1 - 0.12 * (x * x + y * y))[..., None].astype(np.float32)
    coded = _CURVE[np.clip(light * (len(_CURVE) / _BRIGHTEST), 0, len(_CURVE) - 1).astype(np.int32)]
    rng = np.random.default_rng([scene.seed, seed, 0x401])
    noise = rng.standard_normal((height, width, 3), np.float32)
    coded = coded + noise * (scene.noise * (0.5 + 1.2 * np.sqrt(coded / 255)))
    return np.clip(coded + 0.5, 0, 255).astype(np.uint8)


def _streak(length: float, angle: float) -> np.ndarray:
    """A line of `length` pixels as a kernel of sum 1."""
    half = int(np.ceil(length / 2))
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    for at in np.linspace(-length / 2, length / 2, 8 * half + 1):
        x, y = half + at * np.cos(angle), half + at * np.sin(angle)
        j, i = int(x), int(y)
        for dy, wy in ((0, 1 - (y - i)), (1, y - i)):
            for dx, wx in ((0, 1 - (x - j)), (1, x - j)):
                if i + dy <= 2 * half and j + dx <= 2 * half:
                    kernel[i + dy, j + dx] += wx * wy
    return kernel / kernel.sum()


def _film_curve() -> np.ndarray:
    """Linear 0.._BRIGHTEST -> 0..255: Reinhard's curve with a white point (2002, eq. 4), then sRGB's."""
    light = np.linspace(0, _BRIGHTEST, 16384)
    light = light * (1 + light / 2.2**2) / (1 + light)
    light = np.clip(light * 1.25, 0, 1)
    return (255 * np.where(light < 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)).astype(np.float32)


_BRIGHTEST = 4.0
_CURVE = _film_curve()
