"""What an artist decided for a clip: merge settings for the whole of it, and others for some of its shots; as TOML.

    mask = "hull+model"        settings by their names on the command line, with _ for -
    erode = 3.5

    [[shots]]
    first = 120                frames, counted from 0; last is part of the shot
    last = 239
    colour = "mkl"             what is not named here is as above

`auto = true` lets a trial decide what the file leaves open (create/choose.py).
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from ..errors import InputError, nearest
from ..runs import write_text
from .merge_options import MergeOptions

_PLACES = ("first", "last")
_LEFT_OPEN = "auto"  # what the model decides; TOML has no word for a number that is not given
_PLAIN = MergeOptions()


@dataclass(frozen=True, slots=True)
class Shot:
    """Settings for frames first .. last, both included."""

    first: int
    last: int
    merge: MergeOptions


@dataclass(frozen=True, slots=True)
class MergePlan:
    """whole: settings where no shot has others; auto: whether a trial decides what `whole` leaves at its default."""

    whole: MergeOptions = _PLAIN
    shots: tuple[Shot, ...] = ()
    auto: bool = False

    @staticmethod
    def of(merge: MergePlan | MergeOptions | None) -> MergePlan:
        """A plan as it is; settings for a whole clip; None: what a trial decides."""
        if merge is None:
            return MergePlan(auto=True)
        return merge if isinstance(merge, MergePlan) else MergePlan(merge)

    def at(self, frame: int) -> MergeOptions:
        """The settings for a frame, by its index in the clip."""
        return next((shot.merge for shot in self.shots if shot.first <= frame <= shot.last), self.whole)

    def decided(self, whole: MergeOptions | None = None) -> MergePlan:
        """The plan with nothing left to a trial; whole: what one decided, for the whole and for shots where they say no
        other."""
        if whole is None or whole == self.whole:
            return MergePlan(self.whole, self.shots)
        chosen = whole.model_dump()
        shots = []
        for shot in self.shots:
            own = shot.merge.model_dump()
            merge = {name: value if value != getattr(self.whole, name) else chosen[name] for name, value in own.items()}
            shots.append(Shot(shot.first, shot.last, MergeOptions(**merge)))
        return MergePlan(whole, tuple(shots))

    def each(self) -> list[MergeOptions]:
        """All settings that occur."""
        return list(dict.fromkeys([self.whole, *(shot.merge for shot in self.shots)]))

    def as_json(self) -> dict:
        """All values, for a header or a report."""
        return {
            "auto": self.auto,
            **self.whole.model_dump(mode="json"),
            "shots": [
                {"first": shot.first, "last": shot.last, **shot.merge.model_dump(mode="json")} for shot in self.shots
            ],
        }


def plan_of(words: str, settings: MergeOptions) -> MergePlan:
    """What --merge (auto, usual, or the path of a file) and the flags of single settings say together. Raises
    InputError."""
    if words in ("auto", "usual"):
        return MergePlan(settings, auto=words == "auto")
    own = settings.model_dump(exclude_defaults=True)
    if own:
        flag = next(iter(own)).replace("_", "-")
        raise InputError(f"--merge {words} and --{flag} cannot stand together; write that setting into the file.")
    return read_plan(Path(words))


def read_plan(path: Path) -> MergePlan:
    """The plan that a TOML file holds. Raises InputError, naming what is wrong in it."""
    path = Path(path)
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"There are no merge settings {path} ({error.strerror}); name a .toml file, or auto."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not TOML: {error}.") from None
    shots, auto = told.pop("shots", []), told.pop("auto", False)
    if not isinstance(auto, bool):
        raise InputError(f"{path}: auto cannot be {auto!r}; write true or false.")
    if not isinstance(shots, list) or not all(isinstance(shot, dict) for shot in shots):
        raise InputError(f"{path}: shots must be tables, each headed by [[shots]].")
    whole = _options(told, {}, f"{path}", ("auto", "shots"))
    return MergePlan(
        whole, _in_order(path, [_shot(path, number, shot, told) for number, shot in enumerate(shots, 1)]), auto
    )


def write_plan(path: Path, plan: MergePlan) -> None:
    """Write what read_plan reads back as the same plan. Raises OutputError."""
    write_text(path, plan_text(plan))


def plan_text(plan: MergePlan) -> str:
    """The plan as TOML: every setting of the whole, and what each shot has otherwise."""
    whole = plan.whole.model_dump(mode="json")
    lines = ["# merge settings; use them again with --merge THIS_FILE", *(["auto = true"] if plan.auto else [])]
    lines += _lines(whole)
    for shot in plan.shots:
        own = shot.merge.model_dump(mode="json")
        other = {name: value for name, value in own.items() if value != whole[name]}
        lines += ["", "[[shots]]", f"first = {shot.first}", f"last = {shot.last}", *_lines(other)]
    return "\n".join(lines) + "\n"


def _lines(values: dict) -> list[str]:
    return [f"{name} = {_toml(value)}" for name, value in values.items()]


def _toml(value: str | float | bool | None) -> str:
    if value is None:
        return f'"{_LEFT_OPEN}"'
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _shot(path: Path, number: int, told: dict, whole: dict) -> Shot:
    where = f"{path}, shot {number}"
    own = dict(told)
    places = [own.pop(name, None) for name in _PLACES]
    for name, place in zip(_PLACES, places):
        if not isinstance(place, int) or isinstance(place, bool) or place < 0:
            raise InputError(f"{where}: {name} cannot be {place!r}; give a frame number, counted from 0.")
    first, last = places
    if last < first:
        raise InputError(f"{where} ends at frame {last}, before it begins at {first}; exchange first and last.")
    return Shot(first, last, _options(own, whole, where, _PLACES))


def _options(own: dict, whole: dict, where: str, more: tuple[str, ...]) -> MergeOptions:
    """Settings by their names; more: other words that are known there."""
    for name in own:
        if name not in MergeOptions.model_fields:
            raise InputError(
                f"{where}: there is no setting '{name}'.{nearest(name, [*MergeOptions.model_fields, *more])}"
            )
    told = {name: None if _is_open(name, value) else value for name, value in {**whole, **own}.items()}
    try:
        return MergeOptions(**told)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _is_open(name: str, value: object) -> bool:
    return value == _LEFT_OPEN and MergeOptions.model_fields[name].default is None


def _in_order(path: Path, shots: list[Shot]) -> tuple[Shot, ...]:
    shots = sorted(shots, key=lambda shot: shot.first)
    for one, other in pairwise(shots):
        if other.first <= one.last:
            raise InputError(
                f"{path}: the shots {one.first}..{one.last} and {other.first}..{other.last} share frames; part them."
            )
    return tuple(shots)
