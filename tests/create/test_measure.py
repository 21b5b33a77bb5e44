"""The verb `measure`: known faults on a real plate are told and ranked; bad input is one sentence."""

import json
import re

import av
import cv2
import numpy as np
import pytest

from semblance.create.measure import measure
from semblance.errors import FaceError, InputError, MediaError, Stopped
from semblance.faces.track import FaceTracker
from semblance.measures.truth import TruthFrame, truth_path, write_truth
from semblance.media.image import encode_picture
from semblance.media.probe import probe
from semblance.media.read import read_frames
from semblance.runs import Progress, StopSignal, hash_of
from tests.clips import make_clip
from tests.measures.doctored import blurred, hull_of, inside, tinted

FRAMES = 32


class Shot:
    """The first frames of a consented clip, losslessly, and clips made from them."""

    def __init__(self, clip, folder):
        self.folder = folder
        self.frames = [frame.pixels for frame in read_frames(probe(clip), 0, FRAMES)]
        tracker = FaceTracker()
        self.landmarks = [tracker.step(pixels)[0].landmarks for pixels in self.frames]
        tracker.close()
        self.hulls = [hull_of(points, self.frames[0].shape[:2]) for points in self.landmarks]
        self.plate = self.clip("plate", lambda k, pixels, hull: pixels)

    def clip(self, name, change, **options):
        """A clip whose frame k is change(k, pixels, hull)."""
        pictures = [change(k, *pair) for k, pair in enumerate(zip(self.frames, self.hulls))]
        path = self.folder / f"{name}.mkv"
        size = pictures[0].shape[1::-1]
        settings = {"codec": "ffv1", "pixel_format": "bgr0", **options}
        return make_clip(path, size=size, frames=len(pictures), pictures=pictures, **settings)


@pytest.fixture(scope="module")
def shot(grid, tmp_path_factory):
    return Shot(grid / "lrwp9a.mpg", tmp_path_factory.mktemp("measure"))


@pytest.fixture(scope="module")
def same(shot):
    return measure(shot.plate, shot.plate)


def test_the_plate_against_itself_has_no_fault(same):
    perfect = {
        "pose error": 0, "mouth correlation": 1, "mouth error": 0, "expression correlation": 1, "expression error": 0,
        "flicker": 1, "brightness flicker": 0, "landmark jitter": 1, "sharpness": 1, "seam": 0, "double edges": 0,
        "background": 99,
    }  # fmt: skip
    for name, value in perfect.items():
        assert same[name].value == pytest.approx(value, abs=1e-6), name
        assert same[name].grade == "good" and same[name].missing == (), name
    assert same["identity to target"].grade == "poor"  # nobody else is to be seen


def test_every_floor_is_small_and_graded_good(same):
    floors = {row.name: row.floor for row in same.rows if row.floor is not None}
    assert 0 < floors["pose error"] < 0.5 and 0 < floors["brightness flicker"] < 0.3
    assert 0 < floors["seam"] < 2.3 and floors["double edges"] < 2
    assert floors["background"] > 38 and 0.7 < floors["sharpness"] < 1.3 and floors["mouth correlation"] > 0.9


def test_blur_is_told_and_ranked(shot, same):
    soft = [
        measure(
            shot.clip("soft", lambda k, pixels, hull, s=s: inside(pixels, blurred(pixels, s), hull)),
            shot.plate,
            limit=16,
        )
        for s in (1, 2)
    ]
    values = [each["sharpness"].value for each in (same, *soft)]
    assert values[0] > values[1] > values[2] and values[2] < 0.5
    assert soft[1]["sharpness"].grade == "poor" and soft[1]["background"].value == 99
    assert soft[1]["flicker"].value < 0.8  # blur calms: the reason why the two are read together
    assert soft[1]["mouth correlation"].grade == "good"


def test_a_tint_inside_the_face_is_a_seam(shot):
    told = measure(
        shot.clip("tinted", lambda k, pixels, hull: inside(pixels, tinted(pixels, 6), hull)), shot.plate, limit=12
    )
    assert told["seam"].value == pytest.approx(6, abs=0.7) and told["seam"].grade == "poor"
    assert told["sharpness"].grade == "good" and told["background"].value == 99


def test_flicker_of_two_levels_reads_two(shot):
    clip = shot.clip("restless", lambda k, pixels, hull: inside(pixels, pixels + 2.0 * (-1) ** k, hull))
    told = measure(clip, shot.plate, limit=12)
    assert told["brightness flicker"].value == pytest.approx(2, abs=0.1)
    assert told["flicker"].value > 2 and told["flicker"].grade == "poor"
    assert told["seam"].grade == "good"


def test_a_performance_that_lags_follows_badly(shot, same):
    late = measure(shot.clip("late", lambda k, pixels, hull: shot.frames[max(k - 4, 0)]), shot.plate)
    assert late["mouth correlation"].value < 0.8 and late["mouth error"].value > 3 * same["mouth error"].floor
    assert late["identity to target"].value < 0.3


