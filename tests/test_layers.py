"""Imports run one way, and media leaves by one door."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "semblance"
ORDER = [
    {"types", "errors", "options"},
    {"runs", "weights", "streams", "processor"},
    *({room} for room in ("media", "faces", "measures", "people", "faceset", "nn", "models", "training", "finish")),
    *({room} for room in ("trust", "create", "inspect", "app")),
]
FLOOR = {room: level for level, rooms in enumerate(ORDER) for room in rooms}
WRITERS = tuple(f"semblance.media.{name}" for name in ("write", "join", "segment", "layer_files", "alpha_video"))
CODECS = {"av", "PIL", "imageio", "OpenEXR", "tifffile"}
CV2_FILES = {"imwrite", "imread", "imencode", "imdecode", "VideoWriter", "VideoCapture"}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> list[str]:
    """Full dotted names of all that a module imports, `from a import b` as a.b."""
    package = ["semblance", *path.relative_to(PACKAGE).parts[:-1]]
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            names += [".".join([*base, *filter(None, [node.module]), alias.name]) for alias in node.names]
    return names


def ids(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


@pytest.mark.parametrize("path", [p for p in modules() if room_of(p) != "__init__"], ids=ids)
def test_imports_run_one_way(path):
    here = room_of(path)
    assert here in FLOOR, f"{here} has no place in the order of rooms"
    rooms = {name.split(".")[1] for name in imports_of(path) if name.startswith("semblance.")} - {"__version__"}
    above = {room for room in rooms if FLOOR[room] > FLOOR[here]}
    assert not above, f"{ids(path)} reaches up to {sorted(above)}"


@pytest.mark.parametrize("path", modules(), ids=ids)
def test_media_leaves_by_one_door(path):
    here, names = room_of(path), imports_of(path)
    if here not in ("media", "trust"):
        assert not [name for name in names if name.startswith(WRITERS)], "clips leave through trust/publish"
        if here != "faceset":
            assert "semblance.media.image.write_picture" not in names, "pictures leave through trust/publish"
            assert "semblance.media.image.encode_picture" not in names, "pictures leave through trust/publish"


@pytest.mark.parametrize("path", [p for p in modules() if room_of(p) != "media"], ids=ids)
def test_only_media_opens_files_of_media(path):
    assert not {name.split(".")[0] for name in imports_of(path)} & CODECS
    tree = ast.parse(path.read_text(encoding="utf-8"))
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)} & CV2_FILES
    assert not used, f"{ids(path)} uses cv2.{', '.join(used)}"


def test_the_reader_of_imports_sees_through_every_spelling(tmp_path):
    folder = PACKAGE / "media"
    names = imports_of(folder / "join.py")
    assert "semblance.errors.InputError" in names and "semblance.media.read.timeline_of" in names and "av" in names
