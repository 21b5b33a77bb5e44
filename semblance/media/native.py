"""Works on a decoder's own frames without a way through RGB: turns them upright, and lays new pixels over them.

av.VideoFrame (planar YUV, grey or RGB, 8 to 16 bits) -> av.VideoFrame of the same format. Where nothing new is laid,
the result is the plate bit for bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import av
import numpy as np

from ..types import Patch
from .colour import from_rgb, matrix_of, planes_of, range_of
from .fine import deepened, fine_rgb, from_fine_rgb, is_deep, shallowed

_ANY_CLOCK = Fraction(1, 1000)  # a filter wants one; frames are told apart by their order
_TURNS = {90: ("transpose=clock",), 180: ("hflip", "vflip"), 270: ("transpose=cclock",)}


def clockwise_turn(native: av.VideoFrame) -> int:
    """Degrees clockwise (0, 90, 180, 270) that the frame's display matrix asks for."""
    return round(-native.rotation / 90) % 4 * 90


class Turner:
    """Turns frames of one clip upright by 90, 180 or 270 degrees clockwise; samples are moved, not resampled.

    (4:2:2 has no turned twin: its chroma is resampled to 4:4:4 first.)
    """

    def __init__(self, degrees: int, template: av.VideoFrame):
        graph = av.filter.Graph()
        nodes = [
            graph.add_buffer(width=template.width, height=template.height, format=template.format, time_base=_ANY_CLOCK)
        ]
        for turn in _TURNS[degrees]:
            name, _, direction = turn.partition("=")
            nodes.append(graph.add(name, direction) if direction else graph.add(name))
        nodes.append(graph.add("buffersink"))
        graph.link_nodes(*nodes).configure()
        self._graph = graph

    def turn(self, native: av.VideoFrame) -> av.VideoFrame:
        """The upright frame; colour tags and time are kept."""
        self._graph.vpush(native)
        turned = self._graph.vpull()
        copy_tags(native, turned)
        return turned


def copy_tags(source: av.VideoFrame, target: av.VideoFrame) -> None:
    """Colour range, matrix, primaries and transfer."""
    target.color_range = source.color_range
    target.colorspace = source.colorspace
    target.color_primaries = source.color_primaries
    target.color_trc = source.color_trc


def copy_frame(native: av.VideoFrame) -> av.VideoFrame:
    """A copy that may be written into: decoders hand out frames that they still refer to."""
    copy = av.VideoFrame(native.width, native.height, native.format.name)
    for target, source in zip(planes_of(copy), planes_of(native)):
        target[...] = source
    copy_tags(native, copy)
    return copy


def paste(pixels: np.ndarray, patches: Sequence[Patch]) -> np.ndarray:
    """A copy of (H, W, 3) RGB, uint8 or uint16, with the patches laid over it in order, in its own depth; what lies
    beyond the frame's edges is cut off."""
    canvas, as_deep = pixels.copy(), shallowed if pixels.dtype == np.uint8 else deepened
    for patch in patches:
        x0, y0, x1, y1 = _inside(patch, canvas)
        canvas[y0:y1, x0:x1] = as_deep(_part(patch, x0, y0, x1, y1))
    return canvas


def lay_patches(native: av.VideoFrame, pixels: np.ndarray, patches: Sequence[Patch]) -> av.VideoFrame:
    """A copy of `native` with the patches laid over it in its own pixel format.

    pixels (H, W, 3) uint8: the frame's own RGB. Only samples whose RGB differs from it are written, so that a patch's
    unchanged border stays bit for bit; a chroma sample is written if any pixel that shares it has changed. Where the
    frame is deeper than 8 bits, so is all of this.
    """
    result = copy_frame(native)
    if is_deep(native.format):
        pixels, canvas = _deep_canvas(native, pixels, patches)
    else:
        canvas = paste(pixels, patches)
    step_x = 4 // native.format.chroma_width(4)
    step_y = 4 // native.format.chroma_height(4)
    for patch in patches:
        x0, y0, x1, y1 = _inside(patch, canvas)
        if x0 >= x1 or y0 >= y1:
            continue
        x0, y0 = x0 // step_x * step_x, y0 // step_y * step_y
        x1, y1 = min(-(-x1 // step_x) * step_x, native.width), min(-(-y1 // step_y) * step_y, native.height)
        _write_changes(result, canvas, pixels, (x0, y0, x1, y1), (step_x, step_y))
    return result


def _deep_canvas(native: av.VideoFrame, pixels: np.ndarray, patches: Sequence[Patch]) -> tuple[np.ndarray, np.ndarray]:
    """The frame's own RGB and the same with the patches laid over it, uint16; of a patch in 8 bits only what differs
    from the 8-bit `pixels`, so that its unchanged part keeps its depth."""
    fine = fine_rgb(native)
    canvas = fine.copy()
    for patch in patches:
        x0, y0, x1, y1 = _inside(patch, canvas)
        part, target = _part(patch, x0, y0, x1, y1), canvas[y0:y1, x0:x1]
        if part.dtype == np.uint16:
            target[...] = part
        else:
            changed = (part != pixels[y0:y1, x0:x1]).any(2, keepdims=True)
            np.copyto(target, deepened(part), where=changed)
    return fine, canvas


def _write_changes(result, canvas, pixels, box: tuple[int, int, int, int], steps: tuple[int, int]) -> None:
    """Put the samples of `canvas` that differ from `pixels` inside the chroma-aligned box into `result`."""
    x0, y0, x1, y1 = box
    region = canvas[y0:y1, x0:x1]
    differences = region ^ pixels[y0:y1, x0:x1]
    changed = (differences[..., 0] | differences[..., 1] | differences[..., 2]) != 0  # .any(2) takes ten times as long
    if not changed.any():
        return
    convert = from_rgb if region.dtype == np.uint8 else from_fine_rgb
    fresh = convert(region, result.format.name, matrix_of(result), range_of(result))
    for target, source in zip(planes_of(result), planes_of(fresh)):
        if target.shape[:2] == (result.height, result.width):
            place, mask = target[y0:y1, x0:x1], changed
        else:
            place = target[y0 // steps[1] :, x0 // steps[0] :][: source.shape[0], : source.shape[1]]
            mask = _shared(changed, steps)
        np.copyto(place, source, where=mask if place.ndim == 2 else mask[..., None])


def _shared(changed: np.ndarray, steps: tuple[int, int]) -> np.ndarray:
    """(h, w) of pixels -> (h / step, w / step) of chroma samples: any pixel that shares the sample has changed."""
    step_x, step_y = steps
    height, width = changed.shape
    padded = np.pad(changed, ((0, -height % step_y), (0, -width % step_x)))
    parts = [padded[y::step_y, x::step_x] for y in range(step_y) for x in range(step_x)]
    return np.logical_or.reduce(parts)


def _part(patch: Patch, x0: int, y0: int, x1: int, y1: int) -> np.ndarray:
    """The patch's pixels in this rectangle of the frame."""
    return patch.pixels[y0 - patch.y : y1 - patch.y, x0 - patch.x : x1 - patch.x]


def _inside(patch: Patch, canvas: np.ndarray) -> tuple[int, int, int, int]:
    height, width = patch.pixels.shape[:2]
    return (
        max(patch.x, 0),
        max(patch.y, 0),
        min(patch.x + width, canvas.shape[1]),
        min(patch.y + height, canvas.shape[0]),
    )
