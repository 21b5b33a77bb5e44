"""The manifest: every container takes it or gets it beside, the media stay as they are, and others can read it."""

from __future__ import annotations

import io
import json
import re
import socket
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from c2pa import Builder, Context, Reader
from PIL import Image

from semblance.errors import MediaError, OutputError
from semblance.media.encode import EncodeOptions
from semblance.media.image import read_tags
from semblance.media.probe import probe
from semblance.media.read import frame_times, read_frames
from semblance.media.write import join_segments, open_segment
from semblance.trust.claim import ASSERTION, Claim, Ingredient
from semblance.trust.keys import new_identity, open_identity, settings_for, signer_of
from semblance.trust.manifest import read_manifest
from semblance.trust.publish import LABEL, label
from semblance.trust.sign import ingredient_of, sign
from semblance.trust.signable import embeds, sidecar_of
from tests.clips import Track, make_clip, packets_of

SOURCE = "http://cv.iptc.org/newscodes/digitalsourcetype/"
PICTURES = ("png", "jpg", "webp", "tiff", "gif", "avif")
SOUNDS = {"wav": "pcm_s16le", "mp3": "libmp3lame", "m4a": "aac", "flac": "flac"}
CLIPS = ("mp4", "mov", "avi")


@pytest.fixture(autouse=True)
def _home(tmp_path_factory, monkeypatch) -> None:
    monkeypatch.setenv("SEMBLANCE_HOME", str(tmp_path_factory.mktemp("home")))


def make_media(path: Path) -> Path:
    """A small picture, sound or clip, as its suffix says."""
    kind = path.suffix[1:]
    if kind in PICTURES:
        Image.fromarray(np.random.default_rng(3).integers(0, 255, (40, 60, 3), np.uint8)).save(path)
    elif kind in SOUNDS:
        with av.open(str(path), "w") as out:
            stream = out.add_stream(SOUNDS[kind], rate=44100, layout="mono")
            stream.codec_context.open(strict=False)
            wave = np.sin(np.arange(22050) / 9).astype(np.float32)[None] / 3
            frame = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 44100, 0
            context = stream.codec_context
            resampler = av.AudioResampler(context.format, "mono", 44100, context.frame_size or None)
            for piece in [*resampler.resample(frame), *resampler.resample(None), None]:
                out.mux(stream.encode(piece))
    else:
        make_clip(path, frames=6, sound=[Track()])
    return path


def media_of(path: Path) -> object:
    """What is to see and hear: pixels, or every packet with its time."""
    if path.suffix[1:] in PICTURES:
        with Image.open(path) as picture:
            return picture.size, picture.convert("RGB").tobytes()
    with av.open(str(path)) as container:
        return [(p.stream.index, p.pts, p.duration, bytes(p)) for p in container.demux() if p.size]


def made(kind: str = "created", **more) -> Claim:
    return Claim("face swap", kind, **more)


def plainly(path: Path, beside: bytes | None = None) -> tuple[set[str], dict]:
    """What somebody else's reader says: the checks that failed, and the manifest."""
    with open(path, "rb") as file:
        reader = Reader("application/octet-stream", file, beside) if beside else Reader("", file)
        assert reader.get_validation_state() == "Valid"
        checks = reader.get_validation_results()["activeManifest"]
        return {check["code"] for check in checks["failure"]}, reader.get_active_manifest()


@pytest.mark.parametrize("suffix", [*PICTURES, *SOUNDS, *CLIPS])
def test_every_container_carries_it_and_the_media_stay(tmp_path, suffix):
    path = make_media(tmp_path / f"out.{suffix}")
    before = media_of(path)
    parts = (Ingredient("plate.mp4", "ab" * 32, "video/mp4", "plate"), Ingredient("a.mov", "cd" * 32, "", "source"))
    claim = made("edited", ingredients=parts, model={"name": "swap_mesh", "samples": 2**40}, consent=("c-1", "c-2"))
    staged = path.rename(tmp_path / ".staged.part")  # a name that tells nothing
    assert embeds(f".{suffix}") and sign(staged, f".{suffix.upper()}", claim, open_identity()) is None
    staged.rename(path)
    assert media_of(path) == before and list(tmp_path.iterdir()) == [path]
    manifest = read_manifest(path)
    assert manifest.state == "ours" and manifest.claim == claim and manifest.problems == ()
    assert manifest.signer.fingerprint == open_identity().fingerprint
    failed, theirs = plainly(path)
    assert failed == {"signingCredential.untrusted"}
    assert ASSERTION in {assertion["label"] for assertion in theirs["assertions"]}


