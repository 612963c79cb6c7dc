"""The one exception that the session's programs raise for people to read."""

from __future__ import annotations

import errno
from enum import IntEnum

_FULL = (errno.ENOSPC, errno.EDQUOT)
_FULL_TEXTS = ("No space left on device", "Disk quota exceeded", "unable to write file")


class Code(IntEnum):
    """What kind of no this is; the value is the HTTP status that says it."""

    BAD_INPUT = 400
    REFUSED = 403
    NOT_FOUND = 404
    CONFLICT = 409
    TOO_LARGE = 413
    NO_ROOM = 507
    UNAVAILABLE = 503
    FAILED = 500


class SessionError(Exception):
    """``message`` says what happened, ``hint`` what to do next; plain text, both."""

    def __init__(self, code: Code, message: str, hint: str = "") -> None:
        super().__init__(f"{message} {hint}".strip())
        self.code = code
        self.message = message
        self.hint = hint


def no_room() -> SessionError:
    """The home's disk or quota is full."""
    return SessionError(
        Code.NO_ROOM,
        "There is no room left in your home.",
        "Delete what you no longer need (the trash of the file browser too), then open the link "
        "again.",
    )


def is_full(problem: BaseException, said: str = "") -> bool:
    """Whether a failure means a full disk; ``said`` is what a program printed before it failed."""
    if isinstance(problem, OSError) and problem.errno in _FULL:
        return True
    return any(text in said for text in _FULL_TEXTS)
