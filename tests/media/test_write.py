"""Writing: the plate stays the plate outside the patches, in its time, with its sound, whatever its shape."""

from __future__ import annotations

import os
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from semblance.errors import InputError
from semblance.media.image import read_tags
from semblance.media.native import lay_patches, planes_of
from semblance.media.probe import probe
from semblance.media.read import frame_times, read_frames
from semblance.media.write import EncodeOptions, join_segments, open_segment
from semblance.types import Patch
from tests.clips import Track, break_packet, index_of, make_clip, packets_of

FRAMES = 24
TAGS = {"synthetic_media": "yes", "what": "a; b=c 100% ü"}


class Brighter:
    """Sixteen of 256 levels more, and what it was given."""

    def __init__(self) -> None:
        self.given = []

    def luma(self, plane: np.ndarray, bits: int, patches: list[Patch]) -> None:
        self.given.append(("luma", plane.shape, bits, len(patches)))
        plane += 16 << (bits - 8)

    def rgb(self, pixels: np.ndarray, patches: list[Patch]) -> None:
        self.given.append(("rgb", pixels.shape, 8, len(patches)))
        pixels += 16


def rewrite(clip: Path, out: Path, codec="h264", cuts=(10,), patches=(), alter=None) -> Path:
    """Read the clip, write it in segments cut at `cuts`, join them into `out`."""
    info, times = probe(clip), frame_times(probe(clip))
    bounds = [0, *cuts, len(times)]
    segments = []
    for start, stop in pairwise(bounds):
        segments.append(out.parent / f"{out.stem}.{codec}.{start}.segment")
        with open_segment(segments[-1], info, EncodeOptions(codec=codec), TAGS, alter=alter) as writer:
            for frame in read_frames(info, start, stop):
                writer.write(frame, patches)
    join_segments(segments, out, info, times, TAGS)
    return out


def decoding_stamps(clip: Path) -> list[int]:
    with av.open(str(clip)) as container:
        stamps = [packet.dts for packet in container.demux(container.streams.video[0]) if packet.size]
    return [stamp for stamp in stamps if stamp is not None]


def natives(clip: Path) -> list[list[np.ndarray]]:
    return [[plane.copy() for plane in planes_of(frame.native)] for frame in read_frames(probe(clip))]


@pytest.mark.parametrize(
    "codec, suffix",
    [
        ("h264", ".mp4"),
        ("h264", ".mov"),
        ("h264", ".mkv"),
        ("h264", ".avi"),
        ("hevc", ".mp4"),
        ("hevc", ".mov"),
        ("hevc", ".mkv"),
        ("av1", ".mp4"),
        ("av1", ".mkv"),
        ("av1", ".webm"),
        ("vp9", ".mp4"),
        ("vp9", ".mkv"),
        ("vp9", ".webm"),
        ("ffv1", ".mkv"),
        ("ffv1", ".avi"),
    ],
)
def test_each_codec_keeps_frames_times_sound_and_tags_in_each_container(tmp_path, codec, suffix):
    plate = make_clip(tmp_path / "plate.mp4", frames=FRAMES, sound=[Track()])
    out = rewrite(plate, tmp_path / f"out{suffix}", codec)
    before, after = probe(plate), probe(out)
    frames = list(read_frames(after))
    assert [index_of(frame.pixels, FRAMES) for frame in frames] == list(range(FRAMES))
    np.testing.assert_allclose(frame_times(after), frame_times(before), atol=6e-4)
    assert after.codec.replace("libdav1d", "av1") == codec
    assert after.duration == pytest.approx(FRAMES / 25, abs=0.03)
    assert np.all(np.diff(decoding_stamps(out)) > 0)
    assert read_tags(out) == TAGS
    assert len(after.audio) == 1
    if suffix != ".webm":
        # AAC's first packet plays before zero, where AVI has no place for it
        assert packets_of(out) == packets_of(plate)[suffix == ".avi" :]
    else:
        assert after.audio[0].codec == "opus"


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"pixel_format": "yuv420p10le"},
        {"full_range": True},
        {"size": (97, 63)},
        {"size": (1, 1)},
        {"pixel_format": "yuv444p"},
        {"pixel_format": "yuv422p"},
        {"pixel_format": "gray"},
        {"matrix": 1},
        {"pixel_format": "yuv420p10le", "full_range": True, "matrix": 1},
        {"pixel_format": "yuv422p10le", "full_range": True, "matrix": 9},
    ],
)
def test_without_loss_the_plate_outside_the_patches_is_the_plate_bit_for_bit(tmp_path, options):
    plate = make_clip(tmp_path / "plate.mkv", frames=6, codec="ffv1", **options)
    untouched = rewrite(plate, tmp_path / "untouched.mkv", "ffv1", cuts=(3,))
    for old, new in zip(natives(plate), natives(untouched), strict=True):
        assert all((a == b).all() for a, b in zip(old, new, strict=True))
    before, after = probe(plate), probe(untouched)
    assert replace(after, path=before.path) == before
    patch = Patch(33, 21, np.full((11, 13, 3), 250, np.uint8))
    patched = rewrite(plate, tmp_path / "patched.mkv", "ffv1", cuts=(3,), patches=[patch])
    inside = (slice(21, 32), slice(33, 46))
    for old, new in zip(natives(plate), natives(patched), strict=True):
        different = old[0] != new[0]
        different[inside] = False
        assert not different.any()
    if before.width > 60:
        frame = next(read_frames(probe(patched)))
        assert np.abs(frame.pixels[23:31, 35:45].astype(int) - 250).max() <= 3


