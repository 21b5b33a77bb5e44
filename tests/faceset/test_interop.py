"""Facesets to other tools and back: ours come back as they were, theirs are found again in the pictures."""

import os
import pickle
import shutil
import struct
import zlib

import cv2
import numpy as np
import pytest

from semblance.errors import FaceError, FacesetError, InputError, MediaError, OutputError, Stopped
from semblance.faceset.dfl import read_dfl
from semblance.faceset.exporting import ExportOptions, export_faceset
from semblance.faceset.faceswap import alignment_of, alignments_bytes
from semblance.faceset.foreign import read_record, record_of
from semblance.faceset.importing import ImportOptions, import_faceset
from semblance.faceset.store import PICTURES, open_faceset, save_table
from semblance.media.image import encode_picture, read_picture, read_tags, write_picture
from semblance.runs import Progress, StopSignal
from tests.faceset.foreign_files import dfl_face, dfl_pak, embedded, faceswap_face, frames_of, points_of

CARRIED = ("source", "sha256", "index", "time", "yaw", "pitch", "roll", "score", "size", "inside", "faces_in_frame",
           "track", "kept", "reason")  # fmt: skip


class Told(Progress):
    def __init__(self, stop_after=None, stop=None):
        self.said, self.count, self.total, self.stop_after, self.stop = [], 0, 0, stop_after, stop

    def stage(self, name, total=None, unit="frames"):
        self.count, self.total = 0, total

    def say(self, text):
        self.said.append(text)

    def advance(self, count=1, note=""):
        self.count += count
        if self.stop_after is not None and self.count >= self.stop_after:
            self.stop.request()


@pytest.fixture
def frames(made_up):
    return frames_of(made_up.folder.parent / "film" / "person-1.mp4")


@pytest.fixture
def theirs(made_up, frames, tmp_path):
    """DeepFaceLab's faces of the same frames, and the frames themselves."""
    for (_, row), frame in zip(made_up.table.iterrows(), frames):
        name = f"{row['index'] + 1:05d}"
        (tmp_path / "aligned").mkdir(exist_ok=True)
        (tmp_path / "aligned" / f"{name}_0.jpg").write_bytes(dfl_face(frame, points_of(row), f"{name}.png"))
        write_picture(tmp_path / "data_src" / f"{name}.png", frame, {})
    return tmp_path / "aligned"


@pytest.mark.parametrize("crops_only", [False, True])
@pytest.mark.parametrize("to", ["dfl", "pak", "faceswap"])
def test_what_is_ours_comes_back_as_it_was(made_up, to, crops_only, tmp_path):
    assert export_faceset(made_up.folder, tmp_path / "out", to, ExportOptions(crops_only=crops_only)) == 6
    back = import_faceset(tmp_path / "out", tmp_path / "back")
    assert back.options["size"] == 128 and back.options["coverage"] == "wide"
    assert list(back.table["name"]) == list(made_up.table["name"])
    for (_, was), (_, now) in zip(made_up.table.iterrows(), back.table.iterrows()):
        assert all(was[column] == now[column] for column in CARRIED)
        for column in ("landmarks", "matrix", "box", "identity"):
            assert np.array_equal(was[column], now[column])
        before, after = (read_picture(f.folder / PICTURES / was["name"]).astype(int) for f in (made_up, back))
        assert np.abs(before - after).mean() < 3  # JPEG, and cut twice


def test_a_curated_faceset_leaves_without_what_was_dropped(made_up, tmp_path):
    shutil.copytree(made_up.folder, tmp_path / "in")
    table = open_faceset(tmp_path / "in").table
    table.loc[2, ["kept", "reason"]] = False, "blurred"
    save_table(tmp_path / "in", table)
    assert export_faceset(tmp_path / "in", tmp_path / "out", "dfl") == 5
    table["kept"] = False
    save_table(tmp_path / "in", table)
    with pytest.raises(FacesetError, match="--undo"):
        export_faceset(tmp_path / "in", tmp_path / "none", "dfl")


