"""Layers for compositing: laid over the plate they are the swap, every program can read them, and all are labelled."""

import json
from fractions import Fraction
from types import SimpleNamespace

import cv2
import numpy as np
import OpenEXR
import pytest
import tifffile
from PIL import Image

from semblance.app.cli import main
from semblance.create.hand_off import hand_off
from semblance.create.options import SwapOptions
from semblance.create.swap import swap
from semblance.errors import FaceError, InputError, OutputError, Stopped
from semblance.faces.align import COVERAGES, crop_matrix
from semblance.faces.mean_face import ALIGN_POINTS, unit_points
from semblance.faces.mesh_space import layout
from semblance.finish.merge_options import MergeOptions
from semblance.media.colour import planes_of
from semblance.media.encode import EncodeOptions
from semblance.media.fine import fine_pixels
from semblance.media.probe import probe
from semblance.media.read import frame_times, read_frames
from semblance.media.transfer import from_linear
from semblance.runs import StopSignal
from semblance.trust import publish
from semblance.trust.publish import LABEL, LayerOptions
from semblance.trust.verify import verify
from semblance.trust.visible import VisibleMark
from semblance.trust.watermark_find import find_mark
from tests.clips import make_clip
from tests.create.handmade import SIZE, handmade_run, moving
from tests.create.swapping import StopAt

FRAMES, HIDDEN = 6, 3
ANY = SwapOptions(who="all", poorest=1)
BARE = MergeOptions(shape=0.0)  # the mesh stays where the plate's landmarks are


@pytest.fixture(scope="module")
def plate(tmp_path_factory):
    """Ten bits, uneven times, and a frame without a face."""
    pictures = moving(FRAMES)
    pictures[HIDDEN] = np.full_like(pictures[HIDDEN], 90)
    stamps = [0, 40, 80, 200, 240, 280]
    return make_clip(
        tmp_path_factory.mktemp("plate") / "p.mkv", SIZE, FRAMES, codec="ffv1", pixel_format="gbrp10le",
        stamps=stamps, time_base=Fraction(1, 1000), pictures=pictures,
    )  # fmt: skip


