"""Layers as files: every format gives back what was put in, and light is the standards'."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import OpenEXR
import pytest
import tifffile

from semblance.errors import InputError, MediaError
from semblance.media.alpha_video import AlphaVideo
from semblance.media.colour import planes_of
from semblance.media.image import read_tags
from semblance.media.join import join_segments
from semblance.media.layer_files import LayerFiles, LayerOptions, check_layers, straight
from semblance.media.probe import probe
from semblance.media.read import frame_times, read_frames
from semblance.media.transfer import curve_of, from_linear, to_linear
from semblance.types import ClipInfo, Layer

INFO = ClipInfo(Path("p"), "made", "", 90, 60, Fraction(25), 5, 0.2, "yuv420p", colour_transfer="bt709")
TAGS = {"synthetic_media": "yes", "what": "a; b=c"}
CHANCE = np.random.default_rng(0)
LAYER = Layer(
    20, 10, CHANCE.integers(0, 65536, (30, 40, 3)).astype(np.uint16), CHANCE.random((30, 40)).astype(np.float32),
    CHANCE.random((30, 40, 3)).astype(np.float32),
)  # fmt: skip


def written(folder: Path, format: str, uv: bool = True) -> Path:
    files = LayerFiles(folder, INFO, format, uv, TAGS, range(2, 6))
    files.write(3, LAYER)
    files.close()
    return folder


@pytest.mark.parametrize("format", ["tiff", "png"])
def test_pictures_lie_on_the_plate_and_hold_sixteen_bits(tmp_path, format):
    folder = written(tmp_path, format)
    for kind, channels in (("face", [2, 1, 0, 3]), ("uv", [2, 1, 0])):
        names = sorted(path.name for path in (folder / kind).iterdir())
        assert names == [f"{kind}.{number:06d}.{format}" for number in (3, 4, 5, 6)]  # none is left out
        stored = cv2.imread(str(folder / kind / f"{kind}.000004.{format}"), cv2.IMREAD_UNCHANGED)[..., channels]
        wanted = straight(LAYER, INFO) if kind == "face" else np.rint(LAYER.uv * 65535)
        np.testing.assert_array_equal(stored if kind == "face" else LAYER.of(stored), wanted)
        empty = cv2.imread(str(folder / kind / f"{kind}.000003.{format}"), cv2.IMREAD_UNCHANGED)
        assert empty.shape == stored.shape and not empty.any()
        assert read_tags(folder / kind / f"{kind}.000004.{format}") == TAGS
    assert straight(LAYER, INFO)[9, 20].tolist() == [0, 0, 0, 0]
    assert straight(LAYER, INFO)[10, 20, :3].tolist() == LAYER.face[0, 0].tolist()


def test_an_exr_holds_light_that_is_multiplied_by_alpha_and_the_face_as_it_is(tmp_path):
    path = written(tmp_path, "exr") / "face/face.000004.exr"
    assert not (tmp_path / "uv").exists() and read_tags(path) == TAGS
    with OpenEXR.File(str(path), separate_channels=True) as file:
        channels, header = {name: each.pixels for name, each in file.channels().items()}, dict(file.header())
    assert [corner.tolist() for corner in header["dataWindow"]] == [[20, 10], [59, 39]]
    light = to_linear(LAYER.face, "bt709")
    np.testing.assert_allclose(np.dstack([channels[f"face.{c}"] for c in "RGB"]), light, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(
        np.dstack([channels[c] for c in "RGB"]), light * LAYER.mask[..., None], rtol=1e-3, atol=1e-6
    )
    np.testing.assert_allclose(channels["A"], LAYER.mask, atol=3e-4)
    np.testing.assert_array_equal(np.dstack([channels[f"uv.{c}"] for c in "RGB"]), LAYER.uv)


def test_without_a_map_there_is_none(tmp_path):
    assert [path.name for path in written(tmp_path, "tiff", uv=False).iterdir()] == ["face"]


@pytest.mark.parametrize(("codec", "suffix"), [("ffv1", ".mkv"), ("prores", ".mov")])
def test_a_clip_with_alpha(tmp_path, codec, suffix):
    video = AlphaVideo(tmp_path / "s", INFO, codec, TAGS)
    for index in (0, 1, 3, 4):  # the plate's decoder could not give frame 2
        video.write(index, LAYER if index != 1 else None)
    video.close(True)
    times, out = np.array([0, 0.04, 0.08, 0.2, 0.24]), tmp_path / f"o{suffix}"
    join_segments([tmp_path / "s"], out, INFO, times, TAGS)
    info, wanted = probe(out), straight(LAYER, INFO)
    np.testing.assert_allclose(frame_times(info), [0, 0.04, 0.2, 0.24], atol=1e-3)
    assert read_tags(out) == TAGS and (info.colour_transfer, info.codec) == ("bt709", codec)
    frames = [[plane.copy() for plane in planes_of(frame.native)] for frame in read_frames(info)]
    assert not frames[1][3].any()
    if codec == "ffv1":
        green, blue, red, alpha = frames[3]
        np.testing.assert_array_equal(np.dstack([red, green, blue, alpha]), wanted)
    else:
        assert info.pixel_format.startswith("yuva444p")  # and not the kind of ProRes without alpha
        assert np.abs(frames[3][3] / 4095 - wanted[..., 3] / 65535).max() < 2e-3


def test_light_is_the_standards():
    assert to_linear(np.array([0.081, 0.5, 1.0]), "bt709") == pytest.approx([0.018, 0.2596, 1], abs=1e-4)
    assert to_linear(np.array([0.04045, 0.5, 1.0]), "srgb") == pytest.approx([0.0031308, 0.21404, 1], abs=1e-5)
    assert to_linear(np.array([0.5]), "gamma22") == pytest.approx(0.5**2.2)
    values = np.arange(0, 65536, 7, dtype=np.uint16)
    for curve in ("bt709", "srgb", "linear", "gamma28"):
        gap = 3e-4 if curve == "bt709" else 2e-6  # its two parts, given to three digits, do not quite meet
        np.testing.assert_allclose(from_linear(to_linear(values, curve), curve), values / 65535, atol=gap)


def test_the_curve_is_the_plates():
    assert curve_of(INFO) == "bt709" and curve_of(replace(INFO, colour_transfer="iec61966-2-1")) == "srgb"
    unsaid = replace(INFO, colour_transfer="unspecified")
    assert curve_of(unsaid) == "bt709" and curve_of(replace(unsaid, pixel_format="rgb24")) == "srgb"


def test_what_files_cannot_hold_is_said_before_any_work():
    pq = replace(INFO, colour_transfer="smpte2084")
    with pytest.raises(InputError, match=r"'smpte2084', which EXR cannot keep; choose --format tiff"):
        check_layers(LayerOptions(), pq)
    check_layers(LayerOptions(format="tiff"), pq)
    wide = replace(INFO, pixel_aspect=Fraction(16, 11))
    with pytest.raises(InputError, match=r"pixel aspect 16/11; choose --video prores"):
        check_layers(LayerOptions(video="ffv1"), wide)
    check_layers(LayerOptions(video="prores"), wide)


@pytest.mark.parametrize("name", ["a.exr", "a.tiff"])
def test_a_damaged_file_is_said_to_be(tmp_path, name):
    (tmp_path / "whole").mkdir()
    whole = (written(tmp_path / "whole", name[2:]) / "face" / f"face.000004.{name[2:]}").read_bytes()
    (tmp_path / name).write_bytes(whole[:40])
    with pytest.raises(MediaError, match="damaged"):
        read_tags(tmp_path / name)


def test_a_strangers_tiff_has_no_tags(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((4, 4), np.uint8), description="a holiday", metadata=None)
    assert read_tags(tmp_path / "a.tif") == {}