def test_plain_pictures_are_the_pictures(made_up, tmp_path):
    export_faceset(made_up.folder, tmp_path / "out", "plain")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == sorted(made_up.table["name"])
    for name in made_up.table["name"]:
        assert (tmp_path / "out" / name).read_bytes() == (made_up.folder / PICTURES / name).read_bytes()


@pytest.mark.parametrize("to", ["dfl", "faceswap"])
def test_every_picture_says_what_it_is(made_up, to, tmp_path):
    export_faceset(made_up.folder, tmp_path / "out", to)
    pictures = [path for path in (tmp_path / "out").iterdir() if path.suffix != ".fsa"]
    assert len(pictures) == 6 and all("not synthetic" in read_tags(path)["comment"] for path in pictures)


def test_faces_are_cut_from_the_footage_while_it_is_what_it_was(made_up, frames, tmp_path):
    told = Told()
    export_faceset(made_up.folder, tmp_path / "out", "dfl", progress=told)
    assert not told.said and told.count == told.total == 6
    data = (tmp_path / "out" / f"{made_up.table['name'][3][:-4]}.jpg").read_bytes()
    face = read_dfl(data, "a", "a.jpg", None)
    cut = read_picture(tmp_path / "out" / f"{made_up.table['name'][3][:-4]}.jpg")
    wanted = cv2.warpAffine(frames[3], face.matrix, cut.shape[:2], flags=cv2.INTER_CUBIC)
    assert face.frame == "00004.png" and np.abs(cut.astype(int) - wanted).mean() < 4  # JPEG
    assert (cut[:, [0, -1]] > 0).any((1, 2)).all()  # nothing black at its sides
    moved = made_up.folder.parent / "moved"
    shutil.copytree(made_up.folder, moved)
    table = open_faceset(moved).table
    table["sha256"] = "another clip by now"
    save_table(moved, table)
    export_faceset(moved, tmp_path / "crops", "dfl", ExportOptions(face_type="whole_face"), told)
    shutil.rmtree(moved)
    assert len(told.said) == 1 and "are black" in told.said[0]


def test_theirs_is_found_again_in_the_pictures(theirs, made_up, tmp_path):
    back = import_faceset(theirs, tmp_path / "back")
    assert len(back.table) == 6 and set(back.table["person"]) == {0} and back.options["coverage"] == "wide"
    for (_, was), (_, now) in zip(made_up.table.iterrows(), back.table.iterrows()):
        apart = (was["landmarks"] - now["landmarks"]).reshape(-1, 3)
        assert np.linalg.norm(apart[:, :2], axis=1).mean() < 0.006 * was["size"]  # the finder's own scatter
        assert np.abs(apart[:, 2]).mean() < 0.01 * was["size"]
        assert abs(was["yaw"] - now["yaw"]) < 3 and abs(was["roll"] - now["roll"]) < 2
        assert np.linalg.norm(was["identity"] - now["identity"]) < 0.25  # the same person: below 0.6
        assert now["frame"] == f"{was['index'] + 1:05d}.png" and now["inside"] == 1.0
    assert (back.folder / "sheet.png").exists()
    export_faceset(back.folder, tmp_path / "again", "dfl")
    third = import_faceset(tmp_path / "again", tmp_path / "third")
    assert list(third.table["frame"]) == list(back.table["frame"])
    assert np.array_equal(third.table["landmarks"][0], back.table["landmarks"][0])


def test_frames_give_what_the_crops_do_not_hold(theirs, made_up, tmp_path):
    options = ImportOptions(size=128, coverage="wide")
    back = import_faceset(theirs, tmp_path / "back", theirs.parent / "data_src", options)
    for (_, was), (_, now) in zip(made_up.table.iterrows(), back.table.iterrows()):
        apart = np.linalg.norm((was["landmarks"] - now["landmarks"]).reshape(-1, 3)[:, :2], axis=1)
        assert apart.mean() < 0.5
        before, after = (read_picture(f.folder / PICTURES / r["name"]).astype(int) for f, r in
                         ((made_up, was), (back, now)))  # fmt: skip
        assert np.abs(before - after).mean() < 6


