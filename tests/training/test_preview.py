"""The sheet shows unwarped faces in the right columns."""

import numpy as np
import torch

from semblance.models import load_model_file
from semblance.training.batches import spread
from semblance.training.preview import GAP, STRIP, TILE, preview_sheet


def test_each_column_holds_what_its_title_says(crops):
    module = load_model_file("swap_original")
    net = module.Net(module.PRESETS["tiny"]).eval()
    source, target = (spread(side, 3, 32, 0.8) for side in crops)
    sheet = preview_sheet(module, net, {"source": source, "target": target}, "swap_original tiny")
    assert sheet.shape == (2 * STRIP + 3 * (TILE + GAP), 5 * (TILE + GAP) - GAP, 3)
    assert sheet[: 2 * STRIP].max() > 200  # the titles

    def cell(row, column):
        top, left = 2 * STRIP + row * (TILE + GAP), column * (TILE + GAP)
        return sheet[top : top + TILE, left : left + TILE].astype(float)

    with torch.inference_mode():
        swapped = module.swap(net, torch.from_numpy(target).permute(0, 3, 1, 2).float() / 255)[0]
        swapped = swapped.permute(0, 2, 3, 1) * 255
    for row in range(3):
        for column, faces in ((0, source), (2, target), (4, swapped.numpy())):
            assert np.abs(cell(row, column).mean((0, 1)) - faces[row].mean((0, 1))).max() < 2


def test_faces_are_spread_over_the_set_and_fixed(crops):
    chosen = spread(crops[0], 3, 32, 0.8)
    assert np.array_equal(chosen, spread(crops[0], 3, 32, 0.8))
    assert len(np.unique(chosen.reshape(3, -1), axis=0)) == 3
    assert len(spread(crops[0][:1], 6, 32, 0.8)) == 6
