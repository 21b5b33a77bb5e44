"""Fixed examples through the averaged net -> one labelled sheet: a column per kind of picture, a row per face."""

from __future__ import annotations

from types import ModuleType

import cv2
import numpy as np
import torch
from torch import nn

from .batches import Batch
from .learner import as_tensors

TILE = 160
"""Side of a face on the sheet; smaller nets are enlarged, so that a person can see them."""
STRIP = 28
GAP = 4


def preview_sheet(module: ModuleType, net: nn.Module, examples: Batch, title: str) -> np.ndarray:
    """The sheet (H, W, 3) uint8 RGB; examples: as Material gives them; title: a line on top."""
    device = next(net.parameters()).device
    with torch.inference_mode():
        pictures = {name: _pixels(value) for name, value in module.preview(net, as_tensors(examples, device)).items()}
    rows = len(next(iter(pictures.values())))
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


def _pixels(faces: torch.Tensor) -> np.ndarray:
    """(B, 3, S, S) colours or (B, 1, S, S) masks -> (B, S, S, 3) uint8."""
    return faces.expand(-1, 3, -1, -1).permute(0, 2, 3, 1).mul(255).round().clamp(0, 255).to("cpu", torch.uint8).numpy()


def _write(sheet: np.ndarray, text: str, x: int, y: int) -> None:
    cv2.putText(sheet, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (235, 235, 235), 1, cv2.LINE_AA)
