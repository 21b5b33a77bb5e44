"""What does a file say of its making, and does that hold? path -> one of five answers, in words.

ours      a C2PA manifest, whole, signed by an identity that this machine has or had
another   a C2PA manifest, whole, signed by somebody whom this machine does not know
broken    a manifest that does not fit the file any more, or is itself damaged
label     no manifest, but our watermark or our plain label
nothing   none of these

Nothing is fetched from the network, and nothing is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from ..errors import MediaError, SemblanceError
from ..media.folder import pictures_in
from ..media.image import png_tags, read_tags
from ..media.opening import STILLS, open_clip
from ..media.tags import unpack_tags
from ..runs import Progress, StopSignal
from .claim import Claim
from .keys import Known, known_signers
from .manifest import Manifest, Past, as_json, read_manifest
from .signable import kind_of

Answer = Literal["ours", "another", "broken", "label", "nothing"]
EXIT_CODES = {"ours": 0, "another": 0, "label": 0, "broken": 1, "nothing": 4}
UNREAD = 2  # exit code where a picture of a folder cannot be read at all
_LABELLED = (*STILLS, ".exr")
_PNG_HEAD = 16 << 20  # bytes in which a PNG's tags are looked for: they lie before its pixels
_ROWS, _WIDTH = 40, 400  # of what a manifest says, which may be anything
_SHOWN = 5  # failures of a folder that are named

_SHORT = {
    "ours": "signed by us, unchanged",
    "another": "signed by somebody else, unchanged",
    "broken": "signed, but it does not hold any more",
    "label": "not signed, but labelled as synthetic",
    "nothing": "no label found",
}
_MEANING = {
    "ours": "This proves that picture and sound are, bit for bit, what an identity of this machine signed. It does not "
    "prove that what was said then is true: that is the signer's word.",
    "another": "This proves that picture and sound did not change since that certificate signed them. Who stands "
    "behind it is not known to this machine: anybody can make a certificate with any name.",
    "broken": "The file was changed or damaged since it was signed, by whom and how cannot be told. Nothing that the "
    "manifest says can be relied on; ask for the original.",
    "label": "This says that Semblance made or changed the file. It is not signed: such a label can be copied onto any "
    "file, and the rest of the file may have changed since.",
    "nothing": "This does not prove that the file is real: labels get lost when a file is encoded again, sent or "
    "photographed from a screen, and most synthetic media never had one. `verify` reads labels, it does not judge "
    "pictures.",
}


class Mark(Protocol):
    """What a search for the watermark finds."""

    payload: str  # 16 hexadecimal digits
    log10_false: float  # of the chance that an unmarked file looks so


FindMark = Callable[[Path], Mark | None]


@dataclass(frozen=True)
class Verdict:
    """The answer for one file, and what it rests on."""

    path: Path
    answer: Answer
    manifest: Manifest
    payload: str = ""  # of the watermark, where one was looked for and found
    log10_false: float = 0.0  # of the chance that an unmarked file looks so
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """0 where the file's labels hold, 1 broken, 4 none."""
        return EXIT_CODES[self.answer]

    def line(self) -> str:
        """One line: the file, the answer and why."""
        why = f" ({'; '.join(self.manifest.problems)})" if self.answer == "broken" else ""
        return _printable(f"{self.path}: {_SHORT[self.answer]}{why}")

    def text(self) -> str:
        """The answer for a person, with what it proves and what not."""
        rows = [f"  {_printable(row)}" for row in _rows(self)]
        more = [f"  ... and {len(rows) - _ROWS} lines more; see --json"] * (len(rows) > _ROWS)
        return "\n".join([self.line(), *rows[:_ROWS], *more, _MEANING[self.answer]])

    def as_json(self) -> dict:
        """The same for a program."""
        return {
            "file": str(self.path),
            "answer": self.answer,
            "holds": self.exit_code == 0,
            "said": _SHORT[self.answer],
            "meaning": _MEANING[self.answer],
            "watermark": self.payload or None,
            "watermark_log10_false": self.log10_false if self.payload else None,
            "tags": self.tags,
            "manifest": None if self.manifest.state == "absent" else as_json(self.manifest),
            "problems": list(self.manifest.problems),
        }


