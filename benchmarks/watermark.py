"""What the watermark survives, what it costs, and how often it is seen where there is none.

    python benchmarks/watermark.py CLIP ... [--out out/watermark] [--quick]        the table of attacks
    python benchmarks/watermark.py CLIP ... [--out out/watermark] --unmarked 20000 frames without a mark

Each clip is played forth and back to 5 seconds, marked with a number of its own as if the face in it were a new one,
encoded at the project's default, then attacked; "found" counts any number read, "right" the one that was put in.
Geometric attacks and changes of brightness and rate are encoded again (H.264 crf 23). Clips that are done already are
not done again, so it can be stopped and go on. It ends with one table and OUT/watermark.json: commit, machine, every
figure. --unmarked makes clips of 40 frames out of the unmarked ones (cropped, resized, encoded, turned), and of noise,
flat colour, gradients, gratings and text.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import subprocess
import time
import zlib
from collections.abc import Callable
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from semblance.faces.mask import spared_mask
from semblance.faces.track import FaceTracker
from semblance.media.encode import EncodeOptions, encoder_settings, usual_priority
from semblance.runs import environment, write_json
from semblance.trust.marking import Marking
from semblance.trust.watermark_find import find_mark
from semblance.types import Patch

FRAMES, RATE = 125, 25
LENGTH = 40  # frames of an unmarked clip
Clip = list[np.ndarray]  # frames (3 H / 2, W) uint8, planar 4:2:0, limited range

DEFAULT = encoder_settings(EncodeOptions())
AVC = {crf: ("libx264", {"crf": str(crf), "preset": "medium"}) for crf in (23, 28, 33)}
HEVC = ("libx265", {"crf": "28", "preset": "medium", "x265-params": "log-level=none"})
VP9 = ("libvpx-vp9", {"crf": "33", "b": "0", "deadline": "good", "cpu-used": "4"})
AV1 = encoder_settings(EncodeOptions(codec="av1", quality=35, speed="medium"))


def load(path: Path, count: int = FRAMES) -> Clip:
    """A clip's first frames, forth and back until there are `count`."""
    with av.open(str(path)) as container:
        frames = []
        for frame in container.decode(video=0):
            even = frame.reformat(frame.width // 2 * 2, frame.height // 2 * 2, "yuv420p")
            frames.append(even.to_ndarray())
            if len(frames) == count:
                break
    order = [*range(len(frames)), *range(len(frames) - 2, 0, -1)]
    return [frames[order[number % len(order)]].copy() for number in range(count)]


def luma(frame: np.ndarray) -> np.ndarray:
    """A view of the frame's luma plane (H, W)."""
    return frame[: frame.shape[0] * 2 // 3]


def planes(frame: np.ndarray) -> list[np.ndarray]:
    """Views (H, W), (H / 2, W / 2) twice."""
    height, width = frame.shape[0] * 2 // 3, frame.shape[1]
    chroma = frame[height:].reshape(2, height // 2, width // 2)
    return [frame[:height], chroma[0], chroma[1]]


def packed(parts: list[np.ndarray]) -> np.ndarray:
    """The frame of three planes."""
    return np.concatenate([part.ravel() for part in parts]).reshape(-1, parts[0].shape[1])


def coded(clip: Clip, encoder: tuple[str, dict[str, str]], rate: int = RATE) -> Clip:
    """The clip encoded and decoded again."""
    name, settings = encoder
    with io.BytesIO() as file:
        with av.open(file, "w", format="matroska") as container:
            stream = container.add_stream(name, Fraction(rate), options=settings)
            stream.height, stream.width, stream.pix_fmt = clip[0].shape[0] * 2 // 3, clip[0].shape[1], "yuv420p"
            for frame in clip:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="yuv420p")))
            container.mux(stream.encode())
        usual_priority()
        file.seek(0)
        with av.open(file) as container:
            return [frame.to_ndarray() for frame in container.decode(video=0)]


def scaled(clip: Clip, factor: float) -> Clip:
    """Width and height times factor, to even numbers; bicubic, as players and editors do."""
    height, width = clip[0].shape[0] * 2 // 3, clip[0].shape[1]
    return resized(clip, round(height * factor / 2) * 2, round(width * factor / 2) * 2)


