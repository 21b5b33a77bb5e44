"""Merge settings as a file: what is written is read back, and what is wrong is named."""

import pytest

from semblance.errors import InputError
from semblance.finish.merge_options import MergeOptions
from semblance.finish.plan import MergePlan, Shot, plan_of, plan_text, read_plan, write_plan

HAND = """
mask = "hull"
erode = 3.5

[[shots]]
first = 120
last = 239
colour = "mean"

[[shots]]
first = 10
last = 10
erode = 0
"""


def saved(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_by_hand_says_what_each_frame_gets(tmp_path):
    plan = read_plan(saved(tmp_path / "m.toml", HAND))
    assert plan.whole == MergeOptions(mask="hull", erode=3.5) and not plan.auto
    assert plan.at(9) == plan.at(11) == plan.at(119) == plan.at(240) == plan.whole
    assert plan.at(10) == MergeOptions(mask="hull", erode=0)
    assert plan.at(120) == plan.at(239) == MergeOptions(mask="hull", erode=3.5, colour="mean")
    assert [shot.first for shot in plan.shots] == [10, 120] and len(plan.each()) == 3


@pytest.mark.parametrize(
    "plan",
    [
        MergePlan(),
        MergePlan(MergeOptions(mask="crop", brightness=-1e-7, opacity=0.1 + 0.2), auto=True),
        MergePlan(MergeOptions(erode=3.0, feather=2.0), (Shot(0, 4, MergeOptions(erode=None, feather=2.0)),)),
        MergePlan(MergeOptions(), (Shot(3, 3, MergeOptions(sharpen=1)), Shot(4, 99, MergeOptions()))),
    ],
)
def test_what_is_written_is_read_back(tmp_path, plan):
    write_plan(tmp_path / "m.toml", plan)
    again = read_plan(tmp_path / "m.toml")
    assert [again.at(frame) for frame in (0, 3, 4, 100)] == [plan.at(frame) for frame in (0, 3, 4, 100)]
    assert again.auto == plan.auto and plan_text(again) == plan_text(plan)


@pytest.mark.parametrize(
    "text, told",
    [
        ("erod = 3", r"m.toml: there is no setting 'erod'\. Did you mean 'erode'"),
        ("[[shots]]\nfirst = 1\nlast = 2\ncolor = 'lab'", r"m.toml, shot 1: there is no setting 'color'\. .*'colour'"),
        ("[[shots]]\nfirst = 1\nend = 2", r"shot 1: last cannot be None; give a frame number"),
        ("[[shots]]\nfirst = 9\nlast = 2", r"shot 1 ends at frame 2, before it begins at 9"),
        ("[[shots]]\nfirst = 0\nlast = 5\n[[shots]]\nfirst = 5\nlast = 9", r"shots 0\.\.5 and 5\.\.9 share frames"),
        ("mask = 'hall'", r"m.toml: Option 'mask' cannot be 'hall'"),
        ("erode = 99", r"m.toml: Option 'erode' cannot be 99"),
        ("erode = ", r"m.toml is not TOML"),
        ("auto = 'yes'", r"auto cannot be 'yes'"),
        ("shots = 3", r"shots must be tables"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(tmp_path, text, told):
    with pytest.raises(InputError, match=told):
        read_plan(saved(tmp_path / "m.toml", text))


def test_a_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match=r"There are no merge settings .*m.toml .*name a .toml file, or auto"):
        read_plan(tmp_path / "m.toml")


def test_words_and_flags_make_a_plan(tmp_path):
    sharp = MergeOptions(sharpen=1)
    assert plan_of("auto", sharp) == MergePlan(sharp, auto=True) and plan_of("usual", sharp) == MergePlan(sharp)
    path = saved(tmp_path / "m.toml", HAND)
    assert plan_of(str(path), MergeOptions()) == read_plan(path)
    with pytest.raises(InputError, match="and --sharpen cannot stand together"):
        plan_of(str(path), sharp)
    assert MergePlan.of(None).auto and MergePlan.of(sharp) == MergePlan(sharp) == MergePlan.of(MergePlan(sharp))


def test_masks_are_words():
    assert MergeOptions(mask="hull*xseg+person").mask == "hull*xseg+person"
    with pytest.raises(InputError, match=r"Option 'mask' cannot be 'hall': there is no mask 'hall'.*'hull'"):
        MergeOptions(mask="hall")