@dataclass(frozen=True)
class FolderVerdict:
    """The answers for the pictures of a folder. Each is signed by itself: one that was taken out is not missed."""

    folder: Path
    verdicts: tuple[Verdict, ...]
    unread: dict[Path, str] = field(default_factory=dict)
    mark: Mark | None = None  # of all pictures together, looked for where one of them has no label

    @property
    def exit_code(self) -> int:
        """0 where all labels hold, 1 one is broken, 2 one cannot be read, 4 one has none."""
        codes = {verdict.exit_code for verdict in self.verdicts} | ({UNREAD} if self.unread else set())
        return min(codes - {0}, default=0)

    def text(self) -> str:
        """A line per answer with its count, then the first pictures whose labels do not hold."""
        counts = self._counts()
        total = len(self.verdicts) + len(self.unread)
        lines = [f"{self.folder}: {total} pictures"]
        lines += [f"  {count:>6}  {_SHORT[answer]}" for answer, count in counts.items()]
        lines += [f"  {len(self.unread):>6}  cannot be read"] * bool(self.unread)
        failed = [verdict.line() for verdict in self.verdicts if verdict.exit_code] + list(self.unread.values())
        lines += failed[:_SHOWN]
        lines += [f"... and {len(failed) - _SHOWN} more"] * (len(failed) > _SHOWN)
        lines += [f"  {mark_words(self.mark.payload, self.mark.log10_false)}"] if self.mark else []
        return "\n".join([*lines, *(_MEANING[answer] for answer in counts)])

    def as_json(self) -> dict:
        """The same for a program, every picture with its answer."""
        return {
            "folder": str(self.folder),
            "holds": self.exit_code == 0,
            "answers": self._counts(),
            "watermark": self.mark.payload if self.mark else None,
            "unread": {str(path): words for path, words in self.unread.items()},
            "files": [verdict.as_json() for verdict in self.verdicts],
        }

    def _counts(self) -> dict[str, int]:
        counted = Counter(verdict.answer for verdict in self.verdicts)
        return {answer: counted[answer] for answer in EXIT_CODES if counted[answer]}


def verify(path: Path, find_mark: FindMark | None = None, known: Known | None = None) -> Verdict:
    """The answer for one file.

    find_mark looks for our watermark (it is asked only where no manifest holds); known: the signers that count as ours,
    None: this machine's. Raises MediaError for what is no picture, clip or sound.
    """
    path = Path(path)
    manifest = read_manifest(path, known)
    if manifest.state in ("ours", "another"):
        return Verdict(path, manifest.state, manifest)
    mark = _looked_for(path, find_mark)
    tags = _tags(path, kind_of(path), expected=manifest.state == "absent" and not mark)
    payload, false = (mark.payload, mark.log10_false) if mark else ("", 0.0)
    if manifest.state == "broken":
        return Verdict(path, "broken", manifest, payload, false, tags)
    labelled = bool(payload) or tags.get("synthetic_media") == "yes"
    return Verdict(path, "label" if labelled else "nothing", manifest, payload, false, tags)


def verify_folder(
    folder: Path,
    find_mark: FindMark | None = None,
    progress: Progress | None = None,
    stop: StopSignal | None = None,
) -> FolderVerdict:
    """The answers for all pictures directly in a folder. find_mark looks at the folder as a whole, where a picture has
    no label. Raises MediaError if there are none, Stopped."""
    folder, progress, stop, known = Path(folder), progress or Progress(), stop or StopSignal(), known_signers()
    pictures = pictures_in(folder, _LABELLED)
    if not pictures:
        raise MediaError(f"{folder} holds no pictures ({', '.join(STILLS)}); name a file or a folder of pictures.")
    verdicts, unread = [], {}
    progress.stage("verify", len(pictures), "pictures")
    for picture in pictures:
        stop.check("Nothing was written.")
        try:
            verdicts.append(verify(picture, None, known))
        except MediaError as error:
            unread[picture] = str(error)
        progress.advance()
    lacks = any(verdict.answer in ("nothing", "broken") for verdict in verdicts)
    return FolderVerdict(folder, tuple(verdicts), unread, _looked_for(folder, find_mark) if lacks else None)


