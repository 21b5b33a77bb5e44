"""What the content gate costs, and how near harmless pictures come to its thresholds.

    python benchmarks/gate.py [--clips A.mpg B.mp4 ...] [--pictures DIR_OR_PICTURE ...] [--seed 0]

Every frame of each clip is judged (the gate itself looks every two seconds), then the gate is timed: at the way in
(extract) and at the way out (swap). Shown per group: how near the most suspicious picture comes to being refused (1),
and the highest score of each class that counts. Skin-coloured shapes, noise and plain frames are drawn here; close-ups
are random parts, 15 to 80 % of the height and at least 64 pixels, of --pictures and of the first frame of --clips.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from semblance.errors import Refused
from semblance.media.folder import pictures_in
from semblance.media.image import read_picture
from semblance.media.opening import STILLS
from semblance.media.probe import probe
from semblance.media.read import read_frames
from semblance.trust.content import LIMITS, check_content, found_in, installed_net, nearness
from semblance.trust.leaving import Lookout

SKINS = ((255, 224, 196), (240, 200, 170), (224, 172, 140), (198, 134, 98), (141, 85, 54), (88, 52, 36))


def drawn(seed: int, count: int = 40) -> Iterator[tuple[str, np.ndarray]]:
    """Plain frames, noise, and shapes in the colours of skin: smooth, in pairs, with creases, as on a beach."""
    rng = np.random.default_rng(seed)
    for level in (0, 128, 255):
        yield f"plain {level}", np.full((288, 360, 3), level, np.uint8)
    for skin in SKINS:
        yield "plain skin", np.full((360, 640, 3), skin, np.uint8)
    for _ in range(count):
        noise = rng.integers(0, 256, (288, 360, 3), dtype=np.uint8)
        yield "noise", noise
        skin = np.array(SKINS[rng.integers(len(SKINS))], np.float32)
        rough = cv2.resize(rng.standard_normal((12, 20)).astype(np.float32), (640, 360), interpolation=cv2.INTER_CUBIC)
        yield "skin-coloured clouds", np.clip(skin * (1 + 0.15 * rough[..., None]), 0, 255).astype(np.uint8)
        yield "skin-coloured shapes", shapes(rng, skin)


def shapes(rng: np.random.Generator, skin: np.ndarray) -> np.ndarray:
    """Shaded ellipses of one skin before sand and sky."""
    picture = np.empty((360, 640, 3), np.float32)
    picture[:180], picture[180:] = (150, 190, 230), (220, 200, 160)
    y, x = np.mgrid[0:360, 0:640].astype(np.float32)
    for _ in range(rng.integers(2, 7)):
        cx, cy = rng.uniform(80, 560), rng.uniform(60, 320)
        a, b, turn = rng.uniform(25, 150), rng.uniform(20, 90), rng.uniform(0, np.pi)
        u = ((x - cx) * np.cos(turn) + (y - cy) * np.sin(turn)) / a
        v = ((y - cy) * np.cos(turn) - (x - cx) * np.sin(turn)) / b
        inside = np.clip(1 - u * u - v * v, 0, None)
        alpha = np.clip(inside * 20, 0, 1)[..., None]
        picture = picture * (1 - alpha) + alpha * skin * (0.6 + 0.4 * np.sqrt(inside))[..., None]
    return np.clip(cv2.GaussianBlur(picture, (0, 0), 1) + rng.normal(0, 3, picture.shape), 0, 255).astype(np.uint8)


def seen(path: Path) -> Iterator[np.ndarray]:
    """Every frame of a clip, every picture of a folder."""
    if path.is_dir():
        yield from map(read_picture, pictures_in(path))
    elif path.suffix.lower() in (".png", ".jpg", ".jpeg", ".webp"):
        yield read_picture(path)
    else:
        yield from (frame.pixels for frame in read_frames(probe(path)))


def close_ups(pixels: np.ndarray, rng: np.random.Generator, count: int = 10) -> Iterator[np.ndarray]:
    """Random parts: eyes, mouths, cheeks, half a face."""
    height, width = pixels.shape[:2]
    for _ in range(count):
        h = min(max(int(height * rng.uniform(0.15, 0.8)), 64), height)
        w = int(min(width, h * rng.uniform(0.7, 1.6)))
        top, left = rng.integers(0, height - h + 1), rng.integers(0, width - w + 1)
        yield pixels[top : top + h, left : left + w]


def judge(name: str, looks: list[dict[str, float]]) -> None:
    near = [nearness(found) for found in looks]
    tops = ", ".join(f"{kind.lower()} {max(found[kind] for found in looks):.2f}" for kind in LIMITS)
    print(f"{name:24} {len(looks):4} pictures, nearest {max(near):.2f}, median {np.median(near):.2f}: {tops}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", nargs="*", type=Path, default=[])
    parser.add_argument("--pictures", nargs="*", type=Path, default=[])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only-time", action="store_true")
    asked = parser.parse_args()
    began = time.perf_counter()
    net = installed_net()
    print(f"loading the net: {time.perf_counter() - began:.2f} s")
    if not asked.only_time:
        rng, groups = np.random.default_rng(asked.seed), {}
        for path in [*asked.clips, *asked.pictures]:
            for number, pixels in enumerate(seen(path)):
                groups.setdefault(path.name, []).append(found_in(pixels, net))
                if number == 0 or path in asked.pictures:
                    groups.setdefault("close-ups", []).extend(found_in(part, net) for part in close_ups(pixels, rng))
        for name, pixels in drawn(asked.seed):
            groups.setdefault(name, []).append(found_in(pixels, net))
        for name, looks in groups.items():
            judge(name, looks)
    for path in [*asked.clips, *asked.pictures]:
        began, used = time.perf_counter(), time.process_time()
        try:
            (checked,) = check_content(path, detector=net)
        except Refused as error:
            print(f"REFUSED: {error}")
            continue
        wall, cpu = time.perf_counter() - began, time.process_time() - used
        print(f"{path.name:34} {checked.figures()}, coming in: {wall:.2f} s ({cpu:.2f} s of CPU)", end="")
        print("" if path.suffix in STILLS else f", going out: {going_out(path):.2f} s of CPU")


def going_out(path: Path) -> float:
    """Seconds of CPU that the gate takes of a swap of this plate: looks at frames that are decoded in any case."""
    info, used = probe(path), 0.0
    lookout = Lookout(info)
    for frame in read_frames(info):
        began = time.process_time()
        if lookout.wants(frame.time):
            lookout.see(frame.time, frame.pixels)
        used += time.process_time() - began
    return used


if __name__ == "__main__":
    main()
