"""One segment of a swap: decode, watch, draw, merge and encode run side by side, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ..faces.align import move
from ..faces.identity import distance, identity_chip, identity_vectors
from ..faces.landmarks import MeshFinder
from ..faces.mask import PersonMask
from ..faces.track import ROOM
from ..finish.face_colours import FaceColours
from ..finish.mask_words import named
from ..finish.merge import Free, colours_for, merge_face
from ..finish.steady_colours import REACH, steadied_colours
from ..media.fine import fine_pixels, shallowed
from ..media.native import paste
from ..processor import cores_shared_by
from ..runs import Clock, Progress, StopSignal
from ..streams import ahead, batches, depth_for, side_by_side, with_neighbours
from ..trust.publish import LabelledWriter
from ..types import ClipInfo, Face, Frame
from .gaps import LEAPT, LOST, LaidFace, MergedFrame, bridged
from .in_front import seen_in, seen_in_drawn
from .job import POORLY_DRAWN, Record
from .painter import Painter
from .view import Laid
from .watch import Watched, watch
from .who import Chooser

_NOTHING_LEFT = "nothing of the face is left by the mask"
_BUSY = 4  # stages that work at the same time: watch, draw, merge, encode


@dataclass(slots=True, eq=False)
class NewFace:
    """A face that is to be replaced, what the model sees of it, and in time what it drew, how that lies over the plate,
    and what becomes of its colours."""

    face: Face
    carried: bool
    look: Any = None
    drawn: Any = None
    free: Free | None = None
    seen: dict[str, Free] = field(default_factory=dict)
    laid: Laid | None = None
    colours: FaceColours | None = None


@dataclass(slots=True, eq=False)
class DrawnFrame:
    frame: Frame
    record: Record
    parts: list[NewFace]  # largest face first
    passed: list[tuple[Face, str]] = field(default_factory=list)  # faces that stay as they are, and why
    fine: bool = False


def render(
    path: Path,
    info: ClipInfo,
    start: int,
    stop_at: int,
    painter: Painter,
    open_writer: Callable[[Path], AbstractContextManager[LabelledWriter]],
    clock: Clock,
    progress: Progress,
    stop: StopSignal,
) -> list[Record]:
    """Render frames [start, stop_at) into the segment that open_writer opens at `path`; one record a frame."""
    records: list[Record] = []
    results: list[tuple[Record, np.ndarray]] = []
    with merged_frames(info, start, stop_at, painter, clock) as merged, open_writer(path) as writer:
        for item in merged:
            stop.check(f"{path.parent} keeps the finished segments; run the same command again to go on.")
            if item.chip is not None:
                results.append((item.record, item.chip))
            with clock.of("encode"):
                writer.write(item.frame, item.patches)
            records.append(item.record)
            if len(results) >= 16:
                _judge(results, painter, clock)
            progress.advance(1, f"{sum(record.swapped > 0 for record in records)} of {len(records)} swapped")
        _judge(results, painter, clock)
    return records


@contextmanager
def merged_frames(
    info: ClipInfo, start: int, stop_at: int, painter: Painter, clock: Clock
) -> Iterator[Iterator[MergedFrame]]:
    """Frames [start, stop_at) with their new faces, in order: the stages before a writer, all running at once.

    Where colours are matched or gaps bridged, frames just beyond both ends are drawn as well, for what they say.
    """
    aspect = float(info.pixel_aspect)
    depth = depth_for(info.width, info.height)
    bridge = painter.options.bridge
    reach = bridge + (REACH if any(merge.transfer for merge in painter.settings.values()) else 0)
    with ExitStack() as stack:
        stack.enter_context(cores_shared_by(_BUSY))
        person = stack.enter_context(PersonMask()) if painter.wants("person", "head") else None
        begin, end = max(start - reach, 0), stop_at + reach
        watched = ahead(watch(info, begin, end, painter.options.carry, clock, depth), depth)
        drawn = ahead(draw_faces(watched, painter, aspect, clock, depth), depth)
        warps = any(merge.warp for merge in painter.settings.values())
        finder = stack.enter_context(closing(MeshFinder())) if warps else None
        workers = 1 if person or finder else min(2, depth)
        laid = side_by_side(lambda item: lay_faces(item, painter, aspect, clock), drawn, workers)
        steady = _steady_colours(laid, range(start - bridge, stop_at + bridge), reach - bridge)
        merged = side_by_side(lambda item: merge_faces(item, painter, person, finder, aspect, clock), steady, workers)
        whole = stack.enter_context(closing(bridged(merged, bridge, clock)))
        yield (item for item in whole if start <= item.frame.index < stop_at)


def draw_faces(
    watched: Iterator[Watched], painter: Painter, aspect: float, clock: Clock, depth: int
) -> Iterator[DrawnFrame]:
    """Choose the faces to replace and draw the new ones, in batches of at most `depth` frames."""
    chooser = Chooser(painter.target, painter.options)
    with cores_shared_by(_BUSY), closing(batches(watched, min(painter.options.batch, depth))) as groups:
        for group in groups:
            with clock.of("identify"):
                chips = [identity_chip(seen.frame.pixels, face, aspect) for seen in group for face in seen.faces]
                vectors = iter(identity_vectors(chips, rough=True))
                items = [_choose(seen, [next(vectors) for _ in seen.faces], chooser, painter) for seen in group]
            with clock.of("draw"):
                for item in items:
                    for part in item.parts:
                        part.look = painter.view.look(item.frame.pixels, part.face, aspect)
                looks = [part.look for item in items for part in item.parts]
                if looks:
                    _deal(items, *painter.draw(looks), painter.options.poorest)
            if painter.occlusion:
                with clock.of("find occluders"):
                    _find_in_front(items, painter, aspect)
            yield from items


def _find_in_front(items: list[DrawnFrame], painter: Painter, aspect: float) -> None:
    """For each face that will be laid down: where its own skin shows, and what the net says is face."""
    parts = [(item, part) for item in items for part in item.parts]
    if not parts:
        return
    frames, faces = [item.frame.pixels for item, _ in parts], [part.face for _, part in parts]
    for (_, part), (free, face) in zip(parts, seen_in(frames, faces, painter.occlusion, aspect)):
        part.free, part.seen["xseg"] = free, face


def _choose(seen: Watched, vectors: list[np.ndarray], chooser: Chooser, painter: Painter) -> DrawnFrame:
    """A frame's faces that are to be replaced, or the reason why none is."""
    record = Record(seen.frame.index, seen.frame.time)
    chosen, why, passed = [], [], []
    for face, vector in zip(seen.faces, vectors):
        reason = LEAPT if face.track in seen.leapt else chooser.refuses(face, vector)
        if painter.options.who == "largest" and face is not seen.faces[0]:
            reason = reason or "a smaller face"
        why.append(reason)
        if reason:
            passed.append((face, reason))
        else:
            chosen.append(NewFace(face, carried=False))
    bridged = [face for face in seen.carried if chooser.knows(face.track)]
    chosen += [NewFace(face, carried=True) for face in bridged]
    chosen.sort(key=lambda part: -part.face.size)
    if painter.options.who == "largest":
        del chosen[1:]
    if not chosen:
        # what kept the wanted person out says more than that others were not meant
        told = [reason for reason in why if reason != "another person"] or why or [LOST]
        record.reason = told[0]
    return DrawnFrame(seen.frame, record, chosen, passed, painter.fine)


