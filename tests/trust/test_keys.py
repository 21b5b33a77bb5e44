"""The signing identity: made once, private, told again after a new one, and every fault said in a sentence."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from semblance.errors import InputError, OutputError
from semblance.media.image import write_picture
from semblance.trust.claim import Claim
from semblance.trust.keys import describe, keys_folder, known_signers, new_identity, open_identity
from semblance.trust.manifest import read_manifest
from semblance.trust.sign import sign


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("SEMBLANCE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def signed_picture(path: Path) -> Path:
    write_picture(path, np.full((8, 8, 3), 99, np.uint8), {})
    assert sign(path, ".png", Claim("a test", "rendered"), open_identity()) is None
    return path


def certificate(subject, key, issuer, issuer_key, authority=False, days=9.0, usage=True) -> x509.Certificate:
    """A certificate as an office would make it; a negative `days` has expired."""
    name, by = (
        x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "O"), x509.NameAttribute(NameOID.COMMON_NAME, text)])
        for text in (subject, issuer)
    )
    now = datetime.now(UTC)
    off = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only")
    flags = dict.fromkeys((*off, "decipher_only"), False)
    known_by = x509.SubjectKeyIdentifier.from_public_key(issuer_key.public_key())
    builder = (
        x509.CertificateBuilder(by, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=90))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(authority, None), True)
        .add_extension(
            x509.KeyUsage(digital_signature=not authority, key_cert_sign=authority, crl_sign=authority, **flags), True
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(known_by), False)
    )
    if usage and not authority:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False)
    return builder.sign(issuer_key, hashes.SHA256())


class Office:
    """A root and an office below it, which give certificates to people."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.root_key, self.key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        self.root = certificate("root", self.root_key, "root", self.root_key, authority=True)
        self.office = certificate("office", self.key, "root", self.root_key, authority=True)

    def pair(self, who: str, key=None, order=(0, 1, 2), password=b"", **options) -> tuple[Path, Path]:
        """Files of `who`'s chain and key."""
        key = key or ec.generate_private_key(ec.SECP384R1())
        chain = [certificate(who, key, "office", self.key, **options), self.office, self.root]
        chain_file, key_file = self.folder / f"{who}.pem", self.folder / f"{who}.key"
        chain_file.write_bytes(b"".join(chain[place].public_bytes(Encoding.PEM) for place in order))
        lock = BestAvailableEncryption(password) if password else NoEncryption()
        key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock))
        key_file.chmod(0o600)
        return chain_file, key_file


@pytest.fixture
def office(tmp_path) -> Office:
    return Office(tmp_path)


def test_the_first_use_makes_an_identity_that_stays(home):
    first = open_identity()
    assert open_identity() == first and first.timestamp == ""
    assert {path.stat().st_mode & 0o777 for path in (home, keys_folder(), first.folder)} == {0o700}
    assert first.key_file.stat().st_mode & 0o777 == 0o600
    assert "PRIVATE" not in repr(first) and not list(keys_folder().glob(".*"))
    leaf = x509.load_pem_x509_certificate(first.chain)
    root = x509.load_pem_x509_certificate(first.root)
    leaf.verify_directly_issued_by(root)
    assert leaf.not_valid_after_utc - datetime.now(UTC) > timedelta(days=3000)
    value = {extension.oid._name: extension.value for extension in leaf.extensions}
    assert value["extendedKeyUsage"] == x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
    assert value["keyUsage"].digital_signature and not value["basicConstraints"].ca
    assert leaf.extensions.get_extension_for_class(x509.KeyUsage).critical
    assert {"subjectKeyIdentifier", "authorityKeyIdentifier"} <= set(value)
    # the root's key is nowhere: the one key that was kept is the leaf's
    assert b"".join(p.read_bytes() for p in home.rglob("*") if p.is_file()).count(b"BEGIN PRIVATE KEY") == 1


def test_processes_at_once_end_with_one_identity(home):
    code = "from semblance.trust.keys import open_identity; print(open_identity().fingerprint)"
    started = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(4)]
    told = {process.communicate(timeout=60)[0].strip() for process in started}
    assert told == {open_identity().fingerprint}
    assert [path.name for path in sorted(keys_folder().iterdir())] == sorted([open_identity().folder.name, "current"])


def test_a_new_identity_signs_and_the_old_one_is_still_ours(tmp_path):
    old = open_identity()
    picture = signed_picture(tmp_path / "old.png")
    new = new_identity("Studio Größe 名")
    assert open_identity() == new and new.name == new.organisation == "Studio Größe 名"
    assert not old.key_file.exists() and set(known_signers().fingerprints.values()) == {
        old.fingerprint,
        new.fingerprint,
    }
    assert read_manifest(picture).state == "ours" and read_manifest(picture).signer.fingerprint == old.fingerprint
    assert read_manifest(signed_picture(tmp_path / "new.png")).signer.name == "Studio Größe 名"
    told = describe(new)
    assert all(part in told for part in (new.fingerprint, "Studio Größe", "600", f"{new.valid_until:%Y}", "older"))


