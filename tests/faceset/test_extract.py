"""Extraction from real clips: what is stored is true, stops lose nothing, bad input leaves nothing."""

import os
import resource
import shutil
import threading
from contextlib import contextmanager

import cv2
import numpy as np
import pytest

from semblance.errors import FaceError, FacesetError, InputError, MediaError, OutputError, Stopped
from semblance.faces.identity import identity_chip, identity_vectors
from semblance.faceset import sources
from semblance.faceset.extract import ExtractOptions, extract
from semblance.faceset.store import PICTURES, TABLE, crop_points, load_crops, open_faceset
from semblance.media.image import read_picture, read_tags, write_picture
from semblance.media.probe import probe
from semblance.media.read import read_frames
from semblance.runs import Progress, StopSignal
from semblance.streams import depth_for
from semblance.types import Face


class Counts(Progress):
    def __init__(self):
        self.said, self.total, self.count = [], 0, 0

    def say(self, text):
        self.said.append(text)

    def stage(self, name, total=None, unit="frames"):
        self.total = total

    def advance(self, count=1, note=""):
        self.count += count


@pytest.fixture(scope="module")
def faceset(grid, tmp_path_factory):
    return extract([grid / "lrwp9a.mpg"], tmp_path_factory.mktemp("faceset") / "her")


def test_every_frame_gave_a_face_of_one_person(faceset):
    assert len(faceset.table) == 75
    assert set(faceset.table["person"]) == {0} and faceset.table["kept"].all()
    assert list(faceset.table["index"]) == list(range(75))
    assert np.allclose(faceset.table["time"], np.arange(75) / 25, atol=1e-3)


def test_a_crop_is_what_its_matrix_says(faceset, grid):
    row = faceset.table.iloc[30]
    frame = next(read_frames(probe(grid / "lrwp9a.mpg"), 30, 31))
    matrix = np.asarray(row["matrix"]).reshape(2, 3)
    again = cv2.warpAffine(frame.pixels, matrix, (352, 352), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    assert np.abs(again.astype(int) - read_picture(faceset.folder / PICTURES / row["name"])).max() <= 1
    points = crop_points(row)
    assert 108 < points[33, 0] < points[263, 0] < 244  # the eyes stand left and right of the middle
    assert abs(points[1, 0] - 175.5) < 20


def test_identity_vectors_are_those_of_the_frame(faceset, grid):
    row = faceset.table.iloc[10]
    frame = next(read_frames(probe(grid / "lrwp9a.mpg"), 10, 11))
    face = Face(np.asarray(row["landmarks"], np.float32).reshape(478, 3))
    assert np.abs(identity_vectors([identity_chip(frame.pixels, face)])[0] - row["identity"]).max() < 1e-3


def test_pictures_say_what_they_are(faceset):
    assert "not synthetic" in read_tags(faceset.folder / PICTURES / faceset.table["name"][0])["comment"]
    assert (faceset.folder / "sheet.png").exists()


def test_deleting_a_picture_removes_the_face(faceset, tmp_path):
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(faceset.folder, copy)
    (copy / PICTURES / faceset.table["name"][3]).unlink()
    assert len(open_faceset(copy).table) == 74


def test_a_stopped_extraction_goes_on_and_ends_the_same(faceset, grid, tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "_CHUNK", 25)
    stop = StopSignal()

    class StopAfter30(Progress):
        seen = 0

        def advance(self, count=1, note=""):
            self.seen += count
            if self.seen >= 30:
                stop.request()

    threads = threading.active_count()
    with pytest.raises(Stopped):
        extract([grid / "lrwp9a.mpg"], tmp_path / "a", progress=StopAfter30(), stop=stop)
    assert not (tmp_path / "a").exists() and threading.active_count() == threads
    (tmp_path / "a.partial/chunks/.000001.99-abc.part.parquet").write_bytes(b"what a kill in mid-write leaves")

    with files_at_most(10_000), pytest.raises(OutputError, match=r"a\.partial keeps what is done"):
        extract([grid / "lrwp9a.mpg"], tmp_path / "a")

    counts = Counts()
    resumed = extract([grid / "lrwp9a.mpg"], tmp_path / "a", progress=counts)
    assert "1 of 3 parts are done" in counts.said[0]
    whole = extract([grid / "lrwp9a.mpg"], tmp_path / "b")
    assert list(resumed.table["name"]) == list(whole.table["name"])
    assert np.array_equal(load_crops(resumed), load_crops(whole))
    assert not (tmp_path / "a.partial").exists()


def test_two_people_in_one_set_are_numbered(grid, tmp_path):
    faceset = extract([grid / "lrwp9a.mpg", grid / "bbaf2n.mpg"], tmp_path / "two", ExtractOptions(every=5))
    people = faceset.table.groupby("source")["person"].unique()
    assert sorted(int(p[0]) for p in people) == [0, 1] and all(len(p) == 1 for p in people)


def test_one_person_of_two_by_picture(grid, tmp_path):
    frame = next(read_frames(probe(grid / "bbaf2n.mpg"), 40, 41))
    write_picture(tmp_path / "him.png", frame.pixels, {})
    options = ExtractOptions(every=5, person=tmp_path / "him.png")
    faceset = extract([grid / "lrwp9a.mpg", grid / "bbaf2n.mpg"], tmp_path / "him", options)
    assert {source[-10:] for source in faceset.table["source"]} == {"bbaf2n.mpg"}
    assert len(list((tmp_path / "him" / PICTURES).glob("*.png"))) == len(faceset.table) == 15


def test_a_folder_of_pictures_of_several_sizes(grid, tmp_path):
    for n, frame in enumerate(read_frames(probe(grid / "sbia1a.mpg"))):
        if n % 25 == 0:
            scale = 1 + n / 50
            picture = cv2.resize(frame.pixels, None, fx=scale, fy=scale)
            write_picture(tmp_path / "in" / f"{n}.png", picture, {})
    faceset = extract([tmp_path / "in"], tmp_path / "out")
    assert len(faceset.table) == 3 and set(faceset.table["person"]) == {0}
    assert faceset.table["size"].is_monotonic_increasing


def test_a_damaged_picture_is_named_and_passed_over(grid, tmp_path):
    for n, frame in enumerate(read_frames(probe(grid / "sbia1a.mpg"), 0, 2)):
        write_picture(tmp_path / "in" / f"{n}.png", frame.pixels, {})
    _file(tmp_path / "in" / "damaged.png", b"no picture")
    counts = Counts()
    faceset = extract([tmp_path / "in"], tmp_path / "out", progress=counts)
    assert len(faceset.table) == 2 and counts.count == counts.total == 3
    assert len(counts.said) == 1 and "damaged.png" in counts.said[0]


def test_progress_reaches_its_total_when_frames_are_left_out(grid, tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "_CHUNK", 25)
    counts = Counts()
    faceset = extract([grid / "lrwp9a.mpg"], tmp_path / "out", ExtractOptions(every=20), counts)
    assert len(faceset.table) == counts.count == counts.total == 4


def test_a_clip_whose_name_is_not_utf8(grid, tmp_path):
    clip = tmp_path / os.fsdecode(b"caf\xe9.mpg")
    shutil.copy(grid / "lrwp9a.mpg", clip)
    faceset = extract([clip], tmp_path / "out", ExtractOptions(every=30))
    assert set(faceset.table["source"]) == {str(tmp_path / "caf\ufffd.mpg")}
    assert faceset.options["clips"] == [str(tmp_path / "caf\ufffd.mpg")]


def test_a_full_disk_is_one_sentence_and_leaves_nothing(grid, tmp_path):
    with files_at_most(10_000), pytest.raises(OutputError, match="Cannot write") as caught:
        extract([grid / "lrwp9a.mpg"], tmp_path / "out")
    assert "\n" not in str(caught.value) and not list(tmp_path.iterdir())


def test_a_place_under_a_file_is_told(grid, tmp_path):
    _file(tmp_path / "file", b"x")
    with pytest.raises(OutputError, match="Cannot write"):
        extract([grid / "lrwp9a.mpg"], tmp_path / "file" / "out")


def test_a_place_without_a_name_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="names no file or folder"):
        extract([tmp_path / "x.mp4"], ".")