def test_a_pak_of_their_own_is_read_and_a_cut_one_as_far_as_it_is_whole(made_up, frames, tmp_path):
    rows = [row for _, row in made_up.table.iterrows()][:3]
    faces = []
    for n, (row, frame) in enumerate(zip(rows, frames)):
        config = {"filename": "a.jpg", "person_name": f"p{n}", "landmarks": None}
        faces.append((config, dfl_face(frame, points_of(row), f"{n}.png")))
    data = dfl_pak(faces)
    (tmp_path / "faceset.pak").write_bytes(data)
    assert list(import_faceset(tmp_path, tmp_path / "a").table["name"]) == ["p0_a.png", "p1_a.png", "p2_a.png"]
    (tmp_path / "cut.pak").write_bytes(data[:-100])
    told = Told()
    assert len(import_faceset(tmp_path / "cut.pak", tmp_path / "b", progress=told).table) == 2
    assert told.said == ["Passed over: face 3: its picture is cut short"]
    (tmp_path / "cut.pak").write_bytes(data[: -sum(len(jpeg) for _, jpeg in faces)])
    with pytest.raises(FaceError, match="None of the 3 faces"):
        import_faceset(tmp_path / "cut.pak", tmp_path / "c")


def test_faceswap_faces_and_alignments(made_up, frames, tmp_path):
    listed = {}
    for (_, row), frame in zip(made_up.table.iterrows(), frames):
        name = f"clip_{row['index'] + 1:06d}.png"
        (tmp_path / "faces").mkdir(exist_ok=True)
        (tmp_path / "faces" / name).write_bytes(faceswap_face(frame, points_of(row), name))
        write_picture(tmp_path / "frames" / name, frame, {})
        listed[name.replace(".png", ".mp4")] = [alignment_of(points_of(row))]
    (tmp_path / "clip_alignments.fsa").write_bytes(alignments_bytes(listed))
    ways = (("faces", None, "head"), ("clip_alignments.fsa", tmp_path / "frames", "wide"))
    for number, (place, shown, coverage) in enumerate(ways):
        back = import_faceset(tmp_path / place, tmp_path / f"back{number}", shown)
        assert len(back.table) == 6 and back.options["coverage"] == coverage
        for (_, was), (_, now) in zip(made_up.table.iterrows(), back.table.iterrows()):
            apart = np.linalg.norm((was["landmarks"] - now["landmarks"]).reshape(-1, 3)[:, :2], axis=1)
            assert apart.mean() < 0.6 and now["inside"] == was["inside"]
    with pytest.raises(InputError, match="--frames"):
        import_faceset(tmp_path / "clip_alignments.fsa", tmp_path / "no")


def test_one_damaged_face_of_several_is_named(theirs, tmp_path):
    (theirs / "00001_0.jpg").write_bytes((theirs / "00001_0.jpg").read_bytes()[:-3000])  # the picture is cut
    (theirs / "00002_0.jpg").write_bytes(encode_picture(np.zeros((64, 64, 3), np.uint8), ".jpg", {}))
    told = Told()
    assert len(import_faceset(theirs, tmp_path / "back", progress=told).table) == 4
    assert len(told.said) == 2 and "00002_0.jpg: it carries no metadata" in told.said[0] and "00001_0" in told.said[1]
    assert told.count == told.total


def test_a_record_that_was_moved_or_made_up_counts_as_absent(made_up, tmp_path):
    row = made_up.table.iloc[0]
    text, points = record_of(row, 128, "wide"), points_of(row)
    assert np.array_equal(read_record(text, points)["landmarks"], row["landmarks"])
    assert read_record(text, points + 9) is None  # somebody set the landmarks elsewhere
    for wrong in (None, 7, "", "{}", "[" * 10_000):
        assert read_record(wrong, points) is None
    for part, wrong in (
        ('"wide"', '"foot"'),
        ('"format": 1', '"format": 2'),
        ('"yaw": ', '"yaw": NaN, "x": '),
        ('"matrix": "', '"matrix": "AAAA'),
    ):
        assert part in text and read_record(text.replace(part, wrong), points) is None


