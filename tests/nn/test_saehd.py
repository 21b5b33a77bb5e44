"""SAEHD's nets to the parameter, and what its option letters do."""

import itertools

import pytest
import torch

from semblance.errors import InputError
from semblance.models import load_model_file
from semblance.nn.saehd import FineHead, activation, begin, pixel_normed, start_from
from semblance.nn.saehd_config import PRETRAINING

DF, LIAE = load_model_file("swap_df"), load_model_file("swap_liae")
LETTERS = {"u": "pixel_norm", "d": "half_decoder", "t": "deep", "c": "cosine"}


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def config(module, letters, **values):
    return module.Config(**{name: letter in letters for letter, name in LETTERS.items()}, **values)


def tiny(module, letters="ud", **values):
    return config(module, letters, size=64, code=12, encoder=4, decoder=4, mask_decoder=2, **values)


@pytest.mark.parametrize(
    ("letters", "size", "encoder", "inter", "decoder", "whole"),
    [
        ("", 128, 4_306_560, 14_959_872, 19_136_000, 57_538_432),
        ("u", 128, 4_306_560, 14_959_872, 19_136_000, 57_538_432),
        ("ud", 128, 4_306_560, 11_801_856, 19_181_291, 54_470_998),
        ("t", 128, 15_654_144, 6_308_096, 34_410_688, 90_783_616),
        ("udt", 128, 15_654_144, 3_150_080, 34_455_979, 87_716_182),
        ("ud", 256, 4_306_560, 40_125_696, 19_181_291, 82_794_838),
    ],
)
def test_df_has_the_published_counts(letters, size, encoder, inter, decoder, whole):
    with torch.device("meta"):
        net = DF.Net(config(DF, letters, size=size))
    assert count(net.encoder) == encoder and count(net.inter) == inter
    assert count(net.source) == count(net.target) == decoder
    assert count(net) == whole


@pytest.mark.parametrize(
    ("letters", "size", "encoder", "inter", "decoder", "whole"),
    [
        ("", 128, 4_306_560, 26_249_472, 38_157_824, 94_963_328),
        ("ud", 128, 4_306_560, 19_933_440, 38_203_115, 82_376_555),
        ("udt", 128, 15_654_144, 4_202_752, 53_477_803, 77_537_451),
        ("ud", 256, 4_306_560, 51_415_296, 38_203_115, 145_340_267),
    ],
)
def test_liae_has_the_published_counts(letters, size, encoder, inter, decoder, whole):
    with torch.device("meta"):
        net = LIAE.Net(config(LIAE, letters, size=size))
    assert count(net.encoder) == encoder and count(net.decoder) == decoder
    assert count(net.inter_shared) == count(net.inter_own) == inter
    assert count(net) == whole


@pytest.mark.parametrize("module", [DF, LIAE], ids=["df", "liae"])
@pytest.mark.parametrize("letters", ["".join(some) for n in range(5) for some in itertools.combinations("udtc", n)])
def test_every_choice_of_letters_draws_a_face_and_a_mask(module, letters):
    torch.manual_seed(0)
    net = module.Net(tiny(module, letters))
    with torch.inference_mode():
        for to in ("source", "target"):
            face, mask = module.swap(net, torch.rand(2, 3, 64, 64), to)
            assert face.shape == (2, 3, 64, 64) and mask.shape == (2, 1, 64, 64)
            assert min(face.min(), mask.min()) >= 0 and max(face.max(), mask.max()) <= 1


def test_paper_presets_keep_the_programs_defaults():
    for module in (DF, LIAE):
        paper = module.PRESETS["paper"]
        assert (paper.size, paper.code, paper.encoder, paper.decoder, paper.mask_decoder) == (128, 256, 64, 64, 22)
        assert (paper.pixel_norm, paper.half_decoder, paper.deep, paper.cosine) == (True, True, False, False)
        assert (paper.batch, paper.learning_rate, paper.optimiser) == (8, 5e-5, "adabelief")
        assert paper.masked_training and paper.random_warp and not paper.flip_source and paper.flip_target
        assert not any((paper.gan_power, paper.face_style, paper.background_style, paper.random_hue, paper.match))


def test_pixel_norm_brings_the_whole_vector_to_one_length():
    x = pixel_normed(torch.tensor([[3.0, 4.0, 0.0, 0.0], [0.3, 0.0, 0.0, 0.0]]))
    assert x[0].tolist() == pytest.approx([1.2, 1.6, 0, 0], abs=1e-5)
    assert x.square().mean(1).tolist() == pytest.approx([1, 1], abs=1e-4)


