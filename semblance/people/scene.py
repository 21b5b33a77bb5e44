"""Where somebody is filmed, from a seed: lamps, camera, what stands behind, and what lens and sensor do."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import cv2
import numpy as np

_FACE_LIGHT = 0.26  # linear light that a camera gives to a face
HEAD_CENTRE = (0.0, -0.5, 4.0)  # cm: what the camera looks at, between the eyes' and the mouth's height


@dataclass(frozen=True, eq=False)
class Scene:
    """Directions point from the head towards the lamp (x right, y up, z to the camera); colours are linear RGB."""

    seed: int
    key: tuple[float, float, float]
    key_colour: tuple[float, float, float]
    softness: float  # 0 a bare bulb, 1 a window
    fill: tuple[float, float, float]
    fill_colour: tuple[float, float, float]
    rim: tuple[float, float, float]
    rim_colour: tuple[float, float, float]
    sky: tuple[float, float, float]
    ground: tuple[float, float, float]
    distance: float  # cm from camera to head
    face_share: float  # height of the head, chin to crown, as a share of the frame's height
    look: tuple[float, float]  # where the head stands in the frame, shares off the middle (right, down)
    noise: float  # standard deviation of the sensor's noise at mid grey, 0..255
    blur: float  # of the lens, pixels at 512
    shutter: float  # share of the time between two frames that the shutter is open
    background: str
    exposure: float = 1.0  # what the camera makes of the light; see exposed

    def to_dict(self) -> dict:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Camera:
    """A pinhole that looks along -z: x' = cx + f (x - x0) / depth, y' = cy - f (y - y0) / depth, depth = z0 - z."""

    place: tuple[float, float, float]
    focal: float  # pixels
    centre: tuple[float, float]  # pixels
    size: tuple[int, int]  # width, height

    def project(self, points: np.ndarray) -> np.ndarray:
        """(N, 3) cm -> (N, 3): x, y in pixels and 1 / depth."""
        near = 1 / np.maximum(self.place[2] - points[:, 2], 1e-3)
        x = self.centre[0] + self.focal * (points[:, 0] - self.place[0]) * near
        y = self.centre[1] - self.focal * (points[:, 1] - self.place[1]) * near
        return np.stack([x, y, near], 1)

    def matrix(self) -> np.ndarray:
        """(3, 4) homogeneous cm -> pixels times depth."""
        f, (cx, cy), (x0, y0, z0) = self.focal, self.centre, self.place
        return np.array(
            [[f, 0, -cx, cx * z0 - f * x0], [0, -f, -cy, cy * z0 + f * y0], [0, 0, -1, z0]], np.float64
        )  # fmt: skip

    def larger(self, factor: int) -> Camera:
        """The same view on a raster `factor` times as fine."""
        half = (factor - 1) / 2
        centre = tuple(c * factor + half for c in self.centre)
        return Camera(self.place, self.focal * factor, centre, tuple(s * factor for s in self.size))


def draw_scene(seed: int, hard: float = 0.0) -> Scene:
    """A room and its light. hard: 0 soft frontal light, 1 strong light from the side, noise and a long shutter."""
    rng = np.random.default_rng([seed, 0x5CE])
    side = rng.choice([-1, 1])
    warm = rng.uniform(-1, 1)
    colour = np.array([1 + 0.12 * warm, 1.0, 1 - 0.16 * warm])
    key = _direction(side * rng.uniform(15, 45 + 30 * hard), rng.uniform(15, 45))
    strength = rng.uniform(1.5, 2.1) * (1 + 0.25 * hard)
    share = rng.uniform(0.25, 0.5) * (1 - 0.7 * hard)
    level = rng.uniform(0.35, 0.6) * (1 - 0.55 * hard)
    return Scene(
        seed=seed,
        key=key,
        key_colour=_triple(strength * colour),
        softness=float(rng.uniform(0.35, 1.0) * (1 - 0.6 * hard)),
        fill=_direction(-side * rng.uniform(30, 60), rng.uniform(-5, 20)),
        fill_colour=_triple(share * strength * (2 - colour)),
        rim=_direction(-side * rng.uniform(130, 160), rng.uniform(20, 50)),
        rim_colour=_triple(rng.uniform(0.2, 1.2) * colour[::-1]),
        sky=_triple(level * np.array([0.95, 1.0, 1.08])),
        ground=_triple(0.45 * level * np.array([1.1, 1.0, 0.9])),
        distance=float(rng.uniform(75, 130)),
        face_share=float(rng.uniform(0.5, 0.62)),
        look=(float(rng.uniform(-0.05, 0.05)), float(rng.uniform(-0.02, 0.04))),
        noise=float(rng.uniform(0.6, 1.8) + 2.5 * hard * rng.random()),
        blur=float(rng.uniform(0.3, 0.6)),
        shutter=float(rng.uniform(0.3, 0.5) + 0.3 * hard),
        background=str(rng.choice(["wall", "room", "window", "outdoors"])),
    )


def exposed(scene: Scene, skin: np.ndarray) -> Scene:
    """The scene with the camera set for a face of this linear albedo (3,): by half, so that dark skin stays darker.

    The true swap keeps the plate's setting: whoever stands there, the room behind them stays the same.
    """
    reaches = 0.6 * _bright(scene.key_colour) + 0.25 * _bright(scene.fill_colour) + 0.8 * _bright(scene.sky)
    return replace(scene, exposure=float(np.clip(np.sqrt(_FACE_LIGHT / (_bright(skin) * reaches)), 0.6, 1.8)))


def camera_of(scene: Scene, width: int, height: int) -> Camera:
    """The camera that frames a head as the scene says."""
    head = 23.0  # cm, chin to crown
    focal = scene.face_share * height * scene.distance / head
    x, y, z = HEAD_CENTRE
    centre = ((0.5 + scene.look[0]) * width - 0.5, (0.5 + scene.look[1]) * height - 0.5)
    return Camera((x, y, z + scene.distance), focal, centre, (width, height))


def paint_background(scene: Scene, width: int, height: int) -> np.ndarray:
    """(H, W, 3) float32 linear RGB: something out of focus behind the head."""
    rng = np.random.default_rng([scene.seed, 0xBAC])
    hue = rng.uniform(0, 2 * np.pi)
    base = rng.uniform(0.06, 0.4) * np.clip(1 + 0.25 * np.cos(hue + np.array([0, 2.1, 4.2])), 0.3, 2)
    small = (96, 96)
    y, x = np.mgrid[0:1:96j, 0:1:96j]
    picture = np.broadcast_to(base, (*small, 3)).astype(np.float32) * (
        1 + 0.5 * (x - 0.5) * np.sign(scene.key[0]) - 0.25 * (y - 0.5)
    )[..., None].astype(np.float32)
    picture = np.ascontiguousarray(picture, np.float32)
    if scene.background == "room":
        for _ in range(7):
            tone = base * rng.uniform(0.3, 2.2) * rng.uniform(0.8, 1.2, 3)
            x0, y0 = rng.integers(-10, 90, 2)
            w, h = rng.integers(8, 40), rng.integers(15, 80)
            picture[max(y0, 0) : y0 + h, max(x0, 0) : x0 + w] = tone
    elif scene.background == "window":
        x0, width0 = rng.integers(5, 60), rng.integers(20, 45)
        picture[8:70, x0 : x0 + width0] = rng.uniform(0.7, 1.3) * np.array([0.95, 1.0, 1.08])
        picture[8:70, x0 + width0 // 2 : x0 + width0 // 2 + 3] = base * 0.5
        picture[38:41, x0 : x0 + width0] = base * 0.5
    elif scene.background == "outdoors":
        picture[:45] = np.array([0.35, 0.5, 0.75]) * rng.uniform(0.7, 1.2)
        picture[45:] = np.array([0.1, 0.16, 0.05]) * rng.uniform(0.7, 1.6)
        for _ in range(60):
            at = (int(rng.integers(0, 96)), int(rng.integers(25, 80)))
            leaf = np.array([0.12, 0.2, 0.06]) * rng.uniform(0.3, 2.5)
            cv2.circle(picture, at, int(rng.integers(2, 7)), tuple(float(v) for v in leaf), -1)
    picture = cv2.GaussianBlur(picture, (0, 0), 2.2)  # far out of focus
    return np.maximum(cv2.resize(picture, (width, height), interpolation=cv2.INTER_CUBIC), 0)


def _direction(yaw: float, pitch: float) -> tuple[float, float, float]:
    y, p = np.radians([yaw, pitch])
    return _triple(np.array([np.sin(y) * np.cos(p), np.sin(p), np.cos(y) * np.cos(p)]))


def _bright(colour) -> float:
    """Luminance of linear RGB (Rec. 709)."""
    return float(np.dot(colour, [0.2126, 0.7152, 0.0722]))


def _triple(values: np.ndarray) -> tuple[float, float, float]:
    return tuple(float(value) for value in values)
