"""The command line: quick help, one sentence and exit code 2 for bad input, 130 after Ctrl-C, and the whole story."""

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from semblance.app.cli import VERBS, main, usage
from semblance.media.image import write_picture
from semblance.media.probe import probe
from semblance.media.read import read_frames

COMMAND = [sys.executable, "-m", "semblance.app.cli"]
ROOT = Path(__file__).resolve().parents[2]


def test_help_is_quick_and_imports_nothing_heavy():
    code = "import sys; from semblance.app.cli import main; main(['--help']); print(sorted(sys.modules))"
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert time.perf_counter() - began < 0.6
    heavy = {"torch", "numpy", "av", "cv2", "mediapipe", "pandas", "pydantic", "tyro", "lightning"}
    assert not heavy & set(re.findall(r"'(\w+)'", done.stdout))


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb, capsys):
    with pytest.raises(SystemExit) as ended:
        main([*verb.split(), "--help"])
    assert not ended.value.code
    assert f"semblance {verb}" in capsys.readouterr().out
    assert verb in usage()


def test_the_readme_names_every_verb_and_no_other():
    families = "|".join(sorted({verb.split()[0] for verb in VERBS if " " in verb}))
    shown = set(re.findall(rf"^    semblance ((?:(?:{families}) )?[\w-]+)", (ROOT / "README.md").read_text(), re.M))
    assert shown == set(VERBS)


def test_models_and_doctor_answer(capsys):
    assert main(["models", "--no-speed"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("swap_mesh") and "swap_original" in told and "the default" in told
    assert "Ledig et al. 2017" in told
    assert main(["models", "swap_df"]) == 0 and "gan_power" in capsys.readouterr().out
    assert main(["doctor"]) == 0
    told = capsys.readouterr().out
    assert re.search(r"matrix +\d+ GFLOP/s|GPU", told) and "mesh and identity models are there" in told


@pytest.fixture
def shelf(tmp_path):
    """A folder of things that are no good input."""
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "text.mp4").write_text("no film " * 100)
    (tmp_path / "there.mp4").write_text("precious")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "notes.txt").write_text("x")
    write_picture(tmp_path / "dot" / "1.png", np.zeros((1, 1, 3), np.uint8), {})
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("swop x", "Did you mean 'swap'"),
        ("extract nothing.mp4 --out o", "no file"),
        ("extract empty.mp4 --out o", "empty"),
        ("extract text.mp4 --out o", "text.mp4"),
        ("extract folder --out o", "no pictures"),
        ("extract dot --out o", "No face"),
        ("extract text.mp4 --out folder", "exists already"),
        ("extract text.mp4 --out o --size 7", "size"),
        ("extract text.mp4 --out o --every 0", "every"),
        ("curate folder", "not a faceset"),
        ("train swap_original --source folder --target folder --out o", "not a faceset"),
        ("train swap_originel --source folder --target folder --out o", "Did you mean 'swap_original'"),
        ("train swap_original --preset smal --source folder --target folder --out o", "Did you mean 'small'"),
        ("train swap_original --source folder --target folder --out o --minutes -1", "minutes"),
        ("swap nothing.mp4 --model folder --out o.mp4", "no file"),
        ("swap text.mp4 --model folder --out o.mp4", "text.mp4"),
        ("swap text.mp4 --model folder --out there.mp4", "exists already"),
        ("swap text.mp4 --model folder --out o.mp4 --erode 99", "erode"),
        ("replace --source text.mp4 --target empty.mp4 --out o.mp4", "empty"),
        ("replace --source empty.mp4 --target text.mp4 --out o.mp4", "text.mp4"),
        ("replace --source text.mp4 --target text.mp4 --out there.mp4", "exists already"),
    ],
)
def test_bad_input_is_one_sentence_code_2_and_nothing_left(arguments, words, shelf, monkeypatch, capsys):
    monkeypatch.chdir(shelf)
    before = sorted(path.relative_to(shelf) for path in shelf.rglob("*"))
    try:
        code = main(arguments.split())
    except SystemExit as end:  # the flag parser's own
        code = end.code
    told = capsys.readouterr()
    assert code == 2, told
    assert words in told.err and "Traceback" not in told.err and told.out == ""
    rates = re.compile(r"[\w ]+: \d+ ")  # of the stages
    sentences = [line for line in told.err.splitlines() if not rates.match(line)]
    assert len(sentences) == 1 and words in sentences[0], told.err
    assert sorted(path.relative_to(shelf) for path in shelf.rglob("*")) == before


