"""Deep plates: sixteen bits a channel there and back, patches in the plate's depth, full range and tags kept."""

from __future__ import annotations

import itertools

import av
import cv2
import numpy as np
import pytest

from semblance.media.colour import matrix_of, planes_of, range_of, to_rgb
from semblance.media.fine import deepened, fine_pixels, fine_rgb, from_fine_rgb, is_deep, shallowed
from semblance.media.image import write_picture
from semblance.media.native import lay_patches, paste
from semblance.media.probe import probe
from semblance.media.read import frame_times, read_frames
from semblance.media.write import EncodeOptions, join_segments, open_segment
from semblance.types import Frame, Patch
from tests.clips import make_clip

FORMATS = ["yuv420p", "yuv420p10le", "yuv422p10le", "yuv444p12le", "yuv420p16le", "gray10le", "gbrp10le", "gbrp16le"]
SIZE = 128, 64  # width, height


def native_of(format: str, levels: list[np.ndarray | float], full: bool = False, matrix: int = 1) -> av.VideoFrame:
    """A frame whose planes hold these shares of full scale."""
    made = av.VideoFrame(*SIZE, format)
    top = (1 << made.format.components[0].bits) - 1
    for plane, level in zip(planes_of(made), itertools.cycle(levels)):
        plane[...] = np.rint(np.broadcast_to(level, (SIZE[1], SIZE[0]))[: plane.shape[0], : plane.shape[1]] * top)
    made.color_range, made.colorspace = 2 if full else 1, matrix
    return made


def ramp(low: float, high: float) -> np.ndarray:
    """(H, W) from low to high, no two pixels alike."""
    return np.linspace(low, high, SIZE[0] * SIZE[1]).reshape(SIZE[1], SIZE[0])


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("format", FORMATS)
def test_there_and_back_nothing_is_lost(format, full):
    native = native_of(format, [ramp(0.3, 0.6), 0.53, 0.48], full)
    back = from_fine_rgb(fine_rgb(native), format, matrix_of(native), range_of(native))
    assert back.format.name == format
    for old, new in zip(planes_of(native), planes_of(back), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize(
    ("matrix", "red", "blue"), [(1, 0.2126, 0.0722), (6, 0.299, 0.114), (9, 0.2627, 0.0593), (7, 0.212, 0.087)]
)
@pytest.mark.parametrize("full", [False, True])
def test_colours_are_those_of_the_standards(matrix, red, blue, full):
    """A colour given in RGB, brought to 12-bit samples by the standard's formula."""
    rgb = np.array([0.7, 0.45, 0.3])
    luma = red * rgb[0] + (1 - red - blue) * rgb[1] + blue * rgb[2]
    chroma = np.array([(rgb[2] - luma) / (2 - 2 * blue), (rgb[0] - luma) / (2 - 2 * red)])
    samples = [4095 * luma, *(4095 * chroma + 2048)] if full else [3504 * luma + 256, *(3584 * chroma + 2048)]
    found = fine_rgb(native_of("yuv444p12le", [sample / 4095 for sample in samples], full, matrix))
    assert np.abs(found / 65535 - rgb).max() < 1 / 3000  # what rounding to 12 bits takes away
    assert np.abs(to_rgb(native_of("yuv420p10le", [s / 4095 for s in samples], full, matrix)) - 255 * rgb).max() < 1.3


def test_eight_bits_and_sixteen_stand_for_the_same_colours():
    shades = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, 2)
    assert deepened(shades).max() == 65535 and (shallowed(deepened(shades)) == shades).all()
    assert (shallowed(deepened(shades) - np.uint16(100) * (shades > 0)) == shades).all()
    assert (fine_pixels(Frame(0, 0.0, shades)) == deepened(shades)).all()
    assert is_deep("yuv420p10le") and is_deep("gbrp16le") and not is_deep("yuv420p") and not is_deep("pal8")


@pytest.mark.parametrize("format", ["yuv420p10le", "yuv444p12le"])
def test_a_deep_patch_is_laid_in_the_plates_depth_and_a_shallow_one_leaves_what_it_does_not_change(format):
    native = native_of(format, [ramp(0.4, 0.42), 0.5, 0.5], full=True)
    pixels, fine = to_rgb(native), fine_rgb(native)
    deep = fine[8:40, 16:80].copy()
    deep[4:20, 10:40] += 300  # little more than an 8-bit level
    shallow = pixels[48:60, 90:120].copy()
    shallow[2:6, 4:10] = 250
    result = lay_patches(native, pixels, [Patch(16, 8, deep), Patch(90, 48, shallow)])
    old, new = planes_of(native)[0].astype(int), planes_of(result)[0].astype(int)
    inside = new[12:28, 26:56]
    assert len(np.unique(inside)) > 0.9 * len(np.unique(old[12:28, 26:56]))  # no coarser steps than the plate's
    expected = 300 / 65535 * ((1 << native.format.components[0].bits) - 1)
    assert np.abs(inside - old[12:28, 26:56] - expected).max() <= 1
    different = old != new
    different[12:28, 26:56] = different[50:54, 94:100] = False
    assert not different.any()
    assert paste(pixels, [Patch(16, 8, deep)]).dtype == np.uint8


@pytest.mark.parametrize(("format", "written"), [("gbrp10le", "gbrp10le"), ("rgb48le", "rgb48le")])
def test_deep_rgb_plates_stay_deep(tmp_path, format, written):
    info = probe(make_clip(tmp_path / "p.mkv", SIZE, 3, codec="ffv1", pixel_format=format, noise=9))
    with open_segment(tmp_path / "s", info, EncodeOptions(codec="ffv1"), {}) as writer:
        for frame in read_frames(info):
            writer.write(frame, [Patch(4, 4, np.full((9, 9, 3), 7, np.uint8))])
    join_segments([tmp_path / "s"], tmp_path / "o.mkv", info, frame_times(info), {})
    for old, new in zip(read_frames(info), read_frames(probe(tmp_path / "o.mkv")), strict=True):
        assert fine_pixels(old).dtype == np.uint16 and new.native.format.name in (written, "gbrp16le")
        changed = (fine_pixels(old) != fine_pixels(new)).any(2)
        changed[4:13, 4:13] = False
        assert not changed.any() and (shallowed(fine_pixels(new))[4:13, 4:13] == 7).all()


def test_a_deep_plate_written_as_pictures_keeps_sixteen_bits(tmp_path):
    info = probe(make_clip(tmp_path / "p.mkv", SIZE, 2, codec="ffv1", pixel_format="yuv420p10le", noise=9))
    with open_segment(tmp_path / "s", info, EncodeOptions(codec="png"), {"what": "a test"}) as writer:
        for frame in read_frames(info):
            writer.write(frame)
    for frame, path in zip(read_frames(info), sorted((tmp_path / "s").iterdir()), strict=True):
        stored = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        assert stored.dtype == np.uint16 and (stored[..., ::-1] == fine_pixels(frame)).all()


def test_pictures_with_alpha_and_sixteen_bits(tmp_path):
    pixels = np.arange(4 * 5 * 4, dtype=np.uint16).reshape(4, 5, 4) * 800
    write_picture(tmp_path / "a.png", pixels, {"what": "a test"})
    assert (cv2.imread(str(tmp_path / "a.png"), cv2.IMREAD_UNCHANGED)[..., [2, 1, 0, 3]] == pixels).all()
