"""The whole merge on a synthetic face: an ellipse of landmarks on a smooth plate."""

import cv2
import numpy as np
import pytest

from semblance.errors import InputError
from semblance.finish.colour import ColourMap
from semblance.finish.face_colours import FaceColours
from semblance.finish.merge import colours_for, merge_face
from semblance.finish.merge_options import MergeOptions
from semblance.finish.place import face_size, move_points, scaled_about
from semblance.finish.placed_mask import PlacedMask

PLAIN = MergeOptions(colour="none")
TRANSFERS = ("lab", "mean", "lct", "mkl", "idt", "sot", "hist", "mix")


def landmarks(centre=(120.0, 100.0), width=80.0, height=100.0, roll=0.0):
    """478 points: an ellipse and what lies within it."""
    turn = np.linspace(0, 2 * np.pi, 239, endpoint=False)
    outline = np.column_stack([width / 2 * np.cos(turn), height / 2 * np.sin(turn)])
    points = np.vstack([outline, outline * 0.5])
    c, s = np.cos(np.radians(roll)), np.sin(np.radians(roll))
    points = points @ np.array([[c, s], [-s, c]]) + centre
    return np.column_stack([points, np.zeros(len(points))]).astype(np.float32)


def square(centre=(120.0, 100.0), side=140.0, crop=128, roll=0.0):
    """The matrix of a crop of `crop` pixels over a square of the frame, turned by roll degrees."""
    scale = crop / side
    c, s = scale * np.cos(np.radians(roll)), scale * np.sin(np.radians(roll))
    linear = np.array([[c, s], [-s, c]])
    return np.column_stack([linear, (crop - 1) / 2 - linear @ np.asarray(centre, float)])


def smooth_plate(h=200, w=240):
    y, x = np.mgrid[:h, :w].astype(np.float64)
    wave = [20 * np.sin(x / 17 + k) + 20 * np.cos(y / 23 - k) + 60 * x / w for k in range(3)]
    return np.clip(90 + np.stack(wave, -1), 0, 255).astype(np.uint8)


def own_crop(plate, matrix, crop):
    return (
        cv2.warpAffine(plate, matrix, (crop, crop), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE) / 255
    ).astype(np.float32)


def grey(level, crop=128):
    return np.full((crop, crop, 3), level, np.float32)


def laid(plate, merged):
    """The frame with its patch, and the mask at the frame's size."""
    out, mask = plate.copy(), np.zeros(plate.shape[:2], np.float32)
    if merged is not None:
        (h, w), x, y = merged.mask.shape, merged.patch.x, merged.patch.y
        out[y : y + h, x : x + w] = merged.patch.pixels
        mask[y : y + h, x : x + w] = merged.mask
    return out, mask


PLATE = smooth_plate()


BLENDS = ["alpha", "bands", "poisson", "poisson-mixed", "opencv", "raw"]


@pytest.mark.parametrize("blend", BLENDS)
@pytest.mark.parametrize("roll", [0, 25, 180])
@pytest.mark.parametrize("crop", [64, 128, 300])
def test_the_plates_own_face_changes_nothing(roll, crop, blend):
    matrix = square(crop=crop, roll=roll)
    options = PLAIN.changed(blend=blend)
    out, mask = laid(PLATE, merge_face(PLATE, landmarks(roll=roll), own_crop(PLATE, matrix, crop), matrix, options))
    difference = np.abs(out.astype(int) - PLATE)
    assert mask.max() == 1
    # the clone is solved in 8 bits on a coarser grid; stronger gradients of the plate are those that a crop has lost
    assert difference.max() <= {"opencv": 3, "poisson-mixed": 5, "bands": 3}.get(blend, 2)
    assert not difference[mask == 0].any()