def resized(clip: Clip, height: int, width: int) -> Clip:
    natives = (av.VideoFrame.from_ndarray(frame, format="yuv420p") for frame in clip)
    return [native.reformat(width, height, interpolation="BICUBIC").to_ndarray() for native in natives]


def there_and_back(clip: Clip, factor: float) -> Clip:
    return resized(scaled(clip, factor), clip[0].shape[0] * 2 // 3, clip[0].shape[1])


def cropped(clip: Clip, keep: float, chance: np.random.Generator) -> Clip:
    """`keep` of width and height, at an offset drawn once for the clip."""
    height, width = clip[0].shape[0] * 2 // 3, clip[0].shape[1]
    tall, wide = round(height * keep / 2) * 2, round(width * keep / 2) * 2
    y, x = 2 * chance.integers((height - tall) // 2 + 1), 2 * chance.integers((width - wide) // 2 + 1)
    return [
        packed([p[y // s :, x // s :][: tall // s, : wide // s] for s, p in zip((1, 2, 2), planes(frame))])
        for frame in clip
    ]


def cropped_and_back(clip: Clip, keep: float, chance: np.random.Generator) -> Clip:
    return resized(cropped(clip, keep, chance), clip[0].shape[0] * 2 // 3, clip[0].shape[1])


def mirrored(clip: Clip) -> Clip:
    return [packed([plane[:, ::-1] for plane in planes(frame)]) for frame in clip]


def brightened(clip: Clip, factor: float) -> Clip:
    """Luma above black times factor."""
    table = np.clip((np.arange(256) - 16) * factor + 16.5, 0, 255).astype(np.uint8)
    return [packed([table[p] if k == 0 else p for k, p in enumerate(planes(frame))]) for frame in clip]


def at_30(clip: Clip) -> Clip:
    """Every fifth frame shown twice: 25 frames a second for 30."""
    return [frame for number, frame in enumerate(clip) for frame in [frame] * (1 + (number % 5 == 4))]


def as_rgb(frame: np.ndarray) -> np.ndarray:
    return av.VideoFrame.from_ndarray(frame, format="yuv420p").to_ndarray(format="rgb24")


def as_jpeg(frame: np.ndarray, quality: int = 70) -> np.ndarray:
    """(H, W, 3) RGB after JPEG."""
    data = cv2.imencode(".jpg", as_rgb(frame)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1].copy()


ATTACKS: dict[str, Callable[[Clip, np.random.Generator], Clip]] = {
    "none (default encode)": lambda clip, _: clip,
    "H.264 crf 23": lambda clip, _: coded(clip, AVC[23]),
    "H.264 crf 28": lambda clip, _: coded(clip, AVC[28]),
    "H.264 crf 33": lambda clip, _: coded(clip, AVC[33]),
    "HEVC crf 28": lambda clip, _: coded(clip, HEVC),
    "VP9 crf 33": lambda clip, _: coded(clip, VP9),
    "AV1 crf 35": lambda clip, _: coded(clip, AV1),
    "scaled to 50 % and back": lambda clip, _: coded(there_and_back(clip, 0.5), AVC[23]),
    "scaled to 50 %": lambda clip, _: coded(scaled(clip, 0.5), AVC[23]),
    "scaled to 75 %": lambda clip, _: coded(scaled(clip, 0.75), AVC[23]),
    "scaled to 150 %": lambda clip, _: coded(scaled(clip, 1.5), AVC[23]),
    "cropped to 80 %": lambda clip, chance: coded(cropped(clip, 0.8, chance), AVC[23]),
    "cropped to 80 %, scaled back": lambda clip, chance: coded(cropped_and_back(clip, 0.8, chance), AVC[23]),
    "cropped to 80 %, crf 28": lambda clip, chance: coded(cropped(clip, 0.8, chance), AVC[28]),
    "mirrored": lambda clip, _: coded(mirrored(clip), AVC[23]),
    "brightness +10 %": lambda clip, _: coded(brightened(clip, 1.1), AVC[23]),
    "brightness -10 %": lambda clip, _: coded(brightened(clip, 0.9), AVC[23]),
    "25 -> 30 frames/s": lambda clip, _: coded(at_30(clip), AVC[23], 30),
    "50 % and back, crf 28": lambda clip, _: coded(there_and_back(clip, 0.5), AVC[28]),
    "crf 28, then 50 % and back": lambda clip, _: there_and_back(coded(clip, AVC[28]), 0.5),
    "crf 28 at 50 % size": lambda clip, _: coded(scaled(clip, 0.5), AVC[28]),
}


def judge(frames: list[np.ndarray], payload: int) -> dict:
    """What the detector says of frames that carry `payload`."""
    began = time.process_time()
    found = find_mark(frames)
    return {
        "found": found.payload is not None, "right": found.payload == payload, "log10_false": found.log10_false,
        "scale": found.scale, "seconds": time.process_time() - began,
    }  # fmt: skip


def spared(frame: np.ndarray, tracker: FaceTracker) -> list[Patch]:
    """What the mark keeps off where a swap lays new faces."""
    shape = luma(frame).shape
    return [Patch(0, 0, frame, spared_mask(face.landmarks, shape)) for face in tracker.step(as_rgb(frame))]


def measure(path: Path) -> dict:
    """All attacks on one clip."""
    chance = np.random.default_rng(zlib.crc32(path.name.encode()))
    payload = int(chance.integers(2**64, dtype=np.uint64))
    plain, marked = load(path), load(path)
    height, width = luma(plain[0]).shape
    marking = Marking(f"{payload:016x}")
    with closing(FaceTracker(1.0)) as tracker:
        new_faces = [spared(frame, tracker) for frame in plain]
    marking.luma(luma(plain[0]).copy(), 8)  # what is compiled is loaded once
    began = time.process_time()
    for frame, patches in zip(marked, new_faces):
        marking.luma(luma(frame), 8, patches)
    cost = 1e3 * (time.process_time() - began) / len(marked)
    noise = [cv2.PSNR(luma(a), luma(b)) for a, b in zip(plain, marked)]
    rgb = as_rgb(plain[0])
    changed = rgb.copy()
    marking.rgb(changed)
    clip = coded(marked, DEFAULT)
    results = {}
    for name, attack in ATTACKS.items():
        results[name] = [judge([luma(frame) for frame in attack(clip, chance)], payload)]
    results["JPEG 70, the clip as stills"] = [judge([as_jpeg(frame) for frame in clip[::5]], payload)]
    results["one still, PNG"] = [judge([as_rgb(frame)], payload) for frame in clip[::25]]
    results["one still, JPEG 70"] = [judge([as_jpeg(frame)], payload) for frame in clip[::25]]
    return {
        "size": [width, height], "milliseconds": cost, "psnr_luma": [min(noise), statistics.mean(noise)],
        "psnr_rgb": cv2.PSNR(rgb, changed), "attacks": results,
    }  # fmt: skip


def table(clips: dict[str, dict]) -> str:
    """One line per clip, then one per attack."""
    lines = ["| clip | size | ms a frame | PSNR of luma, least and mean | PSNR of RGB |", "|---|---|---|---|---|"]
    for name, row in clips.items():
        least, mean = row["psnr_luma"]
        size = "x".join(map(str, row["size"]))
        lines.append(
            f"| {name} | {size} | {row['milliseconds']:.2f} | {least:.1f}, {mean:.1f} | {row['psnr_rgb']:.1f} |"
        )
    lines += [
        "",
        "| attack | tried | found | right | median log10 p | worst | seconds |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in next(iter(clips.values()))["attacks"]:
        rows = [one for clip in clips.values() for one in clip["attacks"][name]]
        chances = [one["log10_false"] for one in rows]
        found, right = (sum(one[key] for one in rows) for key in ("found", "right"))
        seconds = statistics.median(one["seconds"] for one in rows)
        lines.append(
            f"| {name} | {len(rows)} | {found} | {right} ({right / len(rows):.0%}) "
            f"| {statistics.median(chances):.0f} | {max(chances):.1f} | {seconds:.2f} |"
        )
    return "\n".join(lines)


def unmarked_clip(number: int, sources: list[Clip]) -> list[np.ndarray]:
    """LENGTH frames (H, W) that carry no mark: seven in ten out of the sources, the rest drawn."""
    chance = np.random.default_rng([7, number])
    kind = number % 10
    if kind < 7:
        source = sources[int(chance.integers(len(sources)))]
        start = int(chance.integers(len(source) - LENGTH))
        clip = cropped(source[start : start + LENGTH], chance.uniform(0.6, 1), chance)
        clip = scaled(clip, 10 ** chance.uniform(-0.2, 0.2))
        clip = mirrored(clip) if chance.random() < 0.5 else clip
        clip = coded(clip, AVC[33]) if chance.random() < 0.2 else clip
        return [luma(frame) for frame in clip]
    height, width = chance.integers(144, 721, 2)
    y, x = np.mgrid[0:height, 0:width]
    steady = np.zeros((height, width))
    if kind == 7:  # noise of some fineness that stands still, under noise that does not
        grain = chance.standard_normal((height // chance.integers(1, 12) + 2, width // chance.integers(1, 12) + 2))
        steady = 40 * cv2.resize(grain, (int(width), int(height)), interpolation=cv2.INTER_CUBIC)
    elif kind == 8:  # flat, gradients, gratings
        for _ in range(chance.integers(0, 4)):
            length, angle = chance.uniform(3, 60), chance.uniform(0, np.pi)
            wave = np.sin(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / length + chance.uniform(0, 6))
            steady = steady + 20 * (np.sign(wave) if chance.random() < 0.5 else wave)
        steady = steady + chance.uniform(-0.2, 0.2) * x
    else:
        steady = np.full((height, width), 90.0)
        for line in range(int(chance.integers(8, 24)), int(height), int(chance.integers(12, 40))):
            text = "".join(map(chr, chance.integers(33, 127, 60)))
            cv2.putText(steady, text, (4, line), int(chance.integers(8)), chance.uniform(0.3, 1.2), -90, 1, cv2.LINE_AA)
    noise = chance.choice([0, 1, 8])
    frames = (128 + steady + noise * chance.standard_normal(steady.shape) for _ in range(LENGTH))
    return [np.clip(frame, 0, 255).astype(np.uint8) for frame in frames]


def watch_unmarked(paths: list[Path], frames: int, seconds: float, done: dict) -> dict:
    """Look for marks where there are none, for at most `seconds`; goes on from `done`."""
    sources = [load(path, 100) for path in paths]
    done = done or {"frames": 0, "found": 0, "marked": 0, "log10_false": []}
    began = time.perf_counter()
    while done["frames"] < frames and time.perf_counter() - began < seconds:
        clip = unmarked_clip(done["frames"] // LENGTH, sources)
        found = find_mark(clip)
        done["frames"] += len(clip)
        done["found"] += found.payload is not None
        done["marked"] += found.marked
        done["log10_false"].append(round(found.log10_false, 2))
    return done


def commit() -> str:
    """The checkout's commit, with a plus if it was changed since."""
    told = subprocess.run(["git", "describe", "--always", "--dirty=+"], capture_output=True, text=True, check=False)
    return told.stdout.strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, default=Path("out/watermark"))
    parser.add_argument("--quick", action="store_true", help="the first two clips only")
    parser.add_argument("--unmarked", type=int, default=0, metavar="FRAMES")
    parser.add_argument("--seconds", type=float, default=np.inf, help="of --unmarked; the rest is done another time")
    asked = parser.parse_args()
    store = asked.out / "watermark.json"
    told = json.loads(store.read_text(encoding="utf-8")) if store.exists() else {"clips": {}, "unmarked": {}}
    told |= {"commit": commit(), "environment": environment()}
    if asked.unmarked:
        told["unmarked"] = watch_unmarked(asked.clips, asked.unmarked, asked.seconds, told["unmarked"])
        write_json(store, told)
        seen = told["unmarked"]
        print(f"{seen['frames']} unmarked frames in {len(seen['log10_false'])} clips: {seen['found']} numbers read, "
              f"{seen['marked']} taken for marked, lowest log10 p {min(seen['log10_false'])}")  # fmt: skip
        return
    for path in asked.clips[: 2 if asked.quick else None]:
        if path.name not in told["clips"]:
            told["clips"][path.name] = measure(path)
            write_json(store, told)
            print(f"{path.name}: done", flush=True)
    print(table(told["clips"]))
    print(f"Stored in {store}")


if __name__ == "__main__":
    main()