@pytest.fixture(scope="module")
def made(plate, handmade, tmp_path_factory):
    """The swap and the hand-offs of one plate without watermarks, so that pixels can be compared."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(publish, "Marking", lambda *_, **__: SimpleNamespace(luma=lambda *_: 0, rgb=lambda *_: 0))
        swap(plate, handmade, folder / "swap.mkv", BARE, EncodeOptions(codec="ffv1"), ANY)
        hand_off(plate, handmade, folder / "exr", LayerOptions(video="prores"), BARE, ANY)
        hand_off(plate, handmade, folder / "tiff", LayerOptions(format="tiff", video="ffv1"), BARE, ANY)
    return folder


def exr(path):
    with OpenEXR.File(str(path), separate_channels=True) as file:
        channels = {name: channel.pixels for name, channel in file.channels().items()}
        return dict(file.header()), channels


def tiff(folder, index, kind="face"):
    return tifffile.imread(folder / kind / f"{kind}.{index + 1:06d}.tiff")


def track(folder):
    return json.loads((folder / "track.json").read_text())


def pairs(plate, made):
    """Of each frame its index, the plate and the swap, levels of 255."""
    for before, after in zip(read_frames(probe(plate)), read_frames(probe(made / "swap.mkv")), strict=True):
        yield before.index, fine_pixels(before) / 257, fine_pixels(after) / 257


def test_straight_layers_over_the_plate_are_the_swap(plate, made):
    for index, before, after in pairs(plate, made):
        layer = tiff(made / "tiff", index).astype(np.float64)
        share = layer[..., 3:] / 65535
        assert np.abs(before * (1 - share) + layer[..., :3] / 257 * share - after).max() < 1
        assert (share.max() > 0.99) == (index != HIDDEN) and share[:20].max() == 0


def test_an_exr_over_the_plate_is_the_swap_both_ways(plate, made):
    for index, before, after in pairs(plate, made):
        header, channels = exr(made / "exr/face" / f"face.{index + 1:06d}.exr")
        (x0, y0), (x1, y1) = header["dataWindow"]
        inside = np.s_[y0 : y1 + 1, x0 : x1 + 1]
        share = channels["A"][..., None].astype(np.float64)
        straight = np.dstack([channels[f"face.{name}"] for name in "RGB"])
        multiplied = np.dstack([channels[name] for name in "RGB"])
        assert np.abs(multiplied - straight * share).max() < 1e-3
        shown = 255 * from_linear(straight, header["plateCurve"])
        assert np.abs(before[inside] * (1 - share) + shown * share - after[inside]).max() < 1
        outside = np.abs(before - after)
        outside[inside] = 0
        assert outside.max() == 0


def test_an_exr_tells_where_it_lies_and_what_it_is(plate, made):
    header, channels = exr(made / "exr/face/face.000001.exr")
    assert [tuple(corner) for corner in header["displayWindow"]] == [(0, 0), (SIZE[0] - 1, SIZE[1] - 1)]
    assert set(channels) == {*"RGBA", "face.R", "face.G", "face.B", "uv.R", "uv.G", "uv.B"}
    assert (header["synthetic_media"], header["framesPerSecond"], header["plateCurve"]) == (
        "yes",
        probe(plate).rate,
        "srgb",
    )
    assert (channels["R"].dtype, channels["uv.R"].dtype) == (np.float16, np.float32)
    _, channels = exr(made / "exr/face" / f"face.{HIDDEN + 1:06d}.exr")
    assert channels["A"].shape == (1, 1) and channels["A"].max() == 0


def test_other_readers_read_the_same(made, plate, handmade, tmp_path):
    ours = tiff(made / "tiff", 1)
    path = made / "tiff/face/face.000002.tiff"
    np.testing.assert_array_equal(cv2.imread(str(path), cv2.IMREAD_UNCHANGED)[..., [2, 1, 0, 3]], ours)
    with tifffile.TiffFile(path) as file:
        assert file.pages[0].extrasamples == (tifffile.EXTRASAMPLE.UNASSALPHA,)
        assert "synthetic_media=yes" in file.pages[0].description
    with Image.open(path) as picture:
        assert picture.size == SIZE and picture.mode == "RGBA"
        assert np.abs(np.asarray(picture)[..., 3] - ours[..., 3] / 257).max() <= 1
    _, channels = exr(made / "exr/face/face.000002.exr")
    _, _, width, height = cv2.boundingRect((ours[..., 3] > 0).astype(np.uint8))
    assert abs(channels["A"].sum(dtype=np.float64) - (ours[..., 3] / 65535).sum()) < 1
    assert width <= channels["A"].shape[1] and height <= channels["A"].shape[0]


def test_clips_with_alpha_have_the_plates_times(made, plate):
    video = probe(made / "tiff/face.mkv")
    np.testing.assert_allclose(frame_times(video), frame_times(probe(plate)), atol=1e-3)
    for frame in read_frames(video):
        green, blue, red, alpha = planes_of(frame.native)
        np.testing.assert_array_equal(np.dstack([red, green, blue, alpha]), tiff(made / "tiff", frame.index))
    prores = probe(made / "exr/face.mov")
    assert prores.codec == "prores" and prores.pixel_format.startswith("yuva444p")
    np.testing.assert_allclose(frame_times(prores), frame_times(probe(plate)), atol=1e-3)
    for frame in read_frames(prores):
        layer = tiff(made / "tiff", frame.index) / 257
        solid = layer[..., 3] > 250
        alpha = planes_of(frame.native)[3] / (2 ** frame.native.format.components[3].bits - 1)
        assert np.abs(alpha - layer[..., 3] / 255).max() < 0.01
        if solid.any():
            assert np.abs(fine_pixels(frame)[solid] / 257 - layer[..., :3][solid]).mean() < 1.5


def test_the_uv_map_is_the_meshs_layout(made):
    """At the mesh's own points; not where it is folded or turned away."""
    for index in (0, 5):
        points = np.array(track(made / "tiff")["frames"][index]["faces"][0]["landmarks"])
        uv = tiff(made / "tiff", index, "uv").astype(np.float32) / 65535
        front = [1, 4, 5, 9, 50, 101, 116, 151, 195, 280, 330, 345, 425, 205]
        found = cv2.remap(uv, points[front][None, :, :2].astype(np.float32), None, cv2.INTER_LINEAR)[0]
        wanted = layout()[front]
        assert np.abs(found[:, 0] - wanted[:, 0]).max() < 0.01
        assert np.abs(found[:, 1] - (1 - wanted[:, 1])).max() < 0.01
        assert (found[:, 2] == 1).all()