@pytest.mark.parametrize(
    "options",
    [
        PLAIN.changed(mask="crop"),
        *(MergeOptions(blend=blend, brightness=10) for blend in BLENDS),
        *(PLAIN.changed(blend=blend, feather=0) for blend in BLENDS),
    ],
)
def test_outside_the_mask_the_patch_is_the_plate(options):
    noise = np.random.default_rng(0).integers(0, 256, PLATE.shape, np.uint8)
    out, mask = laid(noise, merge_face(noise, landmarks(roll=10), grey(0.9), square(roll=10), options))
    assert (out != noise).any()
    assert np.array_equal(out[mask == 0], noise[mask == 0])


@pytest.mark.parametrize("blend", BLENDS)
def test_opacity_nothing_and_half(blend):
    matrix, options = square(), PLAIN.changed(blend=blend)
    assert merge_face(PLATE, landmarks(), grey(0.5), matrix, options.changed(opacity=0)) is None
    full, mask = laid(PLATE, merge_face(PLATE, landmarks(), grey(0.5), matrix, options))
    half, half_mask = laid(PLATE, merge_face(PLATE, landmarks(), grey(0.5), matrix, options.changed(opacity=0.5)))
    assert np.allclose(half_mask, mask / 2)
    assert np.abs((full.astype(float) + PLATE) / 2 - half).max() <= 1.1


@pytest.mark.parametrize(
    "face, matrix",
    [
        (landmarks(centre=(-300, -300)), square(centre=(-300, -300))),  # beyond the frame
        (landmarks(centre=(900, 100)), square()),  # the crop holds nothing of the face
    ],
)
def test_an_empty_mask_is_none(face, matrix):
    assert merge_face(PLATE, face, grey(0.5), matrix, MergeOptions()) is None
    assert merge_face(PLATE, face, grey(0.5), matrix, MergeOptions(blend="poisson")) is None


def test_eroded_to_nothing_is_none():
    assert merge_face(PLATE, landmarks(width=20), grey(0.5), square(), MergeOptions(erode=40)) is None


@pytest.mark.parametrize("roll", [0, 30])
def test_erosion_is_a_percentage_of_the_face(roll):
    for percent, pixels in ((0, 0), (5, 5), (10, 10), (-6, -6)):  # the face is 100 px long
        options = PLAIN.changed(erode=percent, feather=0)
        _, mask = laid(PLATE, merge_face(PLATE, landmarks(roll=roll), grey(1), square(roll=roll), options))
        assert mask.sum() == pytest.approx(np.pi * (40 - pixels) * (50 - pixels), rel=0.03)


def test_feather_is_a_percentage_of_the_face():
    options = PLAIN.changed(erode=0, feather=16)  # 16 px from end to end
    _, mask = laid(PLATE, merge_face(PLATE, landmarks(), grey(1), square(), options))
    row = mask[100]
    x = np.arange(len(row)) - 120
    assert np.interp(0.5, row[120:180][::-1], x[120:180][::-1]) == pytest.approx(40, abs=1)
    assert row[np.abs(x) < 31].min() > 0.99 and row[np.abs(x) > 49.5].max() == 0
    assert row[x == 36] == pytest.approx(0.857, abs=0.04)  # one of the Gaussian's deviations within the edge


@pytest.mark.parametrize(
    "side, axis, last", [("top", 1, False), ("bottom", 1, True), ("left", 0, False), ("right", 0, True)]
)
def test_padding_moves_only_its_side(side, axis, last):
    def extent(options):
        _, mask = laid(PLATE, merge_face(PLATE, landmarks(), grey(1), square(), options))
        found = np.flatnonzero(mask.max(axis) > 0.5)
        return found[0], found[-1]

    hard = PLAIN.changed(erode=0, feather=0)
    before, after = extent(hard), extent(hard.changed(**{f"pad_{side}": 12}))
    assert after[last] - before[last] == pytest.approx(12 if last else -12, abs=1)
    assert after[not last] == before[not last]


