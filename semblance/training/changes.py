"""Changes of a model's options as a person types them, NAME=VALUE, and the list of what there is to change."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from ..errors import InputError
from ..options import Options


def changed_by(config: Options, changes: Sequence[str]) -> Options:
    """A model's Config with changes such as "gan_power=0.1" or "augment.flip=0.5", checked by the model.

    Values are JSON, or plain words. Raises InputError for one without a name, an unknown name, or an impossible value.
    """
    values = config.model_dump()
    for change in changes:
        name, sign, text = change.partition("=")
        if not sign or not name.strip():
            raise InputError(f"'{change}' is no change of an option; write NAME=VALUE, for example batch=8.")
        *path, last = name.strip().split(".")
        part = values
        for step in path:
            part = part.get(step)
            if not isinstance(part, dict):
                raise InputError(f"There is no group of options '{step}' in '{change}'; see `semblance models MODEL`.")
        part[last] = _value(text)
    return type(config)(**values)


def described(config: Options, prefix: str = "") -> Iterator[str]:
    """One line for each option: name, value in this preset, what it is."""
    for name, field in type(config).model_fields.items():
        value = getattr(config, name)
        if isinstance(value, Options):
            yield from described(value, f"{prefix}{name}.")
        else:
            about = " ".join((field.description or "").split())
            yield f"{prefix + name:<24} {json.dumps(value)!s:<16} {about}"


def _value(text: str):
    try:
        return json.loads(text)
    except ValueError:
        return {"True": True, "False": False}.get(text.strip(), text.strip())
