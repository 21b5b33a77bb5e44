"""Tags as one line of text: a dict goes into the one field that every container keeps, and comes back equal.

MP4, MOV, Matroska, WebM, AVI and JPEG share no set of metadata keys, but each of them keeps a comment, and players and
file managers show it. So all tags travel in the comment, legible as they stand: "synthetic_media=yes; software=...".
"""

from __future__ import annotations

from urllib.parse import quote, unquote

_PLAIN = " !\"#$&'()*+,-./:<>?@[]^_`{|}~"  # everything legible except the three signs with a meaning here: ; = %


def pack_tags(tags: dict[str, str]) -> str:
    """One line "key=value; key=value"; the signs ; = % and control characters are percent-escaped."""
    return "; ".join(f"{_escape(key)}={_escape(value)}" for key, value in tags.items())


def unpack_tags(text: str) -> dict[str, str]:
    """The inverse of pack_tags; {} for a comment that somebody else wrote."""
    pairs = [part.partition("=") for part in text.split("; ")] if text else []
    if not all(key and sign for key, sign, _ in pairs):
        return {}
    return {unquote(key): unquote(value) for key, _, value in pairs}


def _escape(text: str) -> str:
    return "".join(sign if ord(sign) > 159 else quote(sign, safe=_PLAIN) for sign in text)
