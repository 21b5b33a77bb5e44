"""Networks that know pictures: crops (B, 3, S, S) RGB 0..1 -> feature maps for perceptual(), vectors for identity().

- FaceFeatures: dlib's face recogniser (King 2017), whose weights come with the installation. It is the stand-in for
  VGG-19 and VGGFace where those are not at hand; figures won with it do not compare with published ones.
- Vgg19: Simonyan and Zisserman 2015, from a safetensors file that the user gives; nothing is downloaded.

Both are frozen; gradients flow through them to the pictures. Keep them beside the trained net, not in it, or they
travel with its checkpoints; so they follow the pictures from device to device by themselves.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ..errors import ModelError
from ..faces.align import COVERAGES, invert
from ..faces.identity import CHIP, MEAN_RGB, chip_matrix, identity_net
from ..faces.mean_face import mean_face

VGG19_WEIGHTS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)  # of its five maps (FSGAN's code)
FACE_WEIGHTS = (0.25, 0.25, 0.25, 0.25)  # ours: no system weighs dlib's maps


def picture_features(
    vgg19: Path | None = None, coverage: str = "face", share: float = 1.0
) -> tuple[Callable[[Tensor], list[Tensor]], tuple[float, ...]]:
    """Features and their weights as perceptual() asks for them: of VGG-19 if its file came, else of FaceFeatures."""
    if vgg19 is None:
        return FaceFeatures(coverage, share).maps, FACE_WEIGHTS
    return Vgg19(vgg19), VGG19_WEIGHTS


class FaceFeatures(nn.Module):
    """Aligned crops -> identity vectors (B, 128); `maps`: four feature maps of 32, 64, 128 and 256 channels.

    The recogniser wants its own crop of 150 pixels; it is cut here where the mean face lies in ours.
    coverage: of the faceset's crops (faces/align.py); share: the middle part of their side that the pictures show.
    """

    LAST = (2, 6, 9, 12)  # the last blocks of each width, before the next one halves the map

    def __init__(self, coverage: str = "face", share: float = 1.0) -> None:
        super().__init__()
        with torch.inference_mode(False):
            # a copy: the shared net may have been made in inference mode, and no gradient passes through such weights
            self.net = _normal(identity_net())
        side, up = COVERAGES[coverage]
        points = (mean_face() - [0, up, 0]) / (side * share) + 0.5  # shares of the picture, 0..1
        back = invert(chip_matrix(points))  # chip pixels -> shares of the picture
        columns, rows = np.meshgrid(np.arange(CHIP), np.arange(CHIP))
        at = np.stack([columns, rows], -1) @ back[:, :2].T + back[:, 2]
        self.step = float(np.sqrt(np.linalg.det(back[:, :2])))  # of the picture's side, from chip pixel to chip pixel
        self.register_buffer("at", torch.from_numpy(2 * at - 1).float()[None])

    def forward(self, pictures: Tensor) -> Tensor:
        return self.net(self.chips(pictures))

    def maps(self, pictures: Tensor) -> list[Tensor]:
        """(B, C, h, w) of 35, 17, 8 and 3 pixels a side."""
        found: list[Tensor] = []
        hooks = [self.net.blocks[i].register_forward_hook(lambda *call: found.append(call[-1])) for i in self.LAST]
        try:
            self(pictures)
        finally:
            for hook in hooks:
                hook.remove()
        return found

    def patch_maps(self, pictures: Tensor, count: int = 2) -> list[Tensor]:
        """`count` maps of pictures as they are, a patch of a face of any place and size, fine to coarse: first the
        recogniser's first layer, at half of the pictures' side, then as maps()."""
        self.to(pictures.device)
        x = F.relu(self.net.stem((255 * pictures.float() - MEAN_RGB.to(pictures.device)) / 256))
        found = [x]
        x = F.max_pool2d(x, 3, 2)
        for number, block in enumerate(self.net.blocks):
            if len(found) == count:
                break
            x = block(x)
            if number in self.LAST:
                found.append(x)
        return found

    def chips(self, pictures: Tensor) -> Tensor:
        """The crops that the recogniser sees, (B, 3, 150, 150) RGB 0..255; beyond a picture its edge is repeated."""
        self.to(pictures.device)
        pictures = pictures.float()
        side = round(1 / self.step)
        if pictures.shape[-1] > side:  # sampled as they are, larger pictures would alias
            pictures = F.interpolate(pictures, (side, side), mode="bilinear", antialias=True)
        at = self.at.expand(len(pictures), -1, -1, -1)
        return 255 * F.grid_sample(pictures, at, "bilinear", "border", align_corners=False)


def _normal(net: nn.Module) -> nn.Module:
    """A frozen copy whose weights are ordinary tensors."""
    fresh = copy.deepcopy(net)
    for parameter in fresh.parameters():
        parameter.data = parameter.data.clone()
    return fresh.eval().requires_grad_(False)


class Vgg19(nn.Module):
    """Pictures -> maps; by default the five relu1_1, relu2_1 ... relu5_1 of 64, 128, 256, 512 and 512 channels.

    file: safetensors with torchvision's names, "features.0.weight" and so on; taps: torchvision's numbers of the
    activations that are handed out. Raises ModelError where the file does not fit.
    """

    PLAN = (64, 64, 0, 128, 128, 0, *(256,) * 4, 0, *(512,) * 4, 0, *(512,) * 4)  # 0: max-pooling by two
    TAPS = (1, 6, 11, 20, 29)
    LAST = (35,)  # relu5_4, "VGG54" of SRGAN

    def __init__(self, file: Path, taps: tuple[int, ...] = TAPS) -> None:
        super().__init__()
        layers, width = [], 3
        for out in self.PLAN:
            layers += [nn.Conv2d(width, out, 3, 1, 1), nn.ReLU()] if out else [nn.MaxPool2d(2)]
            width = out or width
        self.taps = taps
        self.features = nn.Sequential(*layers[: max(taps) + 1])
        self._load(Path(file))
        self.eval().requires_grad_(False)
        # mean and deviation of ImageNet's colours, which torchvision's weights expect
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("spread", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1), persistent=False)

    def _load(self, file: Path) -> None:
        try:
            weights = load_file(file)
            self.load_state_dict({name: weights[name] for name in self.state_dict()})
        except (OSError, SafetensorError, KeyError, RuntimeError) as error:
            raise ModelError(
                f"{file} is no VGG-19 ({type(error).__name__}); give a safetensors file with torchvision's names."
            ) from None

    def forward(self, pictures: Tensor) -> list[Tensor]:
        self.to(pictures.device)
        x, found = (pictures.float() - self.mean) / self.spread, []
        for number, layer in enumerate(self.features):
            x = layer(x)
            if number in self.taps:
                found.append(x)
        return found
