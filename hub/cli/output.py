"""Prints what verbs have to say: tables, JSON, and errors with their exit code."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import Any, NoReturn, ParamSpec, TypeVar

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hub import moments
from spawner.errors import CarrelError, Code

REFUSED = 2
FAILED = 1
_FAILURES = {Code.UNAVAILABLE, Code.FAILED}
PIPE_WIDTH = 200
"""Columns of a table that no terminal shows, in characters."""

P = ParamSpec("P")
T = TypeVar("T")


def verb(function: Callable[P, T]) -> Callable[P, T]:
    """A verb whose CarrelError becomes a message and an exit code."""

    @functools.wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except CarrelError as error:
            fail(error)

    return wrapped


def fail(error: CarrelError) -> NoReturn:
    """Says what happened and what to do; leaves with 1 for a failure, 2 for a refusal."""
    print(error.message, file=sys.stderr)
    if error.hint:
        print(error.hint, file=sys.stderr)
    raise typer.Exit(FAILED if error.code in _FAILURES else REFUSED)


def note(text: str) -> None:
    """A line for the person, beside what a script reads from stdout."""
    print(text, file=sys.stderr)


def table(headers: Sequence[str], rows: Sequence[Sequence[Any]], empty: str) -> None:
    """Rows under headers, or the sentence ``empty``."""
    if not rows:
        print(empty)
        return
    width = None if sys.stdout.isatty() else PIPE_WIDTH
    shown = Table(*headers, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        # Text, not str: brackets in what people wrote are no markup.
        shown.add_row(*(Text(_cell(value)) for value in row))
    Console(width=width, highlight=False).print(shown)


def as_json(value: Any) -> None:
    """The value as JSON: times in ISO 8601 (UTC), enums by their value."""
    print(json.dumps(value, default=_plain, indent=2))


def _cell(value: Any) -> str:
    if isinstance(value, datetime):
        return moments.spelled(value)
    return "-" if value is None or value == "" else str(_plain(value))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds")
    return value.value if isinstance(value, Enum) else str(value)