@pytest.mark.parametrize("scale", [0.7, 1.3])
def test_face_scale_scales_about_the_face(scale):
    centre = np.array([120.0, 100.0])
    matrix = square(centre=(126, 104))  # the crop's middle is not the face's
    crop = np.zeros((128, 128, 3), np.float32)
    spot = move_points(matrix, np.array([[138.0, 88.0]]))[0]  # 18 right of and 12 above the face's centre
    cv2.circle(crop, tuple(np.rint(spot * 16).astype(int).tolist()), 16 * 5, (1, 1, 1), -1, cv2.LINE_AA, 4)
    plate = np.zeros_like(PLATE)
    out, mask = laid(plate, merge_face(plate, landmarks(), crop, matrix, PLAIN.changed(face_scale=scale)))
    y, x = np.mgrid[: out.shape[0], : out.shape[1]]
    light = out[..., 0] / out[..., 0].sum(dtype=float)
    assert (light * x).sum() == pytest.approx(centre[0] + scale * 18, abs=0.3)
    assert (light * y).sum() == pytest.approx(centre[1] - scale * 12, abs=0.3)
    _, natural = laid(plate, merge_face(plate, landmarks(), crop, matrix, PLAIN))
    assert mask.sum() / natural.sum() == pytest.approx(scale**2, rel=0.03)
    assert np.allclose(
        move_points(scaled_about(matrix, centre, scale), centre[None]), move_points(matrix, centre[None])
    )


@pytest.mark.parametrize("roll", [0, 90])
def test_shifts_are_percentages_of_the_face_along_its_own_axes(roll):
    face, matrix = landmarks(roll=roll), square(roll=roll)
    crop = grey(0)
    cv2.circle(crop, (60, 70), 5, (1, 1, 1), -1, cv2.LINE_AA)
    places, masks = [], []
    for options in (PLAIN, PLAIN.changed(shift_x=10, shift_y=-6)):
        plate = np.zeros_like(PLATE)
        out, mask = laid(plate, merge_face(plate, face, crop, matrix, options))
        y, x = np.mgrid[: out.shape[0], : out.shape[1]]
        for picture, found in ((out[..., 0].astype(float), places), (mask, masks)):
            found.append(np.array([(picture * x).sum(), (picture * y).sum()]) / picture.sum())
    wanted = [10, -6] if roll == 0 else [6, 10]  # the face is 100 px long
    assert np.abs(places[1] - places[0] - wanted).max() < 0.2
    assert np.abs(masks[1] - masks[0] - wanted).max() < 0.2


@pytest.mark.parametrize("blend", ["bands", "poisson", "opencv"])
def test_every_blend_leaves_the_face_where_alpha_puts_it(blend):
    matrix = square(centre=(128, 95), roll=15)
    crop = own_crop(PLATE, matrix, 128)
    spot = move_points(matrix, np.array([[132.0, 92.0]]))[0]
    cv2.circle(crop, tuple(np.rint(spot).astype(int).tolist()), 7, (0, 0, 0), -1, cv2.LINE_AA)
    places = []
    # the padding makes the mask lopsided: its box's middle is far from the crop's and from the face's
    for each in ("alpha", blend):
        options = PLAIN.changed(blend=each, pad_right=10, pad_top=-15)
        out, _ = laid(PLATE, merge_face(PLATE, landmarks(roll=15), crop, matrix, options))
        dark = np.maximum(PLATE.astype(float) - out - 40, 0).sum(-1)
        y, x = np.mgrid[: out.shape[0], : out.shape[1]]
        places.append([(dark * x).sum() / dark.sum(), (dark * y).sum() / dark.sum()])
    assert np.abs(np.subtract(*places)).max() < 0.5


@pytest.mark.parametrize("blend", ["alpha", "opencv", "bands"])
def test_a_face_of_eight_pixels(blend):
    face, matrix = landmarks(centre=(50, 50), width=6.5, height=8), square(centre=(50, 50), side=12, crop=64)
    options = MergeOptions(blend=blend)
    out, mask = laid(
        PLATE, merge_face(PLATE, face, np.zeros((64, 64, 3), np.float32), matrix, options.changed(colour="none"))
    )
    assert mask[50, 50] > 0.9 and 10 < mask.sum() < 45
    assert out[50, 50].max() < PLATE[50, 50].max() / 4
    y, x = np.mgrid[: out.shape[0], : out.shape[1]]
    assert (mask * x).sum() / mask.sum() == pytest.approx(50, abs=0.3)
    assert (mask * y).sum() / mask.sum() == pytest.approx(50, abs=0.3)
    assert merge_face(PLATE, face, np.zeros((64, 64, 3), np.float32), matrix, options) is not None


