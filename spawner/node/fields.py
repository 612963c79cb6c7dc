"""The fields of one JSON object, each taken once by its type; what is left over is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NoReturn

from spawner.errors import CarrelError, Code


def is_empty(value: Any) -> bool:
    """Whether a value is one of the defaults that Docker's clients send for "not given"."""
    return value is None or (
        isinstance(value, bool | int | float | str | list | dict) and not value
    )


class Fields:
    """Reads an object; every no is a CarrelError with ``code`` whose message names the field.

    A reason never holds a field's value: environments and commands carry secrets.
    """

    def __init__(self, table: Mapping[str, Any], where: str, code: Code) -> None:
        self._left = dict(table)
        self._where = where
        self._code = code

    def refuse(self, key: str, reason: str) -> NoReturn:
        # Keys are the caller's words: ascii() keeps line breaks and escapes out of the log.
        shown = key if re.fullmatch(r"[\w.-]{1,60}", key, re.ASCII) else ascii(key[:60])
        raise CarrelError(self._code, f"{self._where}{shown}: {reason}.")

    def take(self, key: str) -> Any:
        """The raw value, or None if absent."""
        return self._left.pop(key, None)

    def text(self, key: str, pattern: str) -> str:
        value = self.take(key)
        if not isinstance(value, str) or not re.fullmatch(pattern, value, re.ASCII):
            self.refuse(key, "must be a text of the agreed form")
        return value

    def number(self, key: str, low: int, high: int) -> int:
        value = self.take(key)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            self.refuse(key, f"must be a whole number from {low} to {high}")
        return value

    def texts(self, key: str, most: int) -> tuple[str, ...]:
        """A list of at most ``most`` texts without NUL; absent counts as empty."""
        value = [] if (taken := self.take(key)) is None else taken
        if not isinstance(value, list) or len(value) > most:
            self.refuse(key, f"must be a list of at most {most} texts")
        if not all(isinstance(item, str) and "\0" not in item for item in value):
            self.refuse(key, "must hold texts only")
        return tuple(value)

    def table(self, key: str) -> Fields:
        value = self.take(key)
        if not isinstance(value, dict):
            self.refuse(key, "must be an object")
        return Fields(value, f"{self._where}{key}.", self._code)

    def exactly(self, key: str, *allowed: Any) -> Any:
        """One of the given values, of the same JSON type (1 is not true)."""
        value = self.take(key)
        if not any(_same(value, one) for one in allowed):
            self.refuse(key, f"must be {' or '.join(_shown(one) for one in allowed)}")
        return value

    def empty(self, *keys: str) -> None:
        """Fields that must be absent or hold their default."""
        for key in keys:
            if not is_empty(self.take(key)):
                self.refuse(key, "must not be given")

    def finish(self, *, empty_passes: bool) -> None:
        """Refuses every field that nobody took; with ``empty_passes`` an empty one may stay."""
        for key, value in self._left.items():
            if not (empty_passes and is_empty(value)):
                self.refuse(key, "is not among the fields that node knows")


def _same(value: Any, other: Any) -> bool:
    if type(value) is not type(other):
        return False
    if isinstance(value, list):
        return len(value) == len(other) and all(map(_same, value, other))
    if isinstance(value, dict):
        return value.keys() == other.keys() and all(_same(value[k], other[k]) for k in value)
    return bool(value == other)


def _shown(value: Any) -> str:
    if value is None:
        return "absent"
    return str(value).lower() if isinstance(value, bool) else repr(value)
