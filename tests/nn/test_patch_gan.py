"""The discriminators of faces and of codes: sizes as published, shapes of their answers."""

import pytest
import torch

from semblance.nn.code_gan import CodeDiscriminator
from semblance.nn.patch_gan import PatchDiscriminator, field, strides


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(
    ("patch", "seen", "steps", "parameters"),
    [
        (8, 7, (2, 2), 55_154),
        (12, 11, (2, 1, 2), 233_650),
        (16, 15, (2, 2, 2), 233_650),
        (24, 23, (2, 2, 1, 2), 946_994),
        (28, 27, (2, 1, 2, 1, 2), 3_799_090),
        (32, 31, (2, 2, 2, 2), 946_994),
        (40, 39, (2, 2, 1, 2, 2), 3_799_090),
    ],
)
def test_layers_are_those_of_the_patch_asked_for(patch, seen, steps, parameters):
    assert strides(patch) == steps and field(steps) == seen
    with torch.device("meta"):
        assert count(PatchDiscriminator(patch, 16)) == parameters


def test_a_patch_is_what_one_answer_sees():
    """The answer in the middle has a gradient from as many pixels as `field` says, and from no others."""
    for patch in (8, 12, 24):
        torch.manual_seed(0)
        net, picture = PatchDiscriminator(patch, 4), torch.rand(1, 3, 64, 64, requires_grad=True)
        patches, _ = net(picture)
        middle = patches.shape[-1] // 2
        patches[0, 0, middle, middle].backward()
        touched = picture.grad.abs().sum((0, 1)) > 0
        assert touched.any(0).sum() == touched.any(1).sum() == field(strides(patch))


def test_answers_are_for_patches_and_for_every_pixel():
    for side in (64, 96, 50):  # the last is odd after two strides
        patches, pixels = PatchDiscriminator(16, 4)(torch.rand(2, 3, side, side))
        assert patches.shape == (2, 1, -(-side // 8), -(-side // 8)) and pixels.shape == (2, 1, side, side)


def test_the_code_discriminator_has_the_published_count():
    with torch.device("meta"):
        assert count(CodeDiscriminator(256, 8)) == 2_229_505
    for side, answer in ((8, 3), (4, 3), (16, 3)):
        (logits,) = CodeDiscriminator(6, side)(torch.rand(2, 6, side, side))
        assert logits.shape == (2, 1, answer, answer)
