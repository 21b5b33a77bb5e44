"""Fixed faces through the averaged net -> one labelled sheet: a column per kind of picture, a row per face."""

from __future__ import annotations

from types import ModuleType

import cv2
import numpy as np
import torch
from torch import nn

from ..faceset.augment import middle

TILE = 160
"""Side of a face on the sheet; smaller nets are enlarged, so that a person can see them."""
STRIP = 28
GAP = 4


def choose_faces(images: np.ndarray, count: int, size: int, coverage: float) -> np.ndarray:
    """`count` crops spread evenly over (N, S, S, 3), unwarped, as the net sees them: (count, size, size, 3)."""
    spread = np.linspace(0, len(images) - 1, count).round().astype(int)
    return middle(images[spread], size, coverage)


def preview_sheet(module: ModuleType, net: nn.Module, source: np.ndarray, target: np.ndarray, title: str) -> np.ndarray:
    """The sheet (H, W, 3) uint8 RGB; source and target (K, S, S, 3) uint8 from choose_faces; title: a line on top."""
    device = next(net.parameters()).device
    with torch.inference_mode():
        columns = module.preview(net, _tensor(source, device), _tensor(target, device))
        pictures = {name: _pixels(value) for name, value in columns.items()}
    rows = len(source)
    height, width = 2 * STRIP + rows * (TILE + GAP), len(pictures) * (TILE + GAP) - GAP
    sheet = np.full((height, width, 3), 24, np.uint8)
    _write(sheet, title, 6, STRIP - 9)
    for column, (name, faces) in enumerate(pictures.items()):
        left = column * (TILE + GAP)
        _write(sheet, name, left + 6, 2 * STRIP - 9)
        for row, face in enumerate(faces):
            top = 2 * STRIP + row * (TILE + GAP)
            kind = cv2.INTER_AREA if len(face) > TILE else cv2.INTER_CUBIC
            sheet[top : top + TILE, left : left + TILE] = cv2.resize(face, (TILE, TILE), interpolation=kind)
    return sheet


def _tensor(faces: np.ndarray, device: torch.device) -> torch.Tensor:
    return torch.from_numpy(faces).to(device).permute(0, 3, 1, 2).float().div_(255)


def _pixels(faces: torch.Tensor) -> np.ndarray:
    return faces.permute(0, 2, 3, 1).mul(255).round().clamp(0, 255).to("cpu", torch.uint8).numpy()


def _write(sheet: np.ndarray, text: str, x: int, y: int) -> None:
    cv2.putText(sheet, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (235, 235, 235), 1, cv2.LINE_AA)
