"""The published net to the parameter."""

import pytest
import torch

from semblance.models import load_model_file

module = load_model_file("swap_original")


def count(net):
    return sum(parameter.numel() for parameter in net.parameters())


@pytest.fixture(scope="module")
def paper():
    return module.Net(module.PRESETS["paper"])


def test_paper_has_the_published_counts(paper):
    assert count(paper.encoder) == 69_662_976
    assert count(paper.source) == count(paper.target) == 6_199_747
    assert count(paper) == 82_062_470


def test_paper_shares_a_code_of_512_by_8_by_8(paper):
    with torch.inference_mode():
        code = paper.encoder(torch.rand(1, 3, 64, 64))
        face = paper.source(code)
    assert code.shape == (1, 512, 8, 8)
    assert face.shape == (1, 3, 64, 64)
    assert face.min() > 0 and face.max() < 1


def test_paper_keeps_the_published_numbers():
    config = module.PRESETS["paper"]
    phase = module.phases(module.Net(module.PRESETS["tiny"]), config)[0]
    assert (config.size, config.coverage, config.batch) == (64, 160 / 256, 64)
    assert (phase.learning_rate, phase.betas, phase.epsilon) == (5e-5, (0.5, 0.999), 1e-7)
    truth = torch.rand(2, 3, 64, 64)
    assert module.reconstruction(truth * 0, truth, config.structure) == pytest.approx(truth.mean().item())


def test_weights_begin_glorot_uniform(paper):
    weight = paper.encoder.down[1][0].weight.detach()  # 5x5, 128 -> 256
    bound = (6 / (25 * (128 + 256))) ** 0.5
    assert weight.abs().max() == pytest.approx(bound, rel=1e-3)
    assert weight.std() == pytest.approx(bound / 3**0.5, rel=1e-2)
    assert all((bias == 0).all() for name, bias in paper.named_parameters() if name.endswith("bias"))


def test_swap_draws_with_the_decoder_of_the_person_asked_for(paper):
    """A swap of the target's face is the source's decoder on the target's code: decoders must not be exchanged."""
    crop = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        code = paper.encoder(crop)
        assert torch.equal(module.swap(paper, crop)[0], paper.source(code))
        assert torch.equal(module.swap(paper, crop, "target")[0], paper.target(code))
