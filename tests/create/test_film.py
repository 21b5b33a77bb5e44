"""People on film: the clips that were asked for, each with its truth, and the same again from the same seed."""

import av
import numpy as np
import pytest

from semblance.create.film import SEEDS, FilmOptions, cast, chances, film_clip, film_people
from semblance.errors import InputError, ModelError, OutputError, Stopped
from semblance.measures.truth import REGIONS, masks_path, open_truth, truth_path
from semblance.media.image import read_tags
from semblance.media.probe import probe
from semblance.people import film as drawing
from semblance.people.bodies import ICT_FILE, open_body
from semblance.runs import Progress, StopSignal, hash_of
from semblance.trust.publish import LABEL
from tests.clips import packets_of
from tests.create.swapping import StopAt, pixels_of

SHORT = FilmOptions(people=2, seconds=0.4, size=96, body="builtin", speech=True)
SILENT = SHORT.changed(people=1, speech=False, seconds=0.12)


def files_of(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(scope="module")
def filmed(tmp_path_factory):
    return film_people(tmp_path_factory.mktemp("film") / "new" / "two", SHORT)


def test_the_clips_have_the_frames_size_and_rate_asked_for(filmed):
    assert [clip.name for clip in filmed.clips] == ["person-1.mp4", "person-2.mp4"] and filmed.frames == 20
    for clip in filmed.clips:
        info = probe(clip)
        assert (info.width, info.height, info.rate, len(pixels_of(clip))) == (96, 96, 25, 10)
        assert abs(info.duration - 0.4) < 1e-3
        assert pixels_of(clip).std((1, 2, 3)).min() > 15, "a picture of nothing"


def test_sound_begins_with_the_picture_and_is_as_long(filmed):
    for clip in filmed.clips:
        with av.open(str(clip)) as container:
            sound = container.streams.audio[0]
            assert sound.start_time == 0
            assert abs(float(sound.duration * sound.time_base) - 0.4) < 1e-3


def test_the_sound_is_what_is_said(tmp_path):
    """A second is enough for a word: the clip's sound is the performance's, but for what AAC does to it."""
    options = SHORT.changed(people=1, seconds=1.5, rate=12, size=64, text="mama")
    take = cast(options, 0, open_body("builtin"))
    clip = film_people(tmp_path / "f", options).clips[0]
    with av.open(str(clip)) as container:
        heard = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
        assert container.streams.audio[0].rate == take.performance.sound_rate
    said = take.performance.sound[0]
    assert np.abs(said).max() > 0.1
    assert np.corrcoef(said, heard[: len(said)])[0, 1] > 0.98
    assert "m" in {open_truth(clip).row(k).phoneme for k in range(18)}


def test_silence_without_speech(tmp_path):
    clip = film_people(tmp_path / "f", SILENT).clips[0]
    with av.open(str(clip)) as container:
        assert not container.streams.audio


def test_all_that_is_written_is_labelled(filmed):
    media = [path for path in filmed.folder.iterdir() if path.suffix in (".mp4", ".mkv", ".png")]
    assert len(media) == 5
    for path in media:
        tags = read_tags(path)
        assert all(tags[key] == value for key, value in LABEL.items()), path
        assert "do not exist" in tags["what"]


def test_the_masks_are_the_regions_drawn(filmed):
    drawn = [shot.regions for shot, _ in drawing.film(cast(SHORT, 1, open_body("builtin")))]
    stored = pixels_of(masks_path(filmed.clips[1]))
    assert np.array_equal(stored, np.repeat(np.stack(drawn)[..., None], 3, 3))
    found = set(np.unique(stored))
    assert {REGIONS[name] for name in ("background", "skin", "lips", "clothes")} <= found <= set(REGIONS.values())


def test_the_truth_belongs_to_the_clip_and_tells_where_the_face_is(filmed):
    for clip in filmed.clips:
        truth = open_truth(clip)  # raises for another clip's
        assert truth.about["clip_sha256"] == hash_of(clip) and truth.about["body"] == "builtin"
        assert (truth.frames, truth.about["width"], truth.about["height"]) == (10, 96, 96)
        assert np.allclose([truth.row(k).time for k in range(10)], np.arange(10) / 25)
        masks = pixels_of(masks_path(clip))[..., 0]
        nose = np.round(truth.landmarks[:, 4, :2]).astype(int)
        assert all(masks[k][y, x] == REGIONS["skin"] for k, (x, y) in enumerate(nose)), "the nose is not on the skin"
    one, other = (open_truth(clip).about["identity"] for clip in filmed.clips)
    assert one != other


def test_the_same_seed_is_the_same_and_another_is_not(filmed, tmp_path):
    options = SHORT.changed(people=1)
    again = film_people(tmp_path / "same", options).clips[0]
    other = film_people(tmp_path / "other", options.changed(seed=1)).clips[0]
    first = filmed.clips[0]  # how many are filmed says nothing of who comes first
    assert np.array_equal(pixels_of(first), pixels_of(again))
    assert open_truth(first).table.equals(open_truth(again).table)
    assert np.abs(pixels_of(first).astype(int) - pixels_of(other)).mean() > 5
    assert not np.allclose(open_truth(first).pose, open_truth(other).pose)


def test_the_same_performance_by_other_faces():
    options = FilmOptions(people=4, seconds=0.4, size=64, body="builtin", same_performance=True, occluders=True)
    body = open_body("builtin")
    takes = [cast(options, number, body) for number in range(4)]
    for take in takes[1:]:
        assert np.array_equal(take.performance.pose, takes[0].performance.pose)
        assert np.array_equal(take.performance.weights, takes[0].performance.weights)
        assert take.scene.to_dict() == takes[0].scene.to_dict() and take.occluder == takes[0].occluder
    assert len({take.person.seed for take in takes}) == 4
    pictures = [next(drawing.film(take, 0, 1))[0].pixels.astype(int) for take in takes[:2]]
    assert np.abs(pictures[0] - pictures[1]).mean() > 5
    own = [cast(options.changed(same_performance=False), number, body).performance.pose for number in range(2)]
    assert not np.array_equal(*own)


def test_something_comes_before_the_face(tmp_path):
    options = FilmOptions(people=1, seconds=2, rate=10, size=64, body="builtin", occluders=True)
    clip = film_people(tmp_path / "f", options).clips[0]
    covered = (pixels_of(masks_path(clip))[..., 0] == REGIONS["occluder"]).sum((1, 2))
    assert covered.max() > 20 and covered[0] == 0
    assert open_truth(clip).about["occluder"] != ""


class StopInStage(Progress):
    """Asks for a stop after some frames of one clip."""

    def __init__(self, stage, frames):
        self.wanted, self.left, self.now, self.signal = stage, frames, "", StopSignal()

    def stage(self, name, total=None, unit="frames"):
        self.now = name

    def advance(self, count=1, note=""):
        if self.now == self.wanted:
            self.left -= count
            if self.left == 0:
                self.signal.request()


def test_stopped_in_the_second_clip_the_same_command_goes_on(filmed, tmp_path):
    out, watcher = tmp_path / "f", StopInStage("person-2", 4)
    with pytest.raises(Stopped, match="the same command"):
        film_people(out, SHORT, watcher, watcher.signal)
    assert files_of(out) == [
        "film.json", "person-1.masks.mkv", "person-1.masks.mkv.c2pa", "person-1.mp4", "person-1.truth.parquet",
    ]  # fmt: skip
    (out / ".person-2.mp4.segment.1-ab.part.mkv").write_bytes(b"what a kill leaves")
    stamp = (out / "person-1.mp4").stat().st_mtime_ns
    result = film_people(out, SHORT)
    assert (out / "person-1.mp4").stat().st_mtime_ns == stamp
    assert files_of(out) == files_of(filmed.folder)
    for one, other in zip(result.clips, filmed.clips):
        # all but the manifest, which tells when it was signed
        assert packets_of(one, "video") == packets_of(other, "video") and packets_of(one) == packets_of(other)
        assert np.array_equal(pixels_of(masks_path(one)), pixels_of(masks_path(other)))
        assert open_truth(one).table.equals(open_truth(other).table)
    assert film_people(out, SHORT).rate == 0, "what is there was filmed again"


def test_a_clip_without_its_truth_is_filmed_again(tmp_path):
    clip = film_people(tmp_path / "f", SILENT).clips[0]
    before = pixels_of(clip)
    truth_path(clip).unlink()  # the table comes last: so looks a kill between clip and table
    clip.write_bytes(b"cut short")
    film_people(tmp_path / "f", SILENT)
    assert np.array_equal(pixels_of(clip), before) and open_truth(clip).frames == 3


def test_nothing_is_left_of_a_clip_that_fails(tmp_path):
    take, told = cast(SILENT, 0, open_body("builtin")), StopAt(1, StopSignal())
    with pytest.raises(Stopped):
        film_clip(take, tmp_path / "[a].mp4", told, told.stop_signal)
    assert files_of(tmp_path) == []


def test_a_folder_of_something_else_is_refused(filmed, tmp_path):
    for other in ({"seed": 1}, {"seconds": 0.44}, {"people": 3}, {"speech": False}):
        with pytest.raises(OutputError, match="already holds something else"):
            film_people(filmed.folder, SHORT.changed(**other))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("x")
    (tmp_path / "file").write_text("x")
    for out in ("mine", "new/../mine"):
        with pytest.raises(OutputError, match="already holds something else"):
            film_people(tmp_path / out, SILENT)
    with pytest.raises(OutputError, match="is a file"):
        film_people(tmp_path / "file", SILENT)
    assert files_of(tmp_path / "mine") == ["notes.txt"]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"text": "hello"}, "only spoken with --speech"),
        ({"text": "a " * 20_000, "speech": True}, "letters"),
        ({"text": "\u200b", "speech": True}, "words"),
        ({"body": "no.npz"}, "no head at"),
    ],
)
def test_what_cannot_be_filmed_leaves_nothing(values, words, tmp_path):
    with pytest.raises((InputError, ModelError), match=words) as told:
        film_people(tmp_path / "f", SILENT.changed(**values))
    assert len(str(told.value)) < 300 and not (tmp_path / "f").exists()


