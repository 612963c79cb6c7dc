"""JSON from outside as one dictionary, with nothing in it that two parsers could read differently.

The engine's parser takes the last of two equal keys, matches keys whatever their case, and turns
a lone surrogate into U+FFFD. What is refused here cannot mean one thing to node and another to
the engine.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

from spawner.errors import CarrelError, Code


def parse_object(text: bytes | str) -> dict[str, Any]:
    """The object in ``text``. Raises CarrelError(BAD_INPUT) that never quotes the text."""
    try:
        parsed = json.loads(text, object_pairs_hook=_no_twins, parse_constant=_no_constant)
        json.dumps(parsed, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, _RefusedError) else "it is malformed"
        raise CarrelError(Code.BAD_INPUT, f"This is not JSON that node takes: {reason}.") from None
    if not isinstance(parsed, dict):
        raise CarrelError(
            Code.BAD_INPUT, "This is not JSON that node takes: it must be one object."
        )
    return parsed


class _RefusedError(ValueError):
    pass


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise _RefusedError("a key occurs twice in one object")
    return table


def _no_constant(name: str) -> NoReturn:
    raise _RefusedError(f"{name} is not a number")