@pytest.mark.parametrize("suffix", ["mkv", "webm"])
def test_other_containers_have_it_beside_them(tmp_path, suffix):
    path = make_media(tmp_path / f"out.{suffix}")
    before = path.read_bytes()
    beside = sign(path, path.suffix, made(), open_identity())
    assert not embeds(path.suffix) and path.read_bytes() == before and list(tmp_path.iterdir()) == [path]
    assert plainly(path, beside)[0] == {"signingCredential.untrusted"}
    assert read_manifest(path).state == "absent"
    for name in (sidecar_of(path), path.with_suffix(".c2pa")):  # ours, and as other tools call it
        name.write_bytes(beside)
        assert (read_manifest(path).state, read_manifest(path).beside) == ("ours", name)
        path.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
        assert read_manifest(path).state == "broken"
        path.write_bytes(before)
        name.write_bytes(beside[:700])
        assert read_manifest(path).state == "broken"
        name.unlink()


def test_a_published_clip_plays_as_before_and_keeps_its_label(tmp_path):
    plate = make_clip(tmp_path / "plate.mp4", frames=24, sound=[Track()])
    info, segment, out = probe(plate), tmp_path / "segment", tmp_path / "out.mp4"
    with open_segment(segment, info, EncodeOptions(), label("face swap")) as writer:
        for frame in read_frames(info):
            writer.write(frame)
    join_segments([segment], out, info, frame_times(info), label("face swap"))
    pixels, sound, times = [f.pixels for f in read_frames(probe(out))], packets_of(out), frame_times(probe(out))
    head = out.read_bytes()
    assert head.index(b"moov") < head.index(b"mdat")
    sign(out, ".mp4", made("edited", ingredients=(ingredient_of(plate, "plate"),)), open_identity())
    head = out.read_bytes()
    assert head.index(b"moov") < head.index(b"mdat")  # still plays while it is being loaded
    assert all(np.array_equal(a.pixels, b) for a, b in zip(read_frames(probe(out)), pixels, strict=True))
    assert packets_of(out) == sound and sound and np.array_equal(frame_times(probe(out)), times)
    assert read_tags(out) == {**LABEL, "what": "face swap"} and read_manifest(out).state == "ours"
    copy = tmp_path / "copy.mp4"
    with av.open(str(out)) as source, av.open(str(copy), "w") as target:
        streams = {s.index: target.add_stream_from_template(s) for s in source.streams}
        for packet in source.demux():
            if packet.size:
                packet.stream = streams[packet.stream.index]
                target.mux(packet)
    assert read_manifest(copy).state == "absent"  # why signing comes last


@pytest.mark.parametrize(
    ("kind", "actions", "source"),
    [
        ("edited", ["opened", "placed", "placed", "edited"], "compositeWithTrainedAlgorithmicMedia"),
        ("created", ["created", "placed", "placed"], "trainedAlgorithmicMedia"),
        ("rendered", ["created", "placed", "placed"], "algorithmicMedia"),
    ],
)
def test_what_was_done_is_told_in_c2pas_own_terms(tmp_path, kind, actions, source):
    path = make_media(tmp_path / "out.png")
    parts = [Ingredient(f"{k}.mp4", f"{k}0" * 32, "video/mp4", "source") for k in (1, 2)]
    parts += [Ingredient("plate.mp4", "aa" * 32, "video/mp4", "plate")] * (kind == "edited")
    sign(path, ".png", made(kind, ingredients=tuple(parts), watermark="0123456789abcdef"), open_identity())
    _, theirs = plainly(path)
    found = next(a for a in theirs["assertions"] if a["label"].startswith("c2pa.actions"))["data"]["actions"]
    assert [a["action"] for a in found] == [*(f"c2pa.{action}" for action in actions), "c2pa.watermarked.unbound"]
    assert [a["digitalSourceType"] for a in found if "digitalSourceType" in a] == [SOURCE + source]
    assert "0123456789abcdef" in found[-1]["description"]
    assert {(p["title"], p["relationship"]) for p in theirs["ingredients"]} == {
        (part.title, {"plate": "parentOf", "source": "componentOf"}[part.role]) for part in parts
    }
    says = " ".join(read_manifest(path).says)
    assert ("trained model" in says) == (kind != "rendered" or "without a trained model" in says)


