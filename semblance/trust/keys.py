"""The signing identity: who says "this is synthetic, and I made it". A folder of certificates and one private key.

name -> a root and a leaf certificate with the leaf's key, made at first use under home_folder()/keys. Each identity is
a folder of its own (chain.pem goes into every signed file, root.pem is what others install to know the signer, key.pem
is secret); the file `current` names the one in use. Older ones keep their certificates, so that what they signed is
still told as ours, and lose their key.

The root's private key is thrown away as soon as it has signed the leaf. It is only there because C2PA wants a chain;
kept, it would be a second secret that could make new signers in the user's name. A new identity gets a new root.
"""

from __future__ import annotations

import io
import json
import os
import secrets
import shutil
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from c2pa import Builder, C2paError, C2paSignerInfo, Context, Reader, Settings, Signer
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ..errors import InputError, writing_failed
from ..runs import flush_to_disk, write_text
from .home import home_folder, make_home

NAME = "Semblance user"  # says nothing of the person or the machine; --name tells more
YEARS = 10  # without a time stamp all that was signed stops being valid with the leaf, so it lasts
_LONGEST = 64  # X.520's upper bound for a common name and an organisation
_CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_NEW = "make a new identity with `semblance keys new`"


@dataclass(frozen=True)
class Identity:
    """Who signs. chain and root are PEM; key is PEM and secret; timestamp is a server's address or ''."""

    folder: Path
    name: str
    organisation: str
    fingerprint: str  # sha256 of the leaf certificate, hexadecimal
    serial: int
    algorithm: str
    valid_until: datetime
    chain: bytes = field(repr=False)
    root: bytes = field(repr=False)
    key: bytes = field(repr=False)
    timestamp: str = ""

    @property
    def key_file(self) -> Path:
        return self.folder / "key.pem"


@dataclass(frozen=True)
class Known:
    """The signers that this machine knows as its own: their roots (PEM), and fingerprint by serial number."""

    roots: str = ""
    fingerprints: dict[int, str] = field(default_factory=dict)
    damaged: tuple[Path, ...] = ()


def keys_folder() -> Path:
    """Where the identities lie; it need not be there yet."""
    return home_folder() / "keys"


def open_identity() -> Identity:
    """The identity in use, made if there is none yet; processes that come at once get the same one.

    Raises InputError for one that is damaged, incomplete, expired or readable by others, OutputError.
    """
    current = keys_folder() / "current"
    if not current.exists():
        _make(NAME, "", first=True)
    try:
        folder = keys_folder() / current.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise InputError(f"{current} cannot be read; restore it, or {_NEW}.") from None
    return _opened(folder)


def new_identity(
    name: str = "", certificate: Path | None = None, key: Path | None = None, timestamp: str = ""
) -> Identity:
    """Make a new identity and use it from now on; the one before keeps its certificates and loses its key.

    certificate, key: PEM files of the user's own (leaf first, root last) instead of a root made here; both are copied.
    timestamp: the address of a time stamp server (RFC 3161) that each signature then asks. Raises InputError for what
    cannot sign, OutputError.
    """
    if (certificate is None) != (key is None):
        raise InputError("A certificate and its key go together; give both --certificate and --key, or neither.")
    if certificate is not None and name:
        raise InputError("--name is for an identity made here; a --certificate brings its own name.")
    if timestamp and not timestamp.startswith(("http://", "https://")):
        raise InputError(f"'{timestamp}' is no address of a time stamp server; expected http://... or https://...")
    own = None if certificate is None else _own(Path(certificate), Path(key))
    return _make(_checked_name(name or NAME), timestamp, first=False, own=own)


def known_signers() -> Known:
    """All identities that this machine has or had; damaged ones are told apart. Makes nothing."""
    roots, fingerprints, damaged = [], {}, []
    for folder in sorted(path for path in keys_folder().glob("[!.]*") if path.is_dir()):
        try:
            leaf, root = _certificates(folder / "chain.pem")[0], _certificates(folder / "root.pem")
        except InputError:
            damaged.append(folder)
            continue
        roots.append(_pem(root))
        fingerprints[leaf.serial_number] = leaf.fingerprint(hashes.SHA256()).hex()
    return Known(b"".join(roots).decode(), fingerprints, tuple(damaged))


