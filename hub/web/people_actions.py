"""What is done to the people that were chosen on the people page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from enum import Enum

from hub import looking_after, resets, sessions
from hub.audit import By
from hub.hub_api import stop_timeout_s
from hub.looking_after import Deed, Outcome
from hub.web.leaving import Leaver, put_out
from hub.web.people import PeopleHandler
from spawner.errors import CarrelError, Code

MOST_AT_ONCE = 500


class Action(Enum):
    """The buttons of the people page."""

    DISABLE = "disable"
    ENABLE = "enable"
    RESET = "reset"
    DELETE = "delete"
    ROLE = "role"
    RESTORE = "restore"


TO_CONFIRM = frozenset({Action.DISABLE, Action.DELETE})
"""What is asked about once more, with the names: it takes something away from people."""
ENDS_LOGINS = {
    Action.DISABLE: "The account was disabled.",
    Action.DELETE: "The account was deleted.",
}
"""With what the record says of a session that ends with them."""


class PeopleActions(PeopleHandler):
    """``POST /people/do``: ``action`` and one or more ``name``."""

    async def post(self) -> None:
        action, names = self._action(), self._names()
        if action in TO_CONFIRM and not self.get_body_argument("confirmed", ""):
            self.page(
                "confirm.html", action=action.value, names=names, kept_days=self._kept.days,
            )  # fmt: skip
            return
        if action is Action.RESET:
            self.once.take(self.get_body_argument("once", ""))
        by = self.by()
        outcomes = await self.decide(looking_after.each, names, self._deed(action, by), by)
        pending = await self._end(action, outcomes)
        if self.wants_json:
            self.finish({"outcomes": [self._as_json(o) for o in outcomes], "pending": pending})
            return
        self.page(
            "outcomes.html", action=action.value, outcomes=outcomes, pending=pending,
            links={o.name: self._link(o.token) for o in outcomes if o.token},
            kept_days=self._kept.days, hours=self.carrel.auth.reset_link_hours,
        )  # fmt: skip

    def _action(self) -> Action:
        try:
            return Action(self.get_body_argument("action", ""))
        except ValueError as error:
            raise CarrelError(
                Code.BAD_INPUT, "There is no such action.", "Use the buttons of the people page."
            ) from error

    def _names(self) -> list[str]:
        names = list(dict.fromkeys(self.get_body_arguments("name")))
        if not names:
            raise CarrelError(
                Code.BAD_INPUT, "Nobody was chosen.", "Go back and mark somebody on the list."
            )
        if len(names) > MOST_AT_ONCE:
            raise CarrelError(
                Code.BAD_INPUT, f"At most {MOST_AT_ONCE} people at a time.", "Choose fewer."
            )
        return names

    @property
    def _kept(self) -> timedelta:
        return timedelta(days=self.carrel.auth.home_kept_days)

    def _deed(self, action: Action, by: By) -> Deed:
        match action:
            case Action.DISABLE:
                return looking_after.disable(self.actor, by)
            case Action.ENABLE:
                return looking_after.enable(self.actor, by)
            case Action.RESET:
                self.carrel.require_passwords()
                lifetime = timedelta(hours=self.carrel.auth.reset_link_hours)
                return looking_after.reset(self.actor, lifetime, by)
            case Action.DELETE:
                return looking_after.delete(self.actor, by.at + self._kept, by)
            case Action.RESTORE:
                return looking_after.restore(self.actor, by)
            case Action.ROLE:
                role = self.role(self.get_body_argument("role", ""))
                return looking_after.set_role(self.actor, role, by)

    async def _end(self, action: Action, outcomes: Sequence[Outcome]) -> list[str]:
        """Ends logins and sessions where that is due; whose are not over yet."""
        if action not in ENDS_LOGINS:
            return []
        # Also of those that were disabled already: the hub may not have answered the first time.
        names = [outcome.name for outcome in outcomes if outcome.refused is None]
        active = {s.user: s.id for s in await self.read(sessions.active)}
        leavers = [Leaver(name, active.get(name), ENDS_LOGINS[action]) for name in names]
        return await put_out(self.hub_api, leavers, stop_timeout_s(self.carrel))

    def _link(self, token: str) -> str:
        return resets.url(self.carrel.public_url, token)

    def _as_json(self, outcome: Outcome) -> dict[str, object]:
        link = self._link(outcome.token) if outcome.token else None
        return {
            "name": outcome.name,
            "changed": outcome.changed,
            "refused": outcome.refused,
            "link": link,
        }
