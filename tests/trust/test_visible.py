"""The visible mark: where it stands, that it can be read on anything, and that nothing else is touched."""

from __future__ import annotations

import time
from typing import get_args

import numpy as np
import pytest

from semblance.errors import InputError
from semblance.media.native import paste
from semblance.trust.visible import SAFE, Place, VisibleMark, visible_patch

PLACES = get_args(Place)


def marked(pixels: np.ndarray, **options) -> tuple[np.ndarray, np.ndarray]:
    """The frame with its mark, and where it changed (H, W)."""
    height, width = pixels.shape[:2]
    result = paste(pixels, [visible_patch(width, height, VisibleMark(**options)).patch(pixels)])
    return result, (result != pixels).any(2)


def box(mask: np.ndarray) -> tuple[int, int, int, int]:
    """x0, y0, x1, y1 around what is True."""
    y, x = np.nonzero(mask)
    return x.min(), y.min(), x.max() + 1, y.max() + 1


def light(pixels: np.ndarray) -> np.ndarray:
    """Relative luminance of sRGB, as WCAG 2 defines it."""
    values = pixels / 255
    values = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return values @ np.array([0.2126, 0.7152, 0.0722])


def busy(width: int, height: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("width, height", [(1280, 720), (360, 288), (405, 720), (101, 67), (3840, 2160)])
def test_it_stands_in_its_place_within_the_safe_area(place, width, height):
    plate = np.full((height, width, 3), 128, np.uint8)
    _, changed = marked(plate, mark="AI-generated", mark_place=place)
    x0, y0, x1, y1 = box(changed)
    side, edge = width * SAFE, height * SAFE
    assert x0 >= side and y0 >= edge and x1 <= width - side + 1e-6 and y1 <= height - edge + 1e-6
    if "left" in place:
        assert x0 < side + 2
    elif "right" in place:
        assert x1 > width - side - 2
    else:
        assert abs(x0 + x1 - width) <= 2
    assert y0 < edge + 2 if place.startswith("top") else y1 > height - edge - 2


@pytest.mark.parametrize("opacity, least", [(1.0, 6.0), (0.9, 5.0), (0.7, 3.0)])
@pytest.mark.parametrize("background", ["white", "black", "checker", "noise"])
@pytest.mark.parametrize("width, height", [(360, 288), (1280, 720)])
def test_it_can_be_read_on_any_background(background, opacity, least, width, height):
    """Contrast (WCAG) of the letters' cores to the plate around them: AA asks for 4.5, of large letters for 3."""
    y, x = np.mgrid[0:height, 0:width]
    plate = {
        "white": np.full((height, width, 3), 255, np.uint8),
        "black": np.zeros((height, width, 3), np.uint8),
        "checker": np.repeat((((x // 4 + y // 4) % 2) * 255).astype(np.uint8)[..., None], 3, 2),
        "noise": busy(width, height),
    }[background]
    options = VisibleMark(mark="AI-generated", mark_opacity=opacity)
    marker = visible_patch(width, height, options)
    letters = marker.added[..., 0] == marker.added.max()
    ground = (marker.added[..., 0] == 0) & (marker.stays[..., 0] < 100)
    shown = light(marker.patch(plate).pixels)
    assert letters.sum() > 50 and ground.sum() > 200
    assert (np.percentile(shown[letters], 5) + 0.05) / (np.percentile(shown[ground], 95) + 0.05) >= least


def test_nothing_outside_its_patch_is_touched_and_the_frame_itself_is_not():
    plate = busy(640, 360)
    before = plate.copy()
    patch = visible_patch(640, 360, VisibleMark(mark="synthetic")).patch(plate)
    assert (plate == before).all() and patch.pixels.dtype == np.uint8
    height, width = patch.pixels.shape[:2]
    outside = np.ones((360, 640), bool)
    outside[patch.y : patch.y + height, patch.x : patch.x + width] = False
    assert (paste(plate, [patch])[outside] == plate[outside]).all() and 0 < (~outside).mean() < 0.05


def test_the_frame_shines_through_the_plate():
    left, right = np.zeros((360, 640, 3), np.uint8), np.zeros((360, 640, 3), np.uint8)
    right[..., 0] = 255
    marker = visible_patch(640, 360, VisibleMark(mark="synthetic"))
    apart = marker.patch(right).pixels.astype(int) - marker.patch(left).pixels
    assert 70 < np.median(apart[..., 0]) < 110 and (apart[..., 1:] == 0).all()


def test_its_size_follows_the_frame_and_the_option():
    def height_of(frame: int, **options) -> int:
        _, y0, _, y1 = box(marked(np.full((frame, frame, 3), 128, np.uint8), mark="AI", **options)[1])
        return y1 - y0

    assert height_of(1000, mark_size=0.1) == pytest.approx(2 * height_of(500, mark_size=0.1), abs=3)
    assert height_of(1000, mark_size=0.2) == pytest.approx(2 * height_of(1000, mark_size=0.1), abs=4)
    assert 40 <= height_of(1000) <= 70


def test_long_words_go_on_in_the_next_line_then_become_smaller():
    words = "This clip was made with artificial intelligence"

    def shape(width: int) -> tuple[int, int]:
        return visible_patch(width, 720, VisibleMark(mark=words, mark_size=0.06)).stays.shape[:2]

    wide, narrow, narrowest = shape(1600), shape(800), shape(240)
    assert narrow[0] > 1.5 * wide[0] and narrow[1] <= 720 and narrowest[1] <= 216
    assert narrowest[0] < narrow[0] * 0.9 + 30
    with pytest.raises(InputError, match="does not fit into frames of 64x48"):
        visible_patch(64, 48, VisibleMark(mark=words))


@pytest.mark.parametrize("width, height", [(1, 1), (16, 9), (33, 31), (64, 48), (97, 301), (501, 33)])
def test_tiny_and_odd_frames_hold_it_or_say_that_they_do_not(width, height):
    plate = busy(width, height)
    try:
        result, changed = marked(plate, mark="AI")
    except InputError as error:
        assert f"{width}x{height}" in str(error) and min(width, height) < 36
        return
    x0, y0, x1, y1 = box(changed)
    assert result.shape == plate.shape and x0 > 0 and y0 > 0 and x1 < width and y1 < height


@pytest.mark.parametrize("words", ["Δημιουργήθηκε με ΤΝ", "Създадено с ИИ", "généré par l'IA – œuvre", "e\u0301"])
def test_other_letters_are_drawn_each_in_its_own_shape(words):
    shown = visible_patch(640, 360, VisibleMark(mark=words))
    other = visible_patch(640, 360, VisibleMark(mark="?" * len(words)))
    assert shown.added.max() > 0 and shown.added.shape != other.added.shape


@pytest.mark.parametrize("words, told", [("合成", "合"), ("AI 🙂", "🙂"), ("A\x07", "x07")])
def test_what_the_font_does_not_hold_is_refused_by_name(words, told):
    with pytest.raises(InputError, match=told):
        visible_patch(640, 360, VisibleMark(mark=words))


def test_none_is_asked_for_unless_words_are_given():
    assert visible_patch(640, 360, VisibleMark()) is None
    with pytest.raises(InputError, match="is blank"):
        visible_patch(640, 360, VisibleMark(mark=" \n"))
    for wrong in ({"mark_size": 0.5}, {"mark_opacity": 0.1}, {"mark_place": "middle"}, {"text": "AI"}):
        with pytest.raises(InputError):
            VisibleMark(**wrong)


def test_on_anamorphic_pixels_it_is_seen_undistorted():
    options = VisibleMark(mark="AI-generated")
    square, narrow = visible_patch(1024, 576, options), visible_patch(720, 576, options, aspect=1024 / 720)
    assert narrow.stays.shape[0] == square.stays.shape[0]
    assert narrow.stays.shape[1] == pytest.approx(square.stays.shape[1] * 720 / 1024, abs=1.5)
    assert narrow.x + narrow.stays.shape[1] <= 720 * (1 - SAFE)


def test_a_frame_costs_next_to_nothing():
    plate, marker = busy(1280, 720), visible_patch(1280, 720, VisibleMark(mark="AI-generated"))
    seconds = []
    for _ in range(50):
        began = time.perf_counter()
        marker.patch(plate)
        seconds.append(time.perf_counter() - began)
    assert min(seconds) < 0.0005
