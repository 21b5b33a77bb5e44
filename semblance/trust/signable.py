"""Which files carry a C2PA manifest inside, told by suffix or by first bytes, and where it lies for all others.

mp4, mov, m4a, avi, png, jpg, webp, tiff, gif, avif, wav, mp3 and flac carry it inside; of all others (mkv, webm,
ogg...) it lies beside the file, in NAME.c2pa.
"""

from __future__ import annotations

from pathlib import Path

from ..errors import MediaError

BESIDE = "application/octet-stream"
"""How the C2PA library calls what it only hashes."""
LARGEST = 1 << 30
"""Bytes of a file that the library reads into memory as it is."""
INSIDE = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".m4a": "audio/mp4",
    ".avi": "video/x-msvideo",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".gif": "image/gif",
    ".avif": "image/avif",
    ".wav": "audio/wav",
    ".mp3": "audio/mpeg",
    ".flac": "audio/flac",
}
_WHOLE = ("image/jpeg", "image/tiff", "audio/mpeg", "audio/flac")  # the library reads these into memory as they are
_TRACE = b"jumdc2pa\0\x11\0\x10"  # how every manifest store begins: left over where the rest cannot be read
_MARGIN = 1 << 20  # bytes at either end of a file in which a manifest begins


def sidecar_of(path: Path) -> Path:
    """Where the manifest of a file lies that cannot carry it inside: clip.mkv.c2pa.

    Some tools write clip.c2pa, which is read here, too; but then clip.mkv and clip.webm would share one.
    """
    path = Path(path)
    return path.with_name(f"{path.name}.c2pa")


def embeds(suffix: str) -> bool:
    """Whether files of this suffix carry the manifest inside."""
    return suffix.lower() in INSIDE


def kind_of(path: Path) -> str:
    """Which of the kinds that carry manifests a file is, by its first bytes; "" for none. Raises MediaError."""
    try:
        if not path.exists():
            raise MediaError(f"There is no file {path}; check the name.")
        if not path.is_file():
            raise MediaError(f"{path} is no file; name a picture, a clip or a sound.")
        size = path.stat().st_size
        with open(path, "rb") as file:
            head = file.read(32)
    except OSError as error:
        raise MediaError(f"{path} cannot be read: {error.strerror}.") from None
    if size == 0:
        raise MediaError(f"{path} is empty (0 bytes); copy or export it again.")
    kind = _kind(head)
    if kind in _WHOLE and size > LARGEST:
        raise MediaError(f"{path} has {size / 2**30:.1f} GB; {kind} is checked up to {LARGEST >> 30} GB only.")
    return kind


def _kind(head: bytes) -> str:
    if head[4:8] == b"ftyp":
        return {b"avif": "image/avif", b"qt  ": "video/quicktime", b"M4A ": "audio/mp4"}.get(head[8:12], "video/mp4")
    if head[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}.get(head[8:12], "")
    starts = {
        b"\x89PNG": "image/png",
        b"\xff\xd8\xff": "image/jpeg",
        b"GIF8": "image/gif",
        b"II*\0": "image/tiff",
        b"MM\0*": "image/tiff",
        b"fLaC": "audio/flac",
        **dict.fromkeys((b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2"), "audio/mpeg"),
    }
    return next((kind for start, kind in starts.items() if head.startswith(start)), "")


def leaves_trace(path: Path) -> bool:
    """Whether there are remains of a manifest near either end."""
    with open(path, "rb") as file:
        head = file.read(_MARGIN)
        file.seek(max(0, path.stat().st_size - _MARGIN))
        return _TRACE in head or _TRACE in file.read(_MARGIN)
