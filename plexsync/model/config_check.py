"""The check of settings by pydantic, whose loading takes a fifth of a worker's start: no other module
imports it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import ConfigDict, Field, ValidationError, create_model

from plexsync.model.config import DECLARED, Limits, PlexSyncConfig


class SettingsRefused(ValueError):
    """Settings with a value of the wrong type or out of range; the text names them, never a value."""


def check(config: PlexSyncConfig) -> None:
    """Raise SettingsRefused unless each value has the type of its field and is within its limits."""
    values = {name: getattr(config, name) for name in DECLARED}
    try:
        _MODEL(**values)
    except ValidationError as refused:
        raise SettingsRefused(_words(refused)) from None


def _fields() -> Iterator[tuple[str, Any]]:
    for name, declared in DECLARED.items():
        limits = [each for each in get_args(declared.type) if isinstance(each, Limits)]
        number = Field(ge=limits[0].low, le=limits[0].high) if limits else ...
        yield name, (declared.type, number)


_STRICT = ConfigDict(
    strict=True, extra="forbid", hide_input_in_errors=True, arbitrary_types_allowed=True
)
_MODEL = create_model("PlexSyncConfig", __config__=_STRICT, **dict(_fields()))


def _words(refused: ValidationError) -> str:
    found = refused.errors(include_url=False, include_context=False, include_input=False)
    wrong = (f"{each['loc'][0]}: {each['msg']}" for each in found)
    return (
        f"PlexSync cannot use its settings: {'; '.join(wrong)}. This is a mistake in PlexSync; "
        "please report it."
    )
