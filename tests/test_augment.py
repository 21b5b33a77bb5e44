"""Training pairs: closed forms first, then determinism, then a real face."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from semblance.faceset.augment import AugmentOptions, apply, draw, fit_similarity, middle, recolour, shrink

STILL = AugmentOptions(rotation=0, zoom=0, shift=0, flip=0, warp=0, light=0, tint=0)
SIZE, COVERAGE = 64, 0.625


@pytest.fixture(scope="module")
def crops() -> np.ndarray:
    """Four smooth random pictures (4, 128, 128, 3)."""
    chance = np.random.default_rng(3)
    coarse = chance.integers(0, 256, (4, 12, 12, 3), np.uint8)
    return np.stack([cv2.resize(image, (128, 128), interpolation=cv2.INTER_CUBIC) for image in coarse])


def test_zero_noise_warp_gives_the_target(crops):
    draws = draw(5, np.arange(64), AugmentOptions(warp=0, light=0, tint=0))
    warped, target = apply(crops, draws, SIZE, COVERAGE)
    # the two samplers round positions to 1/32 px in their own ways: a grey level where the picture is smooth
    assert np.abs(warped.astype(int) - target).mean() < 0.1
    soft = np.stack([cv2.GaussianBlur(crop, (0, 0), 4) for crop in crops])
    warped, target = apply(soft, draws, SIZE, COVERAGE)
    assert np.abs(warped.astype(int) - target).max() <= 1


def test_nothing_drawn_gives_the_middle_of_the_crop():
    across = np.arange(128, dtype=np.float32)
    ramp = np.repeat(np.stack([np.tile(across, (128, 1)), np.tile(across[:, None], (1, 128))], -1), [1, 2], axis=-1)
    crop = ramp.astype(np.uint8)[None]
    _, target = apply(crop, draw(0, np.arange(1), STILL), 40, COVERAGE)
    # 80 of 128 px seen by 40: pixel 0 lies at 63.5 - 2 * 19.5
    expected = 24.5 + 2 * np.arange(40)
    assert np.abs(target[0, 20, :, 0] - expected).max() <= 0.5
    assert np.abs(target[0, :, 20, 1] - expected).max() <= 0.5
    assert np.abs(middle(crop, 40, COVERAGE).astype(int) - target).max() <= 1


def test_mirror_is_exact(crops):
    mirrored = STILL.changed(flip=1.0)
    numbers = np.arange(8)
    _, plain = apply(crops, draw(1, numbers, STILL), SIZE, COVERAGE)
    _, flipped = apply(crops, draw(1, numbers, mirrored), SIZE, COVERAGE)
    assert np.abs(flipped[:, :, ::-1].astype(int) - plain).max() <= 1


def test_turn_and_zoom_are_about_the_centre_and_of_the_size_drawn(crops):
    draws = draw(2, np.arange(16), STILL.changed(rotation=10, zoom=0.05))
    _, found = apply(crops, draws, SIZE, COVERAGE)
    chosen = np.floor(draws.face * len(crops)).astype(int)
    for number, turn, zoom, picture in zip(chosen, draws.turn, draws.zoom, found, strict=True):
        matrix = cv2.getRotationMatrix2D((63.5, 63.5), turn, zoom)
        whole = cv2.warpAffine(crops[number], matrix, (128, 128), borderMode=cv2.BORDER_REPLICATE)
        expected = middle(whole[None], SIZE, COVERAGE)[0]
        assert np.abs(picture.astype(int) - expected).mean() < 2.0


def test_fit_is_the_svd_solution_without_reflection():
    chance = np.random.default_rng(0)
    points, goals = chance.normal(size=(2, 50, 2, 25))
    for found, p, q in zip(fit_similarity(points, goals), points, goals, strict=True):
        p_mean, q_mean = p.mean(1, keepdims=True), q.mean(1, keepdims=True)
        u, d, vh = np.linalg.svd((q - q_mean) @ (p - p_mean).T)
        signs = np.array([1, np.sign(np.linalg.det(u @ vh))])
        turn = u @ np.diag(signs) @ vh * (d * signs).sum() / ((p - p_mean) ** 2).sum()
        assert np.allclose(found[:, :2], turn)
        assert np.allclose(found[:, 2:], q_mean - turn @ p_mean)
        assert np.linalg.det(found[:, :2]) > 0


def test_target_keeps_the_mean_similarity_of_the_noise(crops):
    """With the same offset on all nodes the warp is a pure shift, and the target must follow it."""
    draws = draw(4, np.arange(6), STILL)
    draws.nodes[:] = 0.05
    warped, target = apply(crops, draws, SIZE, COVERAGE)
    _, unmoved = apply(crops, draw(4, np.arange(6), STILL), SIZE, COVERAGE)
    assert np.abs(warped.astype(int) - target).mean() < 0.5
    assert np.abs(target.astype(int) - unmoved).mean() > 3


def test_a_sample_depends_on_seed_and_number_only(crops):
    options = AugmentOptions()
    whole = apply(crops, draw(7, np.arange(24), options), SIZE, COVERAGE)
    parts = [apply(crops, draw(7, np.arange(24)[part], options), SIZE, COVERAGE) for part in (slice(5), slice(5, 24))]
    for side in range(2):
        assert np.array_equal(whole[side], np.concatenate([part[side] for part in parts]))
    assert not np.array_equal(whole[0], apply(crops, draw(8, np.arange(24), options), SIZE, COVERAGE)[0])
    assert not np.array_equal(draw(7, np.arange(24), options, side=1).nodes, draw(7, np.arange(24), options).nodes)


def test_draws_have_the_spread_that_was_asked_for():
    options = AugmentOptions()
    draws = draw(0, np.arange(4000), options)
    assert draws.nodes.std() == pytest.approx(5 / 256, rel=0.02)
    assert draws.flip.mean() == pytest.approx(0.4, abs=0.03)
    assert 9.9 < np.abs(draws.turn).max() <= 10
    assert 0.95 <= draws.zoom.min() < 0.951 and 1.049 < draws.zoom.max() <= 1.05
    assert np.abs(draws.shift).max() <= 0.05
    assert np.bincount((draws.face * 5).astype(int), minlength=5).min() > 700


def test_light_changes_lightness_and_leaves_hue():
    grey = np.full((4, 4, 3), 120, np.uint8)
    recolour(grey, 1.2, np.zeros(2))
    assert grey.std() <= 1 and grey.mean() == pytest.approx(146, abs=2)  # L 50.4 -> 60.5


def test_shrink_averages_and_leaves_small_crops_alone(crops):
    checks = np.indices((256, 256)).sum(0) % 2 * 255
    fine = np.repeat(checks[None, :, :, None], 3, axis=3).astype(np.uint8)
    assert np.abs(shrink(fine, 64, 0.625).astype(int) - 128).max() <= 1
    assert shrink(crops, 128, 0.625) is crops


def test_a_real_face_stays_inside_the_picture():
    clip = Path(__file__).resolve().parents[1] / ".." / "shared/data/grid/swiz3n.mpg"
    if not clip.exists():
        pytest.skip("the GRID clips are not here")
    import av

    with av.open(str(clip)) as container:
        frame = next(container.decode(video=0)).to_ndarray(format="rgb24")
    crop = cv2.resize(frame[:, 36:324], (256, 256))[None]
    warped, target = apply(shrink(crop, 96, 0.8), draw(0, np.arange(16), AugmentOptions(light=0, tint=0)), 96, 0.8)
    view = middle(crop, 96, 0.8)[0].astype(float)
    for picture in (*warped, *target):
        assert abs(picture.mean() - view.mean()) < 25
    assert np.abs(warped.astype(int) - target).mean() > 1