def _deal(items: list[DrawnFrame], faces: list, errors: np.ndarray, poorest: float) -> None:
    """Give each frame its drawn faces; drop those whose target the model could not redraw."""
    drawn = zip(faces, errors)
    for item in items:
        good = []
        for part, (face, error) in zip(item.parts, drawn):
            part.drawn = face
            if error <= poorest:
                good.append(part)
            else:
                item.passed.append((part.face, POORLY_DRAWN))
        if item.parts and not good:
            item.record.reason = POORLY_DRAWN
        item.parts = good


def lay_faces(item: DrawnFrame, painter: Painter, aspect: float, clock: Clock) -> DrawnFrame:
    """Place what was drawn over the plate, and measure its colours there."""
    merge = painter.at(item.frame.index)
    with clock.of("merge"):
        for part in item.parts:
            part.laid = painter.view.lay(item.frame.pixels, part.look, part.drawn, merge)
            if "xseg-new" in named(merge.mask):
                part.seen["xseg-new"] = seen_in_drawn(part.laid, part.face, painter.occlusion, aspect)
            part.colours = colours_for(
                item.frame.pixels, part.face.landmarks, part.laid.crop, part.laid.matrix, merge, part.laid.mask,
                part.free if merge.occluders == "keep" else None,
            )  # fmt: skip
    return item


