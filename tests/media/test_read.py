"""Reading: each frame at its index and time, upright, in its own colours, from any container."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np
import pytest

from semblance.errors import MediaError
from semblance.media.encode import EncodeOptions
from semblance.media.fine import fine_pixels, is_deep
from semblance.media.image import write_picture
from semblance.media.probe import probe
from semblance.media.read import frame_times, frames_at, read_frames
from semblance.media.write import open_segment
from semblance.types import Patch
from tests.clips import Track, break_packet, index_of, level, make_clip, pattern

FRAMES = 24


def middles(frames) -> list[int]:
    return [index_of(frame.pixels, FRAMES) for frame in frames]


def test_frames_are_fetched_one_by_one_from_near_and_far(tmp_path, monkeypatch):
    info = probe(make_clip(tmp_path / "clip.mp4", frames=FRAMES, settings={"g": "9"}))
    wanted = [0, 3, 4, 11, 23]
    for near in (100, 2):  # all in one run of the decoder, and most in runs of their own
        monkeypatch.setattr("semblance.media.read._NEAR", near)
        assert middles(frames_at(info, wanted)) == wanted
    assert list(frames_at(info, [])) == []


def test_a_frame_that_cannot_be_fetched_is_told(tmp_path):
    path = make_clip(tmp_path / "clip.mkv", frames=FRAMES, settings={"g": "6"})
    break_packet(path, 6)
    info = probe(path)
    got = list(frames_at(info, [2, 6, 7, 20, FRAMES + 3]))
    assert got[-1] is None
    for frame, index in zip(got, (2, 6, 7, 20)):
        assert frame is None or index_of(frame.pixels, FRAMES) == index
    assert got[0] is not None and got[3] is not None


@pytest.mark.parametrize(
    "suffix, options",
    [
        (".mp4", {}),
        (".mov", {}),
        (".mkv", {}),
        (".mkv", {"codec": "libx265", "settings": {"x265-params": "log-level=none"}}),
        (".webm", {}),
        (".avi", {}),
        (".avi", {"settings": {"bf": "2"}}),
        (".mpg", {}),
        (".mpg", {"codec": "mpeg2video", "settings": {"bf": "2"}}),
        (".gif", {"pixel_format": "bgr8"}),
    ],
)
def test_each_container_gives_every_frame_in_order_and_from_the_middle(tmp_path, suffix, options):
    info = probe(make_clip(tmp_path / f"clip{suffix}", frames=FRAMES, **{"settings": {"g": "9"}, **options}))
    assert (info.width, info.height, info.variable_rate) == (96, 64, False)
    times = frame_times(info)
    np.testing.assert_allclose(times, np.arange(FRAMES) / 25, atol=1e-3)
    frames = list(read_frames(info))
    assert [frame.index for frame in frames] == list(range(FRAMES)) == middles(frames)
    assert [frame.time for frame in frames] == times.tolist()
    for start, stop in ((1, 4), (9, 11), (10, 20), (23, None), (24, None), (5, 5)):
        part = list(read_frames(info, start, stop))
        assert [frame.index for frame in part] == list(range(FRAMES))[start:stop] == middles(part)
        assert all((frame.pixels == frames[frame.index].pixels).all() for frame in part)


@pytest.mark.parametrize("matrix", [1, 6, 9])
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv420p10le", "yuv444p"])
def test_colours_come_back_by_the_clips_own_matrix_and_range(tmp_path, matrix, full, pixel_format):
    clip = make_clip(
        tmp_path / "c.mkv", frames=2, codec="ffv1", pixel_format=pixel_format, matrix=matrix, full_range=full
    )
    info = probe(clip)
    assert (info.colour_range == "pc") == full
    pixels = next(read_frames(info)).pixels.astype(int)
    expected = pattern(0, 96, 64).astype(int)
    inside = (slice(20, 44), slice(28, 68))  # a flat grey: range alone
    assert np.abs(pixels - expected)[inside].max() <= 2
    assert np.abs(pixels - expected).mean() < 2.5  # a wrong matrix or range costs 5 and more


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_frames_turned_by_a_flag_come_upright(tmp_path, rotation):
    plain = next(read_frames(probe(make_clip(tmp_path / "a.mp4", size=(96, 64), frames=3)))).pixels
    info = probe(make_clip(tmp_path / "b.mp4", size=(96, 64), frames=3, rotation=rotation, aspect=Fraction(4, 3)))
    frame = next(read_frames(info))
    assert info.rotation == rotation
    assert frame.pixels.shape == (info.height, info.width, 3)
    assert info.pixel_aspect == (Fraction(4, 3) if rotation == 180 else Fraction(3, 4))
    expected = np.rot90(plain, -rotation // 90).astype(int)
    assert np.abs(frame.pixels - expected).mean() < 1.5
    assert (frame.native.width, frame.native.height) == (info.width, info.height)


def test_a_variable_rate_keeps_its_times(tmp_path):
    stamps = (np.cumsum([40, 40, 120, 17, 33, 200, 40, 25] * 3) - 40).tolist()
    for suffix in (".mp4", ".mkv"):
        clip = make_clip(tmp_path / f"v{suffix}", frames=len(stamps), stamps=stamps, time_base=Fraction(1, 1000))
        info = probe(clip)
        assert info.variable_rate
        np.testing.assert_allclose(frame_times(info), np.array(stamps) / 1000, atol=1e-9)
        assert middles(read_frames(info)) == list(range(FRAMES))


@pytest.mark.parametrize("suffix, codec", [(".mp4", "libx264"), (".mkv", "ffv1"), (".mpg", None)])
def test_one_broken_frame_leaves_the_others_at_their_places(tmp_path, suffix, codec):
    clip = make_clip(tmp_path / f"broken{suffix}", frames=FRAMES, codec=codec, settings={"g": "1"})
    break_packet(clip, 11)
    frames = list(read_frames(probe(clip)))
    assert len(frames) >= FRAMES - 2
    shown = dict(zip((round(25 * frame.time) for frame in frames), middles(frames)))
    others = sorted(set(range(FRAMES)) - {10, 11, 12})
    assert [shown[k] for k in others] == others
    assert [frame.time for frame in frames] == [frame_times(probe(clip))[frame.index] for frame in frames]


def test_sound_tracks_are_listed(tmp_path):
    info = probe(make_clip(tmp_path / "s.mkv", frames=FRAMES, sound=[Track(440), Track(880, "flac")]))
    assert [(track.codec, track.rate, track.channels) for track in info.audio] == [
        ("aac", 48000, 2),
        ("flac", 48000, 2),
    ]
    assert probe(make_clip(tmp_path / "mute.mp4", frames=4)).audio == ()


def test_a_folder_of_pictures_is_a_clip_in_natural_order(tmp_path):
    for k in range(12):
        write_picture(tmp_path / f"shot{k}.png", np.full((5, 7, 3), level(k), np.uint8), {})
    info = probe(tmp_path)
    assert (info.frames, info.width, info.height, info.rate, info.duration) == (12, 7, 5, 25, 12 / 25)
    frames = list(read_frames(info, 1, 11))
    assert [frame.pixels[0, 0, 0] for frame in frames] == [level(k) for k in range(1, 11)]
    assert frames[0].native is None and frames[0].time == frame_times(info)[1] == 0.04
    write_picture(tmp_path / "shot5.png", np.zeros((6, 7, 3), np.uint8), {})
    with pytest.raises(MediaError, match=r"shot5\.png is 7x6, but the folder's first picture is 7x5"):
        list(read_frames(info))


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_pictures_of_sixteen_bits_keep_them(tmp_path, suffix):
    """A ramp in steps of one of 65,536 levels: none is lost on the way to a frame, nor to the PNG that comes of it."""
    ramp = np.arange(30 * 40 * 3, dtype=np.uint16).reshape(30, 40, 3) * 17
    for k in range(2):
        assert cv2.imwrite(str(tmp_path / f"{k}{suffix}"), ramp[..., ::-1])
    info = probe(tmp_path)
    assert is_deep(info.pixel_format)
    first, second = read_frames(info)
    assert np.array_equal(fine_pixels(first), ramp)
    assert np.array_equal(second.pixels, np.rint(ramp / 257).astype(np.uint8))
    with open_segment(tmp_path / "out", info, EncodeOptions(codec="png"), {}) as writer:
        writer.write(first, [Patch(3, 4, np.full((5, 6, 3), 1234, np.uint16))])
    made = cv2.imread(str(tmp_path / "out" / "000001.png"), cv2.IMREAD_UNCHANGED)[..., ::-1]
    wanted = ramp.copy()
    wanted[4:9, 3:9] = 1234
    assert made.dtype == np.uint16 and np.array_equal(made, wanted)


def _bad(folder, kind):
    path = folder / "x.mp4"
    if kind == "cut":
        data = make_clip(folder / "whole.mp4", frames=FRAMES).read_bytes()
        path.write_bytes(data[: data.index(b"moov") - 8])
    elif kind == "text":
        path.write_text("not a clip at all, only words\n" * 20)
    elif kind == "empty":
        path.touch()
    elif kind == "folder":
        path.mkdir()
    elif kind == "playlist":
        path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nwhole.ts\n#EXT-X-ENDLIST\n")
    elif kind == "still":
        path = folder / "x.png"
        cv2.imwrite(str(path), np.zeros((8, 8, 3), np.uint8))
    elif kind == "sound":
        path = folder / "x.mka"
        import av

        with av.open(str(path), "w", format="matroska") as out:
            stream = out.add_stream("pcm_s16le", rate=8000, layout="mono")
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
            frame.sample_rate = 8000
            out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    "kind, sentence",
    [
        ("missing", "There is no file .*x.mp4"),
        ("empty", r"is empty \(0 bytes\)"),
        ("text", "is not a video"),
        ("playlist", "is not a video"),
        ("cut", "is cut short"),
        ("folder", "holds no pictures"),
        ("still", "is a still picture"),
        ("sound", "only sound"),
    ],
)
def test_bad_clips_are_refused_in_one_sentence(tmp_path, kind, sentence):
    with pytest.raises(MediaError, match=sentence) as caught:
        probe(_bad(tmp_path, kind))
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")


def test_a_clip_whose_frames_all_have_one_time_can_still_be_looked_at(tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", frames=6, stamps=[0] * 6, settings={"bf": "0"})
    assert probe(clip).variable_rate is False


@pytest.mark.parametrize("interlaced", [False, True])
def test_half_pictures_are_told(tmp_path, interlaced):
    settings = {"x264-params": "tff=1"} if interlaced else {}
    assert probe(make_clip(tmp_path / "c.mp4", frames=4, settings=settings)).interlaced == interlaced
