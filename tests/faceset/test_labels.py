"""Polygons become the masks they enclose, labelme's files are read, and what cannot be used is said in one sentence."""

import json

import numpy as np
import pytest

from semblance.errors import FacesetError
from semblance.faceset.labels import Polygon, draw_polygons, read_label, read_polygons
from semblance.media.image import write_picture

SQUARE = [[8, 8], [24, 8], [24, 24], [8, 24]]  # labelme's pixels: 16 x 16 of them
HOLE = [[12, 12], [16, 12], [16, 20], [12, 20]]


def labelme(path, *shapes, size=(32, 32), **changes):
    noted = {
        "version": "5.4.1",
        "shapes": [
            {"label": label, "points": points, "group_id": None, "shape_type": kind, "flags": {}}
            for label, points, kind in shapes
        ],
        "imagePath": "a.png",
        "imageData": None,
        "imageHeight": size[0],
        "imageWidth": size[1],
    }
    path.write_text(json.dumps({**noted, **changes}))
    return path


def test_a_square_covers_its_pixels_and_no_others():
    mask = draw_polygons([Polygon(np.array(SQUARE) - 0.5, True)], (32, 32))
    expected = np.zeros((32, 32))
    expected[8:24, 8:24] = 255
    assert mask.dtype == np.uint8 and mask.shape == (32, 32)
    assert mask[9:23, 9:23].min() == 255 and mask[:7].max() == mask[25:].max() == 0
    assert mask.sum() / 255 == pytest.approx(256, rel=0.05)  # fillPoly draws the outline too: an eighth of a pixel


def test_a_triangle_has_half_the_area_and_soft_edges():
    mask = draw_polygons([Polygon(np.array([[0, 0], [60, 0], [0, 60]]), True)], (64, 64))
    assert mask.sum() / 255 == pytest.approx(1800, rel=0.03)
    assert ((mask > 0) & (mask < 255)).sum() > 40


def test_later_polygons_lie_over_earlier_ones(tmp_path):
    path = labelme(tmp_path / "a.json", ("face", SQUARE, "polygon"), ("hand", HOLE, "polygon"))
    mask = draw_polygons(read_polygons(path, (32, 32)), (32, 32))
    assert mask[16, 14] == 0 and mask[16, 20] == 255 and mask[10, 14] == 255
    other = labelme(tmp_path / "b.json", ("Hand", HOLE, "polygon"), (" FACE ", SQUARE, "polygon"))
    assert draw_polygons(read_polygons(other, (32, 32)), (32, 32))[16, 14] == 255


def test_a_rectangle_is_two_corners(tmp_path):
    path = labelme(tmp_path / "a.json", ("face", [[8, 8], [24, 24]], "rectangle"), ("not_face", HOLE, "polygon"))
    mask = draw_polygons(read_polygons(path, (32, 32)), (32, 32))
    assert mask[16, 20] == 255 and mask[16, 14] == 0 and mask[4, 4] == 0


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        ([], "no polygon called 'face'"),
        ([("hand", HOLE, "polygon")], "no polygon called 'face'"),
        ([("fase", SQUARE, "polygon")], "called 'fase'. Did you mean 'face'"),
        ([("face", [[8, 8], [50, 8], [20, 20]], "polygon")], r"point at \(50, 8\), outside of its picture of 32x32"),
        ([("face", [[8, -9], [20, 8], [20, 20]], "polygon")], r"\(8, -9\), outside"),
        ([("face", [[8, 8], [20, 8]], "polygon")], r"no polygon \(polygon, 2 points\)"),
        ([("face", SQUARE, "linestrip")], r"no polygon \(linestrip, 4 points\)"),
        ([("face", "there", "polygon")], "no polygon"),
        ([("face", [[8, 8], [float("nan"), 8], [20, 20]], "polygon")], "no polygon"),
    ],
)
def test_polygons_that_cannot_be_used(shapes, words, tmp_path):
    path = labelme(tmp_path / "a.json", *shapes)
    with pytest.raises(FacesetError, match=words):
        read_polygons(path, (32, 32))


def test_a_line_along_the_edge_is_fine(tmp_path):
    path = labelme(tmp_path / "a.json", ("face", [[0, 0], [32, 0], [32.6, 32], [0, 32]], "polygon"))
    assert draw_polygons(read_polygons(path, (32, 32)), (32, 32)).min() == 255


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"shapes": 3}', '{"shapes": [{"label": "face"}]}', "\0"])
def test_what_is_no_labelme_file(text, tmp_path):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(FacesetError, match="no labelme file"):
        read_polygons(tmp_path / "a.json", (32, 32))


def test_a_label_of_another_picture_is_refused(tmp_path):
    path = labelme(tmp_path / "a.json", ("face", SQUARE, "polygon"), size=(64, 48))
    with pytest.raises(FacesetError, match="drawn on a picture of 48x64, the one beside it is 32x32"):
        read_polygons(path, (32, 32))


def test_a_painted_mask_goes_before_polygons_and_none_is_none(tmp_path):
    labelme(tmp_path / "a.json", ("face", SQUARE, "polygon"))
    assert read_label(tmp_path / "a.png", tmp_path, (32, 32))[16, 16] == 255
    painted = np.zeros((32, 32, 3), np.uint8)
    painted[:4] = 255
    write_picture(tmp_path / "masks" / "a.png", painted, {})
    mask = read_label(tmp_path / "a.png", tmp_path, (32, 32))
    assert mask.shape == (32, 32) and mask[16, 16] == 0 and mask[2, 2] == 255
    assert read_label(tmp_path / "b.png", tmp_path, (32, 32)) is None
    with pytest.raises(FacesetError, match="is 32x32, its picture 40x48"):
        read_label(tmp_path / "a.png", tmp_path, (48, 40))
