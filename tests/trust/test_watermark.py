"""The watermark: unseen, found again after what happens to clips, and never found where there is none."""

from __future__ import annotations

import io
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from semblance.errors import InputError
from semblance.trust.marking import Marking
from semblance.trust.watermark import SMALLEST, add_mark, carries, make_mark, waves
from semblance.trust.watermark_code import SIGNS, decode, encode
from semblance.trust.watermark_find import SURE, even_out, find_mark, measured, score
from semblance.types import Patch

PAYLOAD = 0x0123456789ABCDEF
# of the public pattern, as it was made first
DOWN_RIGHT = ([6, 5, 12, 18], [16, 12, 17, 4])
PHASES = [3.047306, -2.072424, 1.589048]
FIRST_SIGNS = "+++++-+++---+++----+----"


def picture(height: int, width: int, seed: int = 0, contrast: float = 20.0) -> np.ndarray:
    """(H, W) float32 with a photograph's spectrum (amplitude falls as 1 / frequency), a flat wall and sharp edges."""
    chance = np.random.default_rng(seed)
    down, right = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]
    spectrum = np.fft.rfft2(chance.standard_normal((height, width))) / np.maximum(np.hypot(down, right), 2 / width)
    texture = np.fft.irfft2(spectrum, (height, width))
    texture = 120 + contrast * texture / texture.std()
    texture[: height // 3, : width // 3] = 150
    cv2.circle(texture, (width // 2, height // 2), height // 4, 60, 2)
    return texture.astype(np.float32)


def frames(height: int, width: int, count: int = 3, seed: int = 0, contrast: float = 20.0) -> list[np.ndarray]:
    """The picture under grain that differs from frame to frame, uint8."""
    still, chance = picture(height, width, seed, contrast), np.random.default_rng(seed + 1)
    grain = (still + 1.5 * chance.standard_normal(still.shape) for _ in range(count))
    return [np.clip(frame, 16, 235).round().astype(np.uint8) for frame in grain]


def marked(plain: list[np.ndarray], payload: int = PAYLOAD, **about) -> list[np.ndarray]:
    mark = make_mark(payload, *plain[0].shape[:2])
    copies = [frame.copy() for frame in plain]
    for frame in copies:
        add_mark(frame, mark, **about)
    return copies


def encoded(clip: list[np.ndarray], crf: int) -> list[np.ndarray]:
    """Luma after H.264."""
    height, width = clip[0].shape
    with io.BytesIO() as file:
        with av.open(file, "w", format="matroska") as container:
            stream = container.add_stream("libx264", Fraction(25), options={"crf": str(crf), "preset": "veryfast"})
            stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
            for frame in clip:
                grey = np.concatenate([frame, np.full((height // 2, width), 128, np.uint8)])
                container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="yuv420p")))
            container.mux(stream.encode())
        file.seek(0)
        with av.open(file) as container:
            return [frame.to_ndarray()[:height] for frame in container.decode(video=0)]


def as_jpeg(frame: np.ndarray, quality: int) -> np.ndarray:
    return cv2.imdecode(cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_UNCHANGED)


def resized(frame: np.ndarray, height: int, width: int) -> np.ndarray:
    way = cv2.INTER_AREA if height < frame.shape[0] else cv2.INTER_CUBIC
    return cv2.resize(frame, (width, height), interpolation=way)


def noisy(frame: np.ndarray, level: float) -> np.ndarray:
    noise = np.random.default_rng(round(10 * level)).normal(0, level, frame.shape)
    return np.clip(frame + noise, 0, 255).astype(np.uint8)


ATTACKS = {
    "nothing": lambda clip: clip,
    "H.264": lambda clip: encoded(clip, 28),
    "JPEG": lambda clip: [as_jpeg(frame, 60) for frame in clip],
    "halved": lambda clip: [resized(frame, 144, 180) for frame in clip],
    "halved and back": lambda clip: [resized(resized(frame, 144, 180), 288, 360) for frame in clip],
    "three quarters": lambda clip: [resized(frame, 216, 270) for frame in clip],
    "half as large again": lambda clip: [resized(frame, 432, 540) for frame in clip],
    "cropped": lambda clip: [frame[31:261, 53:341] for frame in clip],
    "cropped and back": lambda clip: [resized(frame[31:261, 53:341], 288, 360) for frame in clip],
    "mirrored": lambda clip: [frame[:, ::-1] for frame in clip],
    "mirrored and cropped": lambda clip: [frame[40:, 60:][:, ::-1] for frame in clip],
    "brighter": lambda clip: [cv2.convertScaleAbs(frame, alpha=1.1) for frame in clip],
    "noise": lambda clip: [noisy(frame, 8) for frame in clip],
    "one still": lambda clip: clip[:1],
}  # fmt: skip


@pytest.fixture(scope="module")
def clip():
    return marked(frames(288, 360))


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_number_survives(attack, clip):
    found = find_mark(ATTACKS[attack](clip))
    assert found.payload == PAYLOAD and found.log10_false < SURE and found.marked
    assert found.mirrored == ("mirrored" in attack)
    shape = (230, 288) if attack.startswith("cropped") else None
    assert found.scale == pytest.approx(288 / shape[0] if shape else found.scale, rel=0.005)


def test_the_shift_is_where_the_crop_began(clip):
    found = find_mark([frame[31:261, 53:341] for frame in clip])
    assert found.shift == pytest.approx((53, 31), abs=1)


@pytest.mark.parametrize("height, width", [(287, 361), (240, 427), (480, 271), (512, 512), (720, 1280)])
def test_any_size(height, width):
    assert find_mark(marked(frames(height, width, 2, seed=5))).payload == PAYLOAD


def test_the_smallest_size_where_the_picture_is_calm():
    assert find_mark(marked(frames(SMALLEST, 150, 2, seed=5, contrast=10))).payload == PAYLOAD


def test_a_frame_too_small_is_said_to_be():
    assert not carries(96, 400) and not carries(400, SMALLEST - 1) and carries(SMALLEST, SMALLEST)
    with pytest.raises(InputError, match="400x96 is too small for the watermark; its shorter side must be 128"):
        make_mark(PAYLOAD, 96, 400)
    assert find_mark([np.zeros((96, 400), np.uint8)]).payload is None


@pytest.mark.parametrize("bits", [10, 12])
def test_deep_video_is_changed_as_much_as_shallow(bits):
    shallow = frames(288, 360, 1)[0]
    deep = shallow.astype(np.uint16) << (bits - 8)
    change = (marked([deep], bits=bits)[0].astype(int) - deep) / 2 ** (bits - 8)
    expected = marked([shallow])[0].astype(int) - shallow
    assert np.abs(change - expected).max() <= 0.5 + 2.0 ** (8 - bits)  # what rounding to 8 bits takes away
    assert find_mark(marked([deep], bits=bits), bits=bits).payload == PAYLOAD
    white = np.full((288, 360), (1 << bits) - 1, np.uint16)
    assert marked([white], bits=bits)[0].max() == (1 << bits) - 1


def test_rgb_of_sixteen_bits_is_changed_as_much_as_shallow():
    shallow = np.repeat(frames(288, 360, 1)[0][..., None], 3, 2)
    change = marked([shallow.astype(np.uint16) * 256], bits=16)[0] / 256 - shallow
    assert np.abs(change - (marked([shallow])[0].astype(int) - shallow)).max() < 0.52


def test_limited_range_is_changed_by_its_share():
    flat = np.full((288, 360), 128, np.uint16) << 8
    full, limited = (marked([flat], bits=16, full_range=full)[0].astype(float) - flat for full in (True, False))
    assert np.std(limited) / np.std(full) == pytest.approx(219 / 255, rel=1e-3)


def test_rgb_changes_in_luma_alone():
    grey = np.clip(picture(288, 360), 30, 220).astype(np.uint8)
    tinted = np.stack([grey, grey - 10, grey // 2 + 20], 2)
    change = marked([tinted])[0].astype(int) - tinted
    assert np.ptp(change, axis=2).max() == 0 and np.abs(change).max() > 0
    assert find_mark(marked([tinted])).payload == PAYLOAD


def test_every_number_is_read_as_itself():
    chance, plain = np.random.default_rng(3), frames(288, 360, 1)
    for payload in [0, 2**64 - 1, 1, PAYLOAD ^ 1, *map(int, chance.integers(2**64, size=8, dtype=np.uint64))]:
        assert find_mark(marked(plain, payload)).payload == payload


def test_no_number_rather_than_a_wrong_one():
    still = marked(frames(288, 360, 1))[0]
    read = [find_mark([noisy(still, level)]).payload for level in (10, 25, 40, 60, 90, 120)]
    assert set(read) == {PAYLOAD, None}  # the last ones are beyond reading


UNMARKED = {
    "texture": lambda k: picture(288, 360, 20 + k),
    "noise": lambda k: 128 + 30 * np.random.default_rng(k).standard_normal((240 + 24 * k, 320)),
    "coarse noise": lambda k: cv2.resize(100 * np.random.default_rng(k).random((30, 40)), (400, 300)),
    "flat": lambda k: np.full((288, 360), 80.0 * k),
    "gradient": lambda k: np.mgrid[0:300, 0:400][k % 2] / 2.0,
    "grating": lambda k: 128 + 60 * np.sin(np.mgrid[0:288, 0:360][1] / (1.2 + k)),
    "squares": lambda k: 255.0 * (np.add(*(np.mgrid[0:288, 0:360] // (5 + k))) % 2),
}


@pytest.mark.parametrize("kind", UNMARKED)
def test_where_there_is_no_mark_none_is_found(kind):
    found = find_mark([np.clip(UNMARKED[kind](1), 0, 255).astype(np.uint8)])
    assert found.payload is None and not found.marked and found.log10_false > -2


def test_the_bound_on_false_positives_holds():
    """Where there is no mark, z is spread as the bound says: P(z > x) <= exp(-x^2 / 2)."""
    scores = []
    for seed in range(4):
        even = even_out(picture(288, 360, seed))
        scores += [score(measured(even, (scale, scale))) for scale in np.linspace(0.7, 1.7, 150)]
    scores = np.array(scores)
    assert 0.7 < scores.std() < 1.2
    for x in (1, 2, 3):
        assert (scores > x).mean() <= np.exp(-(x**2) / 2)


def test_the_mark_stays_under_its_bounds():
    chance = np.random.default_rng(0)
    for height, least in ((288, 40), (720, 43)):
        rough = chance.integers(0, 2, (height // 6 + 1, height // 6 + 1)).astype(np.float32) * 160 + 40
        rough = cv2.resize(rough, (height, height)).astype(np.uint8)  # strong everywhere: nothing holds the mark back
        assert least < cv2.PSNR(rough, marked([rough], full_range=True)[0]) < least + 4
    flat = np.full((288, 360), 128, np.uint8)
    change = marked([flat], full_range=True)[0].astype(int) - flat
    assert 0 < change.std() < 1.3 and np.abs(change).max() <= 5
    assert abs(change.mean()) < 0.02  # no tint


def test_the_pattern_stands_still_and_every_frame_is_its_own():
    plain = frames(288, 360, 3)
    forth, back = marked(plain), marked(plain[::-1])[::-1]
    assert all(np.array_equal(a, b) for a, b in zip(forth, back))
    changes = [a.astype(float) - b for a, b in zip(forth, plain)]
    assert np.corrcoef(changes[0].ravel(), changes[1].ravel())[0, 1] > 0.9


def test_marks_of_today_are_read_for_good():
    """The public pattern is a format: whoever changes one of these loses every clip that is marked already."""
    tile = waves()
    assert (tile.down[:4].tolist(), tile.right[:4].tolist()) == DOWN_RIGHT
    assert np.angle(tile.phase[[0, 1, -1]]) == pytest.approx(PHASES, abs=1e-6)
    assert "".join("+" if sign > 0 else "-" for sign in encode(PAYLOAD)[:24]) == FIRST_SIGNS


def test_the_code_corrects_and_refuses():
    chance, signs = np.random.default_rng(0), encode(PAYLOAD)
    assert len(signs) == SIGNS and decode(signs) == PAYLOAD
    assert all(decode(signs + 1.5 * chance.standard_normal(SIGNS)) == PAYLOAD for _ in range(10))
    turned = signs * np.where(chance.random(SIGNS) < 0.2, -1, 1)
    assert decode(turned) == PAYLOAD
    assert [decode(chance.standard_normal(SIGNS)) for _ in range(20)] == [None] * 20
    with pytest.raises(InputError, match="64 bits"):
        encode(2**64)


def test_long_clips_are_sampled():
    still = frames(288, 360, 1)[0]
    assert find_mark(still for _ in range(700)).frames < 300
    half = marked([still])[0]
    found = find_mark(frame for number in range(400) for frame in [half if number >= 200 else still])
    assert found.payload == PAYLOAD  # a clip marked in its second half only


def test_grain_on_a_wall_hides_no_pattern_and_gets_none():
    """Nothing finer than the mark covers it: a grainy wall carries no more than a smooth one, a rough one does."""
    chance, shape = np.random.default_rng(4), (288, 360)
    grain = 120 + 2.5 * chance.standard_normal(shape)
    rough = cv2.GaussianBlur(chance.standard_normal(shape), (0, 0), 2.0)
    laid = []
    for wall in (np.full(shape, 120.0), grain, 120 + 12 * rough / rough.std()):
        wall = wall.round().astype(np.uint8)
        laid.append((marked([wall])[0].astype(float) - wall)[20:-20, 20:-20].std())
    assert laid[0] < 0.8 and laid[1] < 1.52 * laid[0]
    assert laid[2] > 2.7 * laid[0]


def test_what_cannot_be_looked_at_is_said():
    plain = frames(288, 360, 1)[0]
    for frames_, message in [
        ([], "there was none"),
        ([plain, plain[:, :200]], "differ in shape"),
        ([plain.astype(np.float32)], "not float32"),
        ([plain.astype(np.uint16)], "depth with bits="),
    ]:
        with pytest.raises(InputError, match=message):
            find_mark(frames_)
    with pytest.raises(InputError, match="for frames of 360x288, not 200x288"):
        add_mark(plain[:, :200], make_mark(PAYLOAD, 288, 360))


def test_what_a_patch_spares_stays_as_it_is_and_the_mark_is_found_all_the_same():
    plain = frames(288, 360)
    spared = np.zeros((60, 80), np.float32)
    spared[10:50, 10:70] = 1
    patches = [Patch(140, 110, np.zeros((60, 80, 3), np.uint8), spared), Patch(-20, 250, np.zeros((60, 80, 3)), spared)]
    marking, made = Marking(f"{PAYLOAD:016x}"), [frame.copy() for frame in plain]
    for frame in made:
        marking.luma(frame, 8, patches)
    for new, old, whole in zip(made, plain, marked(plain)):
        assert np.array_equal(new[120:160, 150:210], old[120:160, 150:210])
        assert np.array_equal(new[260:, :50], old[260:, :50])
        elsewhere = np.ones(old.shape, bool)
        elsewhere[110:170, 140:220], elsewhere[250:, :60] = False, False
        assert np.array_equal(new[elsewhere], whole[elsewhere])
    assert find_mark(encoded(made, 28)).payload == PAYLOAD


def test_no_patch_can_spare_a_frame_its_mark():
    plain = frames(288, 360)
    whole, made = np.ones((288, 360), np.float32), [frame.copy() for frame in plain]
    for frame in made:
        Marking(f"{PAYLOAD:016x}").luma(frame, 8, [Patch(0, 0, frame, share) for share in (100 * whole, whole, whole)])
    assert find_mark(encoded(made, 28)).payload == PAYLOAD