@pytest.mark.parametrize("format, bits", [("yuv420p", 8), ("yuv422p10le", 10), ("gray", 8), ("bgr0", 0)])
def test_what_alters_frames_sees_all_of_them_with_their_patches_and_leaves_colour_alone(tmp_path, format, bits):
    dim = [np.full((64, 96, 3), 60 + 5 * k, np.uint8) for k in range(4)]
    plate = make_clip(tmp_path / "plate.mkv", frames=4, codec="ffv1", pixel_format=format, pictures=dim)
    patch, alter = Patch(10, 20, np.full((8, 6, 3), 100, np.uint8)), Brighter()
    made = rewrite(plate, tmp_path / "made.mkv", "ffv1", cuts=(2,), patches=[patch], alter=alter)
    plain = rewrite(plate, tmp_path / "plain.mkv", "ffv1", cuts=(2,), patches=[patch])
    assert alter.given == [("luma", (64, 96), bits, 1) if bits else ("rgb", (64, 96, 3), 8, 1)] * 4
    step = 16 << max(bits - 8, 0)
    for old, new in zip(natives(plain), natives(made), strict=True):
        if bits:
            np.testing.assert_array_equal(new[0], old[0] + step)
            assert all((a == b).all() for a, b in zip(old[1:], new[1:]))
    for old, new in zip(read_frames(probe(plain)), read_frames(probe(made)), strict=True):
        assert np.abs(new.pixels.astype(int) - old.pixels - (16 if not bits else 17)).max() <= 4


def test_pictures_are_altered_as_they_are_written(tmp_path):
    plate = make_clip(
        tmp_path / "p.mkv",
        frames=3,
        codec="ffv1",
        pixel_format="bgr0",
        pictures=[np.full((64, 96, 3), 7, np.uint8)] * 3,
    )
    folder = rewrite(plate, tmp_path / "shots", "png", cuts=(2,), alter=Brighter())
    assert all((frame.pixels == 23).all() for frame in read_frames(probe(folder)))


def test_unchanged_pixels_inside_a_patch_are_not_touched(tmp_path):
    frame = next(read_frames(probe(make_clip(tmp_path / "p.mkv", frames=1, codec="ffv1", pixel_format="yuv420p10le"))))
    whole = frame.pixels.copy()
    whole[20:24, 30:36] = (200, 40, 40)
    result = lay_patches(frame.native, frame.pixels, [Patch(0, 0, whole)])
    for old, new, step in zip(planes_of(frame.native), planes_of(result), (1, 2, 2)):
        rows, columns = np.nonzero(old != new)
        assert rows.min() >= 20 // step and rows.max() < 24 // step
        assert columns.min() >= 30 // step and columns.max() < 36 // step


def test_patches_beyond_the_edge_are_cut_off_and_later_ones_lie_on_top(tmp_path):
    frame = next(read_frames(probe(make_clip(tmp_path / "p.mkv", frames=1, codec="ffv1", pixel_format="bgr0"))))
    grey = np.full((20, 20, 3), 90, np.uint8)
    result = lay_patches(frame.native, frame.pixels, [Patch(-10, -10, grey), Patch(5, 5, grey + 50)])
    expected = frame.pixels.copy()
    expected[:10, :10] = 90
    expected[5:25, 5:25] = 140
    np.testing.assert_array_equal(result.to_ndarray(format="rgb24"), expected)