def test_letter_c_is_x_cos_x():
    x = torch.tensor([-2.0, 0.5])
    assert activation(x, 0.1, True).tolist() == pytest.approx([0.832294, 0.438791], abs=1e-5)
    assert activation(x, 0.1, False).tolist() == pytest.approx([-0.2, 0.5])


def test_the_fine_head_keeps_colours_together():
    """Weights that say one colour give that colour everywhere; each convolution owns one corner of a 2x2 square."""
    head = FineHead(5)
    for corner in head.corners:
        torch.nn.init.zeros_(corner.weight)
        corner.bias.data = torch.tensor([0.1, 0.5, 0.9])
    flat = head(torch.rand(1, 5, 4, 4))
    assert flat.shape == (1, 3, 8, 8)
    for channel, value in enumerate((0.1, 0.5, 0.9)):
        assert torch.allclose(flat[:, channel], torch.tensor(value))
    for number, corner in enumerate(head.corners):
        corner.bias.data[:] = number
    square = head(torch.rand(1, 5, 4, 4))[0, 1, :2, :2]
    assert square.flatten().tolist() == [0, 1, 2, 3]  # even row: even, odd column; odd row: even, odd


def test_the_fine_head_is_its_four_convolutions():
    torch.manual_seed(0)
    head, x = FineHead(6), torch.rand(2, 6, 5, 5)
    face = head(x)
    for number, corner in enumerate(head.corners):
        assert torch.allclose(face[..., number // 2 :: 2, number % 2 :: 2], corner(x), atol=1e-6)


def test_weights_begin_glorot_uniform():
    net = DF.Net(tiny(DF))
    weight = net.encoder.layers[1].convolution.weight  # 5x5, 4 -> 8
    bound = (6 / (25 * (4 + 8))) ** 0.5
    assert 0.9 * bound < weight.abs().max() <= bound
    assert all((bias == 0).all() for name, bias in net.named_parameters() if name.endswith("bias"))


def test_after_pretraining_only_the_inter_begins_fresh():
    for module in (DF, LIAE):
        old, new = module.Net(tiny(module)), module.Net(tiny(module))
        begun = {name: value.clone() for name, value in new.state_dict().items()}
        fresh = start_from(new, old.state_dict(), pretrained=True)
        assert fresh and all(name.startswith("inter") for name in fresh)
        for name, value in new.state_dict().items():
            assert torch.equal(value, begun[name] if name in fresh else old.state_dict()[name])
        assert start_from(new, old.state_dict(), pretrained=False) == []
        module.begin_with(other := module.Net(tiny(module)), old.state_dict())
        assert torch.equal(other.encoder.layers[0].convolution.weight, old.encoder.layers[0].convolution.weight)
        assert not any(
            torch.equal(a, b)
            for (name, a), b in zip(other.named_parameters(), old.parameters(), strict=True)
            if name.startswith("inter") and name.endswith("weight")
        )


def test_a_discriminator_that_is_new_begins_fresh():
    old, new = LIAE.Net(tiny(LIAE)), LIAE.Net(tiny(LIAE, gan_power=0.1))
    fresh = start_from(new, old.state_dict(), pretrained=False)
    assert fresh and all(name.startswith("face_judge") for name in fresh)


def test_pretraining_overrules_other_options():
    asked = tiny(
        DF, pretrain=True, gan_power=0.1, face_style=1, background_style=1, random_hue=0.1, true_face=0.01,
        lr_dropout=True, colour_transfer="rct",
    )  # fmt: skip
    assert {name: getattr(asked, name) for name in PRETRAINING} == PRETRAINING
    assert asked.true_face == 0
    assert not asked.augment.warp and asked.augment.flip == (0.4, 0.4) and asked.augment.uniform_yaw
    assert DF.Config.from_json(asked.to_json()) == asked
    # the shared inter learns here, though there is no warp
    net = LIAE.Net(settings := tiny(LIAE, pretrain=True))
    assert sum(p.numel() for p in LIAE.phases(net, settings)[0].parameters) == count(net)


def test_sizes_that_do_not_fit_are_refused():
    for letters, size in (("", 40), ("d", 48), ("t", 80)):
        with pytest.raises(InputError, match="size must be a multiple of"):
            config(DF, letters, size=size)
    with pytest.raises(InputError, match="mask_decoder must be even"):
        DF.Config(mask_decoder=7)


def test_begin_is_the_same_for_the_same_seed():
    nets = []
    for _ in range(2):
        torch.manual_seed(3)
        nets.append(LIAE.Net(tiny(LIAE)))
        begin(nets[-1])
    assert all(torch.equal(a, b) for a, b in zip(nets[0].parameters(), nets[1].parameters(), strict=True))
