"""What DeepFaceLab's SAEHD lowers: the net's pictures and a batch in, named scalars out, averaged over samples.

iperov/DeepFaceLab, 2023 code (commit 46fc2397), Model_SAEHD. batch: "source" and "target" go in, "source_truth" and
"target_truth" should come out, (B, 3, S, S); "source_mask", "target_mask", "source_features" and "target_features"
(eyes and inner mouth) lie pixel on pixel with the truth, (B, 1, S, S); all 0..1.

Where we part from the code, knowingly:
    - style: there the mask of the swap's place is by mistake the source's; here it is where both predicted masks agree
    - smoothness beside the discriminator: there differences run over channels and rows; here over rows and columns
    - discriminators learn from the pictures of the step's beginning; there the net draws a second time after its step
    - each loss is a mean over the batch; there per sample, which is the same step
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .adversarial import judged
from .blur import blurred_out, feathered, gaussian
from .losses import l1, l2, style
from .saehd import Drawn
from .saehd_config import SaehdConfig
from .similarity import dssim, saehd_structure

Named = dict[str, Tensor]
REAL, MADE = 1.0, 0.0


def generator_losses(net: nn.Module, batch: Named, config: SaehdConfig, true_face: float = 0.0) -> Named:
    """All that encoder, inter and decoders lower. Leaves in the batch what the discriminators look at."""
    drawn: Drawn = net(batch["source"], batch["target"])
    truths = {side: batch[f"{side}_truth"] for side in ("source", "target")}
    masks = {side: batch[f"{side}_mask"] for side in truths}
    if config.blur_outside_mask:
        truths = {side: blurred_out(truth, masks[side]) for side, truth in truths.items()}
    found: Named = {}
    for side, face, mask in (
        ("source", drawn.source, drawn.source_mask),
        ("target", drawn.target, drawn.target_mask),
    ):
        seen = feathered(masks[side]) if config.masked_training else None
        found[side] = picture_loss(face, truths[side], seen)
        found[f"{side}_mask"] = mask_loss(mask, masks[side])
        if config.eyes_mouth_priority:
            found[f"{side}_features"] = features_loss(face, truths[side], batch[f"{side}_features"])
    if config.face_style or config.background_style:
        # from a code that stands still: only the decoder learns colours, or the encoder would lose the expression
        swapped, swapped_mask = net(drawn.swap_code.detach(), part="swap")
        place = style_place(swapped_mask, drawn.target_mask)
        if config.face_style:
            found["face_style"] = face_style_loss(swapped, drawn.target, place, config.face_style)
        if config.background_style:
            found["background_style"] = background_loss(swapped, truths["target"], place, config.background_style)
    if config.match:
        swapped, swapped_mask = net(drawn.swap_code, part="swap")
        seen = feathered(masks["source"]) if config.masked_training else None
        matched = picture_loss(swapped, truths["source"], seen) + mask_loss(swapped_mask, masks["source"])
        if config.eyes_mouth_priority:
            matched = matched + features_loss(swapped, truths["source"], batch["source_features"])
        found["match"] = config.match * matched
    if true_face:
        batch["source_code"], batch["target_code"] = drawn.source_code.detach(), drawn.target_code.detach()
        found["true_face"] = true_face * fooled(net, drawn.source_code, "judge_code")
    if config.gan_power:
        seen = feathered(masks["source"]) if config.masked_training else torch.ones_like(masks["source"])
        made = drawn.source * seen
        batch["real_face"], batch["made_face"] = truths["source"] * seen, made.detach()
        found["gan"] = config.gan_power * fooled(net, made, "judge_face")
        if config.masked_training:
            found["smoothness"] = 1e-6 * steps_squared(drawn.source).mean()
            found["surroundings"] = 0.02 * l2(drawn.source, truths["source"], 1 - seen).mean()
    return found


def picture_loss(face: Tensor, truth: Tensor, seen: Tensor | None) -> Tensor:
    """10 DSSIM and 10 times the squared error; seen (B, 1, S, S): both pictures are multiplied by it first."""
    if seen is not None:
        face, truth = face * seen, truth * seen
    return (saehd_structure(face, truth) + 10 * l2(face, truth)).mean()


def mask_loss(mask: Tensor, wanted: Tensor) -> Tensor:
    """10 times the squared error of a drawn mask; learned whether or not pictures are masked."""
    return 10 * l2(mask, wanted).mean()


def features_loss(face: Tensor, truth: Tensor, features: Tensor) -> Tensor:
    """300 times the absolute error of eyes and inner mouth, of the unmasked pictures."""
    return 300 * l1(face * features, truth * features).mean()


def style_place(swapped_mask: Tensor, target_mask: Tensor) -> Tensor:
    """Where the swap's face lies in the target's picture (B, 1, S, S), softened; no gradient flows into it."""
    both = (swapped_mask * target_mask).detach()
    return gaussian(both, max(1, both.shape[-1] // 32)).clamp(0, 1)


def face_style_loss(swapped: Tensor, target: Tensor, place: Tensor, power: float) -> Tensor:
    """The swap's colours against those of the target as the net draws it, which stands still."""
    return 100 * power * style(swapped * place, (target * place).detach()).mean()


def background_loss(swapped: Tensor, truth: Tensor, place: Tensor, power: float) -> Tensor:
    """The swap's surroundings against the target's."""
    swapped, truth = swapped * (1 - place), truth * (1 - place)
    window = int(truth.shape[-1] / 11.6)
    return 10 * power / 100 * (dssim(swapped, truth, window) + l2(swapped, truth)).mean()


def steps_squared(picture: Tensor) -> Tensor:
    """Squared differences of neighbouring pixels, summed over each sample (B,)."""
    down, across = picture[:, :, 1:] - picture[:, :, :-1], picture[..., 1:] - picture[..., :-1]
    return down.square().sum((1, 2, 3)) + across.square().sum((1, 2, 3))


def fooled(net: nn.Module, made: Tensor, part: str) -> Tensor:
    """How far a discriminator (that part of the net) is from taking for real what was made."""
    return sum(judged(logits, REAL, "cross_entropy").mean() for logits in net(made, part=part))


def code_judge_losses(net: nn.Module, batch: Named) -> Named:
    """The code discriminator's: a target's code is what it should take for real."""
    return {"code_judge": judge_loss(net, batch["target_code"], batch["source_code"], "judge_code")}


def face_judge_losses(net: nn.Module, batch: Named) -> Named:
    """The face discriminator's."""
    return {"face_judge": judge_loss(net, batch["real_face"], batch["made_face"], "judge_face")}


def judge_loss(net: nn.Module, real: Tensor, made: Tensor, part: str) -> Tensor:
    """How badly a discriminator tells real from made: half of each error, added over its answers."""
    verdicts = zip(net(real, part=part), net(made, part=part), strict=True)
    return sum(
        (judged(yes, REAL, "cross_entropy") + judged(no, MADE, "cross_entropy")).mean() / 2 for yes, no in verdicts
    )
