"""Detail on a face: none is the face itself, all of it is exact, the grid is the enlarged crop's."""

import cv2
import numpy as np

from semblance.finish.restore import restored


def test_no_strength_is_the_crop_itself():
    crop = np.random.default_rng(0).random((8, 8, 3), np.float32)
    assert restored(crop, np.ones((16, 16, 3), np.float32), 0.0) is crop


def test_detail_is_added_by_its_share_and_cut_to_the_range():
    crop, detail = np.full((8, 8, 3), 0.5, np.float32), np.zeros((32, 32, 3), np.float32)
    detail[4, 5], detail[9, 9] = 0.2, 0.9
    face = restored(crop, detail, 0.5)
    assert face.shape == (32, 32, 3) and face.dtype == np.float32
    assert np.allclose(face[4, 5], 0.6) and np.allclose(face[9, 9], 0.95) and np.allclose(face[0, 0], 0.5)
    assert restored(crop, detail, 1.0).max() == 1


def test_without_detail_it_is_the_cubic_enlargement():
    crop = np.random.default_rng(1).random((8, 8, 3), np.float32)
    face = restored(crop, np.zeros((16, 16, 3), np.float32), 1.0)
    assert np.allclose(face, cv2.resize(crop, (16, 16), interpolation=cv2.INTER_CUBIC).clip(0, 1))


def test_the_enlargement_is_the_one_that_the_net_learned_with():
    import torch

    from semblance.models import load_model_file

    crop = np.random.default_rng(2).random((8, 8, 3), np.float32)
    module = load_model_file("restore_srgan")
    learned = module.enlarged(torch.from_numpy(crop).permute(2, 0, 1)[None], 4).clamp(0, 1)[0].permute(1, 2, 0).numpy()
    assert np.abs(restored(crop, np.zeros((32, 32, 3), np.float32), 1.0) - learned).max() < 1e-3
