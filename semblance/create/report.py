"""What a swap leaves beside its result: OUT.report/ with a before/after strip, a contact sheet and report.json."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..finish.plan import MergePlan, write_plan
from ..media.probe import probe
from ..media.read import frames_at
from ..media.sheet import captioned, fitted, grid
from ..options import Options
from ..runs import Clock, Progress, beside, environment, new_folder, refuse_existing, write_json
from ..trust.publish import Claim, publish_picture
from ..types import ClipInfo
from .close_up import close_up
from .job import Record

_STRIP, _SHEET = 6, 24


@dataclass(frozen=True)
class SwapResult:
    """How a swap ended. Distances: dlib's, median and 95th percentile over the swapped frames."""

    out: Path
    report: Path
    frames: int
    swapped: int
    skipped: dict[str, int]
    to_source: tuple[float, float]
    to_target: tuple[float, float]

    def summary(self) -> str:
        """The last lines on the terminal: where the result is, how good it is, what was left out."""
        lines = [
            f"{self.out}: {self.swapped} of {self.frames} frames swapped; the face is {self.to_source[0]:.2f} from the "
            f"source and {self.to_target[0]:.2f} from the target (under 0.6 is the same person)."
        ]
        lines += [f"  left as the plate: {count} frames, {reason}" for reason, count in self.skipped.items()]
        return "\n".join([*lines, f"Pictures and figures: {self.report}"])


def report_folder(out: Path) -> Path:
    """c.mp4 -> c.report."""
    return beside(out.with_suffix(""), ".report")


def refuse_report(out: Path) -> None:
    """Raises OutputError if the report's place is taken by anything but the report of an earlier `out`."""
    folder = report_folder(out)
    try:
        earlier = json.loads((folder / "report.json").read_text(encoding="utf-8"))["result"]
    except (OSError, ValueError, KeyError, TypeError):
        earlier = ""
    if Path(earlier).name != out.name:  # a report lies beside its result: the name is enough
        refuse_existing(folder, "name")


def write_report(
    out: Path,
    info: ClipInfo,
    records: list[Record],
    header: dict,
    clock: Clock,
    plan: MergePlan,
    settled: MergePlan,
    encode: Options,
    options: Options,
    claim: Claim,
    trust: dict,
    progress: Progress,
) -> SwapResult:
    """Look at the finished file as anyone would, by decoding it, and write OUT.report/; plan: the merge, as it can be
    asked for again; settled: what it came to with this model; trust: what it says of consent, content gate and
    watermark."""
    progress.stage("report", None)
    swapped = [record for record in records if record.swapped]
    judged = _judged(records)
    result = SwapResult(
        out,
        report_folder(out),
        len(records),
        len(swapped),
        dict(Counter(record.reason for record in records if not record.swapped).most_common()),
        _figures([record.to_source for record in judged]),
        _figures([record.to_target for record in judged]),
    )
    refuse_report(out)
    if result.report.is_dir():
        shutil.rmtree(result.report)  # of an earlier result of this name that is no longer there
    with new_folder(result.report, "folder for the report") as folder:
        made = probe(out)
        # the result lacks the frames that the plate's decoder could not give, so its own numbers are the records'
        place = {record.index: number for number, record in enumerate(records)}
        strip = _strip(info, made, _chosen(judged, _STRIP), place)
        publish_picture(folder / "strip.png", strip, replace(claim, what="before and after", watermark=""))
        sheet = _sheet(made, _chosen(judged, _SHEET), place)
        publish_picture(folder / "sheet.png", sheet, replace(claim, what="contact sheet of a face swap", watermark=""))
        write_plan(folder / "merge.toml", plan)
        write_json(folder / "report.json", _as_json(result, records, header, clock, settled, encode, options, trust))
    progress.done()
    return result


def _figures(distances: list[float]) -> tuple[float, float]:
    return round(float(np.median(distances)), 4), round(float(np.percentile(distances, 95)), 4)


