"""One segment of a swap: decode, watch, draw, merge and encode run side by side, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from pathlib import Path

import cv2
import numpy as np

from ..faces.align import move
from ..faces.identity import distance, identity_chip, identity_vectors
from ..faces.landmarks import MeshFinder
from ..faces.mask import PersonMask
from ..faces.track import ROOM
from ..finish.mask_words import named
from ..finish.merge import colours_for, join_face, place_face
from ..finish.placed_mask import PlacedMask
from ..finish.steady_meetings import REACH as MEETINGS
from ..media.fine import fine_pixels, shallowed
from ..media.native import paste
from ..processor import cores_shared_by
from ..runs import Clock, Progress, StopSignal
from ..streams import ahead, batches, depth_for, side_by_side
from ..trust.publish import LabelledWriter
from ..types import ClipInfo, Face
from .drawn import DrawnFrame, NewFace
from .gaps import LEAPT, LOST, LaidFace, MergedFrame, bridged
from .in_front import seen_in, seen_in_drawn
from .job import POORLY_DRAWN, Record
from .painter import Painter
from .steady_faces import drawn_steadied, meetings_steadied, reach_of, steadied
from .view import Laid
from .watch import Watched, watch
from .who import Chooser

_NOTHING_LEFT = "nothing of the face is left by the mask"
_BUSY = 4  # stages that work at the same time: watch, draw, merge, encode


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
            progress.advance(1, item.record.told())
        _judge(results, painter, clock)
    return records


@contextmanager
def merged_frames(
    info: ClipInfo, start: int, stop_at: int, painter: Painter, clock: Clock
) -> Iterator[Iterator[MergedFrame]]:
    """Frames [start, stop_at) with their new faces, in order: the stages before a writer, all running at once.

    Frames just beyond both ends are drawn as well, for what they say of those within.
    """
    aspect = float(info.pixel_aspect)
    depth = depth_for(info.width, info.height)
    bridge, settings = painter.options.bridge, painter.settings.values()
    reach = max(reach_of(merge) for merge in settings)
    meets = MEETINGS if any(merge.poisson for merge in settings) else 0
    with ExitStack() as stack:
        stack.enter_context(cores_shared_by(_BUSY))
        person = stack.enter_context(PersonMask()) if painter.wants("person", "head") else None
        textures = max(merge.texture_steady for merge in settings)
        beyond = bridge + meets + reach
        begin, end = max(start - beyond - textures, 0), stop_at + beyond + textures
        watched = ahead(watch(info, begin, end, painter.options.carry, clock, depth), depth)
        drawn = ahead(draw_faces(watched, painter, aspect, clock, depth), depth)
        if textures:
            drawn = drawn_steadied(drawn, painter, range(start - beyond, stop_at + beyond), textures)
        warps = any(merge.warp for merge in settings)
        finder = stack.enter_context(closing(MeshFinder())) if warps else None
        workers = 1 if person or finder else min(2, depth)
        laid = side_by_side(lambda item: lay_faces(item, painter, aspect, clock), drawn, workers)
        steady = steadied(laid, painter, range(start - bridge - meets, stop_at + bridge + meets), reach)
        placed = side_by_side(lambda item: place_faces(item, painter, person, finder, aspect, clock), steady, workers)
        if meets:
            placed = meetings_steadied(placed, range(start - bridge, stop_at + bridge))
        merged = side_by_side(lambda item: join_faces(item, painter, aspect, clock), placed, workers)
        whole = stack.enter_context(closing(bridged(merged, bridge, clock)))
        yield (item for item in whole if start <= item.frame.index < stop_at)


def draw_faces(
    watched: Iterator[Watched], painter: Painter, aspect: float, clock: Clock, depth: int
) -> Iterator[DrawnFrame]:
    """Choose the faces to replace and draw the new ones, in batches of at most `depth` frames; while some are drawn the
    next are chosen, for the two take as long as each other and longer than any other stage."""
    size = min(painter.options.batch, depth)
    chosen = ahead(_choose_faces(watched, painter, aspect, clock, size), depth)
    with cores_shared_by(_BUSY), closing(batches(chosen, size)) as groups:
        for items in groups:
            with clock.of("draw"):
                for item in items:
                    for part in item.parts:
                        part.look = painter.view.look(item.frame.pixels, part.face, aspect, part.free)
                looks = [part.look for item in items for part in item.parts]
                if looks:
                    _deal(items, *painter.draw(looks), painter.options.poorest)
            yield from items


def _choose_faces(
    watched: Iterator[Watched], painter: Painter, aspect: float, clock: Clock, size: int
) -> Iterator[DrawnFrame]:
    """Who is to be replaced in each frame, and what stands before them."""
    chooser = Chooser(painter.target, painter.options)
    with cores_shared_by(_BUSY), closing(batches(watched, size)) as groups:
        for group in groups:
            with clock.of("identify"):
                chips = [identity_chip(seen.frame.pixels, face, aspect) for seen in group for face in seen.faces]
                vectors = iter(identity_vectors(chips, rough=True))
                items = [_choose(seen, [next(vectors) for _ in seen.faces], chooser, painter) for seen in group]
            if painter.occlusion:
                with clock.of("find occluders"):
                    _find_in_front(items, painter, aspect)
            yield from items


def _find_in_front(items: list[DrawnFrame], painter: Painter, aspect: float) -> None:
    """For each face that is to be replaced: where its own skin shows, and what the net says is face."""
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


def place_faces(
    item: DrawnFrame,
    painter: Painter,
    person: PersonMask | None,
    finder: MeshFinder | None,
    aspect: float,
    clock: Clock,
) -> DrawnFrame:
    """Bring the drawn faces onto the frame's grid: their masks, colours and detail."""
    if not item.parts:
        return item
    with clock.of("merge"):
        plate, merge = _plate(item), painter.at(item.frame.index)
        keeps = merge.occluders == "keep"
        people = {"person": PlacedMask(person(item.frame.pixels), np.eye(2, 3))} if person else {}
        for part in item.parts:
            part.placed = place_face(
                plate, part.face.landmarks, part.laid.crop, part.laid.matrix, merge, part.laid.mask,
                seen={**part.seen, **people}, colours=part.colours, free=part.free if keeps else None,
                drawn=_found_in(finder, part.laid, part.face) if finder else None,
                motion=part.motion, seed=item.frame.index,
            )  # fmt: skip
            if merge.poisson and part.placed:
                part.met = (part.placed.meeting(plate),) * 2
    return item


