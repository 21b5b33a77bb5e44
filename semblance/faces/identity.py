"""Frame + Face -> identity vector: 128 numbers; two vectors nearer than 0.6 (Euclid) are the same person.

The network is dlib's face recogniser (King 2017, ResNet-29 with half the filters, 99.38 % on LFW), read from the
weights that the `face_recognition_models` wheel carries and run here with torch in batches: the same numbers as dlib's
own code to four digits (a test holds it), at a twentieth of its time, and without holding Python's lock.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ..errors import ModelError
from ..processor import bf16_if_native
from ..types import IDENTITY_SIZE, Face
from .align import averaged_down, umeyama

SAME_PERSON = 0.6
CHIP = 150  # side in pixels of the crop that the network sees

# Where dlib's 5-point aligner puts the eye corners and the nose base, as shares of the face square; the chip adds 25 %
# padding on each side. Our points: mesh landmarks that stand for the same places.
_CHIP_POINTS = np.array(
    [[0.8595674595992, 0.2134981538014], [0.6460604764104, 0.2289674387677], [0.1205750620789, 0.2137274526848],
     [0.3340850613712, 0.2290642403242], [0.4901123135679, 0.6277975316475]]
)  # fmt: skip
_MESH_POINTS = [263, 362, 33, 133, 2]
_PADDING = 0.25
MEAN_RGB = torch.tensor([122.782, 117.001, 104.298]).view(1, 3, 1, 1)


class IdentityNet(nn.Module):
    """chips (B, 3, 150, 150) RGB 0..255 -> vectors (B, 128). Layer for layer dlib's `anet_type`."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = _ConvAffine(3, 32, 7, 2)
        plan = [(32, False)] * 3 + [(64, True)] + [(64, False)] * 3 + [(128, True)] + [(128, False)] * 2
        plan += [(256, True)] + [(256, False)] * 2 + [(256, True)]
        blocks, width = [], 32
        for out, down in plan:
            blocks.append(_Residual(width, out, down))
            width = out
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(256, IDENTITY_SIZE, bias=False)

    def forward(self, chips: torch.Tensor) -> torch.Tensor:
        x = (chips - MEAN_RGB.to(chips)) / 256
        x = F.max_pool2d(F.relu(self.stem(x)), 3, 2)
        return self.head(self.blocks(x).mean((2, 3)))


