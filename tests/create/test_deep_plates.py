"""A swap in a plate of ten bits and full range: outside the face it is the plate, inside it is as deep."""

from types import SimpleNamespace

import numpy as np
import pytest

from semblance.create.options import SwapOptions
from semblance.create.swap import swap
from semblance.media.encode import EncodeOptions
from semblance.media.native import planes_of
from semblance.media.probe import probe
from semblance.media.read import read_frames
from semblance.trust import publish
from tests.clips import make_clip
from tests.create.handmade import SIZE, moving

FRAMES = 3


@pytest.mark.parametrize("format", ["yuv420p10le", "gbrp10le"])
def test_ten_bits_and_full_range_stay_so(format, handmade, tmp_path, monkeypatch):
    monkeypatch.setattr(publish, "Marking", lambda *_, **__: SimpleNamespace(luma=lambda *_: 0, rgb=lambda *_: 0))
    yuv = {"full_range": True, "matrix": 1} if format.startswith("yuv") else {}
    plate = make_clip(
        tmp_path / "p.mkv", SIZE, FRAMES, codec="ffv1", pixel_format=format, pictures=moving(FRAMES), noise=0, **yuv
    )
    options = SwapOptions(who="all", poorest=1)
    made = swap(plate, handmade, tmp_path / "o.mkv", encode=EncodeOptions(codec="ffv1"), options=options)
    assert made.swapped == FRAMES
    before, after = probe(plate), probe(made.out)
    for tag in ("pixel_format", "colour_range", "colour_matrix", "colour_primaries", "colour_transfer"):
        told = getattr(before, tag)
        assert getattr(after, tag) == told or (told == "unspecified" and format.startswith("gbr")), tag
    for one, other in zip(read_frames(before), read_frames(after), strict=True):
        for number, (old, new) in enumerate(zip(planes_of(one.native), planes_of(other.native), strict=True)):
            height, width = old.shape
            outside = np.ones(old.shape, bool)
            outside[height // 10 : height * 9 // 10, width // 4 : width * 3 // 4] = False  # the face lies in here
            np.testing.assert_array_equal(old[outside], new[outside])
            changed = new[old != new].astype(int)
            assert len(changed) > (2000 if number == 0 else 300)
            assert len(np.unique(changed % 4)) == 4  # all ten bits are in use
