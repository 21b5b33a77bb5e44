"""On what ground a face may be used: nobody's, by our own signed clips, or somebody's who consented."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from semblance.create.permission import ORIGIN, PERMISSION, origin_of, permit, permit_faceset, shows_nobody_real
from semblance.errors import Refused
from semblance.faceset.store import Faceset
from semblance.runs import hash_of
from semblance.trust.claim import Claim
from semblance.trust.consent import revoke
from semblance.trust.keys import open_identity
from semblance.trust.ledger import open_ledger
from semblance.trust.publish import publish_picture
from semblance.trust.statement import state, stated
from tests.permitted import let


def face(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, (1, 128)).astype(np.float32)


def picture(path, nobody_real: bool, seed: int = 0):
    pixels = np.random.default_rng(seed).integers(0, 255, (140, 150, 3), np.uint8)
    publish_picture(path, pixels, Claim("a test", "rendered", nobody_real=nobody_real))
    return path


def faceset(folder, clips, vector) -> Faceset:
    folder.mkdir()
    (folder / "options.json").write_text(
        json.dumps({"clips": [str(c) for c in clips], "size": 352, "coverage": "wide"})
    )
    rows = [{"sha256": hash_of(*sorted(clip.iterdir())), "identity": vector[0], "kept": True} for clip in clips]
    return Faceset(folder, pd.DataFrame(rows))


def test_clips_of_nobody_need_no_entry(tmp_path):
    (tmp_path / "shots").mkdir()
    picture(tmp_path / "shots" / "1.png", True)
    assert shows_nobody_real(tmp_path / "shots")
    made = faceset(tmp_path / "set", [tmp_path / "shots"], face(1))
    assert permit_faceset(made).kind == "synthetic"
    assert json.loads((tmp_path / "set" / PERMISSION).read_text()) == {"kind": "synthetic", "consent": []}
    (tmp_path / "shots" / "1.png").unlink()  # what was noted while the clips were there holds without them
    assert permit_faceset(made).kind == "synthetic"
    (tmp_path / "set" / ORIGIN).unlink()
    with pytest.raises(Refused, match="Nobody in the consent ledger"):
        permit_faceset(made)


@pytest.mark.parametrize("how", ["another clip", "real", "changed", "unsigned"])
def test_what_only_looks_like_it_does(tmp_path, how):
    (tmp_path / "shots").mkdir()
    picture(tmp_path / "shots" / "1.png", how != "real")
    if how == "unsigned":
        picture(tmp_path / "shots" / "1.png", True).write_bytes(b"")
    made = faceset(tmp_path / "set", [tmp_path / "shots"], face(2))
    if how == "another clip":
        made.table.loc[0, "sha256"] = "0" * 64
    if how == "changed":
        data = bytearray((tmp_path / "shots" / "1.png").read_bytes())
        data[len(data) // 2] ^= 1
        (tmp_path / "shots" / "1.png").write_bytes(data)
        made.table.loc[0, "sha256"] = hash_of(tmp_path / "shots" / "1.png")
    assert origin_of(made) is None
    with pytest.raises(Refused, match=r"consent add --person NAME --clip .*shots"):
        permit_faceset(made)


def test_a_forged_note_is_worth_nothing():
    facts = {"nobody_real": True, "clips": ["a" * 64]}
    signed = state(facts, open_identity())
    assert stated(signed) == facts
    for forged in (
        {**signed, "facts": {**facts, "clips": ["b" * 64]}},
        {**signed, "signer": "0" * 64},
        {**signed, "signature": signed["signature"][:-2] + "00"},
        {**signed, "signature": "no hex"},
        {"facts": facts},
        None,
        [],
    ):
        assert stated(forged) is None
        with pytest.raises(Refused):
            permit(face(3), ["b" * 64], forged, ["clip.mp4"])
    assert permit(face(3), ["a" * 64], signed, ["clip.mp4"]).kind == "synthetic"


def test_somebody_who_consented_until_they_revoke_it():
    vectors = face(4) + np.random.default_rng(0).normal(0, 0.005, (5, 128)).astype(np.float32)
    with pytest.raises(Refused):
        permit(vectors, ["a" * 64], None, ["clip.mp4"])
    entry = let(vectors, "a person of the permission test")
    assert permit(vectors[:1], ["a" * 64], None, ["clip.mp4"]).consent == (entry,)
    with open_ledger() as ledger:
        revoke(ledger, entry)
    with pytest.raises(Refused, match="revoked"):
        permit(vectors, ["a" * 64], None, ["clip.mp4"])
