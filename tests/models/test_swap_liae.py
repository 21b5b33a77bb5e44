"""LIAE's codes: which half is whose."""

import torch

from semblance.models import load_model_file

module = load_model_file("swap_liae")


def test_halves_of_the_codes_are_in_their_order():
    torch.manual_seed(0)
    config = module.PRESETS["tiny"]
    net = module.Net(config)
    crops = torch.rand(2, 3, config.size, config.size)
    with torch.inference_mode():
        vectors = net.encoder(crops)
        shared, own = net.inter_shared(vectors), net.inter_own(vectors)
        drawn = net(crops, crops)
        for code in (drawn.source_code, drawn.swap_code, module.code_of(net, crops, "source")):
            first, second = code.chunk(2, 1)
            assert torch.equal(first, second) and torch.allclose(first, shared, atol=1e-6)
        for code in (drawn.target_code, module.code_of(net, crops, "target")):
            first, second = code.chunk(2, 1)
            assert torch.allclose(first, own, atol=1e-6) and torch.allclose(second, shared, atol=1e-6)
        assert not torch.allclose(shared, own, atol=1e-3)
        assert code.shape == (2, 4 * config.code, config.code_side, config.code_side)


def test_one_pass_draws_what_a_swap_draws():
    torch.manual_seed(0)
    config = module.PRESETS["tiny"]
    net = module.Net(config)
    source, target = torch.rand(2, 2, 3, config.size, config.size)
    with torch.inference_mode():
        drawn = net(source, target)
        for found, (face, mask) in (
            ((drawn.source, drawn.source_mask), module.swap(net, source, "source")),
            ((drawn.target, drawn.target_mask), module.swap(net, target, "target")),
            (net(drawn.swap_code, part="swap"), module.swap(net, target, "source")),
        ):
            assert torch.allclose(found[0], face, atol=1e-5) and torch.allclose(found[1], mask, atol=1e-5)
