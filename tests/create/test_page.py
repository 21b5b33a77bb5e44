"""The demo's page: whole in itself, escaped, one row a measure, a curve that runs on in time."""

import json
import re
import shutil
import subprocess
import tomllib
from fnmatch import fnmatch
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest

from semblance.create.page import (
    PageContent,
    before_and_after,
    losses_of,
    metric_table,
    smoothed,
    training_curve,
    write_page,
)
from semblance.errors import InputError
from semblance.measures.grades import METRICS
from semblance.measures.rows import Figure, Measurement, make_row

VOID = {"meta", "link", "br", "img", "input", "source", "hr"}
ROOT = Path(__file__).resolve().parents[2]


class Reader(HTMLParser):
    """Elements as (tag, attributes, text of its own); checks that every one is closed in its turn."""

    def __init__(self, page):
        super().__init__()
        self.open, self.elements = [], []
        self.feed(page)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.elements.append([tag, dict(attrs), ""])
        if tag not in VOID:
            self.open.append((tag, len(self.elements) - 1))

    def handle_startendtag(self, tag, attrs):
        self.elements.append([tag, dict(attrs), ""])

    def handle_endtag(self, tag):
        assert self.open and self.open[-1][0] == tag, f"</{tag}> where {self.open[-1:]} is open"
        self.open.pop()

    def handle_data(self, data):
        if self.open:
            self.elements[self.open[-1][1]][2] += data

    def texts(self, tag, kind=""):
        return [text for name, attrs, text in self.elements if name == tag and kind in attrs.get("class", "")]

    def addresses(self):
        return [attrs[key] for _, attrs, _ in self.elements for key in ("src", "href") if key in attrs]


def stats(count=50, **others):
    """Lines as the training writes them: one loss falls, one is broken once."""
    rows = [
        {
            "samples": 24 * k,
            "seconds": 2.5 * k,
            "rate": 10.0,
            "learning_rate": 5e-5,
            "source": 0.9 * 0.93**k,
            "target": float("nan") if k == 7 else 0.8,
        }
        for k in range(1, count + 1)
    ]
    return [{**row, **others} for row in rows]


def measurement(missing="eye correlation", notes=()):
    rows = [
        make_row("identity to source", Figure(np.array([0.4, 0.42]), [0, 1]), 0.17),
        make_row("identity to target", Figure(np.array([0.55]), [0])),
        make_row(missing, Figure(np.zeros(0), [], float("nan"), "the eyes <hardly> move")),
        make_row("sound offset", Figure(np.zeros(0), [], 80.0)),
        make_row("flicker", Figure(np.array([1.1]), [0])),
        make_row("landmark error", Figure(np.array([2.0]), [0], graded=2.9)),
    ]
    return json.loads(json.dumps(Measurement(tuple(rows), {"frames": 2}, notes).as_json()))


@pytest.fixture
def folder(tmp_path):
    home = tmp_path / "a demo"
    (home / "parts").mkdir(parents=True)
    for name in ("source.mp4", "plate.mp4", "parts/result: 1#2?.mp4", "strip.png", "preview-000000000240.png"):
        (home / name).write_bytes(b"picture")
    (home / "stats.jsonl").write_text("\n".join(map(json.dumps, stats())) + '\n{"samples": 12')
    return home


@pytest.fixture
def content(folder):
    return PageContent(
        title="A swap",
        summary="Two people who don't exist.",
        clips=(
            ("source: who", folder / "source.mp4"),
            ("plate: before", folder / "plate.mp4"),
            ("result: after", folder / "parts" / "result: 1#2?.mp4"),
        ),
        strips=(("six moments", folder / "strip.png"),),
        tables=(("the swap", measurement()), ("the plate", measurement(notes=("No face: frame 3.",)))),
        stats=folder / "stats.jsonl",
        previews=(folder / "preview-000000000240.png",),
        next_steps=(("measure", "semblance measure A --target B && echo done"),),
        facts=(("seed", "7"),),
    )


def page_of(folder, content, **changes):
    path = write_page(folder, PageContent(**{**vars(content), **changes}))
    assert path == folder / "index.html"
    return path.read_text(encoding="utf-8")


def test_a_whole_page_that_needs_nothing_from_outside(folder, content):
    page = page_of(folder, content)
    read = Reader(page)
    addresses = read.addresses()
    assert len(addresses) == 3 * 2 + 2 * 2  # clips and pictures, each shown and linked
    for address in addresses:
        assert not address.startswith(("/", "http", "file", "data")) and ".." not in address
        assert ":" not in address and "#" not in address and "?" not in address, "would be read as something else"
        assert (folder / unquote(address)).is_file(), address
    assert "://" not in page and "@import" not in page and "url(" not in page and "import(" not in page
    assert not [tag for tag, attrs, _ in read.elements if tag == "link" or (tag == "script" and attrs)]
    assert "Nobody shown on this page exists" in read.texts("p", "label")[0]
    videos = [attrs for tag, attrs, _ in read.elements if tag == "video"]
    assert len(videos) == 3 and all({"controls", "loop", "muted"} <= set(attrs) for attrs in videos)
    assert next(attrs for _, attrs, _ in read.elements if attrs.get("class") == "clips")["data-right"] == "2"
    assert {path.name for path in folder.iterdir()} >= {"index.html"} and not list(folder.glob(".*"))