def describe(identity: Identity) -> str:
    """Lines for a person: name, fingerprint, valid until, where, rights."""
    mode = stat.S_IMODE(identity.key_file.stat().st_mode)
    known = known_signers()
    older = len(known.fingerprints) - 1
    by = identity.name if identity.organisation == identity.name else f"{identity.name} ({identity.organisation})"
    lines = [
        f"name         {by}",
        f"fingerprint  {identity.fingerprint}",
        f"valid until  {identity.valid_until:%d %B %Y}",
        f"time stamps  {identity.timestamp or 'none: signing needs no network'}",
        f"key          {identity.key_file} (rights {mode:o}: {'yours only' if not mode & 0o077 else 'others, too'})",
        f"root         {identity.folder / 'root.pem'}: who installs it is told that what you sign is yours",
    ]
    lines += [f"older        {older}, known by their certificates only"] * bool(older)
    lines += [f"DAMAGED      {folder}: what it signed is not known as yours any more" for folder in known.damaged]
    return "\n".join(lines)


def signer_of(identity: Identity) -> Signer:
    """What the C2PA library signs with. Raises InputError if it refuses the identity."""
    stamp = identity.timestamp.encode() or None
    try:
        return Signer.from_info(C2paSignerInfo(identity.algorithm.encode(), identity.chain, identity.key, stamp))
    except C2paError as error:
        raise refused(identity, error) from None


def _make(name: str, timestamp: str, first: bool, own: tuple[bytes, bytes, bytes] | None = None) -> Identity:
    """Write a whole identity beside its place, try it, move it there and let `current` name it.

    first: only if there is none yet; of several processes the one that links `current` first wins, and the others
    throw theirs away.
    """
    chain, root, key = own or _issued(name)
    final = x509.load_pem_x509_certificate(chain).fingerprint(hashes.SHA256()).hex()[:16]
    make_home()
    keys = keys_folder()
    staged = keys / f".new-{os.getpid()}-{secrets.token_hex(4)}"
    try:
        keys.mkdir(mode=0o700, exist_ok=True)
        staged.mkdir(mode=0o700)
        for file, data in (("chain.pem", chain), ("root.pem", root), ("key.pem", key)):
            _write_private(staged / file, data)
        _write_private(staged / "settings.json", json.dumps({"version": 1, "timestamp": timestamp}).encode())
        _write_private(staged / "current", final.encode())
        _try(_opened(staged))
        if (keys / final).exists():  # the same certificate once more
            shutil.rmtree(keys / final)
        pointer = staged.rename(keys / final) / "current"
        flush_to_disk(keys)
        if first:
            try:
                os.link(pointer, keys / "current")
            except FileExistsError:
                shutil.rmtree(keys / final)
                return open_identity()
        else:
            write_text(keys / "current", final)
            _forget_keys(keep=final)
        pointer.unlink(missing_ok=True)
        return _opened(keys / final)
    except OSError as error:
        raise writing_failed(keys, error) from None
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _forget_keys(keep: str) -> None:
    """What is not needed any more cannot be stolen; the certificates stay."""
    for key in keys_folder().glob("[!.]*/key.pem"):
        if key.parent.name != keep:
            with suppress(FileNotFoundError):
                key.unlink()


