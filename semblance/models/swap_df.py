"""DeepFaceLab's DF: one encoder and code for both people, a decoder for each, that draws its face and a mask.

Perov et al. 2020 (DeepFaceLab, arXiv 2005.05535) and its 2023 code (iperov/DeepFaceLab, commit 46fc2397): SAEHD.
crop (B, 3, S, S) RGB 0..1 -> face (B, 3, S, S) and mask (B, 1, S, S), 0..1. Preset `paper` is the program's net at 128
pixels with its letters -ud; `small` is ours, for minutes on a laptop; `tiny` is for tests. DF keeps more of the
source's likeness than LIAE and asks for sources lit like the target.
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from ..nn.code_gan import CodeDiscriminator
from ..nn.patch_gan import PatchDiscriminator
from ..nn.saehd import Decoder, Drawn, Encoder, Inter, begin, columns, start_from
from ..nn.saehd_config import SaehdConfig
from ..nn.saehd_losses import code_judge_losses, face_judge_losses, generator_losses
from . import Moment, Phase

PAPER = "Perov et al. 2020, arXiv 2005.05535"
DRAWS_MASK = True
PLANES = ("mask", "features")


class Config(SaehdConfig):
    """SAEHD's options, and one that only DF has."""

    true_face: float = Field(0.0, ge=0, le=1)
    """push source codes to look like the target's, for likeness; 0.01 is usual, more breaks faces (true_face_power)"""


PRESETS = {
    "tiny": Config(
        size=32, code=24, encoder=8, decoder=8, mask_decoder=4, batch=4, learning_rate=2e-3, ema_samples=500,
    ),
    # 2.6 GFLOP a face (paper: 46), not twice those of swap_original's small, which sees 26,000 in three minutes on
    # two cores. Widths are a quarter of the paper's, and the residual blocks a 16th of the work; the encoder is cheap
    # and a little wider. 96 pixels hold teeth and lids, nine tenths of a crop nearly all that the mask holds.
    # Small steps at a large rate, with torch's Adam, an average and a cosine, as the run is short. Crops are aligned,
    # so a net of minutes need not learn placements that it will never meet; pairs of one expression, or it sorts
    # people instead of expressions (see swap_original). Priority of eyes and mouth took a tenth off their error after
    # 4000 faces, and cost the rest of the face nothing. Without the pixel norm the mouth begins to follow by 7000 faces
    # (the plate's opening and the darkness of the swapped mouth correlate by 0.8), with it not yet (0.1).
    "small": Config(
        size=96, coverage=0.9, code=96, encoder=24, decoder=16, mask_decoder=4, match=1.0, rotation=3, zoom=0.03,
        shift=0.01, flip_target=False, batch=6, learning_rate=1e-3, optimiser="adam", schedule="cosine",
        ema_samples=4000, eyes_mouth_priority=True, pixel_norm=False,
    ),
    "paper": Config(),
}  # fmt: skip


class Net(nn.Module):
    """Encoder, inter, the two decoders, and the discriminators that the options call for."""

    def __init__(self, config: Config):
        super().__init__()
        self.encoder = Encoder(config)
        self.inter = Inter(config, config.code)
        self.source = Decoder(config, config.code)
        self.target = Decoder(config, config.code)
        if config.true_face:
            self.code_judge = CodeDiscriminator(config.code, config.code_side)
        if config.gan_power:
            self.face_judge = PatchDiscriminator(config.gan_patch or config.size // 8, config.gan_dims)
        begin(self)
        self.to(memory_format=torch.channels_last)

    def forward(
        self,
        first: Tensor,
        second: Tensor | None = None,
        part: Literal["faces", "swap", "judge_code", "judge_face"] = "faces",
    ) -> Drawn | tuple[Tensor, ...]:
        """faces: crops of source and target -> both redrawn. swap: a code -> face and mask as the source.
        judge_code, judge_face: a code, a face -> a discriminator's logits."""
        if part == "swap":
            return self.source(first)
        if part == "judge_code":
            return self.code_judge(first)
        if part == "judge_face":
            return self.face_judge(first)
        codes = self.inter(self.encoder(torch.cat([first, second])))
        source_code, target_code = codes.split([len(first), len(second)])
        source, source_mask = self.source(source_code)
        target, target_mask = self.target(target_code)
        return Drawn(source, target, source_mask, target_mask, source_code, target_code, swap_code=target_code)


def phases(net: Net, config: Config) -> list[Phase]:
    """Encoder, inter and decoders; then the code's discriminator; then the faces'."""

    def faces(net: nn.Module, batch: dict[str, Tensor], moment: Moment) -> dict[str, Tensor]:
        return generator_losses(net, batch, config, config.true_face)

    def code_judge(net: nn.Module, batch: dict[str, Tensor], moment: Moment) -> dict[str, Tensor]:
        return code_judge_losses(net, batch)

    def face_judge(net: nn.Module, batch: dict[str, Tensor], moment: Moment) -> dict[str, Tensor]:
        return face_judge_losses(net, batch)

    learning = [p for part in (net.encoder, net.inter, net.source, net.target) for p in part.parameters()]
    found = [Phase("faces", learning, faces, **config.optimisation)]
    if config.true_face:
        found.append(Phase("code_judge", list(net.code_judge.parameters()), code_judge, **config.optimisation))
    if config.gan_power:
        found.append(Phase("face_judge", list(net.face_judge.parameters()), face_judge, **config.optimisation))
    return found


def begin_with(net: Net, base: dict[str, Tensor]) -> None:
    """Take over what was learned from many people (a run of `pretrain`): all but the inter, which sorts people."""
    start_from(net, base, pretrained=True)


def swap(net: Net, crops: Tensor, to: Literal["source", "target"] = "source") -> tuple[Tensor, Tensor]:
    """Crops (B, 3, S, S) RGB 0..1 of anyone -> the same pose and expression with the face of `to`, (B, 3, S, S), and
    the mask that it draws for it, (B, 1, S, S). Outside of the mask the face means nothing."""
    return {"source": net.source, "target": net.target}[to](net.inter(net.encoder(crops)))


def preview(net: Net, examples: dict[str, Tensor]) -> dict[str, Tensor]:
    """Columns of a preview sheet by title; examples: "source" and "target" (B, 3, S, S), unwarped crops."""
    return columns(lambda crops, to: swap(net, crops, to), examples)
