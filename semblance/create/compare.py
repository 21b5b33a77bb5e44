"""The verb `compare`: a result beside its plate, as a video, as curves over time, and where one of the curves jumps.

OUT holds compare.mp4 (before, after, difference), figures.svg and figures.json (every frame), and moments.png (the
frames on which a figure leaves what is usual in the clip). Everything is read in one pass.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ..measures.comparison import Comparison, View
from ..measures.moments import TRACKS, Moment, all_jumps, tracks_of
from ..media.encode import EncodeOptions, made_clip
from ..media.read import frame_times, frames_at
from ..media.sheet import captioned, fitted, grid, text_strip
from ..runs import Progress, StopSignal, new_folder, write_json, write_text
from ..trust.publish import open_segment_for, publish_clip, publish_picture
from ..types import ClipInfo, Frame
from .claims import compared
from .close_up import close_up
from .curves import curves
from .in_step import Clips, compare_clips, looks_at, open_clips, refuse_faceless

_PANEL = 640  # px: a wider plate is shown smaller
_LINE = 24  # px of the captions
_GAIN = 4  # of the difference, about mid grey
_MOMENTS = 8  # frames on the sheet
_ROOM = 1.5  # of the face, around it


@dataclass(frozen=True)
class Compared:
    """Where the folder is, how many frames were compared, and where a figure jumps, the plainest first."""

    out: Path
    frames: int
    moments: tuple[Moment, ...]

    def summary(self) -> str:
        """The last lines on the terminal."""
        lines = [f"  {moment.told()}" for moment in self.moments[:_MOMENTS]]
        if len(self.moments) > _MOMENTS:
            lines.append(f"  and {len(self.moments) - _MOMENTS} more, in figures.json")
        head = f"{self.frames} frames compared; " + ("no figure jumps." if not lines else "where a figure jumps:")
        return "\n".join([head, *lines, f"Look at {self.out / 'compare.mp4'} and {self.out / 'figures.svg'}"])


def compare(
    result: Path | str,
    target: Path | str,
    out: Path | str,
    limit: int | None = None,
    progress: Progress | None = None,
    stop: StopSignal | None = None,
) -> Compared:
    """Compare the clip `result` with the plate `target` it was made from; limit: only so many frames from the start.

    The result's watermark is laid over the plate as well: the difference is that of the swap and of the encoder. Raises
    MediaError, InputError (clips of unequal size or length), FaceError (no face in one of them), OutputError, Stopped.
    """
    progress, stop, out = progress or Progress(), stop or StopSignal(), Path(out)
    clips = open_clips(result, target, None, limit)
    claim = compared(clips.result, clips.plate)
    shape = _panel(clips.plate)
    info = made_clip(_even(3 * shape[1]), _even(shape[0] + _LINE), clips.plate.rate, clips.limit, claim.what)
    heads = _heads(clips.result.path.name, shape[1])
    boxes: dict[int, tuple] = {}
    with new_folder(out, "folder") as folder:
        segment = folder / ".segment.mkv"
        with open_segment_for(segment, info, EncodeOptions(quality=18), claim) as writer:

            def shown(index: int, new: View | None, old: View | None) -> None:
                if old is not None and old.face is not None:
                    boxes[index] = old.face.box
                pictures = [each and each.pixels for each in (old, new)]
                panels = _panels(*pictures, shape)
                writer.write(Frame(index, index / float(info.rate), _framed(heads, panels, info)))

            seen = compare_clips(clips, None, progress, stop, shown)
        refuse_faceless(seen, clips)
        comparison = seen.comparison
        moments = all_jumps(comparison)
        progress.done()
        write_json(folder / "figures.json", _as_json(clips, comparison, moments))
        title = f"{clips.result.path.name} against {clips.plate.path.name}"
        write_text(folder / "figures.svg", curves(tracks_of(comparison), comparison.frames, moments, title))
        sheet = _sheet(clips, moments, boxes, title)
        if sheet is not None:
            publish_picture(folder / "moments.png", sheet, claim)
        publish_clip([segment], folder / "compare.mp4", info, np.arange(clips.limit) / float(info.rate), claim)
        for left in folder.glob(".segment.*"):
            left.unlink()
    return Compared(out, clips.limit, tuple(moments))


def _panel(plate: ClipInfo) -> tuple[int, int]:
    """Height and width at which each picture is shown."""
    width = min(plate.width, _PANEL)
    return round(plate.height * width / plate.width / float(plate.pixel_aspect)), width


def _even(size: int) -> int:
    return size + size % 2


def _heads(name: str, width: int) -> np.ndarray:
    told = ("plate", name, f"difference, {_GAIN} times, about grey")
    return np.hstack([text_strip(each, width, _LINE) for each in told])


def _panels(plate: np.ndarray | None, result: np.ndarray | None, shape: tuple[int, int]) -> list[np.ndarray]:
    """Before, after and difference, (h, w, 3) uint8; black: the frame could not be read."""
    blank = np.zeros((*shape, 3), np.uint8)
    before, after = (blank if each is None else fitted(each, *shape) for each in (plate, result))
    if plate is None or result is None:
        return [before, after, blank]
    apart = after.astype(np.int16) - before
    return [before, after, np.clip(128 + _GAIN * apart, 0, 255).astype(np.uint8)]


def _framed(heads: np.ndarray, panels: list[np.ndarray], info: ClipInfo) -> np.ndarray:
    """The video's frame: captions above the three panels."""
    frame = np.zeros((info.height, info.width, 3), np.uint8)
    made = np.vstack([heads, np.hstack(panels)])
    frame[: made.shape[0], : made.shape[1]] = made
    return frame


def _sheet(clips: Clips, moments: list[Moment], boxes: dict[int, tuple], title: str) -> np.ndarray | None:
    """Rows: the plainest moments, by their frames; columns: plate, result, difference, from near. None: no moment."""
    told: dict[int, str] = {}
    for moment in moments:
        if moment.frame in boxes and (moment.frame in told or len(told) < _MOMENTS):
            told[moment.frame] = "   ".join(filter(None, [told.get(moment.frame), moment.told()]))
    if not told:
        return None
    rows, wanted = [], sorted(told)
    for index, new in zip(wanted, frames_at(clips.result, wanted), strict=True):
        old = next(looks_at(clips.plate, index, index + 1, track=False, mark=clips.mark), None)
        if old is None or new is None:
            continue
        near = [close_up(pixels, boxes[index], _ROOM) for pixels in (old.pixels, new.pixels)]
        panels = _panels(*(fitted(each, 256, 256) for each in near), (256, 256))
        rows.append(captioned(np.hstack(panels), told[index]))
    return grid(rows, 1, f"{title}: where a figure jumps") if rows else None


def _as_json(clips: Clips, comparison: Comparison, moments: list[Moment]) -> dict:
    times = frame_times(clips.plate)
    tracks = tracks_of(comparison)
    return {
        "result": str(clips.result.path),
        "target": str(clips.plate.path),
        "units": {name: track.unit for name, track in TRACKS.items()},
        "moments": [asdict(moment) for moment in moments],
        "frames": [
            {"frame": frame, "time": round(float(times[frame]), 4)}
            | {name: None if np.isnan(values[k]) else round(float(values[k]), 4) for name, values in tracks.items()}
            for k, frame in enumerate(comparison.frames)
        ],
    }
