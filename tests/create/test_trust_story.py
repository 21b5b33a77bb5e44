"""The whole life of one consent, and what a finished clip says of itself, whole and after somebody encoded it again."""

from __future__ import annotations

import json
from pathlib import Path

import av
import pytest

from semblance.create.consent import consent_add
from semblance.create.swap import swap
from semblance.errors import Refused
from semblance.media.probe import probe
from semblance.media.read import read_frames
from semblance.runs import hash_of
from semblance.trust.consent import history, revoke
from semblance.trust.ledger import check_export, open_ledger, write_export
from semblance.trust.mark_in_file import mark_in
from semblance.trust.verify import verify


def encoded_again(clip: Path, out: Path, crf: int) -> Path:
    """The pictures as another tool would encode them: nothing of the file but what is to be seen."""
    frames = list(read_frames(probe(clip)))
    with av.open(str(out), "w") as made:
        stream = made.add_stream("libx264", rate=25, options={"crf": str(crf), "preset": "fast"})
        stream.width, stream.height, stream.pix_fmt = frames[0].pixels.shape[1], frames[0].pixels.shape[0], "yuv420p"
        for frame in frames:
            made.mux(stream.encode(av.VideoFrame.from_ndarray(frame.pixels)))
        made.mux(stream.encode(None))
    return out


def test_refused_entered_used_verified_revoked_refused_again_and_exported(tmp_path, monkeypatch, grid, run, plate):
    monkeypatch.setenv("SEMBLANCE_HOME", str(tmp_path / "home"))
    source = grid / "swiz3n.mpg"
    with pytest.raises(Refused, match=f"semblance consent add --person NAME --clip {source} --statement"):
        swap(plate, run, tmp_path / "a.mp4")
    assert not list(tmp_path.glob("a.*"))

    entry = consent_add("Ann Example", [source], "You may use my face in tests.").consent.id
    made = swap(plate, run, tmp_path / "b.mp4")
    told = verify(made.out)
    claim = told.manifest.claim
    assert (told.answer, claim.what, claim.kind, claim.consent) == ("ours", "face swap", "edited", (entry,))
    assert not claim.nobody_real and claim.model["model"] == "swap_original" and len(claim.model["sha256"]) == 64
    assert [(part.role, part.sha256) for part in claim.ingredients] == [
        ("plate", hash_of(plate)), ("source", hash_of(source)),
    ]  # fmt: skip
    assert b"Ann" not in made.out.read_bytes() and str(source.parent).encode() not in made.out.read_bytes()
    assert mark_in(made.out).payload == claim.watermark
    report = json.loads((made.report / "report.json").read_text())["trust"]
    assert report["permission"] == {"kind": "ledger", "consent": [entry]} and report["watermark"] == claim.watermark
    assert report["content gate"]["highest"] < 1
    assert verify(made.report / "strip.png").manifest.claim.consent == (entry,)

    stripped = encoded_again(made.out, tmp_path / "again.mp4", crf=28)
    told = verify(stripped, mark_in)
    assert (told.answer, told.payload) == ("label", claim.watermark)
    assert verify(plate, mark_in).answer == "nothing"

    with open_ledger() as ledger:
        uses = [event for event in history(ledger, entry) if event["kind"] == "used"]
        assert any(hash_of(made.out) in event["note"] for event in uses)
        revoke(ledger, entry, "changed her mind")
    with pytest.raises(Refused, match=f"{entry}.*was revoked"):
        swap(plate, run, tmp_path / "c.mp4")
    assert not list(tmp_path.glob("c.*"))
    with open_ledger() as ledger:
        write_export(ledger, tmp_path / "ledger.json")
        kinds = [event.kind for event in ledger.events]
        assert check_export(tmp_path / "ledger.json", ledger) == len(kinds)
    assert (kinds[0], kinds[-1], set(kinds[1:-1])) == ("added", "revoked", {"used"})