def test_text_stays_text(folder, content):
    evil = '<script>alert("x")</script> & $title \''
    page = page_of(
        folder,
        content,
        title=evil,
        summary=evil,
        clips=tuple((evil, path) for _, path in content.clips),
        strips=((evil, folder / "strip.png"),),
        tables=((evil, measurement(notes=(evil,))),),
        next_steps=((evil, evil),),
        facts=((evil, evil),),
    )
    read = Reader(page)
    assert len(read.texts("script")) == 1 and "alert" not in read.texts("script")[0]
    for tag, kind in (("h1", ""), ("title", ""), ("p", "summary"), ("code", ""), ("dd", "")):
        assert evil in read.texts(tag, kind), tag
    assert "the eyes <hardly> move" in read.texts("small", "note")


def test_one_row_a_measure_and_one_column_a_table():
    tables = [("the swap", measurement()), ("the plate", measurement(missing="eye error"))]
    read = Reader(f"<div>{metric_table(tables)}</div>")
    heads = [text for tag, attrs, text in read.elements if tag == "th" and attrs["scope"] == "col"]
    rows = [text for tag, attrs, text in read.elements if tag == "th" and attrs["scope"] == "row"]
    assert heads == ["Measure", "the swap", "the plate", "Noise floor", "Better"]
    assert rows == [row["name"] for row in tables[0][1]["rows"]] + ["eye error"]
    columns = [attrs["data-column"] for tag, attrs, _ in read.elements if tag == "td"]
    assert columns == heads[1:] * len(rows)
    # the swap's and the plate's, row by row; neither has what the other lacks
    numbers = ["0.410", "0.410", "0.550", "0.550", "–", "80.0", "80.0", "1.10", "1.10", "2.00", "2.00", "–"]
    assert read.texts("b") == numbers
    assert read.texts("td", "value").count("–") == 2
    grades = ["good", "good", "fair", "fair", "poor", "poor", "good", "good", "good", "good"]
    assert read.texts("span", "grade") == grades
    assert read.texts("td", "floor") == ["0.170", *["–"] * 6]
    bounds = read.texts("td", "better"), read.texts("small")
    assert "good ≤ 0.5, fair ≤ 0.6" in bounds[1] and "good ≤ 4 %, fair ≤ 8 %" in bounds[1]
    assert "good 0.8–1.25, fair 0.6–1.6" in bounds[1] and "good within ±20, fair within ±45" in bounds[1]
    assert METRICS["flicker"].why in read.texts("dd")


@pytest.mark.parametrize("bad", [None, float("nan"), float("inf")])
def test_what_is_no_number_is_a_dash_with_its_note(bad):
    table = measurement()
    table["rows"] = table["rows"][2:3]
    table["rows"][0] |= {"value": bad, "floor": bad}
    read = Reader(metric_table([("the swap", table)]))
    assert read.texts("b") == ["–"] and read.texts("td", "floor") == ["–"]
    assert read.texts("span", "grade") == [] and read.texts("small", "note") == ["the eyes <hardly> move"]


def test_the_curve_has_the_points_asked_for_and_runs_on_in_time():
    series = losses_of(stats())
    assert list(series) == ["source", "target"]
    assert len(series["source"]) == 50 and len(series["target"]) == 49, "the broken number is left out"
    lines = re.findall(r'<polyline class="(s\d)" points="([^"]*)"', training_curve(series, 40))
    assert [name for name, _ in lines] == ["s0", "s1"]
    for _, line in lines:
        points = np.array([pair.split(",") for pair in line.split()], dtype=float)
        assert points.shape == (40, 2) and np.isfinite(points).all()
        assert (np.diff(points[:, 0]) > 0).all()
        assert points.min(0)[1] >= 0 and points.max(0)[1] <= 360
    falling = np.array([pair.split(",")[1] for pair in lines[0][1].split()], dtype=float)
    assert (np.diff(falling) >= 0).all(), "a falling loss goes down the page"


def test_smoothing_keeps_a_level_and_calms_noise():
    minutes = np.linspace(0, 10, 400)
    level = smoothed(np.stack([minutes, np.full(400, 0.25)], 1), 30)
    assert np.allclose(level[:, 1], 0.25) and level[0, 0] == 0 and level[-1, 0] == 10
    noise = np.random.default_rng(0).normal(0, 1, 400)
    calm = smoothed(np.stack([minutes, noise], 1), 30)[5:, 1]
    assert calm.std() < 0.4
    gap = smoothed(np.array([[0.0, 1.0], [0.1, 1.0], [60.0, 2.0]]), 50)
    assert np.isfinite(gap).all()
    assert gap[0, 1] == pytest.approx(1, abs=0.01) and gap[-1, 1] == pytest.approx(2, abs=0.01)