def test_segments_made_again_join_to_the_very_same_packets(tmp_path):
    plate = make_clip(tmp_path / "plate.mp4", frames=FRAMES)
    patch = [Patch(20, 20, np.full((16, 16, 3), 180, np.uint8))]
    once = rewrite(plate, tmp_path / "once.mp4", patches=patch)
    again = rewrite(plate, tmp_path / "again.mp4", patches=patch)
    assert packets_of(once, "video") == packets_of(again, "video")


def test_a_variable_rate_comes_out_exactly(tmp_path):
    stamps = (np.cumsum([40, 40, 120, 17, 33, 200, 40, 25] * 3) - 40).tolist()
    plate = make_clip(tmp_path / "v.mp4", frames=FRAMES, stamps=stamps, time_base=Fraction(1, 1000), sound=[Track()])
    for suffix in (".mp4", ".mkv", ".webm"):
        out = rewrite(plate, tmp_path / f"out{suffix}", "vp9" if suffix == ".webm" else "h264")
        np.testing.assert_allclose(frame_times(probe(out)), frame_times(probe(plate)), atol=1e-9)
        assert np.all(np.diff(decoding_stamps(out)) > 0)
        assert probe(out).duration == pytest.approx(probe(plate).duration, abs=0.05)
    with pytest.raises(InputError, match=r"variable frame rate; name a file that ends in .mp4"):
        rewrite(plate, tmp_path / "out.avi")
    assert not list(tmp_path.glob("*.avi")) and not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_turned_plate_is_written_upright(tmp_path, rotation):
    plate = make_clip(tmp_path / "r.mp4", frames=4, rotation=rotation)
    out = rewrite(plate, tmp_path / "out.mkv", "ffv1", cuts=())
    before, after = probe(plate), probe(out)
    assert (after.rotation, after.width, after.height) == (0, before.width, before.height)
    for old, new in zip(read_frames(before), read_frames(after), strict=True):
        np.testing.assert_array_equal(old.pixels, new.pixels)


@pytest.mark.parametrize("size", [(97, 64), (96, 63), (1, 1)])
def test_odd_sizes_stay_odd_in_h264(tmp_path, size):
    plate = make_clip(tmp_path / "o.mkv", size=size, frames=4, codec="ffv1")
    after = probe(rewrite(plate, tmp_path / "out.mp4"))
    assert (after.width, after.height, len(list(read_frames(after)))) == (*size, 4)


def test_colour_tags_and_pixel_aspect_survive_in_mp4(tmp_path):
    options = {"full_range": True, "matrix": 1, "aspect": Fraction(16, 11), "pixel_format": "yuv420p10le"}
    before = probe(make_clip(tmp_path / "c.mp4", frames=4, **options))
    after = probe(rewrite(before.path, tmp_path / "out.mp4"))
    for field in ("colour_range", "colour_matrix", "pixel_aspect", "pixel_format", "rate"):
        assert getattr(after, field) == getattr(before, field), field
    assert (after.colour_range, after.colour_matrix, after.pixel_format) == ("pc", "bt709", "yuv420p10le")


@pytest.mark.parametrize("codec", ["h264", "hevc", "av1", "vp9"])
@pytest.mark.parametrize("rotation", [0, 90])
def test_pixels_that_are_not_square_stay_so(tmp_path, codec, rotation):
    plate = make_clip(tmp_path / "a.mp4", frames=3, aspect=Fraction(16, 11), rotation=rotation)
    after = probe(rewrite(plate, tmp_path / "out.mp4", codec, cuts=()))
    assert float(after.pixel_aspect) == pytest.approx(11 / 16 if rotation else 16 / 11, abs=1e-4)
    assert after.rotation == 0
    if codec in ("av1", "vp9"):
        with pytest.raises(InputError, match="cannot keep the plate's pixel aspect"):
            rewrite(plate, tmp_path / "out.mkv", codec, cuts=(1,))


def test_sound_tracks_keep_their_offset_language_and_bits(tmp_path):
    tracks = [Track(440, delay=0.25), Track(880, "flac", language="deu")]
    plate = make_clip(tmp_path / "s.mkv", frames=FRAMES, sound=tracks)
    out = rewrite(plate, tmp_path / "out.mp4")
    assert [packets_of(out, track=k) for k in (0, 1)] == [packets_of(plate, track=k) for k in (0, 1)]
    starts = []
    for clip in (plate, out):
        with av.open(str(clip)) as container:
            picture = container.streams.video[0]
            zero = min(p.pts for p in container.demux(picture) if p.size) * picture.time_base
        with av.open(str(clip)) as container:
            sound = container.streams.audio[0]
            starts.append(float(next(p.pts for p in container.demux(sound)) * sound.time_base - zero))
            assert [stream.language for stream in container.streams.audio] == ["eng", "deu"]
    assert starts[0] == pytest.approx(starts[1], abs=2e-3) and starts[0] > 0.2