def test_a_chain_of_ones_own_signs_but_others_of_the_same_office_are_not_us(tmp_path, home, office, monkeypatch):
    mine = new_identity("", *office.pair("me"))
    assert (mine.algorithm, mine.name) == ("es384", "me")
    picture = signed_picture(tmp_path / "mine.png")
    assert read_manifest(picture).state == "ours"
    monkeypatch.setenv("SEMBLANCE_HOME", str(tmp_path / "colleague"))
    new_identity("", *office.pair("colleague", ed25519.Ed25519PrivateKey.generate()))
    theirs = signed_picture(tmp_path / "theirs.png")
    assert read_manifest(theirs).state == "ours" and read_manifest(picture).state == "another"
    monkeypatch.setenv("SEMBLANCE_HOME", str(home))
    assert read_manifest(theirs).state == "another" and read_manifest(theirs).signer.name == "colleague"


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda who: who.key_file.chmod(0o640), "chmod 600"),
        (lambda who: who.key_file.unlink(), "what it signed stays valid.*semblance keys new"),
        (lambda who: (who.folder / "chain.pem").unlink(), "is gone"),
        (lambda who: (who.folder / "root.pem").unlink(), "root.pem is gone"),
        (lambda who: who.key_file.write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n"), "no private key in PEM"),
        (lambda who: (who.folder / "chain.pem").write_bytes(who.chain[:200]), "no certificate in PEM"),
        (lambda who: (who.folder / "chain.pem").write_bytes(who.root), "does not belong to the certificate"),
        (lambda who: (who.folder / "settings.json").write_text("{"), "settings.json is missing or damaged"),
        (lambda who: (keys_folder() / "current").write_bytes(b"\xff"), "current cannot be read"),
        (lambda who: (keys_folder() / "current").write_text("nowhere"), "nowhere is gone"),
    ],
)
def test_a_damaged_identity_is_one_sentence_and_a_new_one_can_be_made(damage, words):
    damage(open_identity())
    with pytest.raises(InputError, match=words) as raised:
        open_identity()
    assert "\n" not in str(raised.value)
    assert new_identity("after") == open_identity() and open_identity().name == "after"
    assert ("DAMAGED" in describe(open_identity())) == bool(known_signers().damaged)


def test_an_expired_identity_does_not_sign(office):
    who = open_identity()
    chain, key = office.pair("late", days=-1)
    (who.folder / "chain.pem").write_bytes(chain.read_bytes())
    who.key_file.write_bytes(key.read_bytes())
    with pytest.raises(InputError, match=r"expired on .*semblance keys new"):
        open_identity()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"days": -1}, "expired on"),
        ({"usage": False}, "emailProtection"),
        ({"order": (0,)}, "holds one certificate"),
        ({"order": (0, 2, 1)}, "not issued by the one after it"),
        ({"password": b"secret"}, "locked with a password"),
        ({"key": ec.generate_private_key(ec.SECP256K1())}, "none that C2PA signs with"),
    ],
)
def test_a_chain_that_cannot_sign_is_refused_and_the_identity_stays(office, options, words):
    before = open_identity()
    with pytest.raises(InputError, match=words):
        new_identity("", *office.pair("bad", **options))
    assert open_identity() == before and not list(keys_folder().glob(".*"))


def test_a_key_that_others_can_read_or_of_somebody_else_is_refused(office):
    chain, key = office.pair("me")
    _, other = office.pair("other")
    with pytest.raises(InputError, match="does not belong"):
        new_identity("", chain, other)
    key.chmod(0o644)
    with pytest.raises(InputError, match=f"chmod 600 {key}"):
        new_identity("", chain, key)
    for attempt, words in (((chain, None), "go together"), ((chain, chain.with_name("no")), "There is no file")):
        with pytest.raises(InputError, match=words):
            new_identity("", *attempt)
    assert not keys_folder().exists()


@pytest.mark.parametrize(
    ("name", "timestamp", "words"),
    [
        ("x" * 65, "", "1 to 64 letters"),
        ("two\nlines", "", "on one line"),
        ("me", "tsa.example", "expected http"),
        ("me", "http://127.0.0.1:9/tsa", "time stamp server http://127.0.0.1:9/tsa gave no answer"),
    ],
)
def test_names_and_time_stamp_servers_that_cannot_be(name, timestamp, words):
    with pytest.raises(InputError, match=words):
        new_identity(name, timestamp=timestamp)


def test_a_home_that_cannot_be_written_is_one_sentence(home):
    home.write_text("a file")
    with pytest.raises(OutputError, match="Cannot write"):
        open_identity()
