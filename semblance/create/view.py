"""How a model looks at a face of the plate, and how what it draws comes back: as an aligned crop, or in mesh space.

Both views have the same three steps: `look` cuts out of a frame what the model is shown, `draw` runs the model on a
batch of looks, `lay` gives the picture, the matrix and the mask that the one paste-back (finish/merge.py) takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any, Protocol

import cv2
import numpy as np
import torch

from ..faces.align import crop_matrix, move, part_of, take_crop
from ..faces.expression import expressions
from ..faces.mesh_space import with_rim
from ..faces.openings import gaps
from ..faces.own_skin import own_share, with_usual
from ..faces.wrap import seen, unwrap
from ..finish.mask_words import within
from ..finish.merge_options import MergeOptions
from ..finish.place import on_grid, resized
from ..finish.placed_mask import PlacedMask
from ..finish.restore import restored
from ..finish.steady_textures import steadied_texture
from ..finish.wear import SEEN_SIDE, skin_beyond, skin_only, wardrobe, wear
from ..processor import bf16_if_native
from ..types import Face
from .exposure import Light, drawn_in_any_light, lights_of, mean_under
from .restorer import BUILTIN, Restorer, open_restorer

_ENOUGH_BARE = 0.15  # of a face, to judge by that alone
_INNER = 5  # a crop's outer fifth shows background: no measure of the face


@dataclass(frozen=True, slots=True, eq=False)
class Laid:
    """crop (S, S, 3) float32 0..1; matrix (2, 3) frame pixels -> crop pixels; mask (S, S) 0..1 or None; points
    (VERTICES, 3), frame pixels: the mesh that it was drawn over, if any."""

    crop: np.ndarray
    matrix: np.ndarray
    mask: np.ndarray | None
    points: np.ndarray | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Openings:
    """What to add to each opening: at (3, K) how far the plate's stand open, change (3, K), both in face heights; rows
    mouth, right eye, left eye."""

    at: np.ndarray
    change: np.ndarray

    def __call__(self, plate: np.ndarray) -> np.ndarray:
        """The plate's openings (3,) -> what to add to each (3,)."""
        return np.array([np.interp(gap, *row) for gap, *row in zip(plate, self.at, self.change)])

    @staticmethod
    def of(told: dict | None) -> Openings:
        """From as_json(); none: nothing is added."""
        if told is None:
            return Openings(np.tile([0.0, 1.0], (3, 1)), np.zeros((3, 2)))
        return Openings(np.array(told["at"]), np.array(told["change"]))

    def as_json(self) -> dict:
        """Rounded lists."""
        return {"at": np.round(self.at, 5).tolist(), "change": np.round(self.change, 5).tolist()}


class View(Protocol):
    """See the module's docstring."""

    def settled(self, merge: MergeOptions) -> MergeOptions:
        """The options with what this view decides where they say auto. Raises ModelError where there is no restorer."""
        ...

    def look(self, pixels: np.ndarray, face: Face, aspect: float, free: PlacedMask | None = None) -> Any:
        """free: where nothing stands before the face, which alone tells how well the model knows it."""
        ...

    def draw(self, looks: list) -> tuple[list, np.ndarray]:
        """Drawn faces, and how badly the model redraws the target of each: mean error 0..1, (n,)."""
        ...

    def steadied(self, run: Mapping[int, Any], reach: int) -> Any:
        """What was drawn of one face in neighbouring frames, by their distance -> the middle one's, steadied."""
        ...

    def lay(self, pixels: np.ndarray, look: Any, drawn: Any, merge: MergeOptions) -> Laid: ...


def view_of(
    module: ModuleType, net: torch.nn.Module, header: dict, fine: bool = False, restorer: str = BUILTIN
) -> View:
    """The view that a model file asks for; fine: what is drawn is never rounded to eight bits; restorer: see
    SwapOptions."""
    if has_mesh(module):
        return MeshView(module, net, header, fine)
    return CropView(module, net, header, restorer)


def has_mesh(module: ModuleType) -> bool:
    """Whether a model draws in mesh space."""
    return getattr(module, "SPACE", "crop") == "mesh"