def join_faces(item: DrawnFrame, painter: Painter, aspect: float, clock: Clock) -> MergedFrame:
    """Lay the placed faces into the frame, farthest (smallest) first, each over those before it."""
    patches, laid = [], []
    with clock.of("merge"):
        canvas, merge = _plate(item), painter.at(item.frame.index)
        for part in item.parts[::-1]:
            if part.placed is None:
                item.passed.append((part.face, _NOTHING_LEFT))
                continue
            merged = join_face(canvas, part.placed, merge, part.met)
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


def merge_faces(
    item: DrawnFrame,
    painter: Painter,
    person: PersonMask | None,
    finder: MeshFinder | None,
    aspect: float,
    clock: Clock,
) -> MergedFrame:
    """Place and join the faces of one frame by itself."""
    return join_faces(place_faces(item, painter, person, finder, aspect, clock), painter, aspect, clock)


def _plate(item: DrawnFrame) -> np.ndarray:
    return fine_pixels(item.frame) if item.fine and item.parts else item.frame.pixels


def _found_in(finder: MeshFinder, laid: Laid, face: Face) -> np.ndarray | None:
    """Landmarks (478, 3) of the face that was drawn, in crop pixels: it lies about where the plate's does."""
    around = Face(np.column_stack([move(face.landmarks[:, :2], laid.matrix), face.landmarks[:, 2]]))
    centre = tuple(around.landmarks[:, :2].mean(0))
    mesh = finder.find(cv2.convertScaleAbs(laid.crop, alpha=255), centre, around.size * ROOM)
    return None if mesh is None else mesh.landmarks


def _judge(results: list[tuple[Record, np.ndarray]], painter: Painter, clock: Clock) -> None:
    """Note the identity distances of finished faces; empties the list."""
    with clock.of("judge"):
        # rough: off by 0.001 on average, half of one frame's work
        for (record, _), vector in zip(results, identity_vectors([chip for _, chip in results], rough=True)):
            record.to_source = round(float(distance(vector, painter.source)), 4)
            record.to_target = round(float(distance(vector, painter.target)), 4)
    results.clear()
