"""DF: one code for both people, the decoder says who."""

import torch

from semblance.models import load_model_file

module = load_model_file("swap_df")


def test_the_decoder_says_who():
    torch.manual_seed(0)
    config = module.PRESETS["tiny"]
    net = module.Net(config)
    source, target = torch.rand(2, 2, 3, config.size, config.size)
    with torch.inference_mode():
        code = net.inter(net.encoder(target))
        drawn = net(source, target)
        assert code.shape == (2, config.code, config.code_side, config.code_side)
        assert torch.allclose(drawn.swap_code, code, atol=1e-6) and torch.equal(drawn.swap_code, drawn.target_code)
        for to, decoder in (("source", net.source), ("target", net.target)):
            face, mask = module.swap(net, target, to)
            assert torch.allclose(face, decoder(code)[0], atol=1e-6)
            assert torch.allclose(mask, decoder(code)[1], atol=1e-6)
        assert torch.allclose(drawn.target, net.target(code)[0], atol=1e-5)
        assert torch.allclose(drawn.source, module.swap(net, source, "source")[0], atol=1e-5)


def test_the_preview_lays_the_swap_in_where_both_masks_agree():
    torch.manual_seed(0)
    config = module.PRESETS["tiny"]
    net = module.Net(config)
    examples = {side: torch.rand(2, 3, config.size, config.size) for side in ("source", "target")}
    with torch.inference_mode():
        columns = module.preview(net, examples)
        (swapped, mask), (_, own) = (module.swap(net, examples["target"], to) for to in ("source", "target"))
    assert list(columns)[5:] == ["both masks", "laid in"]
    assert torch.equal(columns["both masks"], mask * own)
    expected = swapped * mask * own + examples["target"] * (1 - mask * own)
    assert torch.allclose(columns["laid in"], expected, atol=1e-6)