def _judged(records: list[Record]) -> list[Record]:
    """Those whose new face was compared with the source's: all that are swapped but the bridged ones."""
    return [record for record in records if record.to_source is not None]


def _as_json(result, records, header, clock, merge, encode, options, trust) -> dict:
    swapped = _judged(records)
    return {
        "result": str(result.out),
        "frames": result.frames,
        "swapped": result.swapped,
        "skipped": [
            {"frame": record.index, "time": round(record.time, 4), "reason": record.reason}
            for record in records
            if not record.swapped
        ],
        "carried": [record.index for record in records if record.carried],
        "bridged": [record.index for record in records if record.bridged],
        "identity": {
            "measure": "dlib distance, lower is nearer, under 0.6 is the same person",
            "to_source": {"median": result.to_source[0], "p95": result.to_source[1]},
            "to_target": {
                "median": result.to_target[0],
                "p5": round(float(np.percentile([record.to_target for record in swapped], 5)), 4),
            },
            "frames_under_0.50_to_source": _share([record.to_source < 0.5 for record in swapped]),
            "frames_over_0.60_to_target": _share([record.to_target > 0.6 for record in swapped]),
        },
        "seconds": {stage: round(seconds, 2) for stage, seconds in clock.seconds.items()},
        "options": {
            "merge": merge.as_json(),
            "encode": encode.model_dump(mode="json"),
            "swap": options.model_dump(mode="json"),
        },
        "model": {key: header[key] for key in ("model", "preset", "samples", "sha256")},
        "trust": trust,
        "environment": environment(),
        "per_frame": [
            {"frame": record.index, "to_source": record.to_source, "to_target": record.to_target} for record in swapped
        ],
    }


def _share(flags: list[bool]) -> float:
    return round(float(np.mean(flags)), 4)


def _chosen(records: list[Record], count: int) -> list[Record]:
    """Evenly spread over the clip."""
    return [records[n] for n in np.unique(np.linspace(0, len(records) - 1, count).astype(int))]


def _strip(plate: ClipInfo, made: ClipInfo, records: list[Record], place: dict[int, int]) -> np.ndarray:
    """Columns: moments. Rows: plate, result, and both faces from near. place: a plate's frame -> the result's."""
    rows: list[list[np.ndarray]] = [[], [], [], []]
    pairs = zip(
        frames_at(plate, [record.index for record in records]),
        frames_at(made, [place[record.index] for record in records]),
    )
    for record, (plate_frame, made_frame) in zip(records, pairs, strict=True):
        if plate_frame is None or made_frame is None:
            continue
        before, after = plate_frame.pixels, made_frame.pixels
        height = round(240 * before.shape[0] / before.shape[1])
        rows[0].append(captioned(fitted(before, height, 240), f"plate, {record.time:.2f} s"))
        rows[1].append(captioned(fitted(after, height, 240), f"result, {record.to_source:.2f} from the source"))
        rows[2].append(captioned(fitted(close_up(before, record.box, 1.35), 240, 240), "plate"))
        rows[3].append(captioned(fitted(close_up(after, record.box, 1.35), 240, 240), "result"))
    return np.vstack([grid(row, len(row)) for row in rows])


def _sheet(made: ClipInfo, records: list[Record], place: dict[int, int]) -> np.ndarray:
    """Faces of the result over the whole clip, each with its frame and its distance to the source."""
    tiles = []
    frames = frames_at(made, [place[record.index] for record in records])
    for record, frame in zip(records, frames, strict=True):
        if frame is None:
            continue
        face = fitted(close_up(frame.pixels, record.box, 1.5), 192, 192)
        tiles.append(captioned(face, f"#{record.index}  {record.to_source:.2f}"))
    return grid(tiles, 6, f"{made.path.name}: frame, identity distance to the source (under 0.6 is the same person)")