def test_a_damaged_head_is_told(tmp_path, monkeypatch):
    np.save(tmp_path / "one.npz.npy", np.zeros(3))
    wrong = dict.fromkeys(("neutral", "faces", "faces_uv", "uv", "face_material", "material_names"), np.zeros(3))
    wrong |= dict.fromkeys(("identity_deltas", "expression_deltas", "expression_names"), np.zeros(3))
    np.savez(tmp_path / "shapes.npz", **wrong)
    np.savez(tmp_path / "few.npz", neutral=np.zeros(3))
    (tmp_path / "cut.npz").write_bytes((tmp_path / "shapes.npz").read_bytes()[:-40])
    (tmp_path / "empty.npz").write_bytes(b"")
    for name in ("one.npz.npy", "shapes.npz", "few.npz", "cut.npz", "empty.npz", "."):
        with pytest.raises(ModelError, match="head"):
            open_body(str(tmp_path / name))
    monkeypatch.setenv("SEMBLANCE_CACHE", str(tmp_path / "cache"))
    with pytest.raises(ModelError, match="--body builtin"):
        open_body("ict")
    assert open_body("auto").name == "builtin"
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / ICT_FILE).write_bytes(b"x")
    with pytest.raises(ModelError, match="fetch it again"):
        open_body("auto")


@pytest.mark.parametrize(("seconds", "rate", "frames", "exact"), [(0.001, 25, 1, "25"), (0.2, 23.976, 5, "24000/1001")])
def test_odd_lengths_and_rates(seconds, rate, frames, exact, tmp_path):
    options = SHORT.changed(people=1, size=66, seconds=seconds, rate=rate)
    clip = film_people(tmp_path / "f", options).clips[0]
    truth, info = open_truth(clip), probe(clip)
    assert truth.frames == len(pixels_of(clip)) == frames and truth.about["rate"] == str(info.rate) == exact
    with av.open(str(clip)) as container:
        sound = container.streams.audio[0]
        assert abs(float(sound.duration * sound.time_base) - frames / float(info.rate)) < 1e-3


def test_no_two_seeds_are_one():
    drawn = {tuple(chances(seed, number)) for seed in (0, 1, 2, SEEDS - 1) for number in range(50)}
    assert len(drawn) == 200
    for seed in (-1, SEEDS):
        with pytest.raises(InputError, match="seed"):
            chances(seed, 0)
