"""Masks by words: closed forms."""

import numpy as np
import pytest

from semblance.finish.mask_words import composed, named, products, within

HALF, THIRD, LEFT = np.full((4, 4), 0.5), np.full((4, 4), 1 / 3), np.eye(4)
MASKS = {"hull": HALF, "model": THIRD, "person": LEFT}


def test_overlap_is_the_product_and_union_the_larger():
    assert np.allclose(composed("hull", MASKS), HALF)
    assert np.allclose(composed("hull*model", MASKS), 1 / 6)
    assert np.allclose(composed("hull+model", MASKS), 0.5)
    assert np.allclose(composed("hull*model+person", MASKS), np.maximum(1 / 6, LEFT))
    assert np.allclose(composed("person + model * hull", MASKS), composed("hull*model+person", MASKS))


def test_only_what_is_named_is_needed():
    assert named("hull*xseg+person*xseg") == {"hull", "xseg", "person"}
    assert products("hull*xseg+person") == [["hull", "xseg"], ["person"]]


@pytest.mark.parametrize("words, told", [("hall", "no mask 'hall'. Did you mean 'hull'"), ("hull*", "lacks a name"),
                                         ("", "lacks a name"), ("hull,model", "no mask 'hull,model'")])  # fmt: skip
def test_what_is_no_mask_is_named(words, told):
    with pytest.raises(ValueError, match=told):
        products(words)


def test_a_mask_is_kept_within_another():
    assert within("hull", "model") == "model*hull" and within("crop", "model") == within("model", "model") == "model"
    assert within("hull+person", "model") == "model*hull+model*person" and within("crop+model", "model") == "model"