def test_frames_without_a_face_are_named(shot):
    gone = {12, 13, 14, 30}
    clip = shot.clip("gone", lambda k, pixels, hull: np.full_like(pixels, 90) if k in gone else pixels)
    told = measure(clip, shot.plate)
    assert told["pose error"].missing == (12, 13, 14, 30)
    assert told["pose error"].note == "not in frames 12-14, 30"
    assert told["landmark jitter"].missing == (11, 12, 13, 14, 15, 29, 30)  # 31 is the last frame
    assert told["seam"].missing == ()
    assert told.notes == ("No face in the result: frames 12-14, 30.",)
    assert "not in frames 12-14, 30" in told.table()


def test_a_still_plate_gives_deviation_instead_of_correlation(shot):
    still = shot.clip("still", lambda k, pixels, hull: shot.frames[0])
    told = measure(shot.plate, still, limit=20)
    row = told["mouth correlation"]
    assert row.value is None and row.grade == "-"
    deviation = float(re.search(r"hardly moves .* mean deviation ([\d.]+) %", row.note)[1])
    assert 0.2 < deviation < 10 and told["mouth error"].value == pytest.approx(deviation, abs=0.006)


def test_of_two_people_the_larger_one_is_measured(grid, shot):
    """Beside the plate's person stands a smaller one, whose blurred face is not what was asked about."""
    guest = [
        np.pad(cv2.resize(frame.pixels, None, fx=0.7, fy=0.7), ((86, 0), (0, 0), (0, 0)))
        for frame in read_frames(probe(grid / "swiz3n.mpg"), 0, 8)
    ]
    pairs = [np.hstack([pixels, other[-288:]]) for pixels, other in zip(shot.frames, guest)]
    soft = [np.hstack([pair[:, :360], blurred(pair[:, 360:], 4)]) for pair in pairs]
    options = {"size": pairs[0].shape[1::-1], "frames": 8, "codec": "ffv1", "pixel_format": "bgr0"}
    plate, result = (
        make_clip(shot.folder / name, pictures=pictures, **options)
        for name, pictures in (("pair.mkv", pairs), ("soft_pair.mkv", soft))
    )
    told = measure(result, plate, shot.plate)
    assert told["sharpness"].value == 1 and told["pose error"].value < 0.3 and told["background"].value < 60
    assert told["identity to source"].value < 0.3