class CropView:
    """Aligned crops. The source's usual outline bounds the mask: a slimmer source leaves background inside a broader
    target's outline, so what both cover is laid down; a model's own mask takes its place."""

    def __init__(self, module: ModuleType, net: torch.nn.Module, header: dict, restorer: str = BUILTIN) -> None:
        notes = header["notes"]
        self.module, self.net, self.restorer = module, net, restorer
        self.restorers: dict[int, Restorer] = {}  # by their scale, opened when settings first ask for one
        self.size, self.share = header["config"]["size"], header["config"]["coverage"]
        self.stored, self.coverage = notes["crop_size"], notes["coverage"]
        self.draws_mask = getattr(module, "DRAWS_MASK", False)
        self.outline = None
        if "outline" in notes and not self.draws_mask:
            self.outline = _filled(np.array(notes["outline"], np.float32), self.size, self.share)

    def settled(self, merge: MergeOptions) -> MergeOptions:
        if merge.restore and merge.restore_scale not in self.restorers:
            self.restorers[merge.restore_scale] = open_restorer(self.restorer, merge.restore_scale)
        merge = merge.settled("hull*model" if self.draws_mask else "hull")
        return merge.changed(mask="hull*model") if merge.mask == "hull" and self.outline is not None else merge

    def look(self, pixels: np.ndarray, face: Face, aspect: float, free: PlacedMask | None = None) -> tuple:
        stored = crop_matrix(face.landmarks, self.stored, self.coverage, aspect)
        matrix = part_of(stored, self.stored, self.share, self.size)
        return take_crop(pixels, matrix, self.size), matrix, None if free is None else free.on(matrix, self.size)

    def draw(self, looks: list) -> tuple[list, np.ndarray]:
        return drawn_in_any_light(
            looks, self._draw, lambda look, light: (light.without(look[0]), *look[1:]),
            lambda drawn, light: (light.within(drawn[0]), drawn[1]),
        )  # fmt: skip

    def _draw(self, looks: list) -> tuple[list, np.ndarray, list[Light]]:
        batch = torch.from_numpy(np.stack([look[0] for look in looks])).permute(0, 3, 1, 2).float() / 255
        with torch.inference_mode():
            faces, masks = self.module.swap(self.net, batch, to="source")
            again, _ = self.module.swap(self.net, batch, to="target")
            inner = slice(self.size // _INNER, -(self.size // _INNER))
            again, shown = again[:, :, inner, inner], batch[:, :, inner, inner]
            counts = _counts(torch.ones(1, self.size, self.size), [look[2] for look in looks])[:, :, inner, inner]
            errors = mean_under(counts, (again - shown).abs())
            lights = lights_of(shown, again, counts)
        pictures = faces.permute(0, 2, 3, 1).contiguous().numpy()
        drawn = [None] * len(looks) if masks is None else list(masks[:, 0].numpy())
        return list(zip(pictures, drawn)), errors.numpy(), lights

    def steadied(self, run: Mapping[int, tuple], reach: int) -> tuple:
        return steadied_texture({away: face for away, (face, _) in run.items()}, reach), run[0][1]

    def lay(self, pixels: np.ndarray, look: tuple, drawn: tuple, merge: MergeOptions) -> Laid:
        face, mask = drawn
        matrix, mask = look[1], self.outline if mask is None else mask
        if merge.restore:
            face = restored(face, self.restorers[merge.restore_scale](face[None])[0], merge.restore)
            matrix, mask = on_grid(matrix, self.size, len(face)), None if mask is None else resized(mask, len(face))
        return Laid(face, matrix, mask)


@dataclass(frozen=True, slots=True, eq=False)
class _MeshLook:
    points: np.ndarray  # (VERTICES, 3) frame pixels
    texture: np.ndarray  # (S, S, 3) uint8
    bare: np.ndarray | None  # (S, S) 0..1: where nothing stands before the face
    visible: np.ndarray  # (s, s) 0..1, as `seen` tells: where skin faces the camera
    own: np.ndarray  # (S, S) 0..1: how far the texture is the face's own
    expression: np.ndarray  # (K,)
    gaps: np.ndarray  # (3,) how far mouth and eyes stand open, face heights


class MeshView:
    """Textures in mesh space, laid back over the plate's own mesh; the mask is the mesh's own."""

    def __init__(self, module: ModuleType, net: torch.nn.Module, header: dict, fine: bool = False) -> None:
        notes = header["notes"]
        self.module, self.net, self.size, self.fine = module, net, header["config"]["size"], fine
        shapes = (np.array(notes[side]["shape"], np.float32).reshape(-1, 3) for side in ("source", "target"))
        means = [_picture(getattr(net, f"{side}_mean")) for side in ("source", "target")]
        self.clothes = wardrobe(*shapes, *means)
        self.skin = skin_beyond(means[0])
        self.usual = cv2.resize(means[1], (self.size, self.size), interpolation=cv2.INTER_AREA)
        self.filling = self.skin - means[0].astype(np.float32) / 255  # skin where the mean that is drawn on has none
        self.openings = Openings.of(header["openings"])

    def settled(self, merge: MergeOptions) -> MergeOptions:
        merge = merge.settled("model", soft=True)
        # outside its own mask there is nothing to lay down, and it is drawn over the plate's own mesh, as fine as it is
        return merge.changed(mask=within(merge.mask, "model"), warp=0.0, restore=0.0)

    def look(self, pixels: np.ndarray, face: Face, aspect: float, free: PlacedMask | None = None) -> _MeshLook:
        points = with_rim(face.landmarks)
        square = face.landmarks * np.array([aspect, 1, 1], np.float32)
        told = expressions(square[None], np.array([face.pose[0]]), np.array([face.pose[1]]))[0]
        bare = None if free is None else unwrap(free.mask, move(points[:, :2], free.matrix), self.size)
        texture = unwrap(pixels, points, self.size)
        visible = seen(points, SEEN_SIDE)
        own = own_share(texture, self.usual, visible, bare)
        return _MeshLook(points, texture, bare, visible, own, told, gaps(square))

    def draw(self, looks: list[_MeshLook]) -> tuple[list, np.ndarray]:
        return drawn_in_any_light(
            looks, self._draw, lambda look, light: replace(look, texture=light.without(look.texture)),
            lambda drawn, light: light.within(drawn),
        )  # fmt: skip

    def _draw(self, looks: list[_MeshLook]) -> tuple[list, np.ndarray, list[Light]]:
        textures = np.stack([with_usual(look.texture, self.usual, look.own) for look in looks])
        textures = torch.from_numpy(textures).permute(0, 3, 1, 2).float() / 255
        told = torch.from_numpy(np.stack([look.expression for look in looks]))
        # what is drawn is a small change of the mean face, to which eight bits are enough; the mean stays float32
        with torch.inference_mode(), bf16_if_native():
            code = self.net.encode(textures, told, "target")
            drawn, again = (self.net.draw(code, person).clamp(0, 1) for person in ("source", "target"))
            counts = _counts(self.net.weight, [look.bare for look in looks])
            errors = mean_under(counts, (again - textures).abs())
            lights = lights_of(textures, again, counts)
            fine = self.module.detailed(self.net, drawn)
        drawn = fine.permute(0, 2, 3, 1).contiguous().numpy()
        return [skin_only(texture + self.filling, self.skin) for texture in drawn], errors.numpy(), lights

    def steadied(self, run: Mapping[int, np.ndarray], reach: int) -> np.ndarray:
        return steadied_texture(run, reach)

    def lay(self, pixels: np.ndarray, look: _MeshLook, drawn: np.ndarray, merge: MergeOptions) -> Laid:
        clothes, change = self.clothes, self.openings(look.gaps)
        worn = wear(
            drawn, pixels, look.texture, look.points, clothes, merge.shape, merge.light, merge.detail, change,
            self.fine, look.bare if merge.occluders == "keep" else None, look.visible,
        )  # fmt: skip
        return Laid(worn.crop, worn.matrix, worn.mask, worn.points)


def _counts(weight: torch.Tensor, bare: list[np.ndarray | None]) -> torch.Tensor:
    """How much each place of a face tells: weight (1, S, S) where it is bare, (n, 1, S, S); of a face that is covered
    nearly whole, everywhere."""
    counts = []
    for mask in bare:
        masked = weight if mask is None else weight * torch.from_numpy(mask)
        counts.append(masked if masked.sum() > _ENOUGH_BARE * weight.sum() else weight)
    return torch.stack(counts)


def _picture(mean: torch.Tensor) -> np.ndarray:
    """(3, T, T) 0..1 -> (T, T, 3) uint8."""
    return mean.permute(1, 2, 0).mul(255).round().to(torch.uint8).numpy()


def _filled(outline: np.ndarray, size: int, share: float) -> np.ndarray:
    """An outline (n, 2) in shares of the stored crop -> its mask (size, size) float32 0..1 in the network's crop."""
    points = (outline - 0.5) / share * size + (size - 1) / 2
    mask = np.zeros((size, size), np.uint8)
    cv2.fillConvexPoly(mask, np.round(points * 16).astype(np.int32), 255, cv2.LINE_AA, 4)
    return mask.astype(np.float32) / 255
