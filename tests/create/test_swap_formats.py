"""A swap takes whatever plate it is given: its format is kept in the result, and the face is found in it."""

from fractions import Fraction

import cv2
import numpy as np
import pytest

from semblance import swap
from semblance.create.options import SwapOptions
from semblance.errors import FaceError
from semblance.media.encode import EncodeOptions
from semblance.media.probe import probe
from semblance.media.read import frame_times, read_frames
from tests.clips import Track, break_packet, make_clip

FRAMES = 15
ANY = SwapOptions(who="all", poorest=1, stranger=2)


@pytest.fixture(scope="module")
def pictures(grid) -> list[np.ndarray]:
    return [frame.pixels for frame in read_frames(probe(grid / "lrwp9a.mpg"), 0, FRAMES)]


def checked(run, plate, out, **encode):
    """Swap every frame and compare what must be the plate's."""
    result = swap(plate, run, out, encode=EncodeOptions(**encode), options=ANY)
    before, after = probe(plate), probe(out)
    assert result.swapped == result.frames == FRAMES
    assert (after.width, after.height) == (before.width, before.height)
    assert np.allclose(frame_times(after), frame_times(before), atol=0.0011)
    assert len(after.audio) == len(before.audio)
    return result, before, after


def test_without_sound(run, pictures, tmp_path):
    make_clip(tmp_path / "p.mp4", (360, 288), FRAMES, pictures=pictures)
    checked(run, tmp_path / "p.mp4", tmp_path / "o.mp4")


def test_two_sound_tracks(run, pictures, tmp_path):
    make_clip(tmp_path / "p.mkv", (360, 288), FRAMES, pictures=pictures, sound=[Track(), Track()])
    assert len(checked(run, tmp_path / "p.mkv", tmp_path / "o.mp4")[2].audio) == 2


def test_ten_bits_stay_ten(run, pictures, tmp_path):
    make_clip(tmp_path / "p.mkv", (360, 288), FRAMES, codec="libx265", pixel_format="yuv420p10le", pictures=pictures)
    _, _, after = checked(run, tmp_path / "p.mkv", tmp_path / "o.mkv", codec="ffv1")
    assert after.pixel_format == "yuv420p10le"


def test_turned_by_a_flag(run, pictures, tmp_path):
    turned = [np.rot90(pixels, 1) for pixels in pictures]  # a phone held upright stores the picture lying
    make_clip(tmp_path / "p.mp4", (288, 360), FRAMES, rotation=90, pictures=turned)
    _, before, after = checked(run, tmp_path / "p.mp4", tmp_path / "o.mp4")
    assert (before.rotation, after.rotation) == (90, 0) and (after.width, after.height) == (360, 288)


def test_a_variable_rate(run, pictures, tmp_path):
    stamps = np.cumsum([0, *[(1, 3, 2)[n % 3] for n in range(FRAMES - 1)]]).tolist()
    make_clip(tmp_path / "p.mkv", (360, 288), FRAMES, stamps=stamps, time_base=Fraction(1, 50), pictures=pictures)
    _, before, _ = checked(run, tmp_path / "p.mkv", tmp_path / "o.mp4")
    assert before.variable_rate


def test_anamorphic_pixels(run, pictures, tmp_path):
    squeezed = [cv2.resize(pixels, (180, 288), interpolation=cv2.INTER_AREA) for pixels in pictures]
    make_clip(tmp_path / "p.mp4", (180, 288), FRAMES, aspect=Fraction(2), pictures=squeezed)
    _, before, after = checked(run, tmp_path / "p.mp4", tmp_path / "o.mp4")
    assert before.pixel_aspect == after.pixel_aspect == 2


def test_an_odd_size(run, pictures, tmp_path):
    odd = [pixels[:287, :359] for pixels in pictures]
    make_clip(tmp_path / "p.mkv", (359, 287), FRAMES, codec="ffv1", pixel_format="yuv444p", pictures=odd)
    checked(run, tmp_path / "p.mkv", tmp_path / "o.mp4")


def test_a_broken_frame_in_the_middle(run, pictures, tmp_path):
    make_clip(tmp_path / "p.mkv", (360, 288), FRAMES, codec="mjpeg", pixel_format="yuvj420p", pictures=pictures)
    break_packet(tmp_path / "p.mkv", 7)
    result = swap(tmp_path / "p.mkv", run, tmp_path / "o.mp4", options=ANY)
    assert FRAMES - 2 <= result.swapped <= FRAMES and (result.report / "strip.png").exists()


def test_a_clip_of_one_pixel_has_no_face(run, tmp_path):
    make_clip(tmp_path / "p.mkv", (1, 1), 3, codec="ffv1", pixel_format="yuv444p")
    with pytest.raises(FaceError, match="no face was found"):
        swap(tmp_path / "p.mkv", run, tmp_path / "o.mkv", encode=EncodeOptions(codec="ffv1"))
    assert [path.name for path in tmp_path.iterdir()] == ["p.mkv"]
