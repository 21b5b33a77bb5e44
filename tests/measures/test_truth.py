"""Truth tables: written, read back equal, and refused in a sentence when they are not this clip's."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from semblance.errors import InputError
from semblance.measures.truth import REGIONS, TruthFrame, masks_path, open_truth, truth_path, write_truth
from semblance.runs import hash_of
from tests.clips import make_clip

FRAMES = 6


def rows(count=FRAMES):
    chance = np.random.default_rng(3)
    for frame in range(count):
        yield TruthFrame(
            frame=frame,
            time=frame / 25,
            landmarks=chance.uniform(0, 90, (478, 3)).astype(np.float32),
            visible=chance.random(478) > 0.3,
            pose=(10.0 + frame, -5.0, 2.5),
            gaze=(1.0, -1.0),
            weights=chance.random(3).astype(np.float32),
            camera=np.arange(12, dtype=np.float32).reshape(3, 4),
            place=np.array([1, 2, 90], np.float32),
            phoneme="a" if frame % 2 else "",
            box=(1.0, 2.0, 3.0, 4.0),
        )


def about(clip, **changes):
    values = {
        "clip": clip.name, "clip_sha256": hash_of(clip), "width": 96, "height": 64, "rate": "25/1", "frames": FRAMES,
        "person": "ada", "identity": 7, "body": {}, "seed": 1, "expressions": ["jaw", "blink", "smile"],
        "scene": {"lights": 2}, "performance": {"text": "a"},
    }  # fmt: skip
    return values | changes


@pytest.fixture
def clip(tmp_path):
    return make_clip(tmp_path / "a.mp4", frames=FRAMES)


def rewrite(clip, change):
    """Store the table again, changed."""
    pq.write_table(change(pq.read_table(truth_path(clip))), truth_path(clip))


def test_names_lie_beside_the_clip(tmp_path):
    assert truth_path(tmp_path / "a.b.mp4") == tmp_path / "a.b.truth.parquet"
    assert masks_path(tmp_path / "a.b.mp4") == tmp_path / "a.b.masks.mkv"


def test_what_is_written_is_read(clip):
    write_truth(truth_path(clip), rows(), about(clip))
    truth, wanted = open_truth(clip), list(rows())
    assert truth.frames == FRAMES and truth.about["person"] == "ada" and truth.about["regions"] == REGIONS
    assert np.array_equal(truth.landmarks, np.stack([row.landmarks for row in wanted]))
    assert np.array_equal(truth.visible, np.stack([row.visible for row in wanted]))
    assert np.allclose(truth.pose, [row.pose for row in wanted])
    assert np.array_equal(truth.weights, np.stack([row.weights for row in wanted]))
    row = truth.row(3)
    assert np.array_equal(row.landmarks, wanted[3].landmarks) and np.array_equal(row.camera, wanted[3].camera)
    assert (row.frame, row.phoneme, row.box) == (3, "a", (1.0, 2.0, 3.0, 4.0))
    with pytest.raises(IndexError):
        truth.row(FRAMES)


def test_a_table_that_is_not_there_or_damaged_is_refused(clip):
    with pytest.raises(InputError, match="There is no truth table"):
        open_truth(clip)
    truth_path(clip).write_bytes(b"PAR1 and no more")
    with pytest.raises(InputError, match="damaged"):
        open_truth(clip)
    pq.write_table(pa.table({"frame": [1]}), truth_path(clip))
    with pytest.raises(InputError, match="damaged"):
        open_truth(clip)


def test_points_that_were_cut_are_refused(clip):
    write_truth(truth_path(clip), rows(), about(clip))
    short = pa.array([[1.0] * 477] * FRAMES, pa.list_(pa.float32()))
    rewrite(clip, lambda table: table.set_column(2, table.schema.field(2), short))
    with pytest.raises(InputError, match="damaged"):
        open_truth(clip)


def test_another_version_is_refused(clip):
    write_truth(truth_path(clip), rows(), about(clip))
    key = b"semblance"
    newer = json.dumps({**open_truth(clip).about, "version": 9}).encode()
    rewrite(clip, lambda table: table.replace_schema_metadata({**table.schema.metadata, key: newer}))
    with pytest.raises(InputError, match="version 9"):
        open_truth(clip)


def test_the_truth_of_another_clip_is_refused(clip, tmp_path):
    write_truth(truth_path(clip), rows(), about(clip))
    make_clip(clip, frames=FRAMES, noise=9)
    with pytest.raises(InputError, match="another clip"):
        open_truth(clip)
    make_clip(clip, frames=FRAMES + 2)
    with pytest.raises(InputError, match=r"6 frames, but .* has 8"):
        open_truth(clip)


def test_a_table_that_could_not_be_read_is_not_written(clip):
    path = truth_path(clip)
    with pytest.raises(InputError, match="4 rows, but `about` says 6"):
        write_truth(path, rows(4), about(clip))
    with pytest.raises(InputError, match="numbered"):
        write_truth(path, reversed(list(rows())), about(clip))
    with pytest.raises(InputError, match=r"weights in frame 0 are \(3,\), expected \(1,\)"):
        write_truth(path, rows(), about(clip, expressions=["jaw"]))
    with pytest.raises(InputError, match="'seed'"):
        write_truth(path, rows(), {key: value for key, value in about(clip).items() if key != "seed"})
    assert not path.exists() and len(list(path.parent.iterdir())) == 1