def test_history_goes_on_through_ingredients(tmp_path):
    identity = open_identity()
    camera, plate, source = (make_media(tmp_path / name) for name in ("camera.jpg", "plate.mp4", "face.mkv"))
    sign(camera, ".jpg", Claim("a head", "rendered", nobody_real=True), identity)
    sign(plate, ".mp4", made("edited", ingredients=(ingredient_of(camera, "plate"),)), identity)
    sidecar_of(source).write_bytes(sign(source, ".mkv", Claim("speech", "created"), identity))
    new_identity("the next one")
    out = make_media(tmp_path / "out.png")
    parts = (ingredient_of(plate, "plate"), ingredient_of(source, "source"))
    size = out.stat().st_size
    sign(out, ".png", made("edited", ingredients=parts), open_identity())
    past = {part.title: part for part in read_manifest(out).past}
    assert past["plate.mp4"].intact and past["plate.mp4"].signer == identity.name
    assert [deeper.title for deeper in past["plate.mp4"].past] == ["camera.jpg"]
    assert "without a trained model" in past["plate.mp4"].past[0].says[0]
    assert size < out.stat().st_size < size + 30_000
    # a plate that was changed since it was signed is told as such; the result's own signature holds
    data = bytearray(plate.read_bytes())
    data[data.index(b"mdat") + 40] ^= 1
    plate.write_bytes(data)
    out = make_media(tmp_path / "again.png")
    sign(out, ".png", made("edited", ingredients=(ingredient_of(plate, "plate"),)), open_identity())
    assert read_manifest(out).state == "ours" and not read_manifest(out).past[0].intact


def test_an_ingredient_tells_its_name_and_hash_but_no_folder(tmp_path):
    plate = make_media(tmp_path / "plate.webm")
    frames = tmp_path / "frames"
    frames.mkdir()
    for k in (1, 2):
        make_media(frames / f"{k}.png")
    out, thumbnail = make_media(tmp_path / "out.jpg"), io.BytesIO()
    Image.new("RGB", (16, 16), "red").save(thumbnail, "JPEG")
    parts = (ingredient_of(plate, "plate", thumbnail.getvalue()), ingredient_of(frames, "source"))
    sign(out, ".jpg", made("edited", ingredients=parts), open_identity())
    assert str(tmp_path.name).encode() not in out.read_bytes()
    said = read_manifest(out).claim.ingredients
    assert [(p.title, p.sha256) for p in said] == [(p.title, p.sha256) for p in parts]
    with open(out, "rb") as file:
        reader, carried = Reader("image/jpeg", file), io.BytesIO()
        shown = [p["thumbnail"] for p in reader.get_active_manifest()["ingredients"] if "thumbnail" in p]
        reader.resource_to_stream(shown[0]["identifier"], carried)
    assert len(shown) == 1 and carried.getvalue() == thumbnail.getvalue()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: made(consent=("Jane Doe",)), "by ids"),
        (lambda: made(watermark="123"), "16 hexadecimal"),
        (lambda: made("edited"), "one plate"),
        (lambda: made(model={"loss": [1, 2]}), "plain values"),
        (lambda: Ingredient("home/jane/plate.mp4", "", "", "plate"), "without a folder"),
        (lambda: Ingredient("C:\\jane\\plate.mp4", "", "", "plate"), "without a folder"),
    ],
)
def test_what_must_not_be_said_cannot_be(wrong, words):
    with pytest.raises(ValueError, match=words):
        wrong()