def _hostile(folder):
    class Call:
        def __reduce__(self):
            return os.system, (f"touch {folder / 'bait'}",)

    return pickle.dumps({"landmarks": Call()})


def test_a_hostile_file_is_refused_in_one_sentence(theirs, tmp_path):
    jpeg = encode_picture(np.zeros((64, 64, 3), np.uint8), ".jpg", {})
    hostile = _hostile(tmp_path)
    (theirs / "00003_0.jpg").write_bytes(embedded(jpeg, hostile))
    (tmp_path / "x.pak").write_bytes(struct.pack("<QQ", 1, len(hostile)) + hostile)
    (tmp_path / "x.fsa").write_bytes(zlib.compress(hostile))
    for place in (theirs, tmp_path / "x.pak", tmp_path / "x.fsa"):
        with pytest.raises(FacesetError, match=r"'posix\.system'") as caught:
            import_faceset(place, tmp_path / "out")
        assert "\n" not in str(caught.value) and not (tmp_path / "bait").exists() and not (tmp_path / "out").exists()


def test_a_stop_leaves_nothing(theirs, made_up, tmp_path):
    for call in (
        lambda told, stop: import_faceset(theirs, tmp_path / "new" / "a", progress=told, stop=stop),
        lambda told, stop: export_faceset(made_up.folder, tmp_path / "new" / "b", "dfl", progress=told, stop=stop),
        lambda told, stop: export_faceset(made_up.folder, tmp_path / "new" / "c", "pak", progress=told, stop=stop),
    ):
        stop = StopSignal()
        with pytest.raises(Stopped, match="Nothing was kept"):
            call(Told(2, stop), stop)
    assert not list(tmp_path.glob("new/*")) and not list(tmp_path.glob("new/.*"))


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda p: p / "nothing", MediaError, "no file or folder"),
        (lambda p: p / "empty", MediaError, "holds no pictures"),
        (lambda p: p / "plain", MediaError, "semblance extract"),
        (lambda p: p / "x.txt", InputError, "no faceset of another tool"),
        (lambda p: p / "x.pak", FacesetError, "no packed faceset"),
        (lambda p: p / "x.fsa", FacesetError, "no alignments file"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(make, error, words, tmp_path):
    (tmp_path / "empty").mkdir()
    write_picture(tmp_path / "plain" / "a.jpg", np.zeros((64, 64, 3), np.uint8), {})
    for name in ("x.txt", "x.pak", "x.fsa"):
        (tmp_path / name).write_text("text, and more than sixteen bytes of it")
    with pytest.raises(error, match=words) as caught:
        import_faceset(make(tmp_path), tmp_path / "new" / "out")
    assert "\n" not in str(caught.value) and not (tmp_path / "new").exists()


def test_places_that_exist_and_ways_that_do_not(made_up, theirs, tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "precious").write_text("x")
    with pytest.raises(OutputError, match="exists already"):
        import_faceset(theirs, tmp_path / "there")
    with pytest.raises(OutputError, match="exists already"):
        export_faceset(made_up.folder, tmp_path / "there", "dfl")
    with pytest.raises(InputError, match="plain, dfl, pak, faceswap"):
        export_faceset(made_up.folder, tmp_path / "new", "zip")
    with pytest.raises(InputError, match="a faceset already"):
        import_faceset(made_up.folder, tmp_path / "new")
    with pytest.raises(InputError, match="no folder"):
        import_faceset(theirs, tmp_path / "new", tmp_path / "nowhere")
    with pytest.raises(FacesetError, match="not a faceset"):
        export_faceset(theirs, tmp_path / "new", "dfl")


def test_two_files_of_one_name_both_stay(theirs, tmp_path):
    shutil.copy(theirs / "00001_0.jpg", theirs / "00001_0.jpeg")
    names = list(import_faceset(theirs, tmp_path / "back").table["name"])
    assert len(set(names)) == 7