def _steady_colours(items: Iterator[DrawnFrame], wanted: range, reach: int) -> Iterator[DrawnFrame]:
    """The items of the wanted frames, their colours steadied over `reach` frames on either side."""

    def told(item: DrawnFrame) -> dict[int, FaceColours | None]:
        return {part.face.track: part.colours for part in item.parts}

    with closing(with_neighbours(items, reach, told, {})) as windows:
        for item, window in windows:
            if item.frame.index in wanted:
                colours = steadied_colours(window)
                for part in item.parts:
                    part.colours = colours[part.face.track]
                yield item


def merge_faces(
    item: DrawnFrame,
    painter: Painter,
    person: PersonMask | None,
    finder: MeshFinder | None,
    aspect: float,
    clock: Clock,
) -> MergedFrame:
    """Lay the drawn faces into the frame, farthest (smallest) first, each over those before it."""
    patches, laid = [], []
    with clock.of("merge"):
        canvas = fine_pixels(item.frame) if item.fine and item.parts else item.frame.pixels
        merge = painter.at(item.frame.index)
        keeps, everywhere = merge.occluders == "keep", np.eye(2, 3)
        people = {"person": Free(person(item.frame.pixels), everywhere)} if person and item.parts else {}
        for part in item.parts[::-1]:
            merged = merge_face(
                canvas, part.face.landmarks, part.laid.crop, part.laid.matrix, merge, part.laid.mask,
                seen={**part.seen, **people}, colours=part.colours, free=part.free if keeps else None,
                drawn=_found_in(finder, part.laid, part.face) if finder else None,
            )  # fmt: skip
            if merged is None:
                item.passed.append((part.face, _NOTHING_LEFT))
                continue
            patches.append(merged.patch)
            laid.append(LaidFace(part.face, part.carried, part.laid, merged))
            canvas = paste(canvas, [merged.patch])
    item.record.swapped, item.record.carried = len(laid), sum(part.carried for part in laid)
    if not laid:
        if item.parts:
            item.record.reason = _NOTHING_LEFT
        return MergedFrame(item.frame, item.record, [], None, [], item.passed)
    largest = laid[-1].face
    item.record.box = largest.box
    with clock.of("judge"):
        chip = identity_chip(shallowed(canvas), largest, aspect)
    return MergedFrame(item.frame, item.record, patches, chip, laid, item.passed)


def _found_in(finder: MeshFinder, laid: Laid, face: Face) -> np.ndarray | None:
    """Landmarks (478, 3) of the face that was drawn, in crop pixels: it lies about where the plate's does."""
    around = Face(np.column_stack([move(face.landmarks[:, :2], laid.matrix), face.landmarks[:, 2]]))
    centre = tuple(around.landmarks[:, :2].mean(0))
    mesh = finder.find(cv2.convertScaleAbs(laid.crop, alpha=255), centre, around.size * ROOM)
    return None if mesh is None else mesh.landmarks


def _judge(results: list[tuple[Record, np.ndarray]], painter: Painter, clock: Clock) -> None:
    """Note the identity distances of finished faces; empties the list."""
    with clock.of("judge"):
        for (record, _), vector in zip(results, identity_vectors([chip for _, chip in results])):
            record.to_source = round(float(distance(vector, painter.source)), 4)
            record.to_target = round(float(distance(vector, painter.target)), 4)
    results.clear()