@pytest.mark.parametrize("values", [[0.5, 0.5], [-3.0, 4.0], [0.0, 1.0], [1e-4, 100.0]])
def test_a_curve_of_any_values(values):
    page = training_curve({"loss": np.stack([[0.0, 3.0], values], 1)}, 5)
    Reader(page)
    assert "nan" not in page and "inf" not in page
    assert len(re.findall(r'text-anchor="end">[-\d]', page)) >= 2, "two ticks at least say where one is"


def test_speed_and_moments_of_the_training_are_told(folder, content):
    read = Reader(page_of(folder, content))
    assert "1,200 faces in 2.1 minutes, 10 faces/s." in read.texts("p", "quiet")
    captions = "".join(read.texts("figcaption"))
    assert "240 faces" in read.texts("b") and "0.4 minutes" in captions


def test_what_is_not_given_is_not_shown(folder, content):
    nothing = dict.fromkeys(("clips", "strips", "tables", "previews", "next_steps", "facts"), ())
    assert Reader(page_of(folder, content, stats=None, **nothing)).texts("h2") == []
    (folder / "short.jsonl").write_text(json.dumps(stats(1)[0]) + "\n")
    read = Reader(page_of(folder, content, stats=folder / "short.jsonl"))
    assert "The training was too short for a curve." in read.texts("p", "quiet")
    assert read.texts("polyline") == []


@pytest.mark.parametrize("names", [("a", "b"), ("result", "plate"), ("source", "plate", "truth", "result"), ("one",)])
def test_which_two_are_laid_over_each_other(names):
    chosen = [names[k] for k in before_and_after(names)]
    assert chosen == {"a": ["a", "b"], "one": ["one", "one"]}.get(names[0], ["plate", "result"])


@pytest.mark.parametrize("where", ["clips", "strips", "previews", "stats"])
def test_missing_and_outside(folder, content, where):
    def changed(path):
        return {where: {"stats": path, "previews": (path,)}.get(where, (("caption", path),))}

    with pytest.raises(InputError, match=r"lost\.png is missing"):
        page_of(folder, content, **changed(folder / "lost.png"))
    if where != "stats":  # is read, not shown
        outside = folder.parent / "outside.png"
        outside.write_bytes(b"picture")
        for path in (outside, folder / ".." / "outside.png"):
            with pytest.raises(InputError, match="lies outside"):
                page_of(folder, content, **changed(path))
        (folder / "link.png").symlink_to(outside)
        with pytest.raises(InputError, match="lies outside"):
            page_of(folder, content, **changed(folder / "link.png"))
    assert not (folder / "index.html").exists()


def test_relative_paths(folder, content, monkeypatch):
    monkeypatch.chdir(folder.parent)
    home = Path(folder.name)
    page = page_of(home, content, strips=(("six", home / "strip.png"),))
    assert 'src="strip.png"' in page


def test_the_parts_are_packed():
    packed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["semblance"]
    for name in ("page.html", "page.css", "page.js"):
        assert any(fnmatch(f"create/{name}", pattern) for pattern in packed)


@pytest.fixture
def node():
    found = shutil.which("node")
    if not found:
        pytest.skip("node is not installed")
    return found


def test_the_script_is_well_formed(folder, content, node, tmp_path):
    script = tmp_path / "page.js"
    script.write_text(Reader(page_of(folder, content)).texts("script")[0])
    told = subprocess.run([node, "--check", script], capture_output=True, text=True, timeout=30)
    assert told.returncode == 0, told.stderr


IN_STEP = """
const clip = (currentTime, more) => (
  { currentTime, duration: 4, playbackRate: 1, paused: false, seeking: false, ...more });
const told = [];
function step(leader, follower, speed = 1, now = 1000) {
  keepInStep(leader, [leader, follower], speed, now);
  told.push([follower.currentTime, Math.round(follower.playbackRate * 1000) / 1000]);
}
step(clip(2), clip(2.005));                          // near enough
step(clip(2), clip(2.04));                           // ahead: slower
step(clip(2), clip(1.96), 0.5);                      // behind, at half speed: faster than that
step(clip(0.02), clip(3.99));                        // over the seam of the loop: only just behind
step(clip(2), clip(1));                              // far: jumps
step(clip(2), clip(1, { jumped: 800 }));             // has just jumped
step(clip(3.5), clip(0, { duration: 3 }));           // a shorter clip begins again
step(clip(2, { paused: true }), clip(1.99, { paused: true }));  // at rest: exactly
step(clip(2), clip(1, { seeking: true }));
console.log(JSON.stringify(told));
"""


def test_clips_are_kept_in_step(node):
    script = (ROOT / "semblance" / "create" / "page.js").read_text()
    page = "globalThis.document = { querySelectorAll: () => [] };\n"
    told = subprocess.run([node, "-e", page + script + IN_STEP], capture_output=True, text=True, timeout=30)
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout) == [
        [2.005, 1], [2.04, 0.88], [1.96, 0.56], [3.99, 1.09], [2, 1], [1, 1.15], [0.5, 1], [2, 1], [1, 1],
    ]  # fmt: skip
