"""Makes the occlusion mask's weights from seeds: film -> train -> measure on people never seen -> write at 16 bits.

    python scripts/train_occlusion_mask.py [--out out/mask_xseg] [--pictures 4800] [--minutes 90] [--resume] [--ship]
    python scripts/train_occlusion_mask.py --onwards --seed 2027 --pictures 780 --samples 60000 [--ship]
    python scripts/train_occlusion_mask.py --onwards --seed 2028 --glasses 0.8 --also out/mask-2/film ... [--ship]

OUT/film and OUT/held-out: the pictures (filmed once, more may be asked for later); OUT/run: the training run;
OUT/measured.json, OUT/held-out.png: how good the masks are, by what covers the face. --resume goes on with the run;
--onwards begins with the weights in the package, and is gentle with them; --ship writes the weights there. See
docs/models/mask_xseg.md.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np

from semblance.app.terminal import TerminalProgress
from semblance.create.claims import rendered
from semblance.create.mask import mask_train, tinted
from semblance.create.occlusion_mask import MODEL, averaged, open_occlusion_mask, run_checkpoint
from semblance.create.occlusions import OcclusionOptions, film_occlusions, read_covers
from semblance.faceset.disturb import plain
from semblance.faceset.masked import load_labelled
from semblance.measures.masks import score_masks
from semblance.media.sheet import captioned, grid
from semblance.runs import Progress, environment, write_json
from semblance.training.options import TrainOptions
from semblance.trust.publish import publish_picture
from semblance.weights import save_base

SEED, HELD_OUT_SEED, HELD_OUT = 2026, 7062, 240
LICENCE = "Apache-2.0; trained on people who do not exist, drawn by this package"
_SHOWN, _COLUMNS = 60, 10
_GENTLE = 6e-4  # learning rate of --onwards


def measured(run: Path, folder: Path, side: int) -> tuple[dict, np.ndarray]:
    """Figures on the held-out people, by what covers the face, and a sheet of some of them."""
    mask = open_occlusion_mask(run)
    pictures, truth = load_labelled(folder, side, Progress())
    covers, kinds = read_covers(folder)
    crops, wanted, cover = (
        np.stack([plain(picture, mask.size) for picture in stack]) for stack in (pictures, truth, covers)
    )
    began = time.process_time()
    drawn = mask(crops)
    seconds = (time.process_time() - began) / len(crops)
    wanted, cover = wanted / np.float32(255), cover / np.float32(255)
    groups = {"all": np.ones(len(kinds), bool)} | {
        kind or "nothing": np.array([name == kind for name in kinds]) for kind in sorted(set(kinds))
    }
    figures = {
        name: asdict(score_masks(drawn[rows], wanted[rows], cover[rows])) for name, rows in groups.items() if rows.any()
    }
    chosen = np.linspace(0, len(crops) - 1, min(_SHOWN, len(crops))).round().astype(int)
    tiles = []
    for k in chosen:
        score = score_masks(drawn[k : k + 1], wanted[k : k + 1], cover[k : k + 1])
        pair = np.hstack([tinted(crops[k], drawn[k]), tinted(crops[k], wanted[k])])
        tiles.append(
            captioned(pair, f"{kinds[k] or 'nothing'}: IoU {score.overlap:.2f}, left out {score.left_out:.2f}")
        )
    return {"figures": figures, "cpu_seconds_a_face": seconds}, grid(tiles, _COLUMNS // 2, "drawn | true")


def ship(run: Path, preset: str, facts: dict) -> Path:
    """Write the run's averaged weights at 16 bits where the package looks for them."""
    weights = {name: value.numpy() for name, value in averaged(run_checkpoint(run, Progress())).items()}
    return save_base(MODEL, preset, weights, {"licence": LICENCE, "recipe": "scripts/train_occlusion_mask.py", **facts})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("out/mask_xseg"))
    parser.add_argument("--pictures", type=int, default=4800)
    parser.add_argument("--held-out", type=int, default=HELD_OUT, dest="held_out")
    parser.add_argument("--minutes", type=float, default=90.0)
    parser.add_argument("--side", type=int, default=192, help="of a picture; 384 for the preset 'paper'")
    parser.add_argument("--preset", default="small")
    parser.add_argument("--seed", type=int, default=SEED, help="of the people that are learned from")
    parser.add_argument("--samples", type=int, help="instead of minutes")
    parser.add_argument("--onwards", action="store_true", help="begin with the package's weights")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--ship", action="store_true", help="write the weights into the package")
    parser.add_argument("--glasses", type=float, default=0.4, help="share of the filmed people who wear them")
    parser.add_argument("--also", type=Path, nargs="*", default=[], help="other films to learn from")
    asked = parser.parse_args()
    progress, out = TerminalProgress(), asked.out
    facts = {
        "seed": asked.seed,
        "onwards": asked.onwards,
        "held_out_seed": HELD_OUT_SEED,
        "pictures": asked.pictures,
        "held_out": asked.held_out,
        "glasses": asked.glasses,
        "also": [str(folder) for folder in asked.also],
    }
    for name, pictures, seed in (("film", asked.pictures, asked.seed), ("held-out", asked.held_out, HELD_OUT_SEED)):
        options = OcclusionOptions(pictures=pictures, seed=seed, side=asked.side, glasses=asked.glasses)
        print(film_occlusions(out / name, options, progress).summary())
    length = {"samples": asked.samples} if asked.samples else {"minutes": asked.minutes}
    options = TrainOptions(**length, seed=asked.seed, from_scratch=not asked.onwards)
    if asked.onwards:
        options = options.changed(learning_rate=_GENTLE)
    films = [out / "film", *asked.also]
    result = mask_train(
        films, out / "run", preset=asked.preset, options=options, resume=asked.resume, progress=progress
    )
    progress.done()
    told, sheet = measured(out / "run", out / "held-out", asked.side)
    told |= facts | {"samples": result.samples, "minutes": result.seconds / 60, "environment": environment()}
    write_json(out / "measured.json", told)
    publish_picture(out / "held-out.png", sheet, rendered("masks of people who do not exist"))
    for name, row in told["figures"].items():
        print(
            f"{name:<12} {row['pictures']:>4} pictures  IoU {row['overlap']:.3f}  pooled {row['pooled']:.3f}  "
            f"cover left out {row['left_out']:.3f}  face kept {row['kept']:.3f}"
        )
    print(f"{1000 * told['cpu_seconds_a_face']:.1f} ms of one core a face; look at {out / 'held-out.png'}")
    if asked.ship:
        shipped = facts | {"samples": result.samples, "figures": told["figures"]["all"]}
        print(f"Wrote {ship(out / 'run', asked.preset, shipped)}")


if __name__ == "__main__":
    main()