def _looked_for(path: Path, find_mark: FindMark | None) -> Mark | None:
    try:
        return find_mark(path) if find_mark else None
    except SemblanceError:
        return None  # a file too damaged to be searched carries no mark that could be told


def _tags(path: Path, kind: str, expected: bool) -> dict[str, str]:
    """The plain tags of a picture or clip; sound and other pictures carry none of ours.

    Raises MediaError for what is no media at all, if one could expect tags of it.
    """
    try:
        if kind == "image/png":
            with open(path, "rb") as file:
                return png_tags(file.read(_PNG_HEAD), str(path))
        if kind in ("image/jpeg", "image/tiff") or path.suffix.lower() == ".exr":
            return read_tags(path)
        if kind.startswith(("image/", "audio/")):
            return {}
        with open_clip(path) as container:
            fields = {key.lower(): value for key, value in container.metadata.items()}
        return unpack_tags(fields.get("comment", ""))
    except MediaError:
        if expected and not kind:
            raise MediaError(
                f"{path} is no picture, clip or sound that carries labels; expected PNG, JPEG, WebP, MP4, MOV, AVI, "
                "MKV, WebM, WAV, MP3..."
            ) from None
        return {}


def _rows(verdict: Verdict) -> list[str]:
    """What there is to tell, a row each."""
    manifest, rows = verdict.manifest, []
    if signer := manifest.signer:
        by = signer.name if signer.organisation in ("", signer.name) else f"{signer.name} ({signer.organisation})"
        known = f", fingerprint {signer.fingerprint[:16]}" if signer.fingerprint else f", serial number {signer.serial}"
        rows.append(f"signed by    {by}{known}")
        rows.append(f"time stamp   {manifest.time or 'none: when it was signed cannot be told'}")
    if manifest.claim:
        rows += _claim_rows(manifest.claim)
    rows += [f"it says      {words}" for words in manifest.says]
    rows += [f"made from    {words}" for part in manifest.past for words in _past_rows(part)]
    if manifest.beside:
        rows.append(f"manifest     in {manifest.beside.name}, beside the file")
    if verdict.payload:
        rows.append(mark_words(verdict.payload, verdict.log10_false))
    if verdict.tags:
        rows.append("plain label  " + "; ".join(f"{key}={value}" for key, value in verdict.tags.items()))
    rows += [f"note         {words}" for words in manifest.problems if verdict.answer != "broken"]
    return rows


def mark_words(payload: str, log10_false: float) -> str:
    """A row that tells a mark, and how sure it is."""
    return f"watermark    {payload}; an unmarked file looks so less than once in 1e{int(-log10_false)} times"


def _printable(text: str) -> str:
    """Without signs that could steer a terminal: a stranger wrote it."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text[:_WIDTH])


def _claim_rows(claim: Claim) -> list[str]:
    rows = [f"software     {claim.software}"]
    if claim.nobody_real:
        rows.append("people       nobody real is shown")
    if claim.consent:
        rows.append(f"consent      {', '.join(claim.consent)}")
    if claim.model:
        rows.append("model        " + ", ".join(f"{key} {value}" for key, value in claim.model.items()))
    return rows


def _past_rows(part: Past, depth: int = 0) -> list[str]:
    signed = f", signed by {part.signer}" if part.signer else ""
    broken = "" if part.intact else ", its own manifest did not hold"
    says = f": {'; '.join(part.says)}" if part.says else ""
    row = f"{'  ' * depth}{part.title} ({part.role}){signed}{broken}{says}"
    return [row, *(row for deeper in part.past for row in _past_rows(deeper, depth + 1))]