def test_sound_is_encoded_anew_where_the_container_cannot_hold_it(tmp_path):
    plate = make_clip(tmp_path / "s.mp4", frames=50, sound=[Track(440)])
    out = rewrite(plate, tmp_path / "out.webm", "vp9")
    with av.open(str(out)) as container:
        wave = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    assert len(wave) == pytest.approx(48000 * 2, abs=3000)
    loudest = np.abs(np.fft.rfft(wave[10000:58000])).argmax()  # 48000 samples: bin k is k Hz
    assert loudest == 440


def test_one_broken_frame_leaves_a_gap_and_all_else_in_time(tmp_path):
    plate = make_clip(tmp_path / "b.mkv", frames=FRAMES, codec="ffv1", settings={"g": "1"})
    break_packet(plate, 11)
    given = [frame.time for frame in read_frames(probe(plate))]
    after = probe(rewrite(plate, tmp_path / "out.mp4", cuts=(5, 11, 12)))
    np.testing.assert_allclose(frame_times(after), given, atol=1e-3)
    assert after.duration == pytest.approx(FRAMES / 25, abs=0.01)


def test_folders_go_in_and_come_out(tmp_path):
    plate = make_clip(tmp_path / "p.mp4", frames=6)
    folder = rewrite(plate, tmp_path / "shots", "png", cuts=(2,))
    assert [picture.name for picture in sorted(folder.iterdir())] == [f"{k:06d}.png" for k in range(1, 7)]
    assert read_tags(folder / "000003.png") == TAGS
    for old, new in zip(read_frames(probe(plate)), read_frames(probe(folder)), strict=True):
        np.testing.assert_array_equal(old.pixels, new.pixels)
    lossless = rewrite(folder, tmp_path / "out.mkv", "ffv1", cuts=())
    for old, new in zip(read_frames(probe(folder)), read_frames(probe(lossless)), strict=True):
        np.testing.assert_array_equal(old.pixels, new.pixels)
    usual = probe(rewrite(folder, tmp_path / "out.mp4", cuts=()))
    assert (usual.colour_matrix, usual.colour_range, usual.pixel_format) == ("bt709", "tv", "yuv420p")
    for old, new in zip(read_frames(probe(folder)), read_frames(usual), strict=True):
        assert np.abs(old.pixels.astype(int) - new.pixels).mean() < 5


def test_what_a_container_or_codec_cannot_hold_is_refused(tmp_path):
    plate = make_clip(tmp_path / "p.mp4", frames=2)
    with pytest.raises(InputError, match=r"cannot hold h264; name a file that ends in .mp4 or .mov"):
        rewrite(plate, tmp_path / "out.webm", cuts=())
    one = make_clip(tmp_path / "one.mkv", size=(1, 1), frames=2, codec="ffv1")
    with pytest.raises(InputError, match="hevc cannot hold pictures of 1x1"):
        rewrite(one, tmp_path / "out.mp4", "hevc", cuts=())
    assert not list(tmp_path.glob(".*"))


GRID = Path(__file__).resolve().parents[2] / ".." / "shared/data/grid/lrwp9a.mpg"


@pytest.mark.skipif(not GRID.exists(), reason="the GRID clips are not here")
def test_a_real_mpeg_clip_becomes_an_mp4_with_its_sound(tmp_path):
    after = probe(rewrite(GRID, tmp_path / "out.mp4", cuts=(30,)))
    assert len(list(read_frames(after))) == 75
    np.testing.assert_allclose(frame_times(after), np.arange(75) / 25, atol=1e-9)
    assert after.duration == pytest.approx(3.0, abs=1e-6)
    assert packets_of(after.path) == packets_of(GRID)


@pytest.mark.skipif(not hasattr(os, "sched_getscheduler"), reason="only where processes have scheduling classes")
def test_an_encoder_leaves_the_process_its_priority(tmp_path):
    """SVT-AV1, run by root, makes its threads and the caller's real-time ones: all else on the machine would wait."""
    plate = probe(make_clip(tmp_path / "p.mp4", (160, 128), 4))
    with open_segment(tmp_path / "s.mkv", plate, EncodeOptions(codec="av1"), {}) as writer:
        for frame in read_frames(plate):
            writer.write(frame)
            assert {os.sched_getscheduler(int(thread)) for thread in os.listdir("/proc/self/task")} == {os.SCHED_OTHER}
