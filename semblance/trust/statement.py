"""A few plain facts, signed with the user's identity, for places that carry no manifest: a faceset, a model's header.

facts -> {"facts": ..., "signer": fingerprint, "signature": hex} -> whether this machine signed them. Signed is the JSON
of the facts in ASCII, keys sorted, no spaces, with SHA-256.
"""

from __future__ import annotations

import json

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from .keys import Identity, keys_folder

_HASH = hashes.SHA256()
_PADDING = padding.PSS(padding.MGF1(_HASH), padding.PSS.DIGEST_LENGTH)


def state(facts: dict, identity: Identity) -> dict:
    """The facts (plain JSON values) with a signature."""
    key, data = load_pem_private_key(identity.key, password=None), _as_bytes(facts)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        signature = key.sign(data, ec.ECDSA(_HASH))
    elif isinstance(key, rsa.RSAPrivateKey):
        signature = key.sign(data, _PADDING, _HASH)
    else:
        signature = key.sign(data)
    return {"facts": facts, "signer": identity.fingerprint, "signature": signature.hex()}


def stated(value: object) -> dict | None:
    """The facts of what `state` made here, by an identity that this machine has or had; None for all else."""
    try:
        facts, signer, signature = value["facts"], value["signer"], bytes.fromhex(value["signature"])
        for chain in keys_folder().glob("[!.]*/chain.pem"):
            leaf = x509.load_pem_x509_certificates(chain.read_bytes())[0]
            if leaf.fingerprint(_HASH).hex() == signer:
                _verify(leaf.public_key(), signature, _as_bytes(facts))
                return facts
    except (TypeError, KeyError, ValueError, OSError, InvalidSignature):
        pass
    return None


def _verify(key, signature: bytes, data: bytes) -> None:
    if isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, data, ec.ECDSA(_HASH))
    elif isinstance(key, rsa.RSAPublicKey):
        key.verify(signature, data, _PADDING, _HASH)
    else:
        key.verify(signature, data)


def _as_bytes(facts: dict) -> bytes:
    return json.dumps(facts, sort_keys=True, separators=(",", ":")).encode("ascii")