@pytest.fixture(scope="module")
def facesets(grid, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("cli")
    for name, clip in (("a", "swiz3n"), ("b", "lrwp9a")):
        assert main(["extract", str(grid / f"{clip}.mpg"), "--out", str(folder / name)]) == 0
        assert main(["curate", str(folder / name)]) == 0
    return folder


def test_ctrl_c_saves_training_and_resume_goes_on(facesets):
    run = facesets / "run"
    command = [*COMMAND, "train", "swap_original", "--preset", "tiny", "--source", str(facesets / "a")]
    command += ["--target", str(facesets / "b"), "--out", str(run), "--precision", "fp32"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 90
    while not (run / "stats.jsonl").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130 and "--resume" in told and "Traceback" not in told
    seen = int(max((run / "checkpoints").glob("*.safetensors")).stem)
    assert seen > 0
    refused = subprocess.run(command, capture_output=True, text=True)
    assert refused.returncode == 2 and "go on with it by --resume" in refused.stderr
    again = subprocess.run([*command, "--resume", "--samples", str(seen + 64)], capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert int(max((run / "checkpoints").glob("*.safetensors")).stem) >= seen + 64


def test_ctrl_c_stops_extraction_where_it_can_go_on(grid, tmp_path):
    clips = [str(clip) for clip in sorted(grid.glob("*.mpg"))]
    command = [*COMMAND, "extract", *clips, "--out", str(tmp_path / "all")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("all.partial/chunks/*.parquet")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130 and "run the same command again" in told
    again = subprocess.run(command, capture_output=True, text=True)
    assert again.returncode == 0 and "Going on with" in again.stderr
    assert "450 faces of 6 people" in again.stdout


def test_a_second_ctrl_c_stops_at_once_and_plainly(grid, tmp_path):
    clips = [str(clip) for clip in sorted(grid.glob("*.mpg"))]
    command = [*COMMAND, "extract", *clips, "--out", str(tmp_path / "all")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("all.partial/faces/*.png")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130 and "Stopped at once" in told and "Traceback" not in told


def test_the_whole_story_in_one_command(grid, tmp_path, capsys):
    out = tmp_path / "c.mp4"
    arguments = ["replace", "--source", str(grid / "swiz3n.mpg"), "--target", str(grid / "lrwp9a.mpg")]
    assert main([*arguments, "--out", str(out), "--minutes", "0.25", "--preset", "tiny"]) == 0
    told = capsys.readouterr().out
    assert "75 of 75 frames swapped" in told and str(tmp_path / "c.report") in told
    assert len(list(read_frames(probe(out)))) == 75 and probe(out).audio
    figures = json.loads((tmp_path / "c.report" / "report.json").read_text())["identity"]
    assert figures["to_target"]["median"] > 0.35 and figures["to_source"]["median"] < 0.75
    assert main([*arguments, "--out", str(out), "--minutes", "0.25", "--preset", "tiny"]) == 2  # never over a result


def test_replace_with_a_source_without_a_face_leaves_nothing(grid, tmp_path, capsys):
    for n in range(3):
        write_picture(tmp_path / "grey" / f"{n}.png", np.full((90, 120, 3), 128, np.uint8), {})
    arguments = ["replace", "--source", str(tmp_path / "grey"), "--target", str(grid / "lrwp9a.mpg")]
    assert main([*arguments, "--out", str(tmp_path / "c.mp4")]) == 2
    assert "No face" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["grey"]