@pytest.mark.parametrize("blend", ["alpha", "bands", "poisson", "opencv"])
@pytest.mark.parametrize("centre", [(0, 100), (239, 30), (120, 0), (130, 199), (2, 2)])
def test_a_face_half_out_of_the_frame(centre, blend):
    matrix = square(centre=centre, roll=20)
    crop = own_crop(PLATE, matrix, 128)
    merged = merge_face(PLATE, landmarks(centre, roll=20), crop, matrix, MergeOptions(blend=blend))
    out, mask = laid(PLATE, merged)
    assert mask[centre[1], centre[0]] > 0.95
    assert merged.patch.pixels.shape[:2] == merged.mask.shape
    assert np.abs(out.astype(int) - PLATE)[4:-4, 4:-4].max() <= 8  # its own colours, measured on half a face


def test_a_crop_smaller_than_the_face_shows_no_box():
    matrix = square(side=60, crop=64)  # the hull is 80 by 100
    _, mask = laid(PLATE, merge_face(PLATE, landmarks(), grey(1, 64), matrix, MergeOptions()))
    assert mask[100, 120] == 1
    y, x = np.nonzero(mask)
    assert x.min() >= 89 and x.max() <= 151 and y.min() >= 69 and y.max() <= 131
    assert np.abs(np.diff(mask, axis=0)).max() < 0.25 and np.abs(np.diff(mask, axis=1)).max() < 0.25
    assert mask[74, 94] == 0  # its corners are round


def test_colours_become_the_plates():
    skin = np.clip(np.array([0.7, 0.5, 0.4]) + 0.08 * (PLATE / 255.0 - 0.5), 0, 1)
    plate = np.rint(skin * 255).astype(np.uint8)
    matrix = square()
    crop = np.clip(own_crop(plate, matrix, 128) * (0.6, 0.8, 1.2), 0, 1).astype(np.float32)
    for options in [MergeOptions(colour=colour, linear_light=light) for colour in TRANSFERS for light in (False, True)]:
        out, mask = laid(plate, merge_face(plate, landmarks(), crop, matrix, options))
        assert np.abs(out[mask > 0.9].mean(0) - plate[mask > 0.9].mean(0)).max() < 2
    out, mask = laid(plate, merge_face(plate, landmarks(), crop, matrix, PLAIN))
    assert np.abs(out[mask > 0.9].mean(0) - plate[mask > 0.9].mean(0)).max() > 40


def test_colours_that_the_caller_smoothed_are_used():
    matrix, crop = square(), own_crop(PLATE, square(), 128)
    options = MergeOptions(colour="mean")
    found = colours_for(PLATE, landmarks(), crop, matrix, options)
    lifted = found.change.numbers + np.float32([0, 0, 0, 0.1])
    handed = FaceColours(ColourMap("affine", "rgb", lifted), found.probes, found.seen)
    usual, mask = laid(PLATE, merge_face(PLATE, landmarks(), crop, matrix, options))
    lighter, _ = laid(PLATE, merge_face(PLATE, landmarks(), crop, matrix, options, colours=handed))
    assert (lighter.astype(float) - usual)[mask == 1].mean() == pytest.approx(25.5, abs=0.5)


def test_half_strength_goes_half_of_the_way():
    plate = np.full_like(PLATE, 153)
    tones = []
    for strength in (0, 0.5, 1):
        options = MergeOptions(colour="mean", colour_strength=strength)
        out, mask = laid(plate, merge_face(plate, landmarks(), grey(0.2), square(), options))
        tones.append(out[mask == 1].mean())
    assert tones == pytest.approx([51, 102, 153], abs=0.6)