def test_large_frames_wait_in_short_queues():
    assert depth_for(360, 288) == 12 and depth_for(7680, 4320) == 1
    for width, height in ((1280, 720), (1920, 1080), (3840, 2160)):
        assert 4 * depth_for(width, height) * width * height * 5 <= 200 << 20


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda p: [], InputError, "No clip"),
        (lambda p: [p / "nothing.mp4"], MediaError, "no file"),
        (lambda p: [_file(p / "empty.mp4", b"")], MediaError, "empty"),
        (lambda p: [_file(p / "text.mp4", b"hello " * 100)], MediaError, "text.mp4"),
        (lambda p: [_grey(p / "grey")], FaceError, "No face"),
        (lambda p: [_file(p / "broken" / f"{n}.png", b"x").parent for n in range(2)][:1], MediaError, "0.png"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(make, error, words, tmp_path):
    with pytest.raises(error, match=words) as caught:
        extract(make(tmp_path), tmp_path / "new" / "out")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "new").exists()


def test_an_existing_place_is_refused(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "precious.txt").write_text("x")
    with pytest.raises(OutputError, match="exists already"):
        extract([tmp_path / "x.mp4"], tmp_path / "out")


def test_what_is_no_faceset_is_told(tmp_path):
    with pytest.raises(FacesetError, match="not a faceset"):
        open_faceset(tmp_path)
    (tmp_path / TABLE).write_bytes(b"PAR1 damaged")
    with pytest.raises(FacesetError, match="damaged"):
        open_faceset(tmp_path)


def test_too_few_faces_are_told(grid, tmp_path):
    faceset = extract([grid / "lrwp9a.mpg"], tmp_path / "few", ExtractOptions(every=5))
    with pytest.raises(FacesetError, match="15 faces, training needs at least 20"):
        load_crops(faceset)


@contextmanager
def files_at_most(size):
    """No file can grow beyond `size` bytes: a write fails in the middle, as on a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def _file(path, data):
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return path


def _grey(folder):
    for n in range(3):
        write_picture(folder / f"{n}.png", np.full((120, 160, 3), 128, np.uint8), {})
    return folder
