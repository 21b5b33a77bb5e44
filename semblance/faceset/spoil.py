"""What cameras and codecs do to a picture, and a soft circle inside which they do it.

Pictures (H, W, 3) float32 RGB 0..1; `chance`: numbers 0..1 that decide. Ranges as DeepFaceLab's XSeg has them where
its sheet names them ("paper"), ours elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

# ITU T.81 (JPEG), annex K: quantisation of luma and of colour at quality 50
_LUMA = np.array(
    [[16, 11, 10, 16, 24, 40, 51, 61], [12, 12, 14, 19, 26, 58, 60, 55], [14, 13, 16, 24, 40, 57, 69, 56],
     [14, 17, 22, 29, 51, 87, 80, 62], [18, 22, 37, 56, 68, 109, 103, 77], [24, 35, 55, 64, 81, 104, 113, 92],
     [49, 64, 78, 87, 103, 121, 120, 101], [72, 92, 95, 98, 112, 100, 103, 99]], np.float32,
)  # fmt: skip
_COLOUR = np.full((8, 8), 99, np.float32)
_COLOUR[:4, :4] = [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]]


@dataclass(frozen=True, slots=True)
class Circle:
    """A random soft circle; chance (4,): middle, radius, softness. One in five covers the whole picture."""

    chance: np.ndarray
    size: int

    def weights(self) -> np.ndarray:
        """(size, size, 1) float32, 1 inside."""
        x, y, radius, soft = self.chance
        if radius > 0.8:
            return np.ones((self.size, self.size, 1), np.float32)
        along = np.arange(self.size, dtype=np.float32) / self.size
        away = np.hypot(along[None, :] - np.float32(x), along[:, None] - np.float32(y))
        edge = np.float32(0.02 + 0.5 * soft)
        return np.clip((np.float32(0.1 + radius) - away) / edge + 0.5, 0, 1)[..., None]


def inside(circle: Circle, picture: np.ndarray, changed: np.ndarray) -> np.ndarray:
    """`changed` inside the circle, `picture` outside."""
    return picture + circle.weights() * (changed - picture)


def recolour(picture: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """Hue by up to 20 degrees, one in five by any; saturation and value by up to 40 percent."""
    hue, saturation, value = cv2.split(cv2.cvtColor(picture, cv2.COLOR_RGB2HSV))
    hue += (180.0 if chance[3] < 0.2 else 20.0) * (2 * chance[0] - 1)
    hue -= 360 * np.floor(hue * (1 / 360))
    saturation = np.clip(saturation * np.float32(0.6 + 0.8 * chance[1]), 0, 1)
    value = np.clip(value * np.float32(0.6 + 0.8 * chance[2]), 0, 1)
    return cv2.cvtColor(cv2.merge([hue, saturation, value]), cv2.COLOR_HSV2RGB)


def levels(picture: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """Black, white and gamma moved, each channel a little on its own: casts of lamps and careless white balance."""
    black, white = 0.2 * chance[0] - 0.05, 1 - 0.25 * chance[1]
    gamma = np.exp(0.6 * (2 * chance[2] - 1) + 0.25 * (2 * chance[3:6] - 1))
    steps = np.linspace(0, 1, 1024, dtype=np.float32)[:, None]
    table = np.clip((steps - black) / (white - black), 0, 1) ** gamma.astype(np.float32)
    index = np.rint(np.clip(picture, 0, 1) * 1023).astype(np.int32)
    return np.stack([table[index[..., k], k] for k in range(3)], -1)


def sharpen_or_blur(picture: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """One of: sharper edges, a Gaussian blur, a streak of motion; kernels of up to 5 pixels (paper)."""
    if chance[0] < 1 / 3:
        blurred = cv2.GaussianBlur(picture, (0, 0), 0.6 + chance[1])
        return np.clip(picture + np.float32(0.3 + 1.5 * chance[2]) * (picture - blurred), 0, 1)
    if chance[0] < 2 / 3:
        return cv2.GaussianBlur(picture, (5, 5), 0.3 + 1.4 * chance[1])
    kernel = np.zeros((5, 5), np.float32)
    reach, angle = 2 * chance[1], np.pi * chance[2]
    end = np.array([np.cos(angle), np.sin(angle)]) * reach
    for share in np.linspace(-1, 1, 9):
        x, y = np.rint(2 + share * end).astype(int)
        kernel[y, x] += 1 / 9
    return cv2.filter2D(picture, -1, kernel)


def resampled(picture: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """Made smaller by up to 75 percent and large again, blocky or smooth (paper)."""
    size = len(picture)
    small = max(round(size * (1 - 0.75 * chance[0])), 4)
    kind = cv2.INTER_NEAREST if chance[1] < 0.5 else cv2.INTER_LINEAR
    shrunk = cv2.resize(picture, (small, small), interpolation=cv2.INTER_AREA)
    return cv2.resize(shrunk, (size, size), interpolation=kind)


def jpeg(picture: np.ndarray, quality: float) -> np.ndarray:
    """What JPEG of this quality (1 to 100) leaves of a picture whose sides are multiples of 8; colour at half the size.

    The losses alone (ITU T.81: cosine transform of 8x8 blocks, quantised), scaled by quality as the IJG library does;
    a true codec would make and read a file for it.
    """
    scale = (50 / quality if quality < 50 else 2 - quality / 50) / 255
    luma, *colours = cv2.split(cv2.cvtColor(picture, cv2.COLOR_RGB2YCrCb))
    size = picture.shape[1::-1]
    luma = _quantised(luma - 0.5, np.maximum(_LUMA * scale, 1 / 255)) + 0.5
    table = np.maximum(_COLOUR * scale, 1 / 255)
    for k, plane in enumerate(colours):
        half = cv2.resize(plane, (size[0] // 2, size[1] // 2), interpolation=cv2.INTER_AREA)
        colours[k] = cv2.resize(_quantised(half - 0.5, table) + 0.5, size, interpolation=cv2.INTER_LINEAR)
    return np.clip(cv2.cvtColor(cv2.merge([luma, *colours]), cv2.COLOR_YCrCb2RGB), 0, 1)


def _quantised(plane: np.ndarray, table: np.ndarray) -> np.ndarray:
    height, width = plane.shape
    transform = _cosines()
    blocks = plane.reshape(height // 8, 8, width // 8, 8).transpose(0, 2, 1, 3)
    waves = np.rint(transform @ blocks @ transform.T / table) * table
    return (transform.T @ waves @ transform).transpose(0, 2, 1, 3).reshape(height, width)


@lru_cache(maxsize=1)
def _cosines() -> np.ndarray:
    """(8, 8) the orthonormal cosine transform."""
    k, n = np.mgrid[0:8, 0:8]
    rows = np.sqrt(2 / 8) * np.cos(np.pi * (n + 0.5) * k / 8)
    rows[0] /= np.sqrt(2)
    return rows.astype(np.float32)