def test_what_stands_before_the_face_lends_it_no_colour():
    plate = np.full_like(PLATE, 150)
    plate[:, 105:] = (20, 200, 20)  # two thirds of the face behind a green board
    in_front = np.zeros(PLATE.shape[:2], np.float32)
    in_front[:, 103:] = 1
    free = PlacedMask(1 - cv2.warpAffine(in_front, square(), (128, 128), borderMode=cv2.BORDER_REPLICATE), square())
    out, mask = laid(plate, merge_face(plate, landmarks(), grey(0.3), square(), MergeOptions(), free=free))
    assert np.abs(out[mask == 1].astype(int) - 150).max() <= 2


def test_brightness_and_contrast_in_the_frame():
    out, mask = laid(
        PLATE, merge_face(PLATE, landmarks(), grey(0.6), square(), PLAIN.changed(brightness=10, contrast=50))
    )
    assert np.abs(out[mask == 1] - 255 * (0.1 * 1.5 + 0.5 + 0.1)).max() <= 1


def test_sharpening_steepens_the_faces_edges():
    crop = grey(0.3)
    crop[:, 64:] = 0.7
    crop = cv2.GaussianBlur(crop, (0, 0), 1.2)
    slopes = []
    for amount in (0, 1):
        out, _ = laid(PLATE, merge_face(PLATE, landmarks(), crop, square(), PLAIN.changed(sharpen=amount)))
        slopes.append(np.diff(out[100, 100:140, 0].astype(int)).max())
    assert slopes[1] > 1.15 * slopes[0]


def test_a_large_crop_is_averaged_not_sampled():
    y, x = np.mgrid[:512, :512]
    crop = np.repeat(((x + y) % 2)[:, :, None], 3, 2).astype(np.float32)  # a chessboard, far finer than the frame
    out, mask = laid(PLATE, merge_face(PLATE, landmarks(), crop, square(crop=512), PLAIN))
    assert np.abs(out[mask == 1].astype(int) - 128).max() <= 16


def test_the_models_mask_and_the_person_mask_limit_the_face():
    left = np.zeros((128, 128), np.float32)
    left[:, :64] = 1
    hard = PLAIN.changed(erode=0, feather=0)
    _, hull = laid(PLATE, merge_face(PLATE, landmarks(), grey(1), square(), hard))
    _, both = laid(
        PLATE, merge_face(PLATE, landmarks(), grey(1), square(), hard.changed(mask="hull*model"), crop_mask=left)
    )
    assert np.abs(both[:, :119] - hull[:, :119]).max() < 0.02 and both[:, 122:].max() == 0
    person = np.zeros(PLATE.shape[:2], np.float32)
    person[:100] = 1
    seen = {"person": PlacedMask(person, np.eye(2, 3))}
    _, mask = laid(PLATE, merge_face(PLATE, landmarks(), grey(1), square(), hard.changed(mask="person"), seen=seen))
    assert mask[60:98, 120].min() == 1 and mask[103:].max() == 0


def test_a_head_is_the_person_around_the_face_and_a_union_is_either():
    everybody = {"person": PlacedMask(np.ones(PLATE.shape[:2], np.float32), np.eye(2, 3))}
    hard = PLAIN.changed(erode=0, feather=0)
    areas = {
        words: laid(PLATE, merge_face(PLATE, landmarks(), grey(1), square(), hard.changed(mask=words), seen=everybody))[
            1
        ]
        for words in ("hull", "head", "person", "hull+head", "hull*head")
    }
    sums = {words: float(mask.sum()) for words, mask in areas.items()}
    assert 1.2 * sums["hull"] < sums["head"] < sums["person"]
    assert np.abs(areas["hull+head"] - areas["head"]).max() < 0.02
    assert np.abs(areas["hull*head"] - areas["hull"]).max() < 0.02