class _ConvAffine(nn.Module):
    """Convolution then a fixed scale and shift per channel; dlib pads only where the stride is 1."""

    def __init__(self, width: int, out: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, out, kernel, stride, kernel // 2 if stride == 1 else 0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(x)


class _Residual(nn.Module):
    def __init__(self, width: int, out: int, down: bool) -> None:
        super().__init__()
        self.first = _ConvAffine(width, out, 3, 2 if down else 1)
        self.second = _ConvAffine(out, out, 3, 1)
        self.down = down

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.second(F.relu(self.first(x)))
        skip = F.avg_pool2d(x, 2, 2) if self.down else x
        # dlib adds tensors of unequal size as if the smaller one were filled up with zeros
        return F.relu(_grown(y, skip.shape) + _grown(skip, y.shape))


def _grown(x: torch.Tensor, other: torch.Size) -> torch.Tensor:
    """x with zeros added at the end of channels, rows and columns until it is at least as large as `other`."""
    channels, rows, columns = (max(b - a, 0) for a, b in zip(x.shape[1:], other[1:]))
    return F.pad(x, (0, columns, 0, rows, 0, channels)) if channels or rows or columns else x


@lru_cache(maxsize=1)
def identity_net() -> IdentityNet:
    """The recogniser with dlib's weights, ready to use; read once per process."""
    spec = find_spec("face_recognition_models")
    path = Path(spec.origin).parent / "models" / "dlib_face_recognition_resnet_model_v1.dat" if spec else None
    if path is None or not path.exists():
        raise ModelError("The identity model is missing; run `pip install face_recognition_models`.")
    net = IdentityNet()
    _fill(net, _Reader(path.read_bytes()))
    return net.eval().requires_grad_(False).to(memory_format=torch.channels_last)


def chip_matrix(landmarks: np.ndarray, aspect: float = 1.0) -> np.ndarray:
    """landmarks (478, 3) frame pixels -> (2, 3) frame pixels -> chip pixels, as dlib's 5-point alignment makes it."""
    wanted = (_CHIP_POINTS + _PADDING) / (1 + 2 * _PADDING) * CHIP
    square = np.diag([aspect, 1.0, 1.0])
    points = landmarks[_MESH_POINTS, :2].astype(np.float64) * [aspect, 1.0]
    return umeyama(points, wanted) @ square


def identity_chip(pixels: np.ndarray, face: Face, aspect: float = 1.0) -> np.ndarray:
    """(150, 150, 3) uint8: the crop the recogniser sees of `face` in a frame (H, W, 3) uint8."""
    matrix = chip_matrix(face.landmarks, aspect)
    shrink = 1 / np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    if shrink > 2:  # a chip much smaller than the face would alias: average down what it will show first
        corners = np.array([[0, 0, 1], [CHIP, 0, 1], [0, CHIP, 1], [CHIP, CHIP, 1]])
        shown, margin = corners @ cv2.invertAffineTransform(matrix).T, 2 * shrink
        low, high = np.floor(shown.min(0) - margin).astype(int), np.ceil(shown.max(0) + margin).astype(int)
        pixels, there = averaged_down(pixels, low, high, round(shrink / 1.25))
        matrix = matrix @ np.vstack([cv2.invertAffineTransform(there), [0, 0, 1]])
    return cv2.warpAffine(pixels, matrix, (CHIP, CHIP), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def identity_vectors(chips: Sequence[np.ndarray], rough: bool = False) -> np.ndarray:
    """chips: n of (150, 150, 3) uint8 -> (n, 128) float32; rough: in half the time, within 0.02 of the exact ones."""
    if not len(chips):
        return np.zeros((0, IDENTITY_SIZE), np.float32)
    batch = torch.from_numpy(np.stack(chips)).permute(0, 3, 1, 2).to(torch.float32)
    with torch.inference_mode(), bf16_if_native(rough):
        return identity_net()(batch.contiguous(memory_format=torch.channels_last)).float().numpy()


def distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Euclid's distance along the last axis."""
    return np.linalg.norm(np.asarray(a) - np.asarray(b), axis=-1)


class _Reader:
    """Walks dlib's serialised network: integers carry their own length, the floats of tensors are raw."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def find(self, tag: bytes) -> None:
        """Move behind the next layer that is called `tag`."""
        found = self.data.find(bytes([1, len(tag)]) + tag, self.at)
        if found < 0:
            raise ModelError("The identity model is damaged; reinstall the package face_recognition_models.")
        self.at = found + 2 + len(tag)

    def integer(self) -> int:
        length = self.data[self.at] & 0x0F
        value = int.from_bytes(self.data[self.at + 1 : self.at + 1 + length], "little")
        self.at += 1 + length
        return value

    def tensor(self) -> np.ndarray:
        """Version, four sizes, then float32 values, flat."""
        self.integer()
        count = int(np.prod([self.integer() for _ in range(4)]))
        values = struct.unpack_from(f"<{count}f", self.data, self.at)
        self.at += 4 * count
        return np.array(values, np.float32)


def _fill(net: IdentityNet, reader: _Reader) -> None:
    """Copy the weights in file order, which is the order in which data flows; the affine layers fold into the convs."""
    for layer in (part for part in net.modules() if isinstance(part, _ConvAffine)):
        reader.find(b"con_4")
        weights = reader.tensor()
        reader.find(b"affine_")
        gamma, beta = reader.tensor().reshape(2, -1)
        shape = layer.conv.weight.shape
        kernel = weights[: -shape[0]].reshape(shape) * gamma[:, None, None, None]
        bias = weights[-shape[0] :] * gamma + beta
        layer.conv.weight.data = torch.from_numpy(kernel)
        layer.conv.bias.data = torch.from_numpy(bias)
    reader.find(b"fc_2")
    reader.integer(), reader.integer()  # outputs, inputs
    net.head.weight.data = torch.from_numpy(reader.tensor().reshape(256, IDENTITY_SIZE).T.copy())
