"""A mean as sharp as its textures, in closed form: copies of one picture, each a little beside its place."""

import cv2
import numpy as np
import pytest

from semblance.faceset.mean_texture import bare_share, completed, plain_mean, sharp_mean

SIDE = 128


@pytest.fixture
def truth():
    """Blobs from coarse to fine, mirrored like a face."""
    rng = np.random.default_rng(3)
    picture = np.full((SIDE, SIDE), 128.0)
    for blur, strength in ((8, 60), (3, 40), (1.2, 25)):
        noise = cv2.GaussianBlur(rng.normal(size=(SIDE, SIDE)), (0, 0), blur)
        picture += strength * noise / noise.std() / 2
    picture = (picture + picture[:, ::-1]) / 2
    return np.repeat(np.clip(picture, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def _displaced(truth, count, most=2.5):
    """Copies bent smoothly by up to some texels and lit differently."""
    rng, axis = np.random.default_rng(5), np.arange(SIDE, dtype=np.float32)
    copies = []
    for _ in range(count):
        way = np.stack([cv2.GaussianBlur(rng.normal(size=(SIDE, SIDE)), (0, 0), 20) for _ in range(2)], axis=-1)
        way = (most * way / np.abs(way).max()).astype(np.float32)
        moved = cv2.remap(truth, axis[None] + way[..., 0], axis[:, None] + way[..., 1], cv2.INTER_CUBIC)
        copies.append(np.clip(moved * rng.uniform(0.85, 1.15), 0, 255).astype(np.uint8))
    return copies


def _detail(picture):
    return cv2.Laplacian(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.CV_32F)[12:-12, 12:-12].std()


def _mean(copies, seen):
    total = sum(copy.astype(np.float32) * visible[..., None] for copy, visible in zip(copies, seen))
    return plain_mean(total, sum(seen), len(copies))


def test_what_a_plain_mean_blurs_comes_back(truth):
    copies = _displaced(truth, 24)
    seen = [np.ones((SIDE, SIDE), np.float32)] * len(copies)
    plain = _mean(copies, seen)
    sharp = sharp_mean(plain, copies, seen)
    assert _detail(plain) < 0.75 * _detail(truth)
    assert _detail(sharp) > _detail(plain) + 0.5 * (_detail(truth) - _detail(plain))
    inner = slice(12, -12)
    errors = [np.abs(one[inner, inner].astype(float) - truth[inner, inner]).mean() for one in (plain, sharp)]
    assert errors[1] < 0.9 * errors[0]  # the copies are lit differently, which neither takes out


def test_textures_in_their_place_stay_as_they_are(truth):
    copies, seen = [truth] * 6, [np.ones((SIDE, SIDE), np.float32)] * 6
    sharp = sharp_mean(_mean(copies, seen), copies, seen)
    assert np.abs(sharp.astype(int) - truth).mean() < 1


def test_what_none_of_them_shows_stays_the_plain_means(truth):
    half = np.ones((SIDE, SIDE), np.float32)
    half[:, : SIDE // 2] = 0
    plain = np.full_like(truth, 90)
    sharp = sharp_mean(plain, [truth] * 4, [half] * 4)
    assert np.abs(sharp[:, : SIDE // 2 - 2].astype(int) - 90).max() <= 1
    assert np.abs(sharp[:, SIDE // 2 + 2 :].astype(int) - truth[:, SIDE // 2 + 2 :]).mean() < 30
    assert (sharp_mean(plain, [], []) == plain).all()


def test_a_side_that_is_never_seen_is_the_other_ones_mirror_image(truth):
    half = np.ones((SIDE, SIDE), np.float32)
    half[:, : SIDE // 2] = 0
    mean = _mean([truth] * 4, [half] * 4)
    assert np.abs(mean.astype(int) - truth).max() <= 1


def test_what_is_never_bare_takes_after_what_is_around_it():
    """Skin that darkens downwards, and before it a frame of glasses that the mask misses in every tenth face."""
    skin = np.repeat(np.linspace(200, 120, SIDE)[:, None, None] * np.ones((1, SIDE, 1)), 3, axis=2)
    worn = skin.copy()
    worn[50:58] = (90, 20, 20)
    bare = np.ones((SIDE, SIDE), np.float32)
    bare[48:60] = 0
    seen = [np.ones_like(bare) if k % 10 == 0 else bare for k in range(40)]
    copies = [worn.astype(np.uint8)] * len(seen)
    total, weight = sum(copies[0].astype(np.float32) * one[..., None] for one in seen), sum(seen)
    known = bare_share(weight, np.full((SIDE, SIDE), float(len(seen))))
    assert known[54, 60] == 0 and known[30, 60] == 1
    mean = sharp_mean(plain_mean(total, weight, len(seen), known), copies, seen, known)
    assert np.abs(mean - skin)[48:60].max() < 6
    untold = sharp_mean(plain_mean(total, weight, len(seen)), copies, seen)
    assert np.abs(untold - skin)[50:58].max() > 100  # what the mask missed would be taken for skin


def test_the_part_of_a_frame_that_a_mask_mostly_misses_goes_with_the_rest():
    faces, frame = 40.0, np.zeros((SIDE, SIDE), bool)
    frame[50:56, 20:110] = True
    visible = np.full((SIDE, SIDE), faces)
    bare = np.where(frame, 0.05, 1.0) * visible
    bare[frame & (np.arange(SIDE) > 70)] = 0.6 * faces
    bare[80:90, 60:80] = 0.6 * faces  # a hand that came by
    known = bare_share(bare, visible, wholly=True)
    assert known[53, 30] == known[53, 100] == 0
    assert known[85, 70] == 1 and known[30, 60] == 1
    assert bare_share(bare, visible)[53, 100] == 1  # of a target, each part counts for itself


def test_a_wire_rim_that_is_mostly_missed_goes_with_its_bridge_and_a_hand_does_not():
    faces = 30.0
    visible, share = np.full((SIDE, SIDE), faces), np.ones((SIDE, SIDE))
    share[40:44, 56:72] = 0.1  # the bridge
    share[40:60, 30:58] = share[40:60, 70:98] = 0.85  # rims, told in three faces of twenty
    share[45:55, 35:53] = share[45:55, 75:93] = 1.0  # what is seen through them
    share[62:66, 30:98] = 0.85  # a shadow under them that does not hang together with them
    share[40:90, 98:128] = 0.85  # a hand that touches them now and then
    known = bare_share(share * visible, visible, wholly=True)
    assert known[42, 64] == known[58, 44] == known[50, 32] == known[42, 84] == 0
    assert known[50, 44] == known[50, 84] == 1, "eyes"
    assert known[64, 44] == 1 and known[80, 110] == known[50, 115] == 1
    assert bare_share(share * visible, visible)[50, 32] == 1  # of a target each part counts for itself


def test_under_a_rim_goes_on_what_is_on_both_its_sides():
    across = np.linspace(60, 220, SIDE, dtype=np.float32)  # from an eye's shadow to a cheek
    face = np.repeat(np.tile(across, (SIDE, 1))[..., None], 3, 2)
    seen = np.ones((SIDE, SIDE), np.float32)
    seen[:, 60:68] = 0
    mean = plain_mean(face * 10 * seen[..., None], 10 * seen, 10)
    assert np.abs(mean[20:-20, 56:72] - face[20:-20, 56:72]).max() < 3


def test_what_is_covered_is_filled_with_skin_not_with_the_hair_beside_it():
    skin, hair = np.array([200, 150, 130]), np.array([40, 30, 30])
    face = np.tile(skin, (SIDE, SIDE, 1)).astype(np.float32)
    face[:, :30] = face[:, -30:] = hair
    seen = np.ones((SIDE, SIDE), np.float32)
    seen[40:80, 24:-24] = 0  # a mask over the nose that nobody ever took off
    mean = plain_mean(face * 10 * seen[..., None], 10 * seen, 10)
    assert np.abs(mean[40:80, 34:-34].astype(int) - skin).max() < 12


def test_brows_that_were_never_seen_take_after_the_others_in_ones_own_tone():
    own, theirs = np.array([200, 160, 140]), np.array([120, 90, 75])
    mean = np.tile(own, (SIDE, SIDE, 1)).astype(np.uint8)
    other = np.tile(theirs, (SIDE, SIDE, 1)).astype(np.float32)
    other[40:46, 20:50] *= 0.4  # brows
    other[40:46, -50:-20] *= 0.4
    other[:, 80:] *= 1.2  # a lamp from one side
    known, all_known = np.ones((SIDE, SIDE), np.float32), np.ones((SIDE, SIDE), np.float32)
    known[34:52] = 0  # sun glasses
    made = completed(mean, known, np.clip(other, 0, 255).astype(np.uint8), all_known).astype(int)
    assert np.abs(made[:33] - own).max() <= 1 and np.abs(made[53:] - own).max() <= 1
    for columns in (slice(24, 46), slice(-46, -24)):
        assert np.abs(made[42, columns] / own - 0.43).max() < 0.08  # as much darker than skin as theirs are
    assert np.abs(made[42, 56:72] - own).max() < 12
    assert np.abs(made[42] - made[42, ::-1]).max() <= 1
    none = np.zeros_like(known)
    assert (completed(mean, known, other.astype(np.uint8), none) == mean).all()  # glasses on both: nothing to take


def test_nothing_stands_before_what_no_face_showed():
    """Bare faces that never turn: the edge of mesh space is unseen, not covered."""
    visible = np.full((SIDE, SIDE), 30.0)
    visible[:, :9] = 0
    visible[:, 9] = 0.02
    assert bare_share(visible, visible).min() == bare_share(visible, visible, wholly=True).min() == 1
    covered = visible.copy()
    covered[60:80, 40:60] = 0
    known = bare_share(covered, visible)
    assert known[70, 50] == 0 and known[70, 5] == 1


def test_a_hand_that_comes_and_goes_leaves_nothing(truth):
    hand = truth.copy()
    hand[70:110] = (30, 200, 30)
    bare = np.ones((SIDE, SIDE), np.float32)
    bare[70:110] = 0
    copies, seen = [truth] * 12 + [hand] * 12, [np.ones_like(bare)] * 12 + [bare] * 12
    total = sum(copy.astype(np.float32) * one[..., None] for copy, one in zip(copies, seen))
    known = bare_share(sum(seen), np.full((SIDE, SIDE), 24.0))
    mean = sharp_mean(plain_mean(total, sum(seen), 24, known), copies, seen, known)
    assert np.abs(mean.astype(int) - truth)[70:110].mean() < 1


def test_a_side_that_nobody_showed_takes_after_the_other_and_a_hole_in_both_after_its_rim(truth):
    bare = np.ones((SIDE, SIDE), np.float32)
    bare[:, 100:] = 0
    bare[20:24, 10:14] = bare[20:24, SIDE - 14 : SIDE - 10] = 0
    mean = plain_mean(truth.astype(np.float32) * 5 * bare[..., None], 5 * bare, 5)
    assert np.abs(mean[:, 100:].astype(int) - truth[:, 100:])[40:].max() <= 1
    rim = truth[16:28, 6:18].astype(float)
    assert rim.min() - 1 <= mean[20:24, 10:14].min() and mean[20:24, 10:14].max() <= rim.max() + 1