def test_the_track_tells_every_face_and_its_place(made, plate):
    told = track(made / "exr")
    assert told["synthetic_media"] == "yes" and told["plate"]["rate"] == str(probe(plate).rate)
    assert (told["plate"]["width"], told["plate"]["height"]) == SIZE
    np.testing.assert_allclose([row["time"] for row in told["frames"]], frame_times(probe(plate)), atol=1e-6)
    assert told["frames"][HIDDEN]["faces"] == [] and "no face" in told["frames"][HIDDEN]["left_as_the_plate"]
    for row in told["frames"][:HIDDEN]:
        (face,) = row["faces"]
        assert face["swapped"] and face["why_not"] == "" and abs(face["pose"]["yaw"]) < 20
        matrix, points = np.array(face["matrix"]), np.array(face["landmarks"])
        side = face["square"]
        in_square = points[:, :2] @ matrix[:, :2].T + matrix[:, 2]
        exact = crop_matrix(points, side)
        assert np.abs(in_square - (points[:, :2] @ exact[:, :2].T + exact[:, 2])).max() < 0.1
        wide = COVERAGES["face"][0]
        wanted = (unit_points(ALIGN_POINTS) / wide + 0.5) * side - 0.5
        assert np.abs(in_square[ALIGN_POINTS] - wanted).mean() < 0.04 * side  # the mean face, upright
        corners = np.array(face["corners"]) @ matrix[:, :2].T + matrix[:, 2]
        edge = side - 0.5
        assert np.abs(corners - [[-0.5, -0.5], [edge, -0.5], [edge, edge], [-0.5, edge]]).max() < 0.1


