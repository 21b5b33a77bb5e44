"""One segment of a swap: decode, watch, draw, merge and encode run side by side, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import torch

from ..faces.align import crop_matrix, move, take_crop
from ..faces.identity import SAME_PERSON, distance, identity_chip, identity_vectors
from ..faces.mask import PersonMask, hull_mask
from ..finish.masks import erode_edge
from ..finish.merge import Free, MergeOptions, merge_face
from ..media.native import paste
from ..processor import cores_shared_by
from ..runs import Clock, Progress, StopSignal
from ..streams import ahead, batches, depth_for, side_by_side
from ..trust.publish import LabelledWriter
from ..types import ClipInfo, Face, Frame, Patch
from ..weights import load_base
from .job import POORLY_DRAWN, Record
from .occlusion_mask import MODEL, PRESET, OcclusionMask, open_occlusion_mask
from .options import SwapOptions
from .view import View, view_of
from .watch import Watched, watch

_RIM = 0.04  # of the occlusion net's picture: within so much of the outline its answer is that of the outline
_UNSURE = 0.25, 0.75
_BUSY = 4  # stages that work at the same time: watch, draw, merge, encode


@dataclass(eq=False)
class Painter:
    """A trained swapper, and what it may paint: module and net, header, merge and swap options."""

    module: ModuleType
    net: torch.nn.Module
    header: dict
    merge: MergeOptions
    options: SwapOptions
    source: np.ndarray = field(init=False)  # (128,) who appears
    target: np.ndarray = field(init=False)  # (128,) who is replaced
    view: View = field(init=False)
    occlusion: OcclusionMask | None = field(init=False)

    def __post_init__(self) -> None:
        notes = self.header["notes"]
        self.source = np.array(notes["source"]["identity"], np.float32)
        self.target = np.array(notes["target"]["identity"], np.float32)
        self.view = view_of(self.module, self.net, self.header, self.merge, self.options.restorer)
        keeps = self.merge.occluders == "keep" and load_base(MODEL, PRESET) is not None
        self.occlusion = open_occlusion_mask() if keeps else None

    @property
    def wanted(self) -> str:
        """Who is to be replaced, in words."""
        return {"target": "the person whom the model was trained to replace"}.get(self.options.who, "a face")

    def draw(self, looks: list) -> tuple[list, np.ndarray]:
        """Looks of the view -> what the model drew for each, and how badly it redraws the target of each (n,)."""
        drawn = [self.view.draw(looks[n : n + self.options.batch]) for n in range(0, len(looks), self.options.batch)]
        return [face for faces, _ in drawn for face in faces], np.concatenate([errors for _, errors in drawn])


@dataclass(slots=True, eq=False)
class _Part:
    """A face that is to be replaced, what the model sees of it, and in time what it drew."""

    face: Face
    carried: bool
    look: Any = None
    drawn: Any = None
    free: Free | None = None


@dataclass(slots=True, eq=False)
class _Drawn:
    frame: Frame
    record: Record
    parts: list[_Part]  # largest face first


@dataclass(frozen=True, slots=True, eq=False)
class _Merged:
    """A frame with the patches to lay over it, and what the identity network sees of its largest new face, if any."""

    frame: Frame
    record: Record
    patches: list[Patch]
    chip: np.ndarray | None


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
    aspect = float(info.pixel_aspect)
    depth = depth_for(info.width, info.height)
    records: list[Record] = []
    results: list[tuple[Record, np.ndarray]] = []
    with ExitStack() as stack:
        stack.enter_context(cores_shared_by(_BUSY))
        person = stack.enter_context(PersonMask()) if "person" in painter.merge.mask else None
        watched = ahead(watch(info, start, stop_at, painter.options.carry, clock, depth), depth)
        drawn = ahead(_draw(watched, painter, aspect, clock, depth), depth)
        workers = 1 if person else min(2, depth)
        merged = side_by_side(lambda item: _merge(item, painter, person, aspect, clock), drawn, workers)
        stack.enter_context(closing(merged))
        writer = stack.enter_context(open_writer(path))
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


def _draw(watched: Iterator[Watched], painter: Painter, aspect: float, clock: Clock, depth: int) -> Iterator[_Drawn]:
    """Choose the faces to replace and draw the new ones, in batches of at most `depth` frames."""
    chooser = _Chooser(painter)
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
                    _find_occluders(items, painter.occlusion, aspect)
            yield from items


def _find_occluders(items: list[_Drawn], mask: OcclusionMask, aspect: float) -> None:
    """For each face that will be laid down: where its own skin shows."""
    parts = [(item, part) for item in items for part in item.parts]
    if not parts:
        return
    matrices = [crop_matrix(part.face.landmarks, mask.size, "face", aspect) for _, part in parts]
    crops = [take_crop(item.frame.pixels, matrix, mask.size) for (item, _), matrix in zip(parts, matrices)]
    for (_, part), found, matrix in zip(parts, mask(np.stack(crops)), matrices):
        part.free = Free(_within(found, move(part.face.landmarks[:, :2], matrix)), matrix)


def _within(found: np.ndarray, points: np.ndarray) -> np.ndarray:
    """What the net found, (S, S) 0..1, decided (it is unsure by half along every edge), within the mesh's outline only:
    beyond it nothing counts as face to the net, and the model's own mask knows better."""
    side = found.shape[0]
    inner = erode_edge(hull_mask(points, found.shape), _RIM * side)
    inner = cv2.GaussianBlur(inner, (0, 0), _RIM * side / 2)
    decided = np.clip((found - _UNSURE[0]) / (_UNSURE[1] - _UNSURE[0]), 0, 1)
    return (1 - inner * (1 - decided)).astype(np.float32)


