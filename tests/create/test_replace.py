"""One command for all: it knows what its working folder is for, and leaves nothing where it cannot begin."""

import pytest

from semblance import replace
from semblance.errors import Busy, InputError, OutputError, Stopped
from semblance.runs import Progress, StopSignal, only_one


class _StopInTraining(Progress):
    """Asks for a stop when training has made its first steps."""

    def __init__(self):
        self.signal, self.name, self.stages = StopSignal(), "", []

    def stage(self, name, total=None, unit="frames"):
        self.name = name
        self.stages.append(name)

    def advance(self, count=1, note=""):
        if self.name == "training":
            self.signal.request()


def test_a_working_folder_is_gone_on_with_by_the_same_command_only(grid, tmp_path):
    source, target, out = grid / "swiz3n.mpg", grid / "lrwp9a.mpg", tmp_path / "c.mp4"

    def begin(source, target, **options):
        watcher = _StopInTraining()
        with pytest.raises(Stopped) as told:
            replace(source, target, out, preset="tiny", progress=watcher, stop=watcher.signal, **options)
        assert "run the same command again" in str(told.value).lower() and "--resume" not in str(told.value)
        return watcher.stages

    assert begin(source, target)[:6] == ["check the content", "extract", "curate"] * 2
    assert begin(source, target, minutes=20) == ["load faces", "training"]
    picture = next((tmp_path / "c.mp4.work" / "source" / "faces").iterdir())
    for other in ({"source": target}, {"target": source}, {"seed": 1}, {"source_person": picture}):
        with pytest.raises(OutputError, match="belongs to other clips or options"):
            replace(**{"source": source, "target": target, "out": out, "preset": "tiny", **other})
    with only_one(tmp_path / "c.mp4.work"), pytest.raises(Busy, match="at work"):
        replace(source, target, out, preset="tiny")
    (tmp_path / "c.mp4.work" / "model" / "options.json").unlink()  # stopped between extraction and training
    (tmp_path / "c.mp4.work" / "model").rename(tmp_path / "old")
    assert begin(source, target)[:4] == ["curate", "curate", "load faces", "training"]


def test_what_cannot_be_is_refused_before_any_work(grid, tmp_path):
    clip = grid / "swiz3n.mpg"
    with pytest.raises(InputError, match="minutes"):
        replace(clip, clip, tmp_path / "new" / "c.mp4", minutes=-1)
    with pytest.raises(InputError, match="names no file or folder"):
        replace(clip, clip, ".")
    assert list(tmp_path.iterdir()) == []