def test_all_that_leaves_is_signed_and_the_face_alone_is_marked(plate, handmade, made, tmp_path):
    hand_off(plate, handmade, tmp_path / "o", LayerOptions(format="tiff", video="prores"), BARE, ANY)
    claim = verify(tmp_path / "o/face/face.000001.tiff").manifest.claim
    told = track(tmp_path / "o")
    assert claim.what == "face swap, as a layer" and claim.watermark == told["watermark"] and claim.consent
    for path in [*(tmp_path / "o").rglob("*.tiff"), tmp_path / "o/face.mov", *made.glob("exr/face/*.exr")]:
        assert verify(path).answer == "ours"
    assert verify(tmp_path / "o/uv/uv.000001.tiff").manifest.claim.watermark == ""
    faces = []
    for index in range(FRAMES):
        marked, plain = tiff(tmp_path / "o", index), tiff(made / "tiff", index)
        np.testing.assert_array_equal(marked[..., 3], plain[..., 3])
        np.testing.assert_array_equal(tiff(tmp_path / "o", index, "uv"), tiff(made / "tiff", index, "uv"))
        faces.append((marked[..., :3] // 257).astype(np.uint8))
    assert find_mark(faces).payload == int(told["watermark"], 16)
    stripped = made / "exr/face/face.000001.exr"
    copy = tmp_path / "copy.exr"
    copy.write_bytes(stripped.read_bytes())  # without the manifest beside it
    assert verify(copy).answer == "label" and verify(copy).tags == {**LABEL, "what": "face swap, as a layer"}


def test_crop_models_have_a_map_of_the_upright_square_and_no_mesh(plate, tmp_path):
    run = handmade_run(tmp_path / "run", "swap_original")
    with pytest.raises(InputError, match=r"swap_original draws no face mesh.*choose --uv crop"):
        hand_off(plate, run, tmp_path / "o", LayerOptions(uv="mesh"))
    free = SwapOptions(who="all", poorest=1, stranger=2)
    hand_off(plate, run, tmp_path / "o", LayerOptions(format="png"), options=free)
    assert not list((tmp_path / "o").glob("*.m*"))
    (face,) = track(tmp_path / "o")["frames"][0]["faces"]
    uv = cv2.imread(str(tmp_path / "o/uv/uv.000001.png"), cv2.IMREAD_UNCHANGED)[..., ::-1] / 65535
    rows, columns = np.nonzero(uv[..., 2])
    matrix = np.array(face["matrix"])
    wanted = (np.column_stack([columns, rows]) @ matrix[:, :2].T + matrix[:, 2] + 0.5) / face["square"]
    assert len(rows) > 2000
    assert np.abs(uv[rows, columns, 0] - wanted[:, 0]).max() < 1e-4
    assert np.abs(1 - uv[rows, columns, 1] - wanted[:, 1]).max() < 1e-4


def test_a_stopped_hand_off_goes_on_and_ends_the_same(handmade, tmp_path):
    clip = make_clip(tmp_path / "p.mkv", SIZE, 6, rate=3, codec="ffv1", pixel_format="bgr0", pictures=moving(6))
    options, layers = SwapOptions(who="all", poorest=1, segment=1), LayerOptions(format="tiff", uv="none")
    stop = StopSignal()
    with pytest.raises(Stopped, match=r"o.partial keeps the finished segments; run the same command again"):
        hand_off(clip, handmade, tmp_path / "o", layers, options=options, progress=StopAt(4, stop), stop=stop)
    assert not (tmp_path / "o").exists()
    watcher = StopAt(10**9, stop)
    hand_off(clip, handmade, tmp_path / "o", layers, options=options, progress=watcher)
    assert any("1 of 2 segments are done" in text for text in watcher.told)
    hand_off(clip, handmade, tmp_path / "whole", layers, options=options)
    for index in range(6):
        np.testing.assert_array_equal(tiff(tmp_path / "o", index), tiff(tmp_path / "whole", index))
    assert track(tmp_path / "o")["frames"] == track(tmp_path / "whole")["frames"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["o", "p.mkv", "whole"]


def test_bad_input_is_one_sentence_and_leaves_nothing(plate, handmade, tmp_path, capsys):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken/file").write_text("mine")
    with pytest.raises(OutputError, match="taken exists already"):
        hand_off(plate, handmade, tmp_path / "taken")
    with pytest.raises(InputError, match="leave --mark out"):
        hand_off(plate, handmade, tmp_path / "o", options=SwapOptions(visible=VisibleMark(mark="AI")))
    empty = make_clip(tmp_path / "e.mkv", SIZE, 3, codec="ffv1", pixel_format="bgr0")
    with pytest.raises(FaceError, match=r"No frame of .*e.mkv shows the person .*no face was found"):
        hand_off(empty, handmade, tmp_path / "o")
    pq = make_clip(tmp_path / "pq.mkv", SIZE, 2, codec="ffv1", pixel_format="yuv420p10le", matrix=16)
    with pytest.raises(InputError, match=r"smpte2084.*choose --format tiff"):
        hand_off(pq, handmade, tmp_path / "o")
    capsys.readouterr()
    assert main(["hand-off", str(plate), "--model", str(handmade), "--out", str(tmp_path / "taken")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["e.mkv", "pq.mkv", "taken"]