def test_what_cannot_be_signed_stays_as_it_was(tmp_path):
    signed, junk, empty = make_media(tmp_path / "s.png"), tmp_path / "j.mp4", tmp_path / "e.png"
    sign(signed, ".png", made(), open_identity())
    junk.write_bytes(b"no film" * 99)
    empty.touch()
    for path, words in ((signed, "sign once"), (junk, "no whole mp4 file"), (empty, "no whole png file")):
        before = path.read_bytes()
        with pytest.raises(OutputError, match=words):
            sign(path, path.suffix, made(), open_identity())
        assert path.read_bytes() == before and len(list(tmp_path.iterdir())) == 3


_FULL = """
import resource, sys
from pathlib import Path
from semblance.errors import OutputError
from semblance.trust.keys import open_identity
from semblance.trust.claim import Claim
from semblance.trust.sign import sign
who, path = open_identity(), Path(sys.argv[1])
for limit in map(int, sys.argv[2:]):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        sign(path, path.suffix, Claim("a test", "created"), who)
        print("signed")
    except OutputError as error:
        print(error)
"""


def test_a_full_disk_is_one_sentence_and_leaves_the_file(tmp_path):
    path = make_media(tmp_path / "o.mp4")
    before = path.read_bytes()
    limits = [str(size) for size in (100, len(before) // 2, len(before) + 1000)]
    done = subprocess.run([sys.executable, "-c", _FULL, str(path), *limits], capture_output=True, text=True)
    assert re.fullmatch(r"(Cannot write .*: the file would be larger than the system allows here\.\n){3}", done.stdout)
    assert done.stderr == "" and path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_nothing_is_fetched_while_reading(tmp_path):
    path = make_media(tmp_path / "remote.png")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        actions = [{"action": "c2pa.created", "digitalSourceType": SOURCE + "digitalCreation"}]
        builder = Builder(
            {"assertions": [{"label": "c2pa.actions.v2", "data": {"actions": actions}}]}, Context(settings_for())
        )
        builder.set_no_embed()
        builder.set_remote_url(f"http://127.0.0.1:{server.getsockname()[1]}/manifest.c2pa")
        target = io.BytesIO()
        with open(path, "rb") as source:
            builder.sign(signer_of(open_identity()), "image/png", source, target)
        path.write_bytes(target.getvalue())
        manifest = read_manifest(path)
        with pytest.raises(BlockingIOError):
            server.accept()  # nobody came
    assert manifest.state == "absent" and "on a server, and nothing is fetched" in manifest.problems[0]


def test_a_claim_of_a_newer_version_is_not_misread(tmp_path, monkeypatch):
    path = make_media(tmp_path / "o.png")
    monkeypatch.setattr("semblance.trust.claim.VERSION", 2)
    sign(path, ".png", made(), open_identity())
    assert read_manifest(path).claim == made()
    monkeypatch.undo()
    monkeypatch.setenv("SEMBLANCE_HOME", str(tmp_path / "elsewhere"))
    manifest = read_manifest(path)
    assert manifest.state == "another" and manifest.claim is None and "face swap" in manifest.says[0]


def test_what_is_no_file_is_said(tmp_path):
    (tmp_path / "empty.png").touch()
    for name, words in (("nothing.png", "There is no file"), ("empty.png", r"0 bytes"), (".", "is no file")):
        with pytest.raises(MediaError, match=words):
            read_manifest(tmp_path / name)
    huge = make_media(tmp_path / "huge.jpg")
    with open(huge, "r+b") as file:
        file.truncate(10 << 30)
    with pytest.raises(MediaError, match=r"10\.0 GB; image/jpeg is checked up to 1 GB"):
        read_manifest(huge)


def test_the_record_is_plain_json(tmp_path):
    from semblance.trust.manifest import as_json

    path = make_media(tmp_path / "o.mkv")
    sidecar_of(path).write_bytes(sign(path, ".mkv", made(nobody_real=True), open_identity()))
    plain = json.loads(json.dumps(as_json(read_manifest(path))))
    assert plain["claim"]["nobody_real"] is True and plain["beside"] == str(sidecar_of(path))
