"""One's secrets: entered, replaced, deleted, and granted to notebooks. No value is ever shown.

The hub seals what comes in here; this process cannot open it again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import sqlalchemy as sa

from hub import secret_grants, user_secrets
from hub.enums import GrantState
from hub.secret_grants import Grant, Reader
from hub.user_secrets import Sealed, Secret
from hub.web.base import Handler
from hub.web.blocking import Blocking
from spawner.errors import CarrelError, Code

MOST_SHOWN = 100
"""Characters of a refused name or path that a form holds again."""


class Action(Enum):
    """The buttons of a secret."""

    REPLACE = "replace"
    DELETE = "delete"
    ALLOW = "allow"
    REVOKE = "revoke"
    REFUSE = "refuse"
    EVERYWHERE = "everywhere"
    LISTED = "listed"


MENDED = frozenset({Action.REPLACE, Action.ALLOW})
"""Whose form is shown again with what is wrong; the others hold nothing that was typed."""


@dataclass(frozen=True)
class Shown:
    """A secret with its notebooks."""

    secret: Secret
    granted: tuple[Grant, ...]
    asked: tuple[Grant, ...]
    """Those that were told no, the latest first."""


@dataclass(frozen=True)
class Filled:
    """What a form holds again, and what is wrong; never a value."""

    action: Action | None = None
    """None: the form that adds one."""
    name: str = ""
    notebook: str = ""
    problem: CarrelError | None = field(default=None, compare=False)


class SecretHandler(Handler):
    """What is about one's own secrets; nobody else's have an address."""

    async def show(self, filled: Filled) -> None:
        found = await self.read(_mine, self.person.name)
        if self.wants_json:
            self.finish({"secrets": [_as_json(one) for one in found]})
            return
        done = self.get_query_argument("done", "")
        self.page(
            "secrets.html", secrets=found, filled=filled, most=user_secrets.MOST,
            done=done if done in {action.value for action in Action} | {"saved"} else "",
        )  # fmt: skip

    async def mend(self, filled: Filled, problem: CarrelError) -> None:
        """The page once more, with what is wrong. Raises what no form can mend."""
        if self.wants_json or problem.code not in (Code.BAD_INPUT, Code.CONFLICT):
            raise problem
        self.set_status(problem.code.value)
        await self.show(filled)

    async def save(self, name: str, new: bool) -> None:
        """Has the value sealed and puts it on record. Raises CarrelError."""
        value = user_secrets.checked_value(self._value())
        blocking: Blocking = self.settings["blocking"]
        sealed = await blocking.run(
            self.person.name, self.hub_api.seal, self.person.name, name, value
        )
        await self.decide(user_secrets.save, self.person.name, Sealed(name, sealed, new), self.by())

    def back(self, done: str, name: str) -> None:
        """To the list, at that secret, whose name stays out of every log."""
        self.redirect(f"{self.prefix}secrets?done={done}#secret-{name}", status=303)

    def _value(self) -> str:
        """As it was typed: Tornado strips it, and puts bytes that are no text into the log."""
        raw = (self.request.body_arguments.get("value") or [b""])[-1]
        try:
            return user_secrets.typed(raw.decode())
        except UnicodeDecodeError:
            raise user_secrets.no_text() from None


class SecretsPage(SecretHandler):
    """``/secrets``: GET lists one's own, POST adds one."""

    async def get(self) -> None:
        await self.show(Filled())

    async def post(self) -> None:
        name = self.get_body_argument("name", "")
        try:
            await self.save(user_secrets.checked_name(name), new=True)
        except CarrelError as error:
            await self.mend(Filled(name=name[:MOST_SHOWN], problem=error), error)
            return
        if self.wants_json:
            self.finish({"saved": name})
        else:
            self.back("saved", name)


class SecretActions(SecretHandler):
    """``POST /secrets/do``: ``action``, ``name``, and a ``notebook`` or a ``value``."""

    async def get(self) -> None:
        """A page that was reloaded after a form was mended."""
        self.redirect(f"{self.prefix}secrets", status=303)

    async def post(self) -> None:
        action, name = self._action(), self.get_body_argument("name", "")
        if not user_secrets.is_name(name):
            raise user_secrets.none_of_it()
        confirmed = self.wants_json or self.get_body_argument("confirmed", "")
        if action is Action.DELETE and not confirmed:
            secret = await self.read(user_secrets.require, self.person.name, name)
            self.page("secrets_delete.html", secret=secret)
            return
        try:
            changed = await self._do(action, name)
        except CarrelError as error:
            if action not in MENDED:
                raise
            notebook = self.get_body_argument("notebook", "")[:MOST_SHOWN]
            await self.mend(Filled(action, name, notebook, error), error)
            return
        if self.wants_json:
            self.finish({"changed": changed})
        else:
            self.back(action.value, name)

    async def _do(self, action: Action, name: str) -> bool:
        """Whether anything changed."""
        user, by = self.person.name, self.by()
        match action:
            case Action.REPLACE:
                await self.save(name, new=False)
                return True
            case Action.DELETE:
                return await self.decide(user_secrets.delete, user, name, by)
            case Action.EVERYWHERE | Action.LISTED:
                everywhere = action is Action.EVERYWHERE
                return await self.decide(user_secrets.set_everywhere, user, name, everywhere, by)
            case Action.ALLOW:
                path = secret_grants.checked_notebook(self.get_body_argument("notebook", ""))
                return await self.decide(secret_grants.allow, Reader(user, name, path), by)
            case Action.REVOKE | Action.REFUSE:
                path = self.get_body_argument("notebook", "", strip=False)
                return await self.decide(secret_grants.withdraw, Reader(user, name, path), by)

    def _action(self) -> Action:
        try:
            return Action(self.get_body_argument("action", ""))
        except ValueError as error:
            raise CarrelError(
                Code.BAD_INPUT, "There is no such action.", "Use the buttons of the page Secrets."
            ) from error


def _mine(tx: sa.Connection, user: str) -> list[Shown]:
    grants = secret_grants.of_user(tx, user)
    found = []
    for secret in user_secrets.listed(tx, user):
        of_it = [one for one in grants if one.name == secret.name]
        asked = [one for one in of_it if one.state is GrantState.ASKED]
        asked.sort(key=lambda one: one.at, reverse=True)
        granted = tuple(one for one in of_it if one.state is GrantState.GRANTED)
        found.append(Shown(secret, granted, tuple(asked)))
    return found


def _as_json(one: Shown) -> dict[str, Any]:
    return {
        "name": one.secret.name,
        "everywhere": one.secret.everywhere,
        "created_at": one.secret.created_at.isoformat(),
        "changed_at": one.secret.changed_at.isoformat(),
        "notebooks": [grant.notebook for grant in one.granted],
        "asked": [{"notebook": g.notebook, "at": g.at.isoformat()} for g in one.asked],
    }