def test_what_was_found_in_the_drawn_face_moves_with_it():
    left = np.zeros((128, 128), np.float32)
    left[:, :64] = 1
    hard = PLAIN.changed(erode=0, feather=0, mask="crop*xseg-new")
    for shift in (0.0, 20.0):
        seen = {"xseg-new": PlacedMask(left, square())}
        _, mask = laid(PLATE, merge_face(PLATE, landmarks(), grey(1), square(), hard.changed(shift_x=shift), seen=seen))
        edge = np.flatnonzero(mask[100] > 0.5)[-1]
        assert abs(edge - (119 + shift / 100 * face_size(landmarks()))) < 2.5


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"plate": PLATE.astype(np.float32)}, "plate"),
        ({"crop": np.zeros((128, 100, 3), np.float32)}, "crop"),
        ({"crop": np.zeros((128, 128, 3), np.uint8)}, "crop"),
        ({"landmarks": np.zeros((2, 3), np.float32)}, "Landmarks"),
        ({"matrix": np.zeros((2, 3))}, "inverse"),
        ({"options": MergeOptions(mask="model")}, "draws a mask"),
        ({"options": MergeOptions(mask="person")}, "needs the mask 'person'"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(changes, words):
    given = {"plate": PLATE, "landmarks": landmarks(), "crop": grey(1), "matrix": square(), "options": MergeOptions()}
    with pytest.raises(InputError, match=words):
        merge_face(**(given | changes))


@pytest.mark.parametrize(
    "bad", [{"face_scale": 2}, {"opacity": -0.1}, {"colour": "lba"}, {"feather": float("nan")}, {"seamless": True}]
)
def test_options_out_of_range_are_refused(bad):
    with pytest.raises(InputError, match=next(iter(bad))):
        MergeOptions(**bad)


@pytest.mark.parametrize("roll", [0, 30])
def test_what_stands_before_the_face_stays(roll):
    """The right half of the frame (x > 120) is in front, told on a small grid of its own that is turned."""
    matrix = square(side=160.0, crop=64, roll=roll)
    in_front = np.zeros(PLATE.shape[:2], np.float32)
    in_front[:, 121:] = 1
    free = PlacedMask(1 - cv2.warpAffine(in_front, matrix, (64, 64), borderMode=cv2.BORDER_REPLICATE), matrix)
    out, mask = laid(PLATE, merge_face(PLATE, landmarks(), grey(1.0), square(), PLAIN, free=free))
    assert mask[60:140, :117].max() > 0.99
    assert mask[:, 125:].max() < 0.01 and np.array_equal(out[:, 126:], PLATE[:, 126:])


@pytest.mark.parametrize("changes", [{"face_scale": 1.3}, {"shift_x": 12}])
def test_what_stands_before_the_face_stays_where_it_is_when_the_face_does_not(changes):
    matrix = square(side=160.0, crop=64)
    in_front = np.zeros(PLATE.shape[:2], np.float32)
    in_front[:, 131:] = 1
    free = PlacedMask(1 - cv2.warpAffine(in_front, matrix, (64, 64), borderMode=cv2.BORDER_REPLICATE), matrix)
    _, mask = laid(PLATE, merge_face(PLATE, landmarks(), grey(1.0), square(), PLAIN.changed(**changes), free=free))
    assert mask[80:120, :127].max() > 0.99 and mask[:, 135:].max() < 0.01
    assert mask[100, 126] > 0.5


def test_a_hand_before_the_face_does_not_tint_it():
    """The right half of the frame is a hand, now green, now white; the face takes its level from the left half."""
    matrix = square(side=160.0, crop=64)
    in_front = np.zeros(PLATE.shape[:2], np.float32)
    in_front[:, 121:] = 1
    free = PlacedMask(1 - cv2.warpAffine(in_front, matrix, (64, 64), borderMode=cv2.BORDER_REPLICATE), matrix)
    outs = []
    for hand in ((20, 200, 30), (250, 250, 250)):
        plate = np.full_like(PLATE, (190, 150, 130))
        plate[:, 121:] = hand
        options = PLAIN.changed(blend="poisson")
        outs.append(laid(plate, merge_face(plate, landmarks(), grey(0.6), square(), options, free=free))[0])
    assert np.abs(outs[0][70:130, 90:112].astype(int) - (190, 150, 130)).max() <= 3
    assert np.abs(outs[0].astype(int) - outs[1])[70:130, 90:112].max() <= 2


def test_a_poisson_blend_brings_the_face_to_the_plates_level():
    plate = np.full_like(PLATE, (190, 150, 130))
    alpha, mask = laid(plate, merge_face(plate, landmarks(), grey(0.5), square(), PLAIN))
    met, _ = laid(plate, merge_face(plate, landmarks(), grey(0.5), square(), PLAIN.changed(blend="poisson")))
    assert np.abs(alpha[mask == 1].astype(int) - plate[mask == 1]).max() > 20
    assert np.abs(met.astype(int) - plate).max() <= 1


def test_raw_is_the_crop_as_it_is():
    crop = np.random.default_rng(0).uniform(0, 1, (128, 128, 3)).astype(np.float32)
    matrix = square(centre=(119.5, 99.5), side=128)  # on the frame's own pixels
    out, mask = laid(PLATE, merge_face(PLATE, landmarks(), crop, matrix, MergeOptions(blend="raw")))
    assert mask[36:164, 56:184].min() == 1 and mask.sum() == 128**2
    assert np.abs(out[36:164, 56:184] - 255 * crop).max() < 0.51
    assert np.array_equal(out[mask == 0], PLATE[mask == 0])


def test_raw_takes_the_models_own_mask():
    own = np.zeros((128, 128), np.float32)
    own[30:90, 40:80] = 0.5
    options = MergeOptions(blend="raw").settled("hull*model")
    merged = merge_face(PLATE, landmarks(), grey(0.9), square(centre=(119.5, 99.5), side=128), options, own)
    assert np.allclose(laid(PLATE, merged)[1][36:164, 56:184], own, atol=0.01)


def test_warp_pulls_the_drawn_mouth_to_the_plates():
    """The drawn face has its dark spot, and all landmarks, 6 crop pixels too far down."""
    matrix = square()
    wanted = move_points(matrix, landmarks())
    crop = grey(0.6)
    cv2.circle(crop, (64, 76), 5, (0, 0, 0), -1, cv2.LINE_AA)
    drawn = wanted + np.array([0, 6])
    white = np.full_like(PLATE, 255)
    rows = []
    for strength in (0, 0.5, 1):
        merged = merge_face(white, landmarks(), crop, matrix, PLAIN.changed(warp=strength), drawn=drawn)
        dark = 255 - laid(white, merged)[0][..., 0].astype(float)
        dark = np.where(dark > 120, dark, 0)
        rows.append((dark * np.mgrid[: dark.shape[0], : dark.shape[1]][0]).sum() / dark.sum())
    assert np.abs(np.subtract(rows[0], rows) - np.array([0, 3, 6]) * 140 / 128).max() < 0.3
    unknown = merge_face(PLATE, landmarks(), crop, matrix, PLAIN.changed(warp=1))
    plain = merge_face(PLATE, landmarks(), crop, matrix, PLAIN)
    assert np.array_equal(unknown.patch.pixels, plain.patch.pixels)


def test_options_settle_by_what_the_model_brings():
    assert MergeOptions().settled() == MergeOptions(mask="hull", erode=4, feather=10, colour="lab")
    assert MergeOptions().settled("model", soft=True) == MergeOptions(mask="model", erode=0, feather=10, colour="none")
    assert MergeOptions(blend="poisson").settled("model", soft=True).feather == 0
    asked = MergeOptions(mask="crop", erode=2, feather=3, colour="mean")
    assert asked.settled("model", soft=True) == asked
    assert MergeOptions(blend="bands").settled().feather == 3
    raw = MergeOptions(blend="raw")
    assert raw.settled("hull") == MergeOptions(blend="raw", mask="crop", erode=0, feather=0, colour="none")
    assert raw.settled("hull*model").mask == "model"
    assert MergeOptions(blend="raw", feather=5).settled().feather == 5
