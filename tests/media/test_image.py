"""Pictures: any kind in, PNG and JPEG with tags out."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image

from semblance.errors import InputError, MediaError
from semblance.media.image import read_picture, read_tags, write_picture
from semblance.media.tags import pack_tags, unpack_tags
from tests.clips import pattern

TAGS = {"synthetic_media": "yes", "what": "a; b=c 100% ü", "empty": ""}


def test_a_png_comes_back_bit_for_bit_with_its_tags(tmp_path):
    pixels = pattern(3, 65, 33, noise=20)
    write_picture(tmp_path / "p.png", pixels, TAGS)
    np.testing.assert_array_equal(read_picture(tmp_path / "p.png"), pixels)
    assert read_tags(tmp_path / "p.png") == TAGS
    with Image.open(tmp_path / "p.png") as other:  # another reader agrees
        assert other.text == TAGS
        np.testing.assert_array_equal(np.asarray(other), pixels)


def test_a_jpeg_comes_back_nearly_with_its_tags(tmp_path):
    pixels = pattern(3, 96, 64)
    write_picture(tmp_path / "p.jpg", pixels, TAGS)
    assert np.abs(read_picture(tmp_path / "p.jpg").astype(int) - pixels).mean() < 2
    assert read_tags(tmp_path / "p.jpg") == TAGS
    with Image.open(tmp_path / "p.jpg") as other:
        assert unpack_tags(other.info["comment"].decode()) == TAGS


def test_other_kinds_of_pictures_become_8_bit_rgb(tmp_path):
    ramp = np.linspace(0, 65535, 24).astype(np.uint16).reshape(4, 6)
    cv2.imwrite(str(tmp_path / "deep.png"), ramp)
    deep = read_picture(tmp_path / "deep.png")
    np.testing.assert_array_equal(deep, np.repeat((ramp / 257).round().astype(np.uint8)[..., None], 3, 2))
    cv2.imwrite(str(tmp_path / "deep_rgb.png"), np.dstack([ramp] * 3))
    assert np.abs(read_picture(tmp_path / "deep_rgb.png").astype(int) - deep).max() <= 1
    Image.fromarray(deep[..., 0]).save(tmp_path / "grey.png")
    np.testing.assert_array_equal(read_picture(tmp_path / "grey.png"), deep)
    Image.fromarray(np.dstack([deep, np.full((4, 6), 9, np.uint8)])).save(tmp_path / "alpha.png")
    np.testing.assert_array_equal(read_picture(tmp_path / "alpha.png"), deep)


def test_exif_turns_a_picture_upright(tmp_path):
    pixels = pattern(0, 40, 20)
    exif = Image.Exif()
    exif[0x0112] = 6  # "turn 90 degrees clockwise to see it upright"
    Image.fromarray(pixels).save(tmp_path / "turned.png", exif=exif)
    np.testing.assert_array_equal(read_picture(tmp_path / "turned.png"), np.rot90(pixels, -1))


@pytest.mark.parametrize("content", [None, b"", b"no picture", "cut"])
def test_what_is_no_picture_is_refused_in_one_sentence(tmp_path, content):
    path = tmp_path / "x.png"
    if content == "cut":
        write_picture(path, pattern(0, 64, 64, noise=30), {})
        path.write_bytes(path.read_bytes()[:2000])
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(MediaError, match=r"x\.png"):
        read_picture(path)


def test_only_png_and_jpeg_are_written(tmp_path):
    with pytest.raises(InputError, match=r"use \.png or \.jpg"):
        write_picture(tmp_path / "x.tga", pattern(0, 8, 8), {})
    assert not list(tmp_path.iterdir())


def test_tags_are_legible_and_come_back_whatever_they_hold():
    assert pack_tags({"synthetic_media": "yes", "software": "Semblance 0.1"}) == (
        "synthetic_media=yes; software=Semblance 0.1"
    )
    tags = {"a=b": ";%; =", " ": "\n\t\x00\x85", "日本": "é", "": "x"}
    del tags[""]
    assert unpack_tags(pack_tags(tags)) == tags
    assert unpack_tags("shot on a fine day; with rain later") == unpack_tags("") == {}
