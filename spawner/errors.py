"""The one exception that Carrel raises for people to read."""

from __future__ import annotations

from enum import Enum


class Code(Enum):
    """What kind of no this is; the value is the HTTP status that says it."""

    BAD_INPUT = 400
    REFUSED = 403
    NOT_FOUND = 404
    CONFLICT = 409
    TOO_MANY = 429
    UNAVAILABLE = 503
    FAILED = 500


class CarrelError(Exception):
    """Something did not work, told to a person: what happened, and what to do next.

    ``message`` is a sentence about what happened; ``hint`` is a sentence about the remedy and
    may be empty. Neither holds a traceback, a secret or markup.
    """

    def __init__(self, code: Code, message: str, hint: str = "") -> None:
        super().__init__(f"{message} {hint}".strip())
        self.code = code
        self.message = message
        self.hint = hint
