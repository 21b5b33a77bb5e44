"""The merge on real faces: two people's frames, one's face laid crudely (eyes and mouth aligned) into the other's."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from semblance.finish.colour import apply_colour, into
from semblance.finish.merge import colours_for, merge_face
from semblance.finish.merge_options import MergeOptions
from semblance.finish.steady_colours import REACH, steadied_colours
from semblance.streams import with_neighbours

GRID = Path(__file__).resolve().parents[2] / "../shared/data/grid"
ANCHORS = [33, 133, 362, 263, 1, 61, 291, 152, 10]  # eye corners, nose tip, mouth corners, chin, forehead
PLACES = np.array([[-50, 0], [-18, 0], [18, 0], [50, 0], [0, 42], [-28, 75], [28, 75], [0, 120], [0, -75]]) / 100.0


def similarity(source, wanted):
    """The (2, 3) similarity that brings points (N, 2) nearest to others; estimateAffinePartial2D without rejection."""
    a, b = source - source.mean(0), wanted - wanted.mean(0)
    c = (a * b).sum() / (a * a).sum()
    s = (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum() / (a * a).sum()
    linear = np.array([[c, -s], [s, c]])
    return np.column_stack([linear, wanted.mean(0) - linear @ source.mean(0)])


def after(second, first):
    return (np.vstack([second, [0, 0, 1]]) @ np.vstack([first, [0, 0, 1]]))[:2]


def crude_crop(source, target, side=128):
    """The source's face as it would lie over the target's, and the matrix of the target's crop."""
    (pixels, points), (_, to) = source, target
    matrix = similarity(to[ANCHORS, :2], (PLACES - [0, 0.2]) * side / 2.0 + (side - 1) / 2)
    onto = similarity(points[ANCHORS, :2], to[ANCHORS, :2])
    crop = cv2.warpAffine(
        pixels, after(matrix, onto), (side, side), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return (crop / 255).astype(np.float32), matrix


def frames(name, count):
    av = pytest.importorskip("av")
    from mediapipe.python.solutions.face_mesh import FaceMesh

    found = []
    with av.open(str(GRID / f"{name}.mpg")) as container, FaceMesh(refine_landmarks=True, max_num_faces=1) as mesh:
        for frame in container.decode(video=0):
            pixels = frame.to_ndarray(format="rgb24")
            marks = mesh.process(pixels).multi_face_landmarks[0].landmark
            h, w = pixels.shape[:2]
            found.append((pixels, np.array([[p.x * w, p.y * h, p.z * w] for p in marks], np.float32)))
            if len(found) == count:
                return found
    return found


@pytest.fixture(scope="module")
def people():
    if not GRID.is_dir():
        pytest.skip("the GRID clips are not here")
    return {name: frames(name, 12) for name in ("lrwp9a", "sbia1a", "bbaf2n")}


PAIRS = [("lrwp9a", "sbia1a"), ("sbia1a", "lrwp9a"), ("lrwp9a", "bbaf2n"), ("bbaf2n", "sbia1a")]


def laid(plate, merged):
    out, mask = plate.copy(), np.zeros(plate.shape[:2], np.float32)
    (h, w), x, y = merged.mask.shape, merged.patch.x, merged.patch.y
    out[y : y + h, x : x + w] = merged.patch.pixels
    mask[y : y + h, x : x + w] = merged.mask
    return out, mask


def edge_slope(pixels, mask, size):
    """Mean colour change across the mask's edge, in Lab units per pixel, seen through a blur of 1 % of the face."""
    lab = cv2.GaussianBlur(cv2.cvtColor((pixels / 255).astype(np.float32), cv2.COLOR_RGB2Lab), (0, 0), 0.01 * size)
    soft = cv2.GaussianBlur(mask, (0, 0), 0.012 * size)
    normal = np.stack(np.gradient(soft))
    length = np.linalg.norm(normal, axis=0)
    across = sum(np.gradient(lab, axis=k) * (normal[k] / (length + 1e-9))[..., None] for k in (0, 1))
    return np.linalg.norm(across, axis=2)[length > 0.25 * length.max()].mean()


@pytest.mark.parametrize("source, target", PAIRS)
def test_the_default_shows_no_edge_that_the_plate_does_not_have(people, source, target):
    plate, points = people[target][-1]
    crop, matrix = crude_crop(people[source][-1], people[target][-1])
    size = np.ptp(points[:, :2], axis=0).max()
    excess = {}
    for name, options in {
        "default": MergeOptions(),
        "raw": MergeOptions(colour="none", feather=0),
    }.items():
        out, mask = laid(plate, merge_face(plate, points, crop, matrix, options))
        excess[name] = edge_slope(out, mask, size) / edge_slope(plate, mask, size)
    assert excess["default"] < 1.4
    assert excess["raw"] > 1.1 * excess["default"]


@pytest.mark.parametrize("source, target", PAIRS)
def test_the_skin_takes_the_plates_tint(people, source, target):
    plate, points = people[target][-1]
    crop, matrix = crude_crop(people[source][-1], people[target][-1])

    def distance(options):
        out, mask = laid(plate, merge_face(plate, points, crop, matrix, options))
        lab = [cv2.cvtColor((x / 255).astype(np.float32), cv2.COLOR_RGB2Lab)[mask > 0.9].mean(0) for x in (out, plate)]
        return np.linalg.norm(lab[0] - lab[1])

    assert distance(MergeOptions()) < 3
    assert distance(MergeOptions(colour="mean")) < 7
    assert distance(MergeOptions(colour="none")) > distance(MergeOptions())


def test_the_plates_own_face_stays(people):
    target = people["bbaf2n"][-1]
    crop, matrix = crude_crop(target, target, side=256)  # finer than the frame: little is lost on the way
    out, mask = laid(target[0], merge_face(*target, crop, matrix, MergeOptions(colour="none")))
    difference = np.abs(out.astype(int) - target[0])
    assert difference[mask > 0.5].mean() < 1 and not difference[mask == 0].any()


@pytest.mark.parametrize("colour", ["lab", "mean", "lct", "mkl", "idt", "sot", "hist", "mix"])
def test_colours_do_not_flicker(people, colour):
    """What becomes of a face's shades in a steady clip moves less from frame to frame than the eye can tell (dE 1);
    the face that is laid does not blink with the plate's, so its darkest shade alone may move more."""
    frames = []
    for target in people["lrwp9a"]:
        crop, matrix = crude_crop(people["sbia1a"][0], target)
        frames.append({0: colours_for(*target, crop, matrix, MergeOptions(colour=colour))})
    windows = with_neighbours(frames, REACH, lambda told: told, {})
    maps = [steadied_colours(window)[0].change for _, window in windows]
    shades = [into("lab", apply_colour(frames[0][0].probes[None], each))[0] for each in maps]
    steps = np.linalg.norm(np.diff(shades, axis=0), axis=2)
    assert steps.mean(1).max() < 1.0 and steps.mean() < 0.25