def _write_private(path: Path, data: bytes) -> None:
    """Rights for the owner only from the first byte on, whatever the umask."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _opened(folder: Path) -> Identity:
    """The identity in a folder, checked."""
    key_file, chain_file = folder / "key.pem", folder / "chain.pem"
    if not chain_file.exists():
        raise InputError(f"The signing identity {folder} is gone; put it back from a copy, or {_NEW}.")
    certificates, roots = _certificates(chain_file), _certificates(folder / "root.pem")
    if not key_file.exists():
        raise InputError(
            f"The private key {key_file} is gone: what it signed stays valid, but nothing can be signed with it any "
            f"more; put it back from a copy, or {_NEW}."
        )
    leaf = certificates[0]
    key = _private_key(key_file, leaf)
    now, until = datetime.now(UTC), leaf.not_valid_after_utc
    if now > until:
        raise InputError(f"The certificate {chain_file} expired on {until:%d %B %Y}; {_NEW}.")
    if now < leaf.not_valid_before_utc:
        begins = leaf.not_valid_before_utc
        raise InputError(f"The certificate {chain_file} is valid from {begins:%d %B %Y} on; set this machine's clock.")
    try:
        timestamp = str(json.loads((folder / "settings.json").read_text(encoding="utf-8"))["timestamp"])
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"{folder / 'settings.json'} is missing or damaged; restore it, or {_NEW}.") from None
    return Identity(
        folder=folder,
        name=_first(leaf, NameOID.COMMON_NAME),
        organisation=_first(leaf, NameOID.ORGANIZATION_NAME),
        fingerprint=leaf.fingerprint(hashes.SHA256()).hex(),
        serial=leaf.serial_number,
        algorithm=_algorithm(key, key_file),
        valid_until=until,
        chain=_pem(certificates),
        root=_pem(roots),
        timestamp=timestamp,
        key=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    )


def _own(certificate: Path, key: Path) -> tuple[bytes, bytes, bytes]:
    """The user's own files as (chain, root, key) in PEM; a self-signed last certificate is the root."""
    for path in (certificate, key):
        if not path.is_file():
            raise InputError(f"There is no file {path}; check the name.")
    certificates = _certificates(certificate)
    private = _private_key(key, certificates[0])
    _algorithm(private, key)
    if certificates[0].not_valid_after_utc < datetime.now(UTC):
        until = certificates[0].not_valid_after_utc
        raise InputError(f"The certificate {certificate} expired on {until:%d %B %Y}; give one that is valid.")
    if len(certificates) == 1:
        raise InputError(
            f"{certificate} holds one certificate; expected the chain: the signer's first, its issuers, the root last."
        )
    for signed, issuer in pairwise(certificates):
        try:
            signed.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature):
            raise InputError(
                f"In {certificate} a certificate was not issued by the one after it; expected the signer's first, its "
                "issuers, the root last."
            ) from None
    top = certificates[-1]
    sent = certificates[:-1] if top.subject == top.issuer else certificates
    return _pem(sent), _pem([top]), private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _certificates(path: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except FileNotFoundError:
        raise InputError(f"The certificate {path} is gone; put it back from a copy, or {_NEW}.") from None
    except (OSError, ValueError):
        raise InputError(f"{path} is damaged or holds no certificate in PEM form; restore it, or {_NEW}.") from None


def _private_key(path: Path, leaf: x509.Certificate) -> PrivateKeyTypes:
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise InputError(f"The private key {path} can be read by others; close it with: chmod 600 {path}")
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except TypeError:
        raise InputError(
            f"The private key {path} is locked with a password; give one without, in a file that only you can read."
        ) from None
    except (OSError, ValueError, UnsupportedAlgorithm):
        raise InputError(f"{path} is damaged or holds no private key in PEM form; restore it, or {_NEW}.") from None
    if _public(key.public_key()) != _public(leaf.public_key()):
        raise InputError(f"The private key {path} does not belong to the certificate; give the pair, or {_NEW}.")
    return key


def _public(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _algorithm(key: PrivateKeyTypes, path: Path) -> str:
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in _CURVES:
        return _CURVES[key.curve.name]
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "ed25519"
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= 2048:
        return "ps256"
    raise InputError(f"The key {path} is none that C2PA signs with; use P-256, P-384, P-521, Ed25519 or RSA.")


def _try(identity: Identity) -> None:
    """Sign and read a few bytes: the library's own rules on certificates are met before they are needed."""
    created = {"action": "c2pa.created", "digitalSourceType": f"{SOURCE_TYPES}digitalCreation"}
    actions = {"label": "c2pa.actions.v2", "data": {"actions": [created]}}
    kind, context = "application/octet-stream", Context(settings_for(identity.root.decode()))
    try:
        builder = Builder({"title": "trial", "assertions": [actions]}, context)
        builder.set_no_embed()
        manifest = builder.sign(signer_of(identity), kind, io.BytesIO(b"trial"), io.BytesIO())
        state = Reader(kind, io.BytesIO(b"trial"), manifest, context).get_validation_state()
    except C2paError as error:
        raise refused(identity, error) from None
    if state != "Trusted":
        raise InputError(
            f"The certificate of {identity.name} does not lead to the last one of its chain by C2PA's rules; expected "
            "the signer's first, its issuers, the root last."
        )


def settings_for(roots: str = "") -> Settings:
    """How the C2PA library is to work here: with these roots (PEM), without thumbnails, and never over the network."""
    return Settings.from_dict(
        {
            "builder": {"thumbnail": {"enabled": False}},
            **({"trust": {"user_anchors": roots}} if roots else {}),
            "verify": {"verify_trust": True, "remote_manifest_fetch": False, "ocsp_fetch": False},
        }
    )


def refused(identity: Identity, error: C2paError) -> InputError:
    """One sentence for what the library says of an identity that it cannot sign with."""
    if identity.timestamp and "http" in str(error):
        return InputError(
            f"The time stamp server {identity.timestamp} gave no answer that can be used; check its address and the "
            "network, or make an identity without one with `semblance keys new`."
        )
    return InputError(
        f"The certificate of {identity.name} cannot sign ({error}); C2PA expects the key usage digitalSignature and "
        "the extended key usage emailProtection or documentSigning."
    )


def _issued(name: str) -> tuple[bytes, bytes, bytes]:
    """A new (chain, root, key) in PEM: a leaf for C2PA, and the root that signed it, whose key ends here."""
    root_key, leaf_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    begins = datetime.now(UTC) - timedelta(days=1)  # so that a machine whose clock is behind believes it, too
    ends = begins + timedelta(days=365.25 * YEARS)
    issuer, subject = _subject(name, f"{name[: _LONGEST - 5]} root"), _subject(name, name)
    known_by = x509.SubjectKeyIdentifier.from_public_key(root_key.public_key())

    def certificate(whose: x509.Name, public: ec.EllipticCurvePublicKey, authority: bool) -> x509.CertificateBuilder:
        builder = x509.CertificateBuilder(issuer, whose, public, x509.random_serial_number(), begins, ends)
        limits = x509.BasicConstraints(ca=authority, path_length=0 if authority else None)
        return builder.add_extension(limits, critical=True).add_extension(_usage(authority), critical=True)

    root = certificate(issuer, root_key.public_key(), True).add_extension(known_by, critical=False)
    leaf = certificate(subject, leaf_key.public_key(), False)
    for extension in (
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]),  # one that every C2PA reader takes
        x509.SubjectKeyIdentifier.from_public_key(leaf_key.public_key()),
        x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(known_by),
    ):
        leaf = leaf.add_extension(extension, critical=False)
    return (
        _pem([leaf.sign(root_key, hashes.SHA256())]),
        _pem([root.sign(root_key, hashes.SHA256())]),
        leaf_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    )


def _usage(authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _subject(organisation: str, name: str) -> x509.Name:
    """Viewers show the organisation, some of them the common name only; so both carry the name."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )


def _checked_name(name: str) -> str:
    name = name.strip()
    if not 1 <= len(name) <= _LONGEST or not name.isprintable():
        raise InputError(f"A signer's name has 1 to {_LONGEST} letters on one line; '{name[:80]}' has {len(name)}.")
    return name


def _first(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> str:
    found = certificate.subject.get_attributes_for_oid(oid)
    return str(found[0].value) if found else ""


def _pem(certificates: list[x509.Certificate]) -> bytes:
    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates)
