"""Makes the restorer's weights from seeds: film -> train -> measure on people never seen -> write at 16 bits.

    python scripts/train_restorer.py [--out out/restore_srgan] [--people 30] [--samples 110000] [--scales 2 4] [--ship]

OUT/film and OUT/held-out: sharp pictures of people who do not exist (filmed once); OUT/x2 and OUT/x4: the runs, with
which --resume goes on; OUT/x2.json and OUT/x2.png: how good it is. --ship writes the weights into the package. See
docs/models/restore_srgan.md.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch

from semblance.app.terminal import TerminalProgress
from semblance.create.claims import rendered
from semblance.create.film import WHAT
from semblance.create.restore import restore_train
from semblance.create.restorer import MODEL, PRESETS, Restorer, averaged, open_restorer, run_checkpoint
from semblance.faceset.degrade import DegradeOptions, Drawn, degraded, draw
from semblance.faceset.occluded import draw_sitting, film_sitting
from semblance.finish.restore import restored
from semblance.measures.sharpness import texture
from semblance.media.image import read_picture
from semblance.nn.gradients import gradient_deviation
from semblance.nn.similarity import dssim
from semblance.people.bodies import ICT_FILE, cache_folder, open_body
from semblance.runs import Progress, environment, write_json
from semblance.training.options import TrainOptions
from semblance.trust.publish import publish_picture
from semblance.weights import save_base

SEED, HELD_OUT_SEED, HELD_OUT = 3104, 8431, 6
SIDE = 384  # of a picture: a face of about 170 pixels from brow to lip, as large as 256 pixel crops show it
FINER = 2  # filmed so much larger and averaged down: as sharp as pixels can be, and the camera's noise halved
PICTURES = 8  # of each person
FACE = 256  # side of a held-out face
SOFT = {"mixed": None, "clean": 0.0, "soft": 0.5, "softest": 1.0}  # shares of the most blur of training
LICENCE = "Apache-2.0; trained on people who do not exist, drawn by this package"
_SHOWN, _LOOK, _EYE = 6, 96, (60, 100)  # rows of the sheet; side and corner of what it shows of a face


def film_faces(out: Path, people: int, seed: int, progress: Progress) -> None:
    """OUT/000012.png and so on, what is missing of it: sharp, without motion blur, labelled and signed; no watermark,
    which the net would learn to draw."""
    bodies = ["builtin", "ict"] if (cache_folder() / ICT_FILE).is_file() else ["builtin"]
    progress.stage("film", people, "people")
    for number in range(people):
        paths = [out / f"{number * PICTURES + k:06d}.png" for k in range(PICTURES)]
        if not all(path.exists() for path in paths):
            sitting = draw_sitting(seed, number, pictures=PICTURES)
            still = replace(sitting, views=tuple(replace(view, sweep=(0.0, 0.0)) for view in sitting.views))
            shots = film_sitting(still, open_body(bodies[number % len(bodies)]), FINER * SIDE)
            for path, shot in zip(paths, shots):
                small = cv2.resize(shot.picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
                publish_picture(path, np.ascontiguousarray(small), rendered(WHAT), mark=False)
        progress.advance()
    progress.done()


def measured(restorer: Restorer, folder: Path) -> tuple[dict, np.ndarray]:
    """Figures on held-out people against cubic enlargement, plain and with an unsharp mask that makes it as sharp as
    ours, by how soft the drawn face is; and a sheet of some of them."""
    truths = [_middle(read_picture(path)) for path in sorted(folder.glob("*.png"))]
    figures, tiles, options = {}, [], DegradeOptions()
    for name, blur in SOFT.items():
        rows = []
        for number, truth in enumerate(truths):
            drawn = _drawn(number, blur)
            coarse = degraded(truth, drawn, restorer.scale, options).astype(np.float32) / 255
            cubic = cv2.resize(coarse, truth.shape[1::-1], interpolation=cv2.INTER_CUBIC).clip(0, 1)
            ours = restored(coarse, restorer(coarse[None])[0], 1.0)
            wanted = truth.astype(np.float32) / 255
            unsharp = _as_sharp(cubic, _texture(ours), restorer.scale / 2)
            results = {"cubic": cubic, "cubic, unsharp": unsharp, "ours": ours}
            rows.append({way: _figures(picture, wanted) for way, picture in results.items()})
            if name == "mixed" and number % (len(truths) // _SHOWN) == 0:
                tiles.append(_strip(coarse, results, wanted))
        figures[name] = {
            way: {what: round(float(np.mean([row[way][what] for row in rows])), 4) for what in rows[0][way]}
            for way in rows[0]
        }
    return figures, np.vstack(tiles)


def _drawn(number: int, blur: float | None) -> Drawn:
    """Chances of a held-out picture: as in training, or clean and softened by `blur` of the most that training has."""
    drawn = draw(HELD_OUT_SEED, number)
    if blur is not None:
        drawn.chance.update(blur=np.array([blur, 1.0, 0.0]), noise=np.ones(3), packed=np.ones(5))
    return drawn


def _middle(picture: np.ndarray) -> np.ndarray:
    at = (SIDE - FACE) // 2
    return np.ascontiguousarray(picture[at : at + FACE, at : at + FACE])


def _luma(picture: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)


def _texture(picture: np.ndarray) -> float:
    """As measures/sharpness.py has it, in the middle of the face."""
    mask = np.zeros(picture.shape[:2], np.uint8)
    cv2.circle(mask, (FACE // 2, FACE // 2), FACE // 3, 1, -1)
    return texture(255 * _luma(picture), mask > 0)


def _as_sharp(picture: np.ndarray, wanted: float, sigma: float) -> np.ndarray:
    """The picture with the unsharp mask of `sigma` pixels that gives it that texture, found by halving."""
    blurred = cv2.GaussianBlur(picture, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    low, high = 0.0, 30.0
    for _ in range(20):
        amount = (low + high) / 2
        sharper = np.clip(picture + amount * (picture - blurred), 0, 1)
        low, high = (amount, high) if _texture(sharper) < wanted else (low, amount)
    return sharper


def _figures(picture: np.ndarray, truth: np.ndarray) -> dict:
    """PSNR and SSIM of luma without 4 pixels at the edge (as published), sharpness in the truth's, edges' deviation,
    and how far the colours drift: mean of the difference of all pixels, levels."""
    inner = (slice(4, -4), slice(4, -4))
    one, other = (torch.from_numpy(_luma(x)[inner].copy())[None, None] for x in (picture, truth))
    both = (torch.from_numpy(x).permute(2, 0, 1)[None] for x in (picture, truth))
    return {
        "psnr": float(-10 * torch.log10(((one - other) ** 2).mean())),
        "ssim": float(1 - 2 * dssim(one, other)),
        "sharpness": _texture(picture) / _texture(truth),
        "edges": float(gradient_deviation(*both)),
        "drift": 255 * float(np.abs((picture - truth).mean((0, 1))).max()),
    }


def _strip(coarse: np.ndarray, results: dict, truth: np.ndarray) -> np.ndarray:
    """Degraded, cubic, unsharp, ours, truth, side by side: an eye and the nose, four times as large."""
    down, right = _EYE
    blocks = cv2.resize(coarse, truth.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    pictures = (blocks, *results.values(), truth)
    row = np.hstack([picture[down : down + _LOOK, right : right + _LOOK] for picture in pictures])
    row = cv2.resize(row, None, fx=4, fy=4, interpolation=cv2.INTER_NEAREST)
    return np.rint(255 * row).clip(0, 255).astype(np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("out/restore_srgan"))
    parser.add_argument("--people", type=int, default=30)
    parser.add_argument("--samples", type=int, default=110_000)
    parser.add_argument("--scales", type=int, nargs="+", default=list(PRESETS), choices=list(PRESETS))
    parser.add_argument("--film-only", action="store_true")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--ship", action="store_true", help="write the weights into the package")
    asked = parser.parse_args()
    progress, out = TerminalProgress(), asked.out
    film_faces(out / "held-out", HELD_OUT, HELD_OUT_SEED, progress)
    film_faces(out / "film", asked.people, SEED, progress)
    for scale in [] if asked.film_only else asked.scales:
        run, preset = out / f"x{scale}", PRESETS[scale]
        options = TrainOptions(samples=asked.samples, seed=SEED, from_scratch=True)
        began = time.process_time()
        restore_train(out / "film", run, preset, options, asked.resume, progress)
        progress.done()
        restorer = open_restorer(run, scale)
        figures, sheet = measured(restorer, out / "held-out")
        facts = {"seed": SEED, "held_out_seed": HELD_OUT_SEED, "people": asked.people, "samples": asked.samples}
        told = facts | {"figures": figures, "cpu_seconds": time.process_time() - began, "environment": environment()}
        write_json(out / f"x{scale}.json", told)
        publish_picture(out / f"x{scale}.png", sheet, rendered(WHAT))
        print(json.dumps(figures, indent=1))
        if asked.ship:
            weights = averaged(run_checkpoint(run, Progress()))
            header = {"licence": LICENCE, "recipe": "scripts/train_restorer.py", **facts, "figures": figures["mixed"]}
            print(f"Wrote {save_base(MODEL, preset, weights, header)}")


if __name__ == "__main__":
    main()