def _choose(seen: Watched, vectors: list[np.ndarray], chooser: _Chooser, painter: Painter) -> _Drawn:
    """A frame's faces that are to be replaced, or the reason why none is."""
    record = Record(seen.frame.index, seen.frame.time)
    chosen, why = [], []
    for face, vector in zip(seen.faces, vectors):
        reason = "the face leapt" if face.track in seen.leapt else chooser.refuses(face, vector)
        if painter.options.who == "largest" and face is not seen.faces[0]:
            reason = reason or "a smaller face"
        why.append(reason)
        if not reason:
            chosen.append(_Part(face, carried=False))
    bridged = [face for face in seen.carried if chooser.knows(face.track)]
    chosen += [_Part(face, carried=True) for face in bridged]
    chosen.sort(key=lambda part: -part.face.size)
    if painter.options.who == "largest":
        del chosen[1:]
    if not chosen:
        # what kept the wanted person out says more than that others were not meant
        told = [reason for reason in why if reason != "another person"] or why or ["no face was found"]
        record.reason = told[0]
    return _Drawn(seen.frame, record, chosen)


def _deal(items: list[_Drawn], faces: list, errors: np.ndarray, poorest: float) -> None:
    """Give each frame its drawn faces; drop those whose target the model could not redraw."""
    drawn = zip(faces, errors)
    for item in items:
        good = []
        for part, (face, error) in zip(item.parts, drawn):
            part.drawn = face
            if error <= poorest:
                good.append(part)
        if item.parts and not good:
            item.record.reason = POORLY_DRAWN
        item.parts = good


def _merge(item: _Drawn, painter: Painter, person: PersonMask | None, aspect: float, clock: Clock) -> _Merged:
    """Lay the drawn faces into the frame, farthest (smallest) first, each over those before it."""
    canvas, patches, laid = item.frame.pixels, [], []
    with clock.of("merge"):
        people = person(canvas) if person and item.parts else None
        for part in item.parts[::-1]:
            laid_out = painter.view.lay(item.frame.pixels, part.look, part.drawn)
            merged = merge_face(
                canvas, part.face.landmarks, laid_out.crop, laid_out.matrix, painter.view.merge, laid_out.mask,
                person=people, free=part.free,
            )  # fmt: skip
            if merged is not None:
                patches.append(merged.patch)
                laid.append(part)
                canvas = paste(canvas, [merged.patch])
    item.record.swapped, item.record.carried = len(laid), sum(part.carried for part in laid)
    if not laid:
        if item.parts:
            item.record.reason = "nothing of the face is left by the mask"
        return _Merged(item.frame, item.record, [], None)
    largest = laid[-1].face
    item.record.box = largest.box
    with clock.of("judge"):
        return _Merged(item.frame, item.record, patches, identity_chip(canvas, largest, aspect))


def _judge(results: list[tuple[Record, np.ndarray]], painter: Painter, clock: Clock) -> None:
    """Note the identity distances of finished faces; empties the list."""
    with clock.of("judge"):
        for (record, _), vector in zip(results, identity_vectors([chip for _, chip in results])):
            record.to_source = round(float(distance(vector, painter.source)), 4)
            record.to_target = round(float(distance(vector, painter.target)), 4)
    results.clear()


class _Chooser:
    """Decides by identity whether a face is the one to replace; a track's faces are judged together, so that one odd
    frame does not make the swap blink."""

    def __init__(self, painter: Painter) -> None:
        self._target, self._options = painter.target, painter.options
        self._tracks: dict[int, list[np.ndarray]] = {}

    def refuses(self, face: Face, vector: np.ndarray) -> str:
        """'' if the face is to be replaced, else why not."""
        if self._options.who != "target":
            return ""
        seen = self._tracks.setdefault(face.track, [])
        seen.append(vector)
        del seen[:-25]
        if distance(np.median(seen, 0), self._target) > SAME_PERSON:
            return "another person"
        if distance(vector, self._target) > self._options.stranger:
            return "the face is unlike the target's"
        return ""

    def knows(self, track: int) -> bool:
        """Whether the faces seen so far of a track are of someone who is to be replaced."""
        if self._options.who != "target":
            return True
        seen = self._tracks.get(track)
        return bool(seen) and distance(np.median(seen, 0), self._target) <= SAME_PERSON
