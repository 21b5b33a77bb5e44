"""C2PA's codes in plain words: an action of a manifest, or a check that failed -> a few words for a person."""

from __future__ import annotations

# IPTC's digital source types: how something came to be
_SOURCES = {
    "trainedAlgorithmicMedia": "made by a trained model (AI)",
    "compositeWithTrainedAlgorithmicMedia": "a composite with parts made by a trained model (AI)",
    "algorithmicMedia": "computed by a program, without a trained model",
    "compositeSynthetic": "a composite with synthetic parts",
    "compositeCapture": "a composite of captured parts",
    "composite": "a composite",
    "digitalCapture": "captured by a camera or recorder",
    "computationalCapture": "captured by a camera, computed from several shots",
    "digitalCreation": "made by a person with software",
    "digitalArt": "made by a person with software",
    "humanEdits": "changed by a person with software",
    "minorHumanEdits": "changed a little by a person with software",
    "algorithmicallyEnhanced": "enhanced by a program",
    "virtualRecording": "a recording of a virtual scene",
    "screenCapture": "a recording of a screen",
    "dataDrivenMedia": "drawn from data",
    "negativeFilm": "scanned from a negative",
    "positiveFilm": "scanned from a slide",
    "print": "scanned from paper",
}
_ACTIONS = {
    "c2pa.created": "created",
    "c2pa.opened": "made from another file",
    "c2pa.placed": "another file was put in",
    "c2pa.edited": "changed",
    "c2pa.watermarked": "watermarked",
    "c2pa.watermarked.bound": "watermarked",
    "c2pa.watermarked.unbound": "watermarked",
    "c2pa.transcoded": "encoded again",
    "c2pa.repackaged": "put into another container",
    "c2pa.dubbed": "dubbed",
    "c2pa.translated": "translated",
    "c2pa.color_adjustments": "colours changed",
    "c2pa.cropped": "cropped",
    "c2pa.resized": "resized",
    "c2pa.filtered": "filtered",
    "c2pa.drawing": "drawn on",
    "c2pa.redacted": "statements removed",
    "c2pa.published": "published",
    "c2pa.converted": "converted",
    "c2pa.removed": "parts removed",
    "c2pa.unknown": "changed in a way that is not told",
}
_CHANGED = "picture, sound or metadata changed after signing"
_CHECKS = {
    "assertion.dataHash.mismatch": _CHANGED,
    "assertion.bmffHash.mismatch": _CHANGED,
    "assertion.boxesHash.mismatch": _CHANGED,
    "assertion.boxesHash.unknownBox": "something was added to the file after signing",
    "assertion.dataHash.malformed": "the manifest's hash of the file is damaged",
    "assertion.bmffHash.malformed": "the manifest's hash of the file is damaged",
    "assertion.hashedURI.mismatch": "a statement of the manifest was changed after signing",
    "assertion.missing": "a statement is missing from the manifest",
    "assertion.undeclared": "a statement was added to the manifest after signing",
    "claim.missing": "the manifest is incomplete",
    "claim.multiple": "the manifest contradicts itself",
    "claim.malformed": "the manifest is damaged",
    "claim.hardBindings.missing": "the manifest is not bound to this file",
    "claimSignature.missing": "the signature is missing",
    "claimSignature.mismatch": "the signature does not fit what it signs",
    "claimSignature.outsideValidity": "it was signed when the certificate was not valid",
    "signingCredential.untrusted": "its signer is not known to this machine",
    "signingCredential.expired": "the signer's certificate has expired, and no time stamp tells when it signed",
    "signingCredential.invalid": "the signer's certificate is not made for signing media",
    "signingCredential.ocsp.revoked": "the signer's certificate was revoked",
    "timeStamp.mismatch": "the time stamp does not fit",
    "timeStamp.untrusted": "who made the time stamp is not known to this machine",
    "timeStamp.outsideValidity": "the time stamp was made with a certificate that was not valid",
    "ingredient.manifest.missing": "the manifest of a file that it was made from is missing",
    "ingredient.manifest.mismatch": "the manifest of a file that it was made from was changed",
    "ingredient.hashedURI.mismatch": "the manifest of a file that it was made from was changed",
}


def action_words(action: dict) -> str:
    """'changed: face swap; a composite with parts made by a trained model (AI)'."""
    code = str(action.get("action") or "c2pa.unknown")
    source = str(action.get("digitalSourceType") or "").rpartition("/")[2]
    words = _ACTIONS.get(code, code.removeprefix("c2pa."))
    description = str(action.get("description") or "")
    words += f": {description}" if description else ""
    return words + (f"; {_SOURCES.get(source, source)}" if source else "")


def check_words(code: str) -> str:
    """What it means that this check failed."""
    return _CHECKS.get(code, f"the check {code} failed")
