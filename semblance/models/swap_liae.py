"""DeepFaceLab's LIAE: codes in two halves, one that both people share and one of the target's own; one decoder for all.

Perov et al. 2020 (DeepFaceLab, arXiv 2005.05535) and its 2023 code (iperov/DeepFaceLab, commit 46fc2397): SAEHD.
crop (B, 3, S, S) RGB 0..1 -> face (B, 3, S, S) and mask (B, 1, S, S), 0..1. Preset `paper` is the program's default
(liae-ud, 128 pixels); `small` is ours, for minutes on a laptop; `tiny` is for tests. LIAE takes over more of the
target's light and shape than DF.

    code of the source = shared, shared      of the target = own, shared      of a swap = the target's shared, shared
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from ..nn.patch_gan import PatchDiscriminator
from ..nn.saehd import Decoder, Drawn, Encoder, Inter, begin, columns, start_from
from ..nn.saehd_config import SaehdConfig
from ..nn.saehd_losses import face_judge_losses, generator_losses
from . import Moment, Phase

PAPER = "Perov et al. 2020, arXiv 2005.05535"
DRAWS_MASK = True
PLANES = ("mask", "features")


class Config(SaehdConfig):
    """SAEHD's options."""


PRESETS = {
    "tiny": Config(
        size=32, code=24, encoder=8, decoder=8, mask_decoder=4, batch=4, learning_rate=2e-3, ema_samples=500,
    ),
    # 2.9 GFLOP a face (paper: 54), not twice those of swap_original's small, which sees 26,000 in three minutes on
    # two cores. Widths are a quarter of the paper's, and the residual blocks a 16th of the work; the encoder is cheap
    # and a little wider. 96 pixels hold teeth and lids, nine tenths of a crop nearly all that the mask holds.
    # Small steps at a large rate, with torch's Adam, an average and a cosine, as the run is short. Crops are aligned,
    # so a net of minutes need not learn placements that it will never meet; pairs of one expression, or it sorts
    # people instead of expressions (see swap_original). Priority of eyes and mouth took a tenth off their error after
    # 4000 faces, and cost the rest of the face nothing. Without the pixel norm the mouth begins to follow by 7000 faces
    # (the plate's opening and the darkness of the swapped mouth correlate by 0.8), with it not yet (0.1).
    "small": Config(
        size=96, coverage=0.9, code=64, encoder=24, decoder=16, mask_decoder=4, match=1.0, rotation=3, zoom=0.03,
        shift=0.01, flip_target=False, batch=6, learning_rate=1e-3, optimiser="adam", schedule="cosine",
        ema_samples=4000, eyes_mouth_priority=True, pixel_norm=False,
    ),
    "paper": Config(),
}  # fmt: skip


class Net(nn.Module):
    """Encoder, both inters (AB and B in the program), the decoder, and the discriminator if the options call for it."""

    def __init__(self, config: Config):
        super().__init__()
        self.encoder = Encoder(config)
        self.inter_shared = Inter(config, 2 * config.code)
        self.inter_own = Inter(config, 2 * config.code)
        self.decoder = Decoder(config, 4 * config.code)
        if config.gan_power:
            self.face_judge = PatchDiscriminator(config.gan_patch or config.size // 8, config.gan_dims)
        begin(self)
        self.to(memory_format=torch.channels_last)

    def forward(
        self, first: Tensor, second: Tensor | None = None, part: Literal["faces", "swap", "judge_face"] = "faces"
    ) -> Drawn | tuple[Tensor, ...]:
        """faces: crops of source and target -> both redrawn. swap: a code -> its face and mask.
        judge_face: a face -> a discriminator's logits."""
        if part == "swap":
            return self.decoder(first)
        if part == "judge_face":
            return self.face_judge(first)
        sizes = [len(first), len(second)]
        vectors = self.encoder(torch.cat([first, second]))
        source_shared, target_shared = self.inter_shared(vectors).split(sizes)
        source_code = twice(source_shared)
        target_code = torch.cat([self.inter_own(vectors[len(first) :]), target_shared], 1)
        faces, masks = self.decoder(torch.cat([source_code, target_code]))
        return Drawn(*faces.split(sizes), *masks.split(sizes), source_code, target_code, swap_code=twice(target_shared))


def twice(shared: Tensor) -> Tensor:
    """The code of a source's face: both halves are the shared one."""
    return torch.cat([shared, shared], 1)


def phases(net: Net, config: Config) -> list[Phase]:
    """Encoder, inters and decoder; then the faces' discriminator.

    Without random warp the shared inter stands still, as published; but not while pretraining, which has no warp
    either and would otherwise teach decoders to read random codes.
    """

    def faces(net: nn.Module, batch: dict[str, Tensor], moment: Moment) -> dict[str, Tensor]:
        return generator_losses(net, batch, config)

    def face_judge(net: nn.Module, batch: dict[str, Tensor], moment: Moment) -> dict[str, Tensor]:
        return face_judge_losses(net, batch)

    shared_learns = config.random_warp or config.pretrain
    net.inter_shared.requires_grad_(shared_learns)
    parts = [net.encoder, *([net.inter_shared] if shared_learns else []), net.inter_own, net.decoder]
    found = [Phase("faces", [p for part in parts for p in part.parameters()], faces, **config.optimisation)]
    if config.gan_power:
        found.append(Phase("face_judge", list(net.face_judge.parameters()), face_judge, **config.optimisation))
    return found


def begin_with(net: Net, base: dict[str, Tensor]) -> None:
    """Take over what was learned from many people (a run of `pretrain`): all but the inters, which sort people."""
    start_from(net, base, pretrained=True)


def code_of(net: Net, crops: Tensor, to: Literal["source", "target"]) -> Tensor:
    """Crops (B, 3, S, S) of anyone -> the code (B, C, h, h) from which the face of `to` is drawn."""
    vectors = net.encoder(crops)
    shared = net.inter_shared(vectors)
    return twice(shared) if to == "source" else torch.cat([net.inter_own(vectors), shared], 1)


def swap(net: Net, crops: Tensor, to: Literal["source", "target"] = "source") -> tuple[Tensor, Tensor]:
    """Crops (B, 3, S, S) RGB 0..1 of anyone -> the same pose and expression with the face of `to`, (B, 3, S, S), and
    the mask that it draws for it, (B, 1, S, S). Outside of the mask the face means nothing."""
    return net.decoder(code_of(net, crops, to))


def preview(net: Net, examples: dict[str, Tensor]) -> dict[str, Tensor]:
    """Columns of a preview sheet by title; examples: "source" and "target" (B, 3, S, S), unwarped crops."""
    return columns(lambda crops, to: swap(net, crops, to), examples)
