"""Losses through another network, with a network whose answer is known."""

import pytest
import torch

from semblance.errors import InputError
from semblance.nn.perceptual import identity, perceptual


def halves(x):
    """Two maps: the picture, and the picture at half its size."""
    return [x, torch.nn.functional.avg_pool2d(x, 2)]


def test_offsets_in_closed_form():
    truth = torch.rand(2, 3, 16, 16)
    face = truth + 0.1
    assert perceptual(face, truth, halves, (1, 4)).tolist() == pytest.approx([0.05] * 2, rel=1e-4)
    assert perceptual(face, truth, halves, (1, 4), power=1).tolist() == pytest.approx([0.5] * 2, rel=1e-4)
    assert perceptual(truth, truth, halves, (1, 4)).max() == 0


def test_normalised_maps_forget_light_and_contrast_but_not_colour():
    """Mean and deviation go over channels too: a shift of all pixels is forgotten, one of red alone is seen."""
    truth = torch.rand(2, 3, 16, 16)
    assert perceptual(2 * truth + 0.3, truth, halves, (1, 1), normalised=True).max() < 1e-3
    red = truth + torch.tensor([0.5, 0, 0]).view(1, 3, 1, 1)
    assert perceptual(red, truth, halves, (1, 1), normalised=True).min() > 0.1


def test_gradients_reach_the_face_alone():
    face, truth = (torch.rand(1, 3, 8, 8, requires_grad=True) for _ in range(2))
    perceptual(face, truth, halves, (1, 1), normalised=True).sum().backward()
    assert truth.grad is None
    assert torch.isfinite(face.grad).all() and face.grad.abs().max() > 0


def test_weights_that_do_not_fit_are_refused():
    x = torch.rand(1, 3, 8, 8)
    with pytest.raises(InputError, match="2 maps and 3 weights"):
        perceptual(x, x, halves, (1, 1, 1))


def colour(x):
    return x.mean((2, 3))


def test_identity_in_closed_form():
    face = torch.tensor([[1.0, 0, 0], [0, 1, 0]])[:, :, None, None].expand(2, 3, 4, 4)
    person = torch.tensor([1.0, 0, 0])
    assert identity(face, person, colour).tolist() == pytest.approx([0, 1], abs=1e-6)
    assert identity(face, person, colour, "euclid").tolist() == pytest.approx([0, 2**0.5], abs=1e-6)
    assert identity(face, 5 * colour(face), colour).tolist() == pytest.approx([0, 0], abs=1e-6)


@pytest.mark.parametrize("distance", ["cosine", "euclid"])
def test_identity_has_a_slope_even_at_its_end(distance):
    face = torch.rand(2, 3, 4, 4, requires_grad=True)
    person = colour(face).detach()
    identity(face, person, colour, distance).sum().backward()
    assert torch.isfinite(face.grad).all()
