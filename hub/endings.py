"""Reads what a session is to be ended for, and who may say what (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from hub.enums import Reason
from spawner.ending import Ask
from spawner.errors import CarrelError, Code

MOST_DETAIL = 500
"""In characters."""


class Asker(Enum):
    """Who asks: the session's own user, another person, or one of the hub's services."""

    OWNER = "owner"
    OTHER = "other"
    SERVICE = "service"


MAY_SAY = {
    # Records speak the truth: nobody says of themselves that the culler did it.
    Asker.OWNER: (Reason.STOPPED_BY_USER,),
    Asker.OTHER: (Reason.ADMIN,),
    Asker.SERVICE: (Reason.ADMIN, Reason.STOPPED_BY_USER, Reason.IDLE),
}
"""Which reasons each may give; the first is meant where none is."""


@dataclass(frozen=True)
class Wish:
    """The body of a request as it came."""

    body: Any
    asker: Asker

    def ask(self) -> Ask:
        """Raises CarrelError: BAD_INPUT for another form, REFUSED for others' reasons."""
        body = {} if self.body is None else self.body
        if not isinstance(body, dict) or not body.keys() <= {"reason", "detail"}:
            raise CarrelError(
                Code.BAD_INPUT, "This is no ending.", "Send nothing, or reason and detail as JSON."
            )
        allowed = MAY_SAY[self.asker]
        return Ask(_reason(body.get("reason", allowed[0].value), allowed), _detail(body))


def _reason(wanted: Any, allowed: tuple[Reason, ...]) -> Reason:
    known = {reason.value: reason for reason in Reason}
    if not isinstance(wanted, str) or wanted not in known:
        raise CarrelError(
            Code.BAD_INPUT,
            "There is no such reason.",
            f"You may say: {', '.join(reason.value for reason in allowed)}.",
        )
    if known[wanted] not in allowed:
        raise CarrelError(
            Code.REFUSED,
            "This reason is not yours to give.",
            f"You may say: {', '.join(reason.value for reason in allowed)}.",
        )
    return known[wanted]


def _detail(body: dict[str, Any]) -> str:
    detail = body.get("detail", "")
    if not isinstance(detail, str) or len(detail) > MOST_DETAIL or not detail.isprintable():
        raise CarrelError(
            Code.BAD_INPUT,
            "The detail cannot be used.",
            f"It is one line of at most {MOST_DETAIL} characters.",
        )
    return detail
