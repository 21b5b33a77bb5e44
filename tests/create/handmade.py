"""A swapper of two people who don't exist, put together by hand in seconds: nothing is trained and hardly anything
filmed. Its net draws the source's mean face; where that goes, in what light and form, is the real thing."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import torch

from semblance.create.film import FilmOptions, cast
from semblance.faces.identity import identity_chip, identity_vectors
from semblance.faces.mesh_space import with_rim
from semblance.faces.shape import own_shape
from semblance.faces.track import FaceTracker
from semblance.faces.wrap import unwrap
from semblance.models import choose_preset, load_model_file
from semblance.people.bodies import open_body
from semblance.people.film import film
from semblance.types import Face
from semblance.weights import save_checkpoint
from tests.permitted import let

SIZE = 360, 256  # width, height of what `moving` shows


@lru_cache(maxsize=1)
def stills() -> tuple[np.ndarray, np.ndarray]:
    """Source and target, (256, 256, 3) each."""
    options, body = FilmOptions(people=2, seconds=1, size=256, body="builtin", seed=3), open_body("builtin")
    return tuple(next(film(cast(options, number, body), 0, 1))[0].pixels for number in (0, 1))


@lru_cache(maxsize=1)
def faces() -> tuple[tuple[Face, np.ndarray], ...]:
    """Of each: the face in the still and its identity (1, 128)."""
    found = []
    for pixels in stills():
        tracker = FaceTracker()
        face = tracker.step(pixels)[0]
        tracker.close()
        found.append((face, identity_vectors([identity_chip(pixels, face)])))
    return tuple(found)


def moving(count: int, who: int = 1) -> list[np.ndarray]:
    """(256, 360, 3) uint8: one of the two (1: the target), who sways and comes nearer."""
    shown = []
    for k in range(count):
        matrix = cv2.getRotationMatrix2D((128, 128), 2 * np.sin(k), 1 + 0.01 * k)
        matrix[:, 2] += (52 + 2 * k, 3 * np.cos(k))
        shown.append(
            cv2.warpAffine(stills()[who], matrix, SIZE, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        )
    return shown


def handmade_run(folder: Path, model: str = "swap_mesh") -> Path:
    """The folder of a run whose net has learned nothing; the source's consent is entered."""
    module = load_model_file(model)
    config = choose_preset(module, "tiny").changed(size=64)
    torch.manual_seed(0)
    net, notes = module.Net(config), {"coverage": "face", "crop_size": 128}
    for number, side in enumerate(("source", "target")):
        face, identity = faces()[number]
        notes[side] = {
            "clips": [],
            "identity": identity[0].tolist(),
            "shape": own_shape(face.landmarks[None]).ravel().tolist(),
        }
        if model == "swap_mesh":
            mean = unwrap(stills()[number], with_rim(face.landmarks), 2 * config.size)
            getattr(net, f"{side}_mean").copy_(torch.from_numpy(mean).permute(2, 0, 1) / 255)
    let(faces()[0][1], "a person who does not exist")
    header = {"model": model, "preset": "tiny", "config": config.model_dump(), "samples": 1, "notes": notes}
    save_checkpoint(folder / "checkpoints", {f"ema.{k}": v.numpy() for k, v in net.state_dict().items()}, header)
    return folder
