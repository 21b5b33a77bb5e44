"""The base of all option records: frozen, unknown keys refused, field docstrings become help on the command line.

A record lives beside the function that reads it; a preset is a record written in code with the reason for each number.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from .errors import InputError, nearest


class Options(BaseModel):
    """Frozen options that say which value was refused and why."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs):
        for field in cls.model_fields.values():  # docstrings break where lines of code do; help breaks lines of its own
            field.description = field.description and " ".join(field.description.split())

    def __init__(self, **values):
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise InputError(_sentence(type(self), error)) from None

    def changed(self, **values) -> Self:
        """A copy with some values changed, checked again."""
        return type(self)(**{**self.model_dump(), **values})

    def to_json(self) -> str:
        """All values as indented JSON."""
        return self.model_dump_json(indent=2)

    @classmethod
    def from_json(cls, text: str, where: str | Path = "the options") -> Self:
        """Read back what to_json wrote; raises InputError naming `where`."""
        try:
            values = json.loads(text)
        except json.JSONDecodeError as error:
            raise InputError(f"{where} is not JSON ({error}); restore it or begin a new run.") from None
        if not isinstance(values, dict):
            raise InputError(f"{where} holds no options; restore it or begin a new run.")
        return cls(**values)


def _sentence(record: type[Options], error: ValidationError) -> str:
    """The first thing wrong with the values given, for a person."""
    problem = error.errors()[0]
    name = ".".join(str(part) for part in problem["loc"]) or record.__name__
    if problem["type"] == "extra_forbidden":
        return f"There is no option '{name}'.{nearest(name, record.model_fields)}"
    why = problem["msg"].removeprefix("Value error, ").rstrip(".")
    return f"Option '{name}' cannot be {problem['input']!r}: {why[0].lower()}{why[1:]}."