def test_a_folder_of_pictures_can_be_the_plate(shot, tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for k, pixels in enumerate(shot.frames[:6]):
        (folder / f"{k}.png").write_bytes(encode_picture(pixels, ".png", {}))
    told = measure(folder, folder)
    assert told["sharpness"].value == 1 and told["background"].floor > 35
    assert "sound offset" not in {row.name for row in told.rows}


def test_source_and_plate_are_told_apart(grid, shot):
    source = grid / "swiz3n.mpg"
    target = measure(shot.plate, shot.plate, source, limit=10)
    assert target["identity to source"].grade == "poor" and target["nearer to source"].value == 0
    own = measure(shot.plate, shot.plate, shot.plate, limit=10)
    assert own["identity to source"].grade == "good" and own["identity to source"].value < 0.3
    assert target["identity to source"].floor < 0.3


def test_the_true_result_is_compared_inside_the_face(shot):
    noise = np.where(np.indices(shot.frames[0].shape[:2]).sum(0) % 2, 5.0, -5.0)[..., None]
    clip = shot.clip("noisy", lambda k, pixels, hull: inside(pixels, np.clip(pixels + noise, 0, 255), hull))
    told = measure(clip, shot.plate, truth=shot.plate, limit=8)
    assert told["true PSNR"].value == pytest.approx(20 * np.log10(255 / 5), abs=0.3)
    assert told["true SSIM"].value < told["true MS-SSIM"].value < 1
    assert told["landmark error"].value < 2
    clean = measure(shot.plate, shot.plate, truth=shot.plate, limit=8)
    assert (clean["true PSNR"].value, clean["true SSIM"].value, clean["landmark error"].value) == (99, 1, 0)


def test_exact_landmarks_beside_the_truth_are_used(shot, tmp_path):
    """A table that says all points lie 3, 4 px from where they are found: every part errs by 5 px."""
    clip = tmp_path / "true.mkv"
    clip.write_bytes(shot.plate.read_bytes())
    rows = [
        TruthFrame(k, k / 25, points + np.float32([3, 4, 0]), np.ones(478, bool), (0, 0, 0), (0, 0), np.zeros(1),
                   np.zeros((3, 4)), np.zeros(3), "", (0, 0, 1, 1))
        for k, points in enumerate(shot.landmarks)
    ]  # fmt: skip
    about = {key: {} for key in ("body", "scene", "performance")} | {
        "clip": clip.name, "clip_sha256": hash_of(clip), "width": 360, "height": 288, "rate": "25/1",
        "frames": FRAMES, "person": "x", "identity": 1, "seed": 0, "expressions": ["a"],
    }  # fmt: skip
    write_truth(truth_path(clip), rows, about)
    told = measure(shot.plate, shot.plate, truth=clip, limit=6)
    for part in ("", ", jaw", ", brows", ", eyes", ", nose", ", mouth"):
        assert told[f"landmark error{part}"].value == pytest.approx(5, abs=0.01)
        assert told[f"landmark error{part}"].floor == pytest.approx(5, abs=0.01)  # here the finder errs alone
    assert told.about["truth_table"] is True
    other = shot.clip("other", lambda k, pixels, hull: pixels[::-1].copy())
    truth_path(other).write_bytes(truth_path(clip).read_bytes())
    with pytest.raises(InputError, match="another clip"):
        measure(shot.plate, shot.plate, truth=other)


def with_sound(clip, path, ms):
    """The clip's pictures, and noise in bursts that starts `ms` late."""
    wave = np.random.default_rng(1).standard_normal(16000) * np.repeat(np.random.default_rng(2).random(20), 800) * 0.2
    wave = np.concatenate([np.zeros(16 * ms + 3200), wave])[: 16000 + 3200].astype(np.float32)
    with av.open(str(clip)) as source, av.open(str(path), "w") as out:
        pictures = out.add_stream_from_template(source.streams.video[0])
        sound = out.add_stream("pcm_s16le", rate=16000, layout="mono")
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = pictures
                out.mux(packet)
        frame = av.AudioFrame.from_ndarray((wave[None] * 32767).astype(np.int16), format="s16", layout="mono")
        frame.sample_rate, frame.pts = 16000, 0
        out.mux(sound.encode(frame))
        out.mux(sound.encode(None))
    return path


def test_sound_that_comes_late_is_told_in_ms(shot, tmp_path):
    plate = with_sound(shot.plate, tmp_path / "plate.mkv", 0)
    late = measure(with_sound(shot.plate, tmp_path / "late.mkv", 80), plate, limit=3)["sound offset"]
    assert late.value == pytest.approx(80, abs=5) and late.grade == "poor" and "late" in late.note
    early = measure(plate, tmp_path / "late.mkv", limit=3)["sound offset"]
    assert early.value == pytest.approx(-80, abs=5) and "early" in early.note
    mute = measure(shot.plate, plate, limit=3)["sound offset"]
    assert mute.value is None and mute.note == "the result has no sound"


def test_table_and_json_hold_every_row(same):
    text, told = same.table(), json.loads(json.dumps(same.as_json()))
    assert len(text.splitlines()) == 1 + len(same.rows)
    assert [row["name"] for row in told["rows"]] == [row.name for row in same.rows]
    assert {"value", "median", "p5", "p95", "spread", "missing", "frames_missing", "floor", "grade"} <= set(
        told["rows"][0]
    )
    assert told["frames"] == FRAMES and told["truth"] is None


def test_clips_that_do_not_match_are_refused(shot, tmp_path):
    short = shot.clip("short", lambda k, pixels, hull: pixels)
    make_clip(short, size=(360, 288), frames=7, codec="ffv1", pixel_format="bgr0", pictures=shot.frames[:7])
    with pytest.raises(InputError, match=f"short.mkv has 7 frames, but the target .*plate.mkv has {FRAMES}"):
        measure(short, shot.plate)
    small = shot.clip("small", lambda k, pixels, hull: pixels[:200, :300])
    with pytest.raises(InputError, match=r"small.mkv is 300x200, but the target .*plate.mkv is 360x288"):
        measure(small, shot.plate)
    with pytest.raises(InputError, match="7 frames"):
        measure(shot.plate, shot.plate, truth=short)
    with pytest.raises(InputError, match="limit of 0"):
        measure(shot.plate, shot.plate, limit=0)
    with pytest.raises(MediaError, match="There is no file"):
        measure(tmp_path / "none.mp4", shot.plate)
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"nothing of a clip")
    with pytest.raises(MediaError, match="not a video"):
        measure(broken, shot.plate)


def test_clips_without_a_face_are_refused(shot):
    empty = shot.clip("empty", lambda k, pixels, hull: np.full_like(pixels, 90))
    with pytest.raises(FaceError, match=r"No face was found in the result .*empty.mkv"):
        measure(empty, shot.plate, limit=5)
    with pytest.raises(FaceError, match=r"No face was found in the target .*empty.mkv"):
        measure(shot.plate, empty, limit=5)
    with pytest.raises(FaceError, match=r"No face was found in the source .*empty.mkv"):
        measure(shot.plate, shot.plate, empty, limit=5)


def test_it_tells_its_progress_and_can_be_stopped(shot):
    class Watch(Progress):
        def __init__(self, stop=None, after=0):
            self.seen, self.stages, self.stop, self.after = 0, [], stop, after

        def stage(self, name, total=None, unit="frames"):
            self.stages.append((name, total))

        def advance(self, count=1, note=""):
            self.seen += count
            if self.stop and self.seen == self.after:
                self.stop.request()

    watch = Watch()
    measure(shot.plate, shot.plate, progress=watch, limit=6)
    assert watch.stages == [("measure", 6), ("noise floor", 6)] and watch.seen == 12
    stop = StopSignal()
    with pytest.raises(Stopped, match="run the same command again"):
        measure(shot.plate, shot.plate, progress=Watch(stop, 3), stop=stop)
